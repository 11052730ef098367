import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LocalDynamoDb, openDynamoDb } from '../../local/aws/dynamodb.ts';
import { ensureTables } from '../../local/tables.ts';
import { append, readStream } from '../../shared/aws/ledger.ts';
import {
  type Answer,
  askAll,
  askPage,
  decidedUnderPrices,
  listBreakGlass,
  listWaivers,
  noCost,
} from '../../shared/aws/questions.ts';
import type { Services } from '../../shared/aws/services.ts';
import { streamOf } from '../../shared/model/endpoint-ref.ts';
import {
  type LedgerQuery,
  monthsBetween,
  QUERIES,
  spanBetween,
  spanOfMonths,
} from '../../shared/model/ledger-question.ts';
import type { LedgerRecord, RecordBody, RecordOf } from '../../shared/model/ledger-record.ts';
import * as a from '../builders.ts';
import { fakeAws, services } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

const [P1, P2, M1, M2] = ['1', '2', '3', '4'].map((digit) => digit.repeat(64)) as [string, string, string, string];
const NAMES = ['fraud-prod', 'churn', 'ranking'];
const at = (ref: string) => ({ ...a.endpoint, name: ref });

/** A record of any kind that a question is about, at any time of four months. */
const moment = fc.date({ min: new Date('2026-08-01'), max: new Date('2026-12-01'), noInvalidDate: true });
const environment = fc.constantFrom('dev' as const, 'staging' as const, 'prod' as const);
const person = fc.constantFrom('asha', 'ben');
const body: fc.Arbitrary<RecordBody> = fc.oneof(
  fc
    .record({ name: environment })
    .map(({ name }) => a.opened(1, a.facts({ environment: { name, source: 'tag', evidence: '' } }))),
  fc
    .record({
      environment,
      result: fc.constantFrom('blocked' as const, 'approved' as const, 'compliant' as const),
      planned: fc.constantFrom('as-planned' as const, 'unplanned' as const, 'out-of-band' as const, undefined),
      requester: person,
    })
    .map(({ result, requester, planned, ...rest }) =>
      a.outcome(1, result, { ...rest, requesters: [requester], ...(planned && { planned }) }),
    ),
  fc
    .record({ policyDigest: fc.constantFrom(P1, P2), priceDigest: fc.constantFrom(M1, M2) })
    .map((digests) => a.findings(1, [], digests)),
  fc
    .record({
      approver: person,
      answer: fc.constantFrom('approved' as const, 'rejected' as const),
      broken: fc.boolean(),
      request: fc.constantFrom('r1', 'r2'),
    })
    .map(({ broken, ...given }) => a.given({ ...given, ...(broken && { breakGlass: true as const }) })),
  fc.record({ request: fc.constantFrom('r1', 'r2') }).map(
    ({ request }): RecordOf<'break-glass-reviewed'> => ({
      kind: 'break-glass-reviewed',
      generation: 1,
      digest: a.HEX,
      request,
      reviewer: 'ben',
      finding: 'justified',
      reason: 'ok',
    }),
  ),
  fc
    .record({ id: fc.constantFrom('w1', 'w2', 'w3'), from: moment, days: fc.integer({ min: 1, max: 366 }) })
    .map(({ id, from, days }) =>
      a.granted({ id, from: from.toISOString(), until: new Date(from.getTime() + days * 86_400_000).toISOString() }),
    ),
);

type Asked = { answers: Answer[]; expected: LedgerRecord[] };
const placeOf = ({ stream, sequence }: Pick<Answer, 'stream' | 'sequence'>) => `${stream} ${sequence}`;
const places = (found: readonly LedgerRecord[]) =>
  found.map(({ endpoint, sequence }) => placeOf({ stream: streamOf(endpoint), sequence })).sort();

