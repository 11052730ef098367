import { type AttributeValue, QueryCommand, type QueryCommandInput } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createServices } from '../../shared/aws/all-services.ts';
import { cursorOf, daysOf, listChanges, pageChanges, placeOf } from '../../shared/aws/change-pages.ts';
import type { WaitingChanges } from '../../shared/aws/waiting-changes.ts';
import type { ChangeFilter } from '../../shared/model/change-filter.ts';
import type { ChangeRow } from '../../shared/model/change-row.ts';
import { streamOf } from '../../shared/model/endpoint-ref.ts';
import type { Environment } from '../../shared/model/environment.ts';
import { indexAttributes } from '../../shared/model/ledger-index.ts';
import type { LedgerRecord, Result } from '../../shared/model/ledger-record.ts';
import * as a from '../builders.ts';
import { ledgerItem } from '../web/web-builders.ts';

type Item = Record<string, AttributeValue>;
type Story = {
  name: string;
  generation: number;
  environment: Environment;
  planned?: boolean;
  who?: string;
  /** Named by an event after the opening, where the first one named nobody. */
  namedLater?: string;
  openedAt: string;
  end?: { at: string; result: Result };
};

const inEnvironment = (name: Environment) => ({ name, source: 'tag' as const, evidence: `tag environment=${name}` });
const bodyOpened = Object.fromEntries(
  (['dev', 'staging', 'prod'] as const).map((name) => [
    name,
    a.opened(1, a.facts({ environment: inEnvironment(name) })),
  ]),
);

/** The records of a change, with `sequence` ten times its number and on. */
function recordsOf({ name, generation, environment, planned, who, namedLater, openedAt, end }: Story): LedgerRecord[] {
  const opened = { ...(bodyOpened[environment] ?? a.opened()), generation };
  const records = a.records(
    { body: opened, at: openedAt, ...(who && { actor: a.person(who) }) },
    ...(namedLater
      ? [
          {
            body: { kind: 'event-joined' as const, generation, event: a.change({ actor: a.person(namedLater) }) },
            at: openedAt,
          },
        ]
      : []),
    { body: a.requested(generation, { request: `request-${name}-${generation}` }), at: openedAt },
    ...(end
      ? [
          {
            body: a.outcome(generation, end.result, {
              environment,
              requesters: [who ?? namedLater ?? ''].filter((each) => each !== ''),
              ...(!planned && { planned: generation % 2 ? ('unplanned' as const) : ('as-planned' as const) }),
            }),
            at: end.at,
          },
        ]
      : []),
  );
  const endpoint = { ...a.endpoint, name, ...(planned && { planned: true as const }) };
  return records.map((record) => ({ ...record, endpoint, sequence: generation * 10 + record.sequence }));
}

/** Services over a table of these changes that answers as DynamoDB does, a few items at a time. */
function servicesOver(stories: readonly Story[], pageSize = 7) {
  const services = createServices(a.config(), { now: () => a.NOW });
  const items: Item[] = stories.flatMap(recordsOf).map((record) => ({
    ...ledgerItem(record),
    ...Object.fromEntries(Object.entries(indexAttributes(record)).map(([name, value]) => [name, { S: value }])),
  }));
  const asked: QueryCommandInput[] = [];
  const answer = (input: QueryCommandInput) => {
    asked.push(input);
    const value = (name: string) => input.ExpressionAttributeValues?.[name]?.S ?? '';
    const { IndexName, ExpressionAttributeNames: names = {} } = input;
    const [hash, range] = IndexName ? [names['#hash'] ?? '', names['#at'] ?? ''] : ['pk', 'sk'];
    const [from, to] = IndexName ? [value(':from'), value(':to')] : [`${value(':sk')}!`, '~'];
    if (from > to) throw new Error('ValidationException: BETWEEN must hold something');
    const of = (item: Item) => item[range]?.S ?? '';
    const found = items
      .filter((item) => item[hash]?.S === value(IndexName ? ':hash' : ':pk') && of(item) >= from && of(item) <= to)
      .sort((one, other) => (of(one) < of(other) ? -1 : 1));
    if (input.ScanIndexForward === false) found.reverse();
    const start = Number(input.ExclusiveStartKey?.place?.N ?? 0);
    const end = start + Math.min(pageSize, input.Limit ?? pageSize);
    return {
      Items: found.slice(start, end),
      ...(end < found.length && { LastEvaluatedKey: { place: { N: String(end) } } }),
    };
  };
  const send = async (command: unknown) => {
    if (!(command instanceof QueryCommand)) throw new Error('this is no query');
    return answer(command.input);
  };
  services.dynamodb.send = send as typeof services.dynamodb.send;
  return { services, asked };
}

