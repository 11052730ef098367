import { createHash, createPublicKey, verify } from 'node:crypto';
import * as z from 'zod';
import { canonicalJson, sha256 } from './canonical-json.ts';

const Digest = z.string().regex(/^[0-9a-f]{64}$/);

/** Records of one stream, without a gap: the hash of record `first` and of those after it. */
const Covered = z.strictObject({
  stream: z.string(),
  first: z.int().positive(),
  hashes: z.array(Digest).min(1),
});

/** A signed statement about what the ledger held: what was written since the last one, and the one before. */
export const Checkpoint = z.strictObject({
  schema: z.literal(1),
  /** 1, 2, 3, ... without gaps. */
  number: z.int().positive(),
  at: z.iso.datetime(),
  /** SHA-256 of the line of the checkpoint before this one; 64 zeros before the first. */
  previous: Digest,
  /** Records that this checkpoint and all before it cover. */
  total: z.int().positive(),
  streams: z.array(Covered).min(1),
  /** SHA-256 of the public key in DER form, so that nobody needs a directory of names. */
  keyId: Digest,
});
export type Checkpoint = z.infer<typeof Checkpoint>;

/** As it is kept, in one line. The signature is over the canonical bytes of the checkpoint, as they stand in this line. */
const SignedCheckpoint = z.strictObject({ checkpoint: Checkpoint, signature: z.base64() });

export const NO_CHECKPOINT = '0'.repeat(64);

/** A record as the writer of checkpoints sees it arrive. */
export type Written = { stream: string; sequence: number; hash: string };

/** Where the chain ends: what the next checkpoint continues. */
export type ChainEnd = { number: number; hash: string; total: number };
export const START: ChainEnd = { number: 0, hash: NO_CHECKPOINT, total: 0 };

/** The bytes that are signed. */
export const checkpointBytes = (checkpoint: Checkpoint): Uint8Array => Buffer.from(canonicalJson(checkpoint), 'utf8');

/** The line that is kept. */
export const signedLine = (checkpoint: Checkpoint, signature: Uint8Array): string =>
  canonicalJson({ checkpoint, signature: Buffer.from(signature).toString('base64') });

/** The names of a PEM file's public keys, as checkpoints use them, with the keys. */
export function publicKeysIn(pem: string): Map<string, string> {
  const blocks = pem.match(/-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g) ?? [];
  return new Map(blocks.map((block) => [keyIdOf(block), `${block}\n`]));
}

/** How a checkpoint names a key (PEM). */
export function keyIdOf(pem: string): string {
  return createHash('sha256')
    .update(createPublicKey(pem).export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

const placeOf = ({ stream, sequence }: { stream: string; sequence: number }) => `${stream}#${sequence}`;

/** Every record that a checkpoint covers. */
export const coveredBy = ({ streams }: Checkpoint): Written[] =>
  streams.flatMap(({ stream, first, hashes }) =>
    hashes.map((hash, index) => ({ stream, sequence: first + index, hash })),
  );

/**
 * The checkpoint that continues a chain, for what arrived; undefined where all of it is in `recent` already, which must
 * hold every checkpoint that may have been made since the first of it was written. So a batch that arrives twice, as after a
 * crash between keeping a checkpoint and hearing of it, counts once.
 */
export function nextCheckpoint(
  written: readonly Written[],
  { end, recent, at, keyId }: { end: ChainEnd; recent: readonly Checkpoint[]; at: string; keyId: string },
): Checkpoint | undefined {
  const known = new Set(recent.flatMap(coveredBy).map(placeOf));
  const streams: Checkpoint['streams'] = [];
  const open = new Map<string, Checkpoint['streams'][number]>();
  let count = 0;
  for (const record of written) {
    if (known.has(placeOf(record))) continue;
    known.add(placeOf(record));
    count += 1;
    const range = open.get(record.stream);
    if (range && range.first + range.hashes.length === record.sequence) range.hashes.push(record.hash);
    else {
      const started = { stream: record.stream, first: record.sequence, hashes: [record.hash] };
      open.set(record.stream, started);
      streams.push(started);
    }
  }
  if (count === 0) return undefined;
  return {
    schema: 1,
    number: end.number + 1,
    at,
    previous: end.hash,
    total: end.total + count,
    streams,
    keyId,
  };
}

export type ReadCheckpoint = { checkpoint: Checkpoint } | { problem: string };

/** A checkpoint whose signature is good, or what is wrong with a line. */
export function readCheckpoint(line: string, keys: ReadonlyMap<string, string>): ReadCheckpoint {
  let parsed: ReturnType<typeof SignedCheckpoint.safeParse>;
  try {
    parsed = SignedCheckpoint.safeParse(JSON.parse(line));
  } catch {
    return { problem: 'is no checkpoint' };
  }
  if (!parsed.success) return { problem: 'is no checkpoint' };
  const { checkpoint, signature } = parsed.data;
  if (canonicalJson(parsed.data) !== line) return { problem: 'is not kept in its canonical form' };
  const pem = keys.get(checkpoint.keyId);
  if (pem === undefined) return { problem: `is signed with a key that is not known: ${checkpoint.keyId}` };
  const key = createPublicKey(pem);
  const algorithm = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  const genuine = verify(algorithm, checkpointBytes(checkpoint), key, Buffer.from(signature, 'base64'));
  return genuine ? { checkpoint } : { problem: 'was changed: its signature does not fit' };
}

export type ChainProblem = { checkpoint: number; problem: string };
/** What a chain of checkpoints proves: by stream, the hash of each record that is signed. */
export type Chain = {
  end: ChainEnd & { at: string | undefined };
  signed: Map<string, Map<number, { hash: string; checkpoint: number }>>;
  problems: ChainProblem[];
};

/** Walks the lines of a chain from its start. A line that proves nothing is a problem and is passed over. */
export async function verifyChain(
  lines: Iterable<string> | AsyncIterable<string>,
  keys: ReadonlyMap<string, string>,
): Promise<Chain> {
  const chain: Chain = { end: { ...START, at: undefined }, signed: new Map(), problems: [] };
  for await (const line of lines) {
    const { end } = chain;
    const expected = end.number + 1;
    const wrong = (problem: string) => chain.problems.push({ checkpoint: expected, problem });
    const read = readCheckpoint(line, keys);
    if ('problem' in read) {
      wrong(read.problem);
      chain.end = { ...end, number: expected, hash: sha256(line) };
      continue;
    }
    const { checkpoint } = read;
    if (checkpoint.number < expected) {
      wrong(`is missing or out of place: checkpoint ${checkpoint.number} stands there`);
      continue;
    }
    const covered = coveredBy(checkpoint);
    if (checkpoint.number > expected) wrong(`is missing: checkpoint ${checkpoint.number} stands there`);
    else if (checkpoint.previous !== end.hash) wrong('does not continue the checkpoint before it');
    else if (checkpoint.total !== end.total + covered.length)
      wrong(`counts ${checkpoint.total} records where ${end.total + covered.length} were signed`);
    for (const { stream, sequence, hash } of covered) {
      const places = chain.signed.get(stream) ?? new Map();
      chain.signed.set(stream, places);
      const before = places.get(sequence);
      if (before && before.hash !== hash)
        wrong(`signs another hash of record ${sequence} of ${stream} than checkpoint ${before.checkpoint}`);
      else places.set(sequence, { hash, checkpoint: checkpoint.number });
    }
    chain.end = { number: checkpoint.number, hash: sha256(line), total: checkpoint.total, at: checkpoint.at };
  }
  return chain;
}
