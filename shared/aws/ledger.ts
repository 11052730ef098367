import { type AttributeValue, ExecuteStatementCommand, paginateQuery, QueryCommand } from '@aws-sdk/client-dynamodb';
import type { Actor } from '../model/actor.ts';
import { canonicalJson, sha256 } from '../model/canonical-json.ts';
import { changeOf, type EndpointHistory, historyOf } from '../model/endpoint-history.ts';
import { type StreamRef, streamOf } from '../model/endpoint-ref.ts';
import { indexAttributes } from '../model/ledger-index.ts';
import { GENESIS, type LedgerRecord, type RecordBody, sortKey } from '../model/ledger-record.ts';
import { withCleanWords } from '../model/person-text.ts';
import { stampOf } from '../model/protection.ts';
import { eventOfRecord } from '../model/security-event.ts';
import type { With } from './services.ts';

/** Items are at most 400 KB (DynamoDB limit); the rest is keys and index attributes. */
const MAX_RECORD_BYTES = 380_000;
/** Records of about two changes; most readers want the newest. */
const PAGE = 10;
const MAX_TRIES = 20;

/** Somebody else wrote to this stream 20 times in a row before us. */
export class LedgerContentionError extends Error {
  override readonly name = 'LedgerContentionError';
}
/** The record is larger than DynamoDB stores. */
export class RecordTooLargeError extends Error {
  override readonly name = 'RecordTooLargeError';
}

/** A stored item: the record, its bytes as stored, and the keys it is stored under. */
export type LedgerItem = { pk: string; sk: string; text: string; hash: string; record: LedgerRecord };

/** The end of a stream as far as it was read: oldest first, all of its last change at least. */
export type Stream = {
  ref: StreamRef;
  records: LedgerRecord[];
  history: EndpointHistory;
  /** SHA-256 of the newest record, which the next one's key will carry. */
  head: string;
};

/** What to append: same work, same id, so that a repeated task appends nothing. */
export type Draft = { id: string; body: RecordBody; actor: Actor };

/** `orElse` is what a record that is not even JSON is read as; without it, it is an error. */
export function itemFrom(item: Record<string, AttributeValue>, orElse?: () => unknown): LedgerItem {
  const text = item.record?.S ?? '';
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch (error) {
    if (!orElse) throw error;
    record = orElse();
  }
  return {
    pk: item.pk?.S ?? '',
    sk: item.sk?.S ?? '',
    text,
    hash: item.hash?.S ?? '',
    record: record as LedgerRecord,
  };
}

/**
 * The newest records of a stream, read consistently and far enough back to hold the whole of `generation`
 * (or, without one, of the newest change whose facts were read), and of every change opened after `since`.
 */
export async function readStream(
  services: With<'dynamodb'>,
  ref: StreamRef,
  generation?: number,
  since?: string,
): Promise<Stream> {
  const newestFirst: LedgerRecord[] = [];
  let head = GENESIS;
  let from: Record<string, AttributeValue> | undefined;
  do {
    const page = await services.dynamodb.send(
      new QueryCommand({
        TableName: services.config.tables.ledger,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: streamOf(ref) } },
        ScanIndexForward: false,
        ConsistentRead: true,
        Limit: PAGE,
        ExclusiveStartKey: from,
      }),
    );
    const items = (page.Items ?? []).map((item) => itemFrom(item));
    if (newestFirst.length === 0 && items[0]) head = sha256(items[0].text);
    newestFirst.push(...items.map(({ record }) => record));
    const wanted = newestFirst.find(
      ({ body, at }) =>
        body.kind === 'change-opened' &&
        body.generation <= (generation ?? Number.POSITIVE_INFINITY) &&
        (since === undefined || at < since),
    );
    // Events may have joined before it was opened, so all of it is there only when something older is.
    const complete =
      wanted &&
      newestFirst.some(({ body }) => body.kind === 'change-opened' && body.generation < wanted.body.generation);
    from = complete ? undefined : page.LastEvaluatedKey;
  } while (from);
  const records = newestFirst.reverse();
  return remember(services, { ref, records, history: historyOf(records), head });
}

/** Streams as this container knows them; enough for the changes that are under way at one time. */
const MAX_KNOWN = 64;