const requestOf = ({ name, generation }: Story) => `request-${name}-${generation}`;
/** What one query for all that waits would find. */
const waitingIn = (stories: readonly Story[]): WaitingChanges =>
  new Map(
    stories
      .filter(({ end }) => !end)
      .map((story) => {
        const { name, planned, generation } = story;
        return [`${streamOf({ ...a.endpoint, name, ...(planned && { planned }) })}#${generation}`, requestOf(story)];
      }),
  );

/** The whole list, page by page. */
async function wholeList(
  stories: readonly Story[],
  filter: ChangeFilter,
  limit: number,
  waiting?: () => Promise<WaitingChanges | undefined>,
): Promise<ChangeRow[]> {
  const { services } = servicesOver(stories);
  const rows: ChangeRow[] = [];
  let after: string | undefined;
  for (let pages = 0; pages < 200; pages += 1) {
    const page = await pageChanges(services, filter, {
      limit,
      after: after === undefined ? undefined : placeOf(after),
      ...(waiting && { waiting }),
    });
    expect(page.rows.length).toBeLessThanOrEqual(limit);
    rows.push(...page.rows);
    if (page.next === undefined) return rows;
    expect(page.next).not.toBe(after);
    after = page.next;
  }
  throw new Error('The list does not end.');
}

const keyOf = ({ endpoint, generation, planned }: ChangeRow) =>
  `${planned ? 'plan' : 'change'} ${endpoint} ${generation}`;
const storyKey = ({ name, generation, planned }: Story) => `${planned ? 'plan' : 'change'} ${name} ${generation}`;
const lastDay = (to: string | undefined) =>
  to === undefined ? '2026-11-20T99' : to.length === 7 ? `${to}-99` : `${to}T99`;

/** Where a change stands in a list until this time. */
const placed = ({ openedAt, end }: Story, to: string | undefined) => (end && end.at <= lastDay(to) ? end.at : openedAt);

function expected(stories: readonly Story[], filter: ChangeFilter): string[] {
  const { from = '2026-09', to, result, environment, endpoint, person, origin } = filter;
  return stories
    .filter((story) => {
      const at = placed(story, to);
      const state = story.end?.result ?? 'open';
      const unplanned = !story.planned && story.end !== undefined && story.generation % 2 === 1;
      return (
        at >= from &&
        at <= lastDay(to) &&
        (result === undefined || state === result) &&
        (environment === undefined || story.environment === environment) &&
        (endpoint === undefined || story.name.includes(endpoint)) &&
        (person === undefined || (story.who ?? story.namedLater) === person) &&
        (origin === undefined ||
          (origin === 'unplanned' ? unplanned : (origin === 'plan') === (story.planned ?? false)))
      );
    })
    .map(storyKey)
    .sort();
}

const minutes = fc.integer({ min: 0, max: 80 * 24 * 60 });
const at = (minute: number) => new Date(Date.parse('2026-09-01T00:00:00Z') + minute * 60_000).toISOString();
const story = fc
  .record({
    name: fc.constantFrom('fraud', 'churn', 'ads-ranking'),
    environment: fc.constantFrom<Environment>('dev', 'staging', 'prod'),
    planned: fc.boolean(),
    who: fc.constantFrom('mallory', 'ml-engineer', undefined),
    // Many at the same minute: equal times must neither be lost nor shown twice.
    opened: fc.oneof(minutes, fc.constantFrom(100, 101, 43_200)),
    end: fc.option(
      fc.record({
        after: fc.constantFrom(0, 1, 60, 3_000, 40_000),
        result: fc.constantFrom<Result>('approved', 'blocked', 'compliant'),
      }),
    ),
  })
  .map(({ opened, end, who, planned, ...rest }) => ({
    ...rest,
    ...(planned && { planned }),
    ...(who && { who }),
    openedAt: at(opened),
    ...(end && { end: { at: at(opened + end.after), result: end.result } }),
  }));
const stories = fc
  .array(story, { maxLength: 40 })
  .map((list): Story[] => list.map((each, index) => ({ ...each, generation: index + 1 })));