/** Every question with the answer that a look at each record gives: what the keys find must be exactly that. */
async function everyAnswer(
  on: Services,
  all: readonly LedgerRecord[],
  from: string,
  to: string,
): Promise<Record<string, Asked>> {
  const span = spanBetween(from, to);
  const ask = async (queries: readonly LedgerQuery[]) => {
    const answers: Answer[] = [];
    for await (const answer of askAll(on, queries)) answers.push(answer);
    return answers;
  };
  const inTime = ({ at: when }: LedgerRecord) => when >= from && when < to;
  const which = (test: (record: LedgerRecord) => boolean, when = inTime) =>
    all.filter((each) => when(each) && test(each));
  const always = () => true;
  const under = (name: 'policyDigest' | 'priceDigest', digest: string) =>
    which(({ body: each }) => each.kind === 'findings' && each[name] === digest, always);
  const outcomes = (test: (outcome: RecordOf<'outcome'>) => boolean) =>
    which(({ body: each }) => each.kind === 'outcome' && test(each));
  const dear: Answer[] = [];
  for await (const answer of decidedUnderPrices(on, M1)) dear.push(answer);
  return {
    'about one endpoint': {
      answers: await ask(QUERIES.stream(streamOf(a.endpoint))),
      expected: which(({ endpoint }) => streamOf(endpoint) === streamOf(a.endpoint), always),
    },
    'changes of prod': {
      answers: await ask(QUERIES.environment('prod', span)),
      expected: which(
        ({ body: each }) =>
          (each.kind === 'change-opened' && each.environment.name === 'prod') ||
          (each.kind === 'outcome' && each.environment === 'prod'),
      ),
    },
    blocked: {
      answers: await ask(QUERIES.result('blocked', span)),
      expected: outcomes(({ result }) => result === 'blocked'),
    },
    'approved by asha': {
      answers: await ask(QUERIES.approvedBy('asha', span)),
      expected: which(
        ({ body: each }) => each.kind === 'approval-given' && each.approver === 'asha' && each.answer === 'approved',
      ),
    },
    unplanned: {
      answers: await ask(QUERIES.unplanned(span)),
      expected: outcomes(({ planned }) => planned === 'unplanned'),
    },
    'out of band': {
      answers: await ask(QUERIES.outOfBand(span)),
      expected: outcomes(({ planned }) => planned === 'out-of-band'),
    },
    'by broken glass': {
      answers: await listBreakGlass(on, span),
      expected: which(({ body: each }) => each.kind === 'approval-given' && each.breakGlass === true),
    },
    'under limits': { answers: await ask(QUERIES.underLimits(P1)), expected: under('policyDigest', P1) },
    'under prices': { answers: dear, expected: under('priceDigest', M1) },
  };
}

/** What was in force at a moment, by looking at every record. */
const inForce = (all: readonly LedgerRecord[], on: string) =>
  all.flatMap(({ body: each }) =>
    each.kind === 'waiver-granted' && each.waiver.from <= on && on < each.waiver.until ? [each.waiver.id] : [],
  );

const kept = (digest: string): RecordOf<'settings-kept'> => ({
  kind: 'settings-kept',
  generation: 1,
  what: 'limits',
  digest,
  document: {},
  version: '0.1.0',
});

