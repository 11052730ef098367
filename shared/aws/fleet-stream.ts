import { type AttributeValue, QueryCommand } from '@aws-sdk/client-dynamodb';
import pLimit from 'p-limit';
import { gateActor } from '../model/actor.ts';
import { sha256 } from '../model/canonical-json.ts';
import { type StreamRef, streamOf } from '../model/endpoint-ref.ts';
import type { Environment } from '../model/environment.ts';
import { applyToFleet, emptyFleet, type Fleet, fleetFrom } from '../model/fleet-budget.ts';
import { GENESIS, type LedgerRecord, type RecordBody, sortKey } from '../model/ledger-record.ts';
import { stampOf } from '../model/protection.ts';
import { gateStream } from './gate-stream.ts';
import { insertRecord, LedgerContentionError } from './ledger.ts';
import type { With } from './services.ts';

// What an environment costs is one stream of the ledger, to which a change comes only if it alters that. Whoever appends
// has seen everything before, so two changes cannot both be granted what is left.

const PAGE = 100;
/** Writers in other containers; those in this one take turns. */
const MAX_TRIES = 50;
/** After so many records a summary is written, so that who comes new need not read more. */
const SUMMARY_AFTER = 400;
/** Entries in one part of a summary, far below the size that a record may have. */
const SUMMARY_PART = 400;

/** A fleet as this container knows it. */
type Known = {
  ref: StreamRef;
  fleet: Fleet;
  /** Its last record: number, sort key and hash. */
  sequence: number;
  sk: string;
  head: string;
  loaded: boolean;
  /** Records since the last summary. */
  sinceSummary: number;
  /** One at a time in this container. */
  inTurn: ReturnType<typeof pLimit>;
  /** A reading that has not begun yet: it will do for everybody who asks before that. */
  next?: Promise<void> | undefined;
};

/** By the streams that a container knows, which tells containers apart. */
const containers = new WeakMap<object, Map<Environment, Known>>();

function knownFleet(services: With<'dynamodb'>, environment: Environment): Known {
  const fleets = containers.get(services.knownStreams) ?? new Map<Environment, Known>();
  containers.set(services.knownStreams, fleets);
  const known = fleets.get(environment) ?? {
    ref: gateStream(services, 'fleet', environment),
    fleet: emptyFleet(),
    sequence: 0,
    sk: '',
    head: GENESIS,
    loaded: false,
    sinceSummary: 0,
    inTurn: pLimit(1),
  };
  fleets.set(environment, known);
  return known;
}

/** One page of the stream: of all records after the last one known, or, going on at `from`, the newest first. */
async function readPage(
  services: With<'dynamodb'>,
  { ref, sk }: Known,
  newestFirst: boolean,
  from?: Record<string, AttributeValue> | undefined,
) {
  const { Items = [], LastEvaluatedKey } = await services.dynamodb.send(
    new QueryCommand({
      TableName: services.config.tables.ledger,
      KeyConditionExpression: newestFirst ? 'pk = :pk' : 'pk = :pk AND sk > :after',
      ExpressionAttributeValues: { ':pk': { S: streamOf(ref) }, ...(!newestFirst && { ':after': { S: sk } }) },
      ScanIndexForward: !newestFirst,
      ConsistentRead: true,
      Limit: PAGE,
      ExclusiveStartKey: from,
    }),
  );
  const items = Items.map(({ sk, record }): Item => {
    const text = record?.S ?? '';
    return { sk: sk?.S ?? '', text, record: JSON.parse(text) as LedgerRecord };
  });
  return { items, next: LastEvaluatedKey };
}

type Item = { sk: string; text: string; record: LedgerRecord };

function note(known: Known, { sk, text, record }: Item): void {
  known.sequence = record.sequence;
  known.sk = sk;
  known.head = sha256(text);
}

/** Reads back to the newest summary, or to the start. */
async function load(services: With<'dynamodb'>, known: Known): Promise<void> {
  const newestFirst: LedgerRecord[] = [];
  let from: Record<string, AttributeValue> | undefined;
  for (;;) {
    const { items, next } = await readPage(services, known, true, from);
    if (newestFirst.length === 0 && items[0]) note(known, items[0]);
    newestFirst.push(...items.map(({ record }) => record));
    const records = [...newestFirst].reverse();
    const fleet = fleetFrom(records, next === undefined);
    if (fleet) {
      known.fleet = fleet;
      known.sinceSummary = records.length - 1 - records.findLastIndex(({ body }) => body.kind === 'fleet-summed');
      known.loaded = true;
      return;
    }
    from = next;
  }
}