const FILTERS: ChangeFilter[] = [
  {},
  { environment: 'prod' },
  { from: '2026-10', to: '2026-10' },
  { from: '2026-10-01', to: '2026-10-15', environment: 'dev' },
  { endpoint: 'ads' },
  { origin: 'plan' },
  { result: 'open' },
];
/** An outcome is where these find a change; one that ended after the last day is found by none. */
const BY_OUTCOME: ChangeFilter[] = [
  { result: 'blocked' },
  { result: 'approved', environment: 'prod' },
  { origin: 'unplanned' },
];

describe('a list read to its end', () => {
  test.each([...FILTERS, ...BY_OUTCOME].map((filter) => [JSON.stringify(filter), filter] as const))(
    'has every change that fits %s once, newest first',
    async (_name, filter) => {
      await fc.assert(
        fc.asyncProperty(stories, fc.constantFrom(1, 3, 50), fc.boolean(), async (told, limit, atOnce) => {
          const inTime = told.filter(({ end }) => !end || end.at <= a.NOW);
          const rows = await wholeList(inTime, filter, limit, atOnce ? async () => waitingIn(inTime) : undefined);
          expect(rows.map(keyOf).sort()).toEqual(expected(inTime, filter));
          const places = rows.map((row) => {
            const found = inTime.find((each) => storyKey(each) === keyOf(row));
            return found ? placed(found, filter.to) : '';
          });
          expect(places).toEqual([...places].sort().reverse());
          expect(rows.filter(({ request }) => request).map(keyOf)).toEqual(
            rows.filter(({ state }) => state === 'open').map(keyOf),
          );
        }),
        { numRuns: process.env.PORTCULLIS_PROOF === 'full' ? 300 : 6 },
      );
    },
  );
});

const one = (overrides: Partial<Story> = {}): Story => ({
  name: 'fraud',
  generation: 1,
  environment: 'prod',
  openedAt: '2026-11-20T08:00:00.000Z',
  ...overrides,
});

test('an open change says which request it waits with, from its own records', async () => {
  const { services } = servicesOver([one({ who: 'mallory' })]);
  const { rows } = await pageChanges(services, {}, { limit: 10 });
  expect(rows).toMatchObject([{ state: 'open', request: 'request-fraud-1', who: 'mallory', cause: 'UpdateEndpoint' }]);
});

const manyOpen = Array.from({ length: 40 }, (_, index) => one({ generation: index + 1, openedAt: a.later(-index) }));

test('at the top of a list one query says of all open changes whether they wait', async () => {
  const { services, asked } = servicesOver(manyOpen, 1_000);
  const { rows } = await pageChanges(services, {}, { limit: 40, waiting: async () => waitingIn(manyOpen) });
  expect(rows.map(({ request }) => request)).toEqual(manyOpen.map(requestOf));
  expect(asked.every(({ IndexName }) => IndexName === 'by-environment-month')).toBe(true);
  const none = await pageChanges(services, {}, { limit: 40, waiting: async () => new Map() });
  expect(none.rows.map(({ state, request }) => [state, request])).toEqual(manyOpen.map(() => ['open', undefined]));
});

test.each<[string, ChangeFilter, boolean]>([
  ['more wait than one query reads', {}, false],
  ['that query does not name it, and it is about a person', { person: 'mallory' }, true],
  ['that query does not name it, and the list ends before today', { to: '2026-11-20' }, true],
])('an open change is looked up by itself where %s', async (_, filter, known) => {
  const told = manyOpen.map((story) => ({ ...story, who: 'mallory' }));
  const { services } = servicesOver(told, 1_000);
  const waiting = async () => (known ? new Map() : undefined);
  const { rows } = await pageChanges(services, filter, { limit: 40, waiting });
  expect(rows.map(({ request }) => request)).toEqual(told.map(requestOf));
});

test('a change that ended in the month after the one asked about says how', async () => {
  const end = { at: '2026-11-02T00:00:00.000Z', result: 'blocked' as const };
  const rows = await wholeList(
    [one({ openedAt: '2026-10-31T23:00:00.000Z', end })],
    { from: '2026-10', to: '2026-10' },
    10,
  );
  expect(rows).toMatchObject([{ state: 'blocked', at: end.at }]);
});

