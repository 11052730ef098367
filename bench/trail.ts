import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  type ChainEnd,
  type Checkpoint,
  checkpointBytes,
  keyIdOf,
  nextCheckpoint,
  START,
  signedLine,
  type Written,
} from '../shared/model/checkpoint.ts';
import { GENESIS } from '../shared/model/ledger-record.ts';

/** A trail as it is exported, for tests and benchmarks: records of some streams, written by turns, and checkpoints of them. */
export type Made = { stream: string; sequence: number; hash: string; line: string };

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const streamName = (index: number) => `endpoint#111122223333#us-east-1#fraud-${index}`;
/** One record every tenth of a second. */
const timeOf = (index: number) => new Date(Date.UTC(2026, 10, 1) + index * 100).toISOString();

/** A line of the export. Its record has the shape of a real one, and as many bytes as asked for in its reason. */
export function recordLine(stream: string, sequence: number, previous: string, at: string, reason: string): Made {
  const name = stream.split('#')[3];
  const text = `{"actor":{"kind":"gate","names":[],"person":"gate"},"at":"${at}","body":{"generation":1,"kind":"commented","person":"asha","text":"${reason}"},"endpoint":{"account":"111122223333","name":"${name}","region":"us-east-1"},"id":"comment#${sequence}","previous":"${previous}","schema":1,"sequence":${sequence}}`;
  const hash = sha256(text);
  const sk = `${String(sequence).padStart(9, '0')}#${previous}`;
  return { stream, sequence, hash, line: `{"pk":"${stream}","sk":"${sk}","hash":"${hash}","record":${text}}` };
}

/** A change leaves about so many records behind it, shortly after each other. */
const BURST = 5;

/** Records in the order in which they were written: a change of one endpoint, then of the next. */
export function* writtenRecords(
  count: number,
  streams: number,
  bytes: number,
  { firstStream = 0, firstRecord = 0 } = {},
): Generator<Made & { at: string }> {
  const heads = Array.from({ length: streams }, () => ({ sequence: 0, hash: GENESIS }));
  const filler = 'looks right '.repeat(Math.ceil(bytes / 12)).slice(0, Math.max(0, bytes - 420));
  for (let index = 0; index < count; index += 1) {
    const which = Math.floor(index / BURST) % streams;
    const head = heads[which] ?? { sequence: 0, hash: GENESIS };
    const at = timeOf(firstRecord + index);
    const made = recordLine(streamName(firstStream + which), head.sequence + 1, head.hash, at, filler);
    heads[which] = made;
    yield { ...made, at };
  }
}

export type Signer = { pem: string; keyId: string; sign: (bytes: Uint8Array) => Uint8Array };

/** A key pair of the kind that signs on AWS or on one machine. */
export function newSigner(kind: 'ed25519' | 'p256' = 'ed25519'): Signer {
  const { privateKey, publicKey }: { privateKey: KeyObject; publicKey: KeyObject } =
    kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string;
  const algorithm = kind === 'ed25519' ? null : 'sha256';
  return { pem, keyId: keyIdOf(pem), sign: (bytes) => sign(algorithm, bytes, privateKey) };
}

/** Makes checkpoints one after the other, and knows where the chain ends. */
export function checkpointer(signer: Signer) {
  let end: ChainEnd = START;
  const recent: Checkpoint[] = [];
  return (written: readonly Written[], at: string): string | undefined => {
    const checkpoint = nextCheckpoint(written, { end, recent, at, keyId: signer.keyId });
    if (!checkpoint) return undefined;
    const line = signedLine(checkpoint, signer.sign(checkpointBytes(checkpoint)));
    end = { number: checkpoint.number, hash: sha256(line), total: checkpoint.total };
    recent.push(checkpoint);
    if (recent.length > 10) recent.shift();
    return line;
  };
}