describe('the keys of the indexes', () => {
  test('find exactly what is asked for, whatever is on record and whenever', async () => {
    const written = fc.array(fc.record({ body, at: moment, name: fc.constantFrom(...NAMES) }), {
      minLength: 5,
      maxLength: 25,
    });
    await fc.assert(
      fc.asyncProperty(written, moment, fc.integer({ min: 1, max: 100 }), async (list, start, days) => {
        const aws = fakeAws();
        const tables = fakeTables(aws);
        tables.answerDirectly();
        for (const name of NAMES) {
          const mine = list.filter((each) => each.name === name);
          tables.seedAt(at(name), ...mine.map((each) => ({ body: each.body, at: each.at.toISOString() })));
        }
        for (const digest of [P1, P2])
          tables.seedAt({ ...at(`limits-${digest.slice(0, 40)}`), about: 'settings' } as never, kept(digest));
        const [from, to] = [start.toISOString(), new Date(start.getTime() + days * 86_400_000).toISOString()];
        for (const [question, { answers, expected }] of Object.entries(
          await everyAnswer(aws.services, tables.records(), from, to),
        )) {
          expect(answers.map(placeOf).sort(), question).toEqual(places(expected));
        }
        const waivers = await listWaivers(aws.services, { from, to: from });
        expect(waivers.map(({ id }) => id).sort()).toEqual(inForce(tables.records(), from).sort());
      }),
      { numRuns: process.env.PORTCULLIS_PROOF === 'full' ? 300 : 8 },
    );
  });
  const just = (seconds: number) => ({ from: a.later(seconds), to: a.later(seconds) });
  test('find, for a day, what was in force at any moment of it', async () => {
    const aws = fakeAws();
    const tables = fakeTables(aws);
    // At NOW it is ten in the morning.
    tables.seed(
      a.granted({ id: 'begins', from: a.later(3_600) }),
      a.granted({ id: 'longest', from: a.later(3_600), until: a.later(366 * 86_400) }),
      a.granted({ id: 'ends', from: a.later(-86_400), until: a.later(60) }),
      a.granted({ id: 'revoked', from: a.later(-86_400) }),
      a.granted({ id: 'never began', from: a.later(3_600) }),
      { body: a.revoked({ waiver: 'revoked' }), at: a.later(60) },
      { body: a.revoked({ waiver: 'never began' }), at: a.later(120) },
    );
    const on = async (day: string) => {
      const time = { from: `${day}T00:00:00.000Z`, to: `${day}T23:59:59.999Z` };
      return (await listWaivers(aws.services, time)).map(({ id }) => id).sort();
    };
    expect(await on('2026-11-19')).toEqual(['ends', 'revoked']);
    expect(await on('2026-11-20')).toEqual(['begins', 'ends', 'longest', 'revoked']);
    expect(await on('2026-11-21')).toEqual(['begins', 'longest']);
  });
  test('leave out a waiver that was revoked before the moment, and not one that was revoked after it', async () => {
    const aws = fakeAws();
    const tables = fakeTables(aws);
    tables.seed(a.granted(), { body: a.revoked(), at: a.later(60) });
    expect((await listWaivers(aws.services, just(59))).map(({ id }) => id)).toEqual(['w1']);
    expect(await listWaivers(aws.services, just(60))).toEqual([]);
  });
  test('show a waiver with everything that an auditor asks', async () => {
    const aws = fakeAws();
    fakeTables(aws).seed(a.granted());
    const { names: _names, ...shown } = a.waiver();
    expect(await listWaivers(aws.services, just(0))).toEqual([
      { ...shown, account: a.endpoint.account, region: a.endpoint.region, endpoint: a.endpoint.name },
    ]);
  });
  test('find the review of an approval that was asked about, however much later it came', async () => {
    const aws = fakeAws();
    const tables = fakeTables(aws);
    const review = {
      kind: 'break-glass-reviewed',
      generation: 1,
      digest: a.HEX,
      request: 'r1',
      reviewer: 'ben',
      finding: 'justified',
      reason: 'ok',
    } as const;
    tables.seed(a.given({ breakGlass: true, request: 'r1' }), a.given({ breakGlass: true, request: 'r2' }), {
      body: review,
      at: a.later(90 * 86_400),
    });
    const found = await listBreakGlass(aws.services, spanBetween(a.later(-60), a.later(60)));
    expect(found.map(({ request, review: was }) => [request, was])).toEqual(
      expect.arrayContaining([
        ['r1', 'justified'],
        ['r2', undefined],
      ]),
    );
  });
});

