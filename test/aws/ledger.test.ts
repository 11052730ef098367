import { ExecuteStatementCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from 'vitest';
import {
  append,
  type Draft,
  knownStream,
  LedgerContentionError,
  RecordTooLargeError,
  readStream,
  readWholeStream,
} from '../../shared/aws/ledger.ts';
import { gateActor } from '../../shared/model/actor.ts';
import { canonicalJson } from '../../shared/model/canonical-json.ts';
import { changeOf, requestersOf } from '../../shared/model/endpoint-history.ts';
import { streamOf } from '../../shared/model/endpoint-ref.ts';
import { GENESIS, LedgerRecord, recordHash, sortKey } from '../../shared/model/ledger-record.ts';
import {
  artifact,
  change,
  endpoint,
  facts,
  findings,
  given,
  NOW,
  opened,
  outcome,
  person,
  requested,
} from '../builders.ts';
import { awsError, fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

function setUp() {
  const aws = fakeAws();
  return { aws, tables: fakeTables(aws), services: aws.services };
}
type Parts = ReturnType<typeof setUp>;
const draft = (body: Draft['body'], id = `${body.kind}#${body.generation}`, actor = gateActor): Draft => ({
  id,
  body,
  actor,
});
const appendTo = async ({ services }: Parts, build: Parameters<typeof append>[2]) =>
  append(services, await readStream(services, endpoint), build);
const statements = ({ aws }: Parts) =>
  aws.dynamodb.commandCalls(ExecuteStatementCommand).map(({ args }) => args[0].input);
const event = (index: number, generation = 1) => ({
  kind: 'event-joined' as const,
  generation,
  event: change({ eventId: `e${index}`, actor: person(`somebody-${index}`) }),
});

describe('append', () => {
  test('the first record follows nothing, the next one the hash of the one before', async () => {
    const parts = setUp();
    await appendTo(parts, () => draft(opened()));
    const stream = await appendTo(parts, () => draft(findings()));
    const [first, second] = parts.tables.records();
    expect(first).toEqual({
      schema: 1,
      endpoint,
      sequence: 1,
      previous: GENESIS,
      id: 'change-opened#1',
      at: NOW,
      actor: gateActor,
      body: opened(),
    });
    expect(second).toMatchObject({ sequence: 2, previous: first && recordHash(first), body: findings() });
    expect(stream.records).toEqual([first, second]);
    expect(changeOf(stream.history, 1)?.findings).toEqual(findings());
    for (const record of stream.records) expect(LedgerRecord.parse(record)).toEqual(record);
  });

  test('nothing is appended where there is nothing to say', async () => {
    const parts = setUp();
    expect((await appendTo(parts, () => undefined)).records).toEqual([]);
    expect(statements(parts)).toEqual([]);
  });

  test('the same work done again finds its record and appends nothing', async () => {
    const parts = setUp();
    const first = await appendTo(parts, () => draft(opened()));
    parts.aws.clock.advance(5);
    const again = await appendTo(parts, () => draft(opened()));
    expect(again.records).toEqual(first.records);
    expect(statements(parts)).toHaveLength(1);
  });

  test('where another writer is faster, the stream is read again and build is asked again', async () => {
    const parts = setUp();
    parts.tables.seed(opened());
    parts.tables.hooks.beforeInsert = () => parts.tables.add(findings());
    const seen: boolean[] = [];
    const stream = await appendTo(parts, (history) => {
      seen.push(Boolean(changeOf(history, 1)?.findings));
      return draft(requested());
    });
    expect(seen).toEqual([false, true]);
    expect(stream.records.map(({ body, sequence }) => [body.kind, sequence])).toEqual([
      ['change-opened', 1],
      ['findings', 2],
      ['approval-requested', 3],
    ]);
  });

  test('and may find that there is nothing left to do', async () => {
    const parts = setUp();
    parts.tables.seed(opened(), requested());
    parts.tables.hooks.beforeInsert = () => parts.tables.add(given({ approver: 'ben' }));
    await appendTo(parts, (history) => (changeOf(history, 1)?.decided ? undefined : draft(given())));
    expect(parts.tables.kinds()).toEqual(['change-opened#1', 'approval-requested#1', 'approval-given#1']);
    expect(changeOf((await readStream(parts.services, endpoint)).history, 1)?.decided?.approvers).toEqual(['ben']);
  });

  test('an insert that went through although its answer was lost is found and not repeated', async () => {
    const parts = setUp();
    parts.tables.seed(opened());
    const body = findings();
    parts.tables.hooks.beforeInsert = () => parts.tables.add({ body, id: 'findings#1' });
    await appendTo(parts, () => draft(body));
    expect(parts.tables.kinds()).toEqual(['change-opened#1', 'findings#1']);
  });

  test('twenty others in a row are too many', async () => {
    const parts = setUp();
    parts.tables.seed(opened());
    parts.aws.dynamodb.on(ExecuteStatementCommand).rejects(awsError('DuplicateItemException'));
    await expect(appendTo(parts, () => draft(findings()))).rejects.toThrow(LedgerContentionError);
    expect(statements(parts)).toHaveLength(20);
  });

  test('any other error is thrown at once', async () => {
    const parts = setUp();
    parts.aws.dynamodb.on(ExecuteStatementCommand).rejects(awsError('ProvisionedThroughputExceededException'));
    await expect(appendTo(parts, () => draft(opened()))).rejects.toMatchObject({
      name: 'ProvisionedThroughputExceededException',
    });
    expect(statements(parts)).toHaveLength(1);
  });

  test('a record that DynamoDB would refuse is refused before it is sent', async () => {
    const parts = setUp();
    // It is bytes that count: in characters this one is small enough.
    const artifacts = Array.from({ length: 600 }, (_, index) =>
      artifact({ uri: `s3://b/${index}/${'ü'.repeat(300)}` }),
    );
    const big = opened(1, facts({ artifacts }));
    expect(canonicalJson(big).length).toBeLessThan(370_000);
    await expect(appendTo(parts, () => draft(big))).rejects.toThrow(RecordTooLargeError);
    expect(statements(parts)).toEqual([]);
  });

  test('records appended at the same time all land, one after the other', async () => {
    const parts = setUp();
    parts.tables.seed(opened());
    const stream = await readStream(parts.services, endpoint);
    await Promise.all([1, 2, 3].map((index) => append(parts.services, stream, () => draft(event(index), `e${index}`))));
    expect(parts.tables.records().map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
  });
});

describe('the statement', () => {
  test('has the keys as literals, so that CloudTrail shows them, and everything else as parameters', async () => {
    const parts = setUp();
    const {
      records: [record],
    } = await appendTo(parts, () => draft(opened(), 'o', person("dana'; --")));
    if (!record) throw new Error('nothing was appended');
    const [{ Statement = '', Parameters = [] } = {}] = statements(parts);
    const literals = `INSERT INTO "ledger" VALUE {'pk': '${streamOf(endpoint)}', 'sk': '${sortKey(1, GENESIS)}', `;
    expect(Statement.startsWith(literals)).toBe(true);
    const rest = Statement.slice(literals.length);
    expect(rest).toMatch(/^('\w+': \?, )*'\w+': \?\}$/);
    const names = [...rest.matchAll(/'(\w+)'/g)].map(([, name = '']) => name);
    expect(Object.fromEntries(names.map((name, index) => [name, Parameters[index]?.S]))).toMatchObject({
      hash: recordHash(record),
      record: canonicalJson(record),
      kind: 'change-opened',
      endpoint: 'fraud-prod',
      generation: '1',
      at: NOW,
      environment: 'prod',
      actor: "dana'; --",
    });
    expect(Parameters).toHaveLength(names.length);
  });

  test.each([
    ['who opened it, unless it was the gate', draft(opened()), { actor: undefined, environmentMonth: 'prod#2026-11' }],
    ['who came to be known', draft(event(1)), { actor: 'somebody-1' }],
    ['who answered and what', draft(given()), { actor: 'asha', answer: 'approved' }],
    [
      'how it ended',
      draft(outcome(1, 'blocked', { violations: ['a', 'b'] })),
      { result: 'blocked', outcomeMonth: 'blocked#2026-11', violations: 'a,b' },
    ],
    ['nothing more of the others', draft(findings()), { actor: undefined, environmentMonth: undefined }],
  ])('carries for the indexes %s', async (_what, written, attributes) => {
    const parts = setUp();
    await appendTo(parts, () => written);
    const [item = {}] = parts.tables.itemsOfLedger();
    expect(Object.fromEntries(Object.keys(attributes).map((name) => [name, item[name]?.S]))).toEqual(attributes);
  });
});

describe('readStream', () => {
  test('reads consistently, newest first, no further than it must', async () => {
    const parts = setUp();
    parts.tables.seed(...Array.from({ length: 60 }, (_, index) => opened(index + 1)));
    const sequences = (await readStream(parts.services, endpoint)).records.map(({ sequence }) => sequence);
    expect(sequences.at(-1)).toBe(60);
    expect(sequences.length).toBeLessThan(30);
    expect(sequences).toEqual(sequences.map((_, index) => index + 61 - sequences.length));
    expect(parts.aws.calls).toEqual(['Query']);
    const { input } = parts.aws.dynamodb.commandCalls(QueryCommand)[0]?.args[0] ?? {};
    expect(input).toMatchObject({ ConsistentRead: true, ScanIndexForward: false });
  });

  test('goes back to where the change it was asked for was opened', async () => {
    const parts = setUp();
    parts.tables.seed(...Array.from({ length: 60 }, (_, index) => opened(index + 1)));
    const stream = await readStream(parts.services, endpoint, 5);
    expect(changeOf(stream.history, 5)?.opened).toBeDefined();
    expect(stream.history.generation).toBe(60);
  });

  test('reads through many records of one change to its opening', async () => {
    const parts = setUp();
    parts.tables.seed(opened(), ...Array.from({ length: 70 }, (_, index) => event(index)));
    expect((await readStream(parts.services, endpoint)).records).toHaveLength(71);
  });

  test('holds the whole of a change: who was named before it opened too, wherever a page ends', async () => {
    const parts = setUp();
    const early = { ...event(99, 2), event: change({ eventId: 'early', actor: person('dana') }) };
    for (const between of [[], [findings(1)], [findings(1), outcome(1)]]) {
      for (let after = 4; after < 28; after += 1) {
        const ref = { ...endpoint, name: `e-${between.length}-${after}` };
        const later = Array.from({ length: after }, (_, index) => event(index, 2));
        parts.tables.seedAt(ref, opened(1), early, ...between, opened(2), ...later);
        const { history } = await readStream(parts.services, ref, 2);
        const names = requestersOf(history, 2).map(({ person: name }) => name);
        expect(names, `${between.length} records before it opened, ${after} after`).toContain('dana');
      }
    }
  });

  test('an endpoint that nobody has heard of has an empty stream', async () => {
    expect(await readStream(setUp().services, endpoint)).toMatchObject({
      ref: endpoint,
      records: [],
      history: { changes: [], generation: 0 },
    });
  });

  test('names that differ in case are one stream', async () => {
    const parts = setUp();
    parts.tables.seed(opened());
    expect((await readStream(parts.services, { ...endpoint, name: 'FRAUD-Prod' })).records).toHaveLength(1);
  });
});

describe('knownStream', () => {
  test('is the stream as it was last seen, without a call', async () => {
    const parts = setUp();
    parts.tables.seed(opened());
    const read = await readStream(parts.services, endpoint);
    parts.aws.calls.length = 0;
    expect(await knownStream(parts.services, endpoint, 1)).toEqual(read);
    expect(parts.aws.calls).toEqual([]);
  });
  test('is read where the change is not in what was seen', async () => {
    const parts = setUp();
    parts.tables.seed(opened());
    await readStream(parts.services, endpoint);
    parts.tables.add(opened(2));
    expect(changeOf((await knownStream(parts.services, endpoint, 2)).history, 2)?.opened).toBeDefined();
  });
  test('that is out of date cannot be appended to: the append collides and looks again', async () => {
    const parts = setUp();
    parts.tables.seed(opened());
    await readStream(parts.services, endpoint);
    parts.tables.add(findings());
    const after = await append(parts.services, await knownStream(parts.services, endpoint, 1), (history) =>
      changeOf(history, 1)?.findings ? undefined : draft(findings()),
    );
    expect(parts.tables.kinds()).toEqual(['change-opened#1', 'findings#1']);
    expect(changeOf(after.history, 1)?.findings).toBeDefined();
  });
  test('knows a bounded number of streams, the latest', async () => {
    const { services } = setUp();
    for (let index = 0; index < 70; index += 1) await readStream(services, { ...endpoint, name: `e${index}` });
    expect(services.knownStreams.size).toBe(64);
    expect([...services.knownStreams.keys()].at(-1)).toContain('e69');
  });
});

test('a whole stream is read oldest first, over every page', async () => {
  const parts = setUp();
  parts.tables.seed(opened(), ...Array.from({ length: 230 }, (_, index) => event(index)));
  const items = [];
  for await (const item of readWholeStream(parts.services, streamOf(endpoint))) items.push(item);
  expect(items.map(({ record }) => record)).toEqual(parts.tables.records());
  expect(items.every(({ hash, record }) => hash === recordHash(record))).toBe(true);
  expect(parts.aws.calls.length).toBe(3);
});
