import { createPublicKey } from 'node:crypto';
import { GetPublicKeyCommand, SignCommand } from '@aws-sdk/client-kms';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { sha256 } from '../model/canonical-json.ts';
import {
  type ChainEnd,
  type Checkpoint,
  checkpointBytes,
  keyIdOf,
  nextCheckpoint,
  publicKeysIn,
  readCheckpoint,
  START,
  signedLine,
  type Written,
} from '../model/checkpoint.ts';
import { keep, readArchived } from './archive.ts';
import type { With } from './services.ts';

const FOLDER = 'checkpoints/';
/** Keys that S3 lists at once. */
const PAGE = 1_000;
const MAX_TRIES = 10;
/** What one clock may be before or behind another. */
const SKEW_MS = 120_000;

/** Others took the next number ten times in a row. */
export class CheckpointContentionError extends Error {
  override readonly name = 'CheckpointContentionError';
}

/** Where a checkpoint is kept. There is one place for each number, so that a chain cannot fork. */
export const checkpointKey = (number: number): string => `${FOLDER}${String(number).padStart(9, '0')}.json`;

const numberIn = (key: string | undefined) => Number(/^checkpoints\/(\d{9})\.json$/.exec(key ?? '')?.[1] ?? 0);

/** The numbers that are there after `number`, in order: at most so many of them. */
async function numbersAfter({ s3, config }: With<'s3'>, number: number, limit: number): Promise<number[]> {
  const { Contents = [] } = await s3.send(
    new ListObjectsV2Command({
      Bucket: config.archiveBucket,
      Prefix: FOLDER,
      StartAfter: checkpointKey(number),
      MaxKeys: limit,
    }),
  );
  return Contents.map(({ Key }) => numberIn(Key)).filter((each) => each > number);
}

/** The newest number there is, looked for from one that is known: numbers have no gaps, so it takes few looks. */
export async function newestNumber(services: With<'s3'>, known: number): Promise<number> {
  const near = await numbersAfter(services, known, PAGE);
  if (near.length < PAGE) return near.at(-1) ?? known;
  const isThereAfter = async (number: number) => (await numbersAfter(services, number, 1)).length > 0;
  let [low, step] = [known, PAGE];
  while (await isThereAfter(low + step)) {
    low += step;
    step *= 2;
  }
  while (step > PAGE) {
    step /= 2;
    if (await isThereAfter(low + step)) low += step;
  }
  return (await numbersAfter(services, low, PAGE)).at(-1) ?? low;
}

/** The line of one checkpoint, as it is kept. */
export const readLine = async (services: With<'s3'>, number: number): Promise<string> =>
  Buffer.from(await readArchived(services, checkpointKey(number))).toString('utf8');

/** Lines that are read at once; S3 answers each in some ten milliseconds. */
const AT_ONCE = 32;

/** The lines of the whole chain, from its start. */
export async function* readLines(services: With<'s3'>): AsyncGenerator<string> {
  for (let last = 0; ; ) {
    const numbers = await numbersAfter(services, last, PAGE);
    for (let start = 0; start < numbers.length; start += AT_ONCE)
      yield* await Promise.all(numbers.slice(start, start + AT_ONCE).map((each) => readLine(services, each)));
    if (numbers.length < PAGE) return;
    last = numbers.at(-1) ?? last;
  }
}

/** The public key that checkpoints are signed with, PEM. */
export async function readPublicKey({ kms, config }: With<'kms'>): Promise<string> {
  const { PublicKey } = await kms.send(new GetPublicKeyCommand({ KeyId: config.checkpointKeyId }));
  if (!PublicKey) throw new Error('KMS gave no public key.');
  const key = createPublicKey({ key: Buffer.from(PublicKey), format: 'der', type: 'spki' });
  return key.export({ type: 'spki', format: 'pem' }) as string;
}

/** The digest is signed, since KMS takes messages of 4096 bytes at most. What it makes is over the bytes all the same. */
async function sign({ kms, config, note }: With<'kms'>, bytes: Uint8Array): Promise<Uint8Array> {
  const { Signature } = await kms.send(
    new SignCommand({
      KeyId: config.checkpointKeyId,
      Message: Buffer.from(sha256(Buffer.from(bytes).toString('utf8')), 'hex'),
      MessageType: 'DIGEST',
      SigningAlgorithm: 'ECDSA_SHA_256',
    }),
  );
  if (!Signature) throw new Error('KMS gave no signature.');
  note({ event: 'key-use', actor: 'portcullis', subject: config.checkpointKeyId, detail: 'sign' });
  return Signature;
}

/** What a container keeps between two checkpoints: the key, and where the chain ended when it last looked. */
type Known = { pem: string; keyId: string; number: number };
const known = new WeakMap<object, Known>();

async function knownTo(services: With<'kms'>): Promise<Known> {
  const before = known.get(services);
  if (before) return before;
  const pem = await readPublicKey(services);
  const first = { pem, keyId: keyIdOf(pem), number: 0 };
  known.set(services, first);
  return first;
}

/**
 * The end of the chain, and every checkpoint made after `since`. What lies there and is not ours counts nothing, but is
 * continued like anything else: nobody can stop the chain by putting something in its way, nor take it out again.
 */
async function readEnd(
  services: With<'s3'>,
  from: Known,
  since: number,
): Promise<{ end: ChainEnd; recent: Checkpoint[] }> {
  from.number = await newestNumber(services, from.number);
  const keys = publicKeysIn(from.pem);
  const recent: Checkpoint[] = [];
  let hash: string | undefined;
  for (let number = from.number; number > 0; number -= 1) {
    const line = await readLine(services, number);
    hash ??= sha256(line);
    const read = readCheckpoint(line, keys);
    if ('problem' in read) continue;
    recent.push(read.checkpoint);
    if (Date.parse(read.checkpoint.at) < since) break;
  }
  const end = { number: from.number, hash: hash ?? START.hash, total: recent[0]?.total ?? START.total };
  return { end, recent };
}

/**
 * Signs and keeps the checkpoint of what was written, the first of which not before `since` (epoch milliseconds); undefined
 * where all of it is in one already. Of two who do so at once one finds the number taken, reads again and takes the next.
 */
export async function writeCheckpoint(
  services: With<'s3' | 'kms'>,
  written: readonly Written[],
  since: number,
): Promise<Checkpoint | undefined> {
  const from = await knownTo(services);
  for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
    const { end, recent } = await readEnd(services, from, since - SKEW_MS);
    const checkpoint = nextCheckpoint(written, { end, recent, at: services.now(), keyId: from.keyId });
    if (!checkpoint) return undefined;
    const line = signedLine(checkpoint, await sign(services, checkpointBytes(checkpoint)));
    const result = await keep(services, checkpointKey(checkpoint.number), line, { total: String(checkpoint.total) });
    if (result !== 'differs') return checkpoint;
  }
  throw new CheckpointContentionError(`Another checkpoint took the next number ${MAX_TRIES} times in a row.`);
}