describe('in the local store', () => {
  let [on, server, store, directory]: [Services, Server, LocalDynamoDb, string] = [] as never;
  const all: LedgerRecord[] = [];
  const FROM = '2026-10-15T00:00:00.000Z';
  const TO = '2026-11-30T00:00:00.000Z';

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'questions-'));
    store = openDynamoDb(directory);
    server = createServer((request, response) => store.serve(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const credentials = { accessKeyId: 'x', secretAccessKey: 'x' };
    const dynamodb = new DynamoDBClient({ endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1', credentials });
    on = services({ dynamodb });
    await ensureTables(dynamodb, on.config.tables);
    // The same every time, and some of everything.
    for (const [index, each] of fc.sample(body, { seed: 7, numRuns: 60 }).entries()) {
      const when = new Date(Date.parse('2026-10-01') + index * 24 * 3_600_000).toISOString();
      const clocked = { ...on, now: () => when };
      const ref = at(NAMES[index % 3] ?? '');
      const { records } = await append(clocked, await readStream(clocked, ref), () => ({
        id: `record-${index}`,
        body: each,
        actor: a.person('asha'),
      }));
      all.push(records.at(-1) as LedgerRecord);
    }
    for (const digest of [P1, P2]) {
      const ref = { ...at(`limits-${digest.slice(0, 40)}`), about: 'settings' as const };
      await append(on, await readStream(on, ref), () => ({ id: 'kept', body: kept(digest), actor: a.person('asha') }));
    }
  }, 30_000);
  afterAll(async () => {
    on.dynamodb.destroy();
    server.close();
    server.closeAllConnections();
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  });

  test('each question finds what it asks for, and there is some of everything', async () => {
    for (const [question, { answers, expected }] of Object.entries(await everyAnswer(on, all, FROM, TO))) {
      expect(expected.length, question).toBeGreaterThan(0);
      expect(answers.map(placeOf).sort(), question).toEqual(places(expected));
    }
  });
  test('waivers are found for any day', async () => {
    for (const day of ['2026-10-20T00:00:00.000Z', '2026-11-20T00:00:00.000Z', '2027-06-01T00:00:00.000Z']) {
      const found = await listWaivers(on, { from: day, to: day });
      expect(found.map(({ id }) => id).sort(), day).toEqual(inForce(all, day).sort());
    }
  });
  test('pages go on where the one before ended, over months, without loss or repetition', async () => {
    const queries = QUERIES.environment('prod', spanBetween(FROM, TO));
    const whole: Answer[] = [];
    for await (const answer of askAll(on, queries)) whole.push(answer);
    const paged: Answer[] = [];
    let after: string | undefined;
    do {
      const page = await askPage(on, queries, { limit: 2, after });
      expect(page.answers.length).toBeLessThanOrEqual(2);
      paged.push(...page.answers);
      after = page.next;
    } while (after !== undefined);
    expect(paged).toEqual(whole);
    expect(whole.length).toBeGreaterThan(2);
    await expect(askPage(on, queries, { limit: 2, after: 'no cursor' })).rejects.toThrow(RangeError);
  });
  test('what it cost is counted as DynamoDB counts it', async () => {
    const cost = noCost();
    for await (const _answer of askAll(on, QUERIES.environment('prod', spanOfMonths('2026-11')), cost));
    expect(cost).toEqual({ requests: 1, readUnits: expect.any(Number) });
    expect(cost.readUnits).toBeGreaterThan(0);
    expect(cost.readUnits).toBeLessThan(3);
  });
});

test('months are those that a span touches, newest first', () => {
  expect(monthsBetween('2026-11-30T23:59:00.000Z', '2027-01-01T00:00:00.000Z')).toEqual(['2026-12', '2026-11']);
  expect(spanOfMonths('2026-01', 3)).toEqual({
    from: '2025-11-01T00:00:00.000Z',
    to: '2026-02-01T00:00:00.000Z',
    months: ['2026-01', '2025-12', '2025-11'],
  });
});
