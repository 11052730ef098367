import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { MalformedKeyError } from '../shared/model/encryption-key.ts';
import { type RowCipher, rowCipher, SealedRowError, sealedWith } from '../shared/model/row-cipher.ts';
import { type EncryptionKeys, type EncryptionSettings, givenKeys } from './encryption-settings.ts';

/** `encryption.json` of a data directory: the key that everything in it is sealed with, proven by what only that can make. */
const Marker = z.strictObject({ schema: z.literal(1), keyId: z.string().regex(/^[0-9a-f]{12}$/), proof: z.base64() });

const MARKER = 'encryption.json';
const PLACE = [MARKER];
/** Databases of rows. */
export const STORES = ['aws.sqlite', 'executions.sqlite'];
/** The private key that signs checkpoints. */
export const CHECKPOINT_KEY = 'checkpoint-key.pem';
const HOW = 'set PORTCULLIS_ENCRYPTION_AT_REST=true and name the key file in PORTCULLIS_ENCRYPTION_KEY_FILE';

/** Random bytes, fetched many at once; none is given twice. */
function randomFromPool(): (bytes: number) => Buffer {
  let [pool, used] = [randomBytes(4_096), 0];
  return (bytes) => {
    if (used + bytes > pool.length) [pool, used] = [randomBytes(Math.max(4_096, bytes)), 0];
    used += bytes;
    return pool.subarray(used - bytes, used);
  };
}

export const cipherWith = (keys: EncryptionKeys): RowCipher => rowCipher(keys, randomFromPool());

/** Into its place at once: a crash leaves the old or the new. */
export function replaceFile(path: string, content: string | Buffer): void {
  writeFileSync(`${path}.new`, content, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

export function writeMarker(dataDir: string, cipher: RowCipher): void {
  const proof = cipher.seal(PLACE, cipher.id).toString('base64');
  replaceFile(join(dataDir, MARKER), `${JSON.stringify({ schema: 1, keyId: cipher.id, proof })}\n`);
}

function readMarker(dataDir: string): z.infer<typeof Marker> | undefined {
  const path = join(dataDir, MARKER);
  if (!existsSync(path)) return undefined;
  try {
    return Marker.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    throw new SealedRowError(
      `${path} is not what Portcullis wrote, so nobody can tell how this directory is encrypted`,
    );
  }
}

/** The id of the key that a data directory is encrypted with; undefined where it is not. */
export const keyIdOf = (dataDir: string): string | undefined => readMarker(dataDir)?.keyId;

function checked(dataDir: string, { keys, from }: EncryptionSettings): RowCipher {
  const marker = readMarker(dataDir);
  const cipher = cipherWith(keys);
  if (!marker) return cipher;
  if (!keys.some(({ id }) => id === marker.keyId))
    throw new MalformedKeyError(
      `${dataDir} is encrypted with key ${marker.keyId}, and ${from} gives ${keys.map(({ id }) => id).join(', ')}. Give the key that it was encrypted with; without it nothing can be read`,
    );
  const proof = Buffer.from(marker.proof, 'base64');
  if (sealedWith(proof) !== marker.keyId || cipher.open(PLACE, proof) !== marker.keyId)
    throw new SealedRowError(`${join(dataDir, MARKER)} was changed`);
  return cipher;
}

/**
 * For whoever reads a directory as it is: its cipher, or undefined where it is not encrypted. The environment must give the
 * key, whatever it says of encryption. Throws MalformedKeyError, SealedRowError.
 */
export function cipherOf(dataDir: string, env: NodeJS.ProcessEnv): RowCipher | undefined {
  const keyId = keyIdOf(dataDir);
  if (keyId === undefined) return undefined;
  const given = givenKeys(env);
  if (!given)
    throw new MalformedKeyError(
      `${dataDir} is encrypted with key ${keyId}, and no key is given: name the key file in PORTCULLIS_ENCRYPTION_KEY_FILE`,
    );
  return checked(dataDir, given);
}

/**
 * For a gate that starts: holds what is wanted against what the directory is, and marks a new one before anything is
 * written to it. `stale` says that rows may be sealed with another key than the first (`resealDirectory`). Never a mixture
 * of plain and encrypted: throws MalformedKeyError or SealedRowError with what to do.
 */
export function claimEncryption(
  dataDir: string,
  wanted: EncryptionSettings | undefined,
): { keys?: EncryptionKeys; stale: boolean } {
  const keyId = keyIdOf(dataDir);
  if (!wanted) {
    if (keyId === undefined) return { stale: false };
    throw new MalformedKeyError(`${dataDir} is encrypted with key ${keyId}, and encryption is switched off: ${HOW}`);
  }
  if (keyId === undefined) {
    if ([...STORES, 'dynamodb'].some((name) => existsSync(join(dataDir, name))))
      throw new MalformedKeyError(
        `${dataDir} holds a store in plain text, and is not made a mixture. Back it up (portcullis backup), restore it with encryption on into another directory (portcullis restore, which encrypts it), then destroy the old one`,
      );
    writeMarker(dataDir, cipherWith(wanted.keys));
  }
  checked(dataDir, wanted);
  return { keys: wanted.keys, stale: keyId !== undefined && keyId !== wanted.keys[0].id };
}