function remember(services: With<'dynamodb'>, stream: Stream): Stream {
  const { knownStreams } = services;
  const key = streamOf(stream.ref);
  knownStreams.delete(key);
  knownStreams.set(key, stream);
  if (knownStreams.size > MAX_KNOWN) {
    const oldest = knownStreams.keys().next();
    if (!oldest.done) knownStreams.delete(oldest.value);
  }
  return stream;
}

/**
 * A stream as this container last saw it, or read now. Good enough for whoever appends: a stream only grows, and an
 * append at an outdated end collides, is read again and asked again. Not good enough for whoever only looks.
 */
export async function knownStream(services: With<'dynamodb'>, ref: StreamRef, generation: number): Promise<Stream> {
  const known = services.knownStreams.get(streamOf(ref));
  return known && changeOf(known.history, generation)?.opened ? known : readStream(services, ref, generation);
}

/** Every record of a stream, oldest first. */
export async function* readWholeStream(services: With<'dynamodb'>, pk: string): AsyncGenerator<LedgerItem> {
  const pages = paginateQuery(
    { client: services.dynamodb, pageSize: 100 },
    {
      TableName: services.config.tables.ledger,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': { S: pk } },
      ConsistentRead: true,
    },
  );
  for await (const page of pages) for (const item of page.Items ?? []) yield itemFrom(item, () => ({}));
}

/**
 * One conditional insert: the key holds the sequence and the hash of the record before, so of two writers at one place
 * one fails with DuplicateItemException. PartiQL INSERT cannot overwrite, and the writer's role can do nothing else.
 * Returns the record's hash, or undefined where somebody else was first. Key values are literals (their characters are validated) so that CloudTrail's data events show them.
 */
export async function insertRecord(services: With<'dynamodb'>, record: LedgerRecord): Promise<string | undefined> {
  const text = canonicalJson(record);
  const hash = sha256(text);
  if (Buffer.byteLength(text) > MAX_RECORD_BYTES) {
    throw new RecordTooLargeError(
      `A ${record.body.kind} record of ${Buffer.byteLength(text)} bytes is more than ${MAX_RECORD_BYTES}.`,
    );
  }
  const attributes = { hash, record: text, ...indexAttributes(record) };
  const names = Object.keys(attributes);
  const literals = `'pk': '${streamOf(record.endpoint)}', 'sk': '${sortKey(record.sequence, record.previous)}'`;
  try {
    await services.dynamodb.send(
      new ExecuteStatementCommand({
        Statement: `INSERT INTO "${services.config.tables.ledger}" VALUE {${literals}, ${names.map((name) => `'${name}': ?`).join(', ')}}`,
        Parameters: Object.values(attributes).map((value) => ({ S: value })),
      }),
    );
  } catch (error) {
    if ((error as Error).name === 'DuplicateItemException') return undefined;
    throw error;
  }
  services.note(eventOfRecord(record));
  return hash;
}

/**
 * Appends what `build` makes of the stream's present state, or nothing where it returns undefined. Where somebody else
 * was faster, the stream is read again and `build` asked again: deciding and recording are one conditional insert.
 * Returns the stream as it is afterwards. Starts from `stream` where the caller has just read it.
 */
export async function append(
  services: With<'dynamodb'>,
  stream: Stream,
  build: (history: EndpointHistory) => Draft | undefined,
): Promise<Stream> {
  const { off } = services.config;
  let current = stream;
  for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
    const draft = build(current.history);
    if (!draft || current.records.some(({ id }) => id === draft.id)) return current;
    const last = current.records.at(-1);
    const record: LedgerRecord = {
      schema: 1,
      endpoint: current.ref,
      sequence: (last?.sequence ?? 0) + 1,
      previous: current.head,
      id: draft.id,
      at: services.now(),
      actor: draft.actor,
      body: off.includes('sanitization') ? draft.body : withCleanWords(draft.body),
      ...stampOf(off),
    };
    const head = await insertRecord(services, record);
    if (head !== undefined) {
      const records = [...current.records, record];
      return remember(services, { ref: current.ref, records, history: historyOf(records), head });
    }
    current = await readStream(services, current.ref, draft.body.generation);
  }
  throw new LedgerContentionError(`Stream ${streamOf(stream.ref)} was written to ${MAX_TRIES} times before us.`);
}
