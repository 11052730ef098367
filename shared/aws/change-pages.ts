import { type AttributeValue, paginateQuery } from '@aws-sdk/client-dynamodb';
import pLimit from 'p-limit';
import * as z from 'zod';
import type { ChangeFilter } from '../model/change-filter.ts';
import type { ChangeRow } from '../model/change-row.ts';
import { refOfStream } from '../model/endpoint-ref.ts';
import { Environment } from '../model/environment.ts';
import { Result } from '../model/ledger-record.ts';
import { monthsFrom } from '../model/month.ts';
import { readAfterwards, readNamed } from './change-aftermath.ts';
import type { With } from './services.ts';
import type { WaitingChanges } from './waiting-changes.ts';

// A list of changes, newest first, a page at a time, from indexes of the ledger: quick, a moment behind, and good for
// looking around only. Nothing is ever decided from it.

/** Without a first day, the month of the last one and the two before are listed. */
const MONTHS = 3;
const MOST_MONTHS = 60;
/** Work for one page is bounded, however rare what is looked for: then the page says how far it looked, and goes on. */
const examinedAtMost = (limit: number) => Math.max(1_500, 3 * limit);
/** A month without anything in it costs a request, and counts like so many entries. */
const EMPTY_MONTH = 25;
/**
 * After that long the page is made of what was found, since somebody waits for it; but not of less than so many entries,
 * which are more than a page takes where everything fits.
 */
const MOST_MS = 60;
const fewest = (limit: number) => Math.max(150, 3 * limit);
const AT_ONCE = 16;
const LISTED_AT_ONCE = 200;

type Item = Record<string, AttributeValue>;
/** A place in the list: newest first, and then by key, so that it is the same on every page. */
type Place = { at: string; pk: string; sequence: string };
/** An index item, or the mark that a month has been read to its end. */
type Entry = Place & { item?: Item };

export type ChangePage = {
  rows: ChangeRow[];
  /** Where the list goes on; undefined at its end. */
  next: string | undefined;
  /** The time down to which everything was looked through. */
  lookedBackTo: string | undefined;
};

const Cursor = z.tuple([
  z.string().regex(/^20\d{2}-[01]\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,9})?Z)?$/),
  z.string().regex(/^([a-z]+#\d{12}#[a-z0-9-]+#[a-z0-9-]+)?$/),
  z.string().regex(/^(\d{9})?$/),
]);

export const cursorOf = ({ at, pk, sequence }: Place): string =>
  Buffer.from(JSON.stringify([at, pk, sequence])).toString('base64url');

/** The place that a cursor stands for; undefined for what is no cursor of ours. */
export function placeOf(cursor: string): Place | undefined {
  try {
    const { data } = Cursor.safeParse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    return data && { at: data[0], pk: data[1], sequence: data[2] };
  } catch {
    return undefined;
  }
}

/** Negative where `a` comes first in the list. */
function order(a: Place, b: Place): number {
  for (const name of ['at', 'pk', 'sequence'] as const) if (a[name] !== b[name]) return a[name] > b[name] ? -1 : 1;
  return 0;
}

const entryOf = (item: Item): Entry => ({
  at: item.at?.S ?? '',
  pk: item.pk?.S ?? '',
  sequence: item.sk?.S?.slice(0, 9) ?? '',
  item,
});

type Span = { from: string; to: string };
/** One partition of an index, between two times. */
type Partition = { index: string; key: string; range?: string; value: string; span: Span; month?: string };

/** What one partition holds, newest first; what happened at the same moment in the order of keys. */
async function* readPartition(
  services: With<'dynamodb'>,
  { index, key, range = 'at', value, span, month }: Partition,
  pageSize: number,
): AsyncGenerator<Entry> {
  // DynamoDB refuses a BETWEEN that holds nothing.
  if (span.from > span.to) return;
  const pages = paginateQuery(
    { client: services.dynamodb, pageSize },
    {
      TableName: services.config.tables.ledger,
      IndexName: index,
      KeyConditionExpression: '#hash = :hash AND #at BETWEEN :from AND :to',
      ExpressionAttributeNames: { '#hash': key, '#at': range },
      ExpressionAttributeValues: { ':hash': { S: value }, ':from': { S: span.from }, ':to': { S: span.to } },
      ScanIndexForward: false,
    },
  );
  let together: Entry[] = [];
  for await (const { Items = [] } of pages) {
    for (const entry of Items.map(entryOf)) {
      if (together[0] && together[0].at !== entry.at) {
        yield* together.sort(order);
        together = [];
      }
      together.push(entry);
    }
  }
  yield* together.sort(order);
  if (month) yield { at: `${month}-00`, pk: '', sequence: '' };
}

async function* oneAfterTheOther(lanes: AsyncGenerator<Entry>[]): AsyncGenerator<Entry> {
  for (const lane of lanes) yield* lane;
}

