import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  existsSync,
  fsync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { linesIn } from '../shared/lines-in.ts';
import { sha256 } from '../shared/model/canonical-json.ts';
import {
  type ChainEnd,
  checkpointBytes,
  coveredBy,
  keyIdOf,
  nextCheckpoint,
  publicKeysIn,
  readCheckpoint,
  START,
  signedLine,
  type Written,
} from '../shared/model/checkpoint.ts';
import { type RowCipher, SealedRowError, sealedWith } from '../shared/model/row-cipher.ts';

/** At least one checkpoint for so many records, and in less than a minute where anything was written. */
const EVERY_RECORDS = 100;
const EVERY_MS = 45_000;

export type CheckpointWriter = {
  /** Takes note of a record that was stored. */
  add: (record: Written) => void;
  /** Signs what was added since the last checkpoint, now. */
  flush: () => void;
  /** The number of the last record of each stream that is in a checkpoint. */
  covered: () => Map<string, number>;
};

/** The private key, made when there is none; nobody but the owner may read it. Sealed where there is a cipher. */
function keyIn(path: string, cipher: RowCipher | undefined): KeyObject {
  const place = [basename(path)];
  if (!existsSync(path)) {
    const { privateKey } = generateKeyPairSync('ed25519');
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
    writeFileSync(path, cipher ? cipher.seal(place, pem) : pem, { mode: 0o600, flag: 'wx' });
  }
  chmodSync(path, 0o600);
  const stored = readFileSync(path);
  if (!cipher && sealedWith(stored) !== undefined)
    throw new SealedRowError(`${path} is encrypted, and no key was given`);
  return createPrivateKey(cipher ? cipher.open(place, stored) : stored);
}

/** A line that a crash left unfinished was never a checkpoint; it would make the next one unreadable. */
function dropUnfinished(path: string): void {
  const size = statSync(path).size;
  const file = openSync(path, 'r');
  const isNewLine = (at: number) => {
    const byte = Buffer.alloc(1);
    readSync(file, byte, 0, 1, at);
    return byte[0] === 10;
  };
  try {
    let end = size;
    while (end > 0 && !isNewLine(end - 1)) end -= 1;
    if (end < size) truncateSync(path, end);
  } finally {
    closeSync(file);
  }
}

/**
 * Keeps signed checkpoints of a ledger on one machine: `checkpoints.jsonl` and `public-key.pem` in a directory of their
 * own, which may be on another disk, and the private key in `keyFile`. One process at a time.
 */
export function openCheckpointWriter({
  directory,
  keyFile,
  cipher,
  now,
}: {
  directory: string;
  keyFile: string;
  cipher?: RowCipher | undefined;
  now: () => string;
}): CheckpointWriter {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, 'checkpoints.jsonl');
  const keysFile = join(directory, 'public-key.pem');
  if (!existsSync(file)) writeFileSync(file, '', { mode: 0o600 });
  const privateKey = keyIn(keyFile, cipher);
  const pem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }) as string;
  const keyId = keyIdOf(pem);
  // Where the private key was lost a new one goes on; what the old one signed stays readable by its public key.
  if (!existsSync(keysFile) || !publicKeysIn(readFileSync(keysFile, 'utf8')).has(keyId))
    appendFileSync(keysFile, pem, { mode: 0o644 });
  const keys = publicKeysIn(readFileSync(keysFile, 'utf8'));
  dropUnfinished(file);

  let end: ChainEnd = START;
  const covered = new Map<string, number>();
  for (const line of linesIn(file)) {
    const read = readCheckpoint(line, keys);
    if ('problem' in read) {
      end = { number: end.number + 1, hash: sha256(line), total: end.total };
      continue;
    }
    for (const { stream, sequence } of coveredBy(read.checkpoint)) covered.set(stream, sequence);
    end = { number: read.checkpoint.number, hash: sha256(line), total: read.checkpoint.total };
  }

  let size = statSync(file).size;
  let waiting: Written[] = [];
  let timer: NodeJS.Timeout | undefined;
  const keep = (batch: readonly Written[]) => {
    const checkpoint = nextCheckpoint(batch, { end, recent: [], at: now(), keyId });
    if (!checkpoint) return;
    const line = signedLine(checkpoint, sign(null, checkpointBytes(checkpoint), privateKey));
    // Two runtimes that were given the same directory would fork the chain.
    if (statSync(file).size !== size) throw new Error(`somebody else writes to ${file}`);
    const opened = openSync(file, 'a');
    try {
      writeSync(opened, `${line}\n`);
    } catch (error) {
      closeSync(opened);
      throw error;
    }
    // Reaching the disk takes long while others write, and everything else in this thread would wait for it.
    fsync(opened, (error) => {
      closeSync(opened);
      if (error) console.error(`A checkpoint may not have reached the disk: ${error.message}`);
    });
    size = statSync(file).size;
    end = { number: checkpoint.number, hash: sha256(line), total: checkpoint.total };
    for (const { stream, sequence } of batch) covered.set(stream, sequence);
  };
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    while (waiting.length > 0) {
      try {
        keep(waiting.slice(0, EVERY_RECORDS));
      } catch (error) {
        console.error(`No checkpoint could be written to ${directory}: ${(error as Error).message}`);
        wait();
        return;
      }
      waiting = waiting.slice(EVERY_RECORDS);
    }
  };
  const wait = () => {
    timer ??= setTimeout(flush, EVERY_MS).unref();
  };
  return {
    add: (record) => {
      waiting.push(record);
      if (waiting.length >= EVERY_RECORDS) flush();
      else wait();
    },
    flush,
    covered: () => covered,
  };
}