/** Reads what was written since. Each page begins after what is known by then, which takes no place to go on at. */
async function catchUp(services: With<'dynamodb'>, known: Known): Promise<void> {
  if (!known.loaded || known.sequence === 0) return load(services, known);
  let isMore: boolean;
  do {
    const { items, next } = await readPage(services, known, false);
    for (const item of items) {
      const { body } = item.record;
      applyToFleet(known.fleet, body);
      known.sinceSummary = body.kind === 'fleet-summed' ? 0 : known.sinceSummary + 1;
      note(known, item);
    }
    isMore = next !== undefined;
  } while (isMore);
}

/** Knows everything that was on record when this was asked. A crowd shares one reading, and does not queue for one each. */
function seeAll(services: With<'dynamodb'>, fleet: Known): Promise<void> {
  fleet.next ??= fleet.inTurn(() => {
    fleet.next = undefined;
    return catchUp(services, fleet);
  });
  return fleet.next;
}

async function insertNext(services: With<'dynamodb'>, known: Known, id: string, body: RecordBody): Promise<boolean> {
  const record: LedgerRecord = {
    schema: 1,
    endpoint: known.ref,
    sequence: known.sequence + 1,
    previous: known.head,
    id,
    at: services.now(),
    actor: gateActor,
    body,
    ...stampOf(services.config.off),
  };
  const head = await insertRecord(services, record);
  if (head === undefined) return false;
  applyToFleet(known.fleet, body);
  known.sk = sortKey(record.sequence, record.previous);
  known.sequence = record.sequence;
  known.head = head;
  known.sinceSummary += 1;
  return true;
}

/** Puts the whole fleet on record, in parts. Where somebody else writes meanwhile, a later one will be whole. */
async function sumUp(services: With<'dynamodb'>, known: Known): Promise<void> {
  const entries = [...known.fleet.entries.values()];
  const { unread } = known.fleet;
  const upTo = known.sequence;
  const parts = Math.max(1, Math.ceil(entries.length / SUMMARY_PART));
  for (let part = 1; part <= parts; part += 1) {
    const body: RecordBody = {
      kind: 'fleet-summed',
      generation: upTo,
      upTo,
      part,
      parts,
      unread,
      entries: entries.slice((part - 1) * SUMMARY_PART, part * SUMMARY_PART),
    };
    if (!(await insertNext(services, known, `summed#${upTo}#${part}`, body))) return;
  }
  known.sinceSummary = 0;
}

/** The fleet of an environment as its stream tells it now, and the number of its last record. */
export type FleetNow = { fleet: Fleet; sequence: number };

/** Reads a fleet, consistently. What is returned goes on changing; use it before the next await. */
export async function readFleet(services: With<'dynamodb'>, environment: Environment): Promise<FleetNow> {
  const known = knownFleet(services, environment);
  await seeAll(services, known);
  return known;
}

type Appended = { id: string; body: RecordBody };

/**
 * Appends what `build` makes of the fleet as it is, or nothing where it returns undefined. Most only look, and need not wait
 * for each other; who has something to append is asked again when it is their turn, and until they answer, the fleet does not go
 * on changing here. Where somebody else was faster, what they wrote is read and `build` asked once more: granting money and
 * recording it is one conditional insert.
 */
export async function appendToFleet(
  services: With<'dynamodb'>,
  environment: Environment,
  build: (now: FleetNow) => Appended | undefined | Promise<Appended | undefined>,
): Promise<void> {
  const known = knownFleet(services, environment);
  await seeAll(services, known);
  if (!(await build(known))) return;
  await known.inTurn(async () => {
    for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
      const draft = await build(known);
      if (!draft) return;
      if (await insertNext(services, known, draft.id, draft.body)) {
        if (known.sinceSummary >= SUMMARY_AFTER) await sumUp(services, known);
        return;
      }
      await catchUp(services, known);
    }
    throw new LedgerContentionError(`The fleet of ${environment} was written to ${MAX_TRIES} times before us.`);
  });
}