/** Entries of several lanes as one list. */
async function* merge(lanes: readonly AsyncGenerator<Entry>[]): AsyncGenerator<Entry> {
  const heads = await Promise.all(lanes.map(async (lane) => ({ lane, next: await lane.next() })));
  for (;;) {
    const first = heads
      .filter(({ next }) => !next.done)
      .reduce<(typeof heads)[number] | undefined>(
        (best, each) => (best && order(best.next.value, each.next.value) <= 0 ? best : each),
        undefined,
      );
    if (!first) return;
    yield first.next.value;
    first.next = await first.lane.next();
  }
}

// Times are texts that sort as they pass.
const later = (one: string, other: string) => [one, other].sort().at(-1) ?? one;
const earlier = (one: string, other: string) => [one, other].sort()[0] ?? one;
const LAST = 'T99';

/** The days that are asked about: from the start of the first to the end of the last. */
export function spanOf({ from, to }: Pick<ChangeFilter, 'from' | 'to'>, now: string): Span & { months: string[] } {
  const last = to ?? now.slice(0, 10);
  const end = last.length === 7 ? `${last}-99` : `${last}${LAST}`;
  const newest = last.slice(0, 7);
  const oldest = from?.slice(0, 7) ?? monthsFrom(newest, 1 - MONTHS);
  const months: string[] = [];
  for (let month = newest; month >= oldest && months.length < MOST_MONTHS; month = monthsFrom(month, -1)) {
    months.push(month);
  }
  return { from: from ?? oldest, to: end, months };
}

/** The same as days, for showing: `2026-09-01` to `2026-11-20`. */
export function daysOf(filter: Pick<ChangeFilter, 'from' | 'to'>, now: string): { from: string; to: string } {
  const { from } = spanOf(filter, now);
  const to = filter.to ?? now.slice(0, 10);
  const lastOf = (month: string) => new Date(Date.parse(`${monthsFrom(month, 1)}-01`) - 1).toISOString().slice(0, 10);
  return { from: from.length === 7 ? `${from}-01` : from, to: to.length === 7 ? lastOf(to) : to };
}

const isByQuestion = ({ origin }: ChangeFilter) => origin === 'unplanned' || origin === 'out-of-band';

/** Is it read from the index in which the opening of a change and its outcome stand in the same lane? */
const isByEnvironment = (filter: ChangeFilter) =>
  filter.person === undefined && !isByQuestion(filter) && (filter.result === undefined || filter.result === 'open');

/** The lanes that hold whatever fits the filter: the narrowest index there is for it. */
function lanesFor(services: With<'dynamodb'>, filter: ChangeFilter, upTo: string | undefined, pageSize: number) {
  const { months, from, to } = spanOf(filter, services.now());
  const until = upTo === undefined ? to : earlier(upTo, to);
  const { environment, person, result, origin } = filter;
  const byQuestion = isByQuestion(filter);
  if (person !== undefined && !byQuestion) {
    const span = { from, to: until };
    return [readPartition(services, { index: 'by-actor', key: 'actor', value: person, span }, pageSize)];
  }
  const [index, key, values] = isByEnvironment(filter)
    ? (['by-environment-month', 'environmentMonth', environment ? [environment] : Environment.options] as const)
    : byQuestion
      ? (['by-question', 'question', [origin]] as const)
      : (['by-outcome-month', 'outcomeMonth', [result]] as const);
  const asked = months.filter((month) => month <= until.slice(0, 7));
  const each = Math.max(10, Math.ceil(pageSize / values.length));
  return values.map((what) =>
    oneAfterTheOther(
      asked.map((month) => {
        const span = { from: later(from, month), to: earlier(until, `${month}-99`) };
        const range = byQuestion ? 'questionAt' : 'at';
        return readPartition(services, { index, key, range, value: `${what}#${month}`, span, month }, each);
      }),
    ),
  );
}

const LISTED = ['change-opened', 'outcome'];

/** A row from the item that comes first of it, which is its outcome where it has one. */
function rowFrom(item: Item): ChangeRow | undefined {
  const text = (name: string) => item[name]?.S ?? null;
  const ref = refOfStream(text('pk') ?? '');
  if (!ref || ref.about || !LISTED.includes(text('kind') ?? '')) return undefined;
  const environment = Environment.safeParse(text('environment')).data;
  const state = text('kind') === 'outcome' ? Result.safeParse(text('result')).data : 'open';
  if (!environment || !state) return undefined;
  return {
    endpoint: text('endpoint') ?? ref.name,
    account: ref.account,
    region: ref.region,
    environment,
    generation: Number(text('generation')),
    planned: ref.planned === true,
    at: text('at') ?? '',
    state,
    reason: text('reason'),
    cause: text('cause'),
    who: text('actor'),
    ...(item.violations?.S && { violations: item.violations.S.split(',') }),
  };
}

const includes = (text: string | null, part: string | undefined) =>
  part === undefined || (text ?? '').toLowerCase().includes(part.toLowerCase());

const fits = (row: ChangeRow, { environment, endpoint, person, cause, origin }: ChangeFilter) =>
  (environment === undefined || row.environment === environment) &&
  includes(row.endpoint, endpoint) &&
  (person === undefined || row.who === person) &&
  includes(row.cause, cause) &&
  (origin === undefined || row.planned === (origin === 'plan'));