test('who made a change is found, be it by the first event, a later one, or its outcome', async () => {
  const end = { at: '2026-11-20T09:00:00.000Z', result: 'approved' as const };
  const told = [
    one({ generation: 1, who: 'mallory' }),
    one({ generation: 2, namedLater: 'mallory' }),
    one({ generation: 3, namedLater: 'mallory', end }),
    one({ generation: 4, who: 'mallory', end: { ...end, result: 'blocked' } }),
    one({ generation: 5, who: 'ml-engineer' }),
  ];
  const rows = await wholeList(told, { person: 'mallory' }, 2);
  expect(rows.map(({ generation }) => generation).sort()).toEqual([1, 2, 3, 4]);
  expect(new Set(rows.map(({ who }) => who))).toEqual(new Set(['mallory']));
});

test('one page asks for no more than it needs, and never scans', async () => {
  const end = { at: '2026-11-20T09:00:00.000Z', result: 'compliant' as const };
  const told = Array.from({ length: 100 }, (_, index) =>
    one({ generation: index + 1, openedAt: a.later(-60 * index - 30), end: { ...end, at: a.later(-60 * index) } }),
  );
  const { services, asked } = servicesOver(told, 1_000);
  await pageChanges(services, {}, { limit: 20 });
  expect(asked.length).toBeLessThanOrEqual(12);
  expect(asked.every(({ KeyConditionExpression }) => KeyConditionExpression !== undefined)).toBe(true);
});

test('what is rare is looked for so far and no further on one page, which says so', async () => {
  const end = { at: '2026-11-20T09:00:00.000Z', result: 'compliant' as const };
  const told = Array.from({ length: 1_000 }, (_, index) =>
    one({ generation: index + 1, end: { ...end, at: a.later(-60 * index) }, openedAt: a.later(-60 * index - 30) }),
  );
  const { services } = servicesOver(told, 1_000);
  const page = await pageChanges(services, { endpoint: 'not there' }, { limit: 20 });
  expect(page.rows).toEqual([]);
  expect(page.next).toBeDefined();
  expect(page.lookedBackTo).toBe(a.later(-60 * 749 - 30));
});

test('a page that ends with a month of nothing names the first day of that month', async () => {
  const { services } = servicesOver([one({ openedAt: '2026-11-02T08:00:00.000Z' })]);
  // Time passes while it is read, so the page is made of what was found.
  let asked = 0;
  services.now = () => {
    asked += 1;
    return new Date(Date.parse(a.NOW) + Math.max(0, asked - 3) * 100).toISOString();
  };
  const page = await pageChanges(services, { from: '2026-01' }, { limit: 50 });
  expect(page.rows).toHaveLength(1);
  expect(page.lookedBackTo).toMatch(/^2026-\d\d-01$/);
});

test('a list for a program goes on over pages until there are enough', async () => {
  const end = { at: '2026-11-20T09:00:00.000Z', result: 'compliant' as const };
  const told = Array.from({ length: 450 }, (_, index) =>
    one({ generation: index + 1, openedAt: a.later(-60 * index - 30), end: { ...end, at: a.later(-60 * index) } }),
  );
  const { services } = servicesOver(told, 1_000);
  expect((await listChanges(services, {}, 420)).length).toBe(420);
  expect((await listChanges(services, { origin: 'plan' }, 420)).length).toBe(0);
});

describe('a cursor', () => {
  const place = { at: a.NOW, pk: 'endpoint#111122223333#us-east-1#fraud', sequence: '000000012' };

  test('stands for its place', () => expect(placeOf(cursorOf(place))).toEqual(place));

  test.each([
    '',
    'x',
    '?',
    Buffer.from('[]').toString('base64url'),
    cursorOf({ ...place, pk: "'; DROP" }),
    cursorOf({ ...place, at: 'now' }),
  ])('of somebody else (%j) is none', (cursor) => expect(placeOf(cursor)).toBeUndefined());
});

test('without days the last three months are listed, and months are all of their days', () => {
  expect(daysOf({}, a.NOW)).toEqual({ from: '2026-09-01', to: '2026-11-20' });
  expect(daysOf({ from: '2026-02', to: '2026-02' }, a.NOW)).toEqual({ from: '2026-02-01', to: '2026-02-28' });
  expect(daysOf({ from: '2026-02-03', to: '2026-02-05' }, a.NOW)).toEqual({ from: '2026-02-03', to: '2026-02-05' });
});