/**
 * A page of the list. A change stands where its newest half does: at its outcome, or at its opening while it is open.
 * An opening whose outcome is not among what was read is looked up in its stream, which also says whether it waits for
 * people: one small query each. Who may read the open requests hands over `waiting`, one query for all that wait; and at the
 * top of a list by environment no outcome can be missing, so the rest is open.
 */
export async function pageChanges(
  services: With<'dynamodb'>,
  filter: ChangeFilter,
  {
    limit,
    after,
    waiting,
  }: { limit: number; after?: Place | undefined; waiting?: () => Promise<WaitingChanges | undefined> },
): Promise<ChangePage> {
  const { to } = spanOf(filter, services.now());
  // Most of what is read will not fit, so it is read in larger portions.
  const narrow = filter.endpoint !== undefined || filter.cause !== undefined || filter.result === 'open';
  const entries = merge(lanesFor(services, filter, after?.at, narrow ? 150 : limit * 2));
  const limited = pLimit(AT_ONCE);
  const most = examinedAtMost(limit);
  const deadline = Date.parse(services.now()) + MOST_MS;
  const isEnough = () => examined >= most || (examined >= fewest(limit) && Date.parse(services.now()) > deadline);
  const seen = new Set<string>();
  const rows: ChangeRow[] = [];
  let [examined, last, ended]: [number, Place | undefined, boolean] = [0, after, false];

  const wantedAs = ({ state }: ChangeRow) => filter.result === undefined || filter.result === state;
  // Then the outcomes of all changes that are met stand before them, in what this page reads.
  const fromTheTop = !after && filter.to === undefined && isByEnvironment(filter);
  let waits: Promise<WaitingChanges | undefined> | undefined;
  /** A change of which the opening was read and no outcome. */
  const lookUp = async (opened: ChangeRow, pk: string, sk: string): Promise<ChangeRow | undefined> => {
    waits ??= waiting?.();
    const known = await waits;
    const request = known?.get(`${pk}#${opened.generation}`);
    if (request !== undefined) return wantedAs(opened) ? { ...opened, request } : undefined;
    if (known && fromTheTop) return opened;
    const { outcome, row } = await readAfterwards(services, pk, sk, opened.generation);
    // It stood on an earlier page, at its outcome.
    if (outcome && after && outcome.at <= to && order(outcome, after) <= 0) return undefined;
    const found = { ...opened, ...row };
    return wantedAs(found) ? found : undefined;
  };

  /** A change of which an event named the person only after it was opened. */
  const lookUpNamed = async (item: Item, person: string): Promise<ChangeRow | undefined> => {
    const found = await readNamed(services, item.pk?.S ?? '', Number(item.generation?.S), person);
    return found && fits(found, filter) && wantedAs(found) ? found : undefined;
  };

  /** Takes entries until so many rows may come of them. */
  const take = async (wanted: number) => {
    const found: (() => Promise<ChangeRow | undefined>)[] = [];
    while (found.length < wanted && !isEnough()) {
      const { value: entry, done } = await entries.next();
      ended = done === true;
      if (!entry || ended) break;
      if (after && order(after, entry) >= 0) continue;
      last = entry;
      examined += entry.item ? 1 : EMPTY_MONTH;
      const row = entry.item && rowFrom(entry.item);
      const key = `${entry.pk}#${row?.generation}`;
      const { item } = entry;
      if (filter.person !== undefined && item?.kind?.S === 'event-joined') {
        const { person } = filter;
        const named = `${entry.pk}#${item.generation?.S}`;
        if (!seen.has(named)) found.push(() => limited(() => lookUpNamed(item, person)));
        seen.add(named);
      }
      if (!row || seen.has(key)) continue;
      seen.add(key);
      if (!fits(row, filter)) continue;
      const sk = entry.item?.sk?.S ?? '';
      if (row.state === 'open') found.push(() => limited(() => lookUp(row, entry.pk, sk)));
      else if (wantedAs(row)) found.push(async () => row);
    }
    return (await Promise.all(found.map((row) => row()))).filter((row) => row !== undefined);
  };

  while (rows.length < limit && !ended && !isEnough()) rows.push(...(await take(limit - rows.length)));
  // Marks of months at the end of the list are no reason for another page.
  while (!ended) {
    const { value: entry, done } = await entries.next();
    ended = done === true;
    if (entry && (entry.item || isEnough())) break;
  }
  return {
    rows,
    next: ended || !last ? undefined : cursorOf(last),
    lookedBackTo: ended ? undefined : last?.at.replace(/-00$/, '-01'),
  };
}

/** Some of the list from its beginning, however many pages that takes. */
export async function listChanges(
  services: With<'dynamodb'>,
  filter: ChangeFilter,
  limit: number,
): Promise<ChangeRow[]> {
  const rows: ChangeRow[] = [];
  let after: Place | undefined;
  do {
    const page = await pageChanges(services, filter, { limit: Math.min(limit - rows.length, LISTED_AT_ONCE), after });
    rows.push(...page.rows);
    after = page.next === undefined ? undefined : placeOf(page.next);
  } while (after && rows.length < limit);
  return rows;
}
