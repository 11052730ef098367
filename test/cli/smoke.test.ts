import { EventBridgeClient, PutEventsCommand, type PutEventsCommandInput } from '@aws-sdk/client-eventbridge';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { exitCodeOf } from '../../cli/checks.ts';
import { runSmoke } from '../../cli/smoke.ts';
import { run as archiveRecords } from '../../functions/archive-records.ts';
import { run as gatherFacts } from '../../functions/gather-facts.ts';
import { run as receiveEvent } from '../../functions/receive-event.ts';
import { run as recordOutcome } from '../../functions/record-outcome.ts';
import { ROUTES, respond } from '../../local/http-api.ts';
import { outcome } from '../builders.ts';
import { fakeArchive } from '../fake-archive.ts';
import { awsError, fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

const [sts, bus] = [mockClient(STSClient), mockClient(EventBridgeClient)];
afterAll(() => {
  sts.restore();
  bus.restore();
});
const URL = 'https://gate.example.com';
const REQUEST = 'r'.repeat(26);

/** The gate in one process, without endpoints: bus, workflow, stream and console, each of which a test can break. */
function setUp() {
  const aws = fakeAws();
  const tables = fakeTables(aws);
  const archive = fakeArchive(aws);
  aws.world.endpoint = undefined;
  const gate = {
    /** What one execution does, from the event to the outcome. */
    execute: async (input: object) => {
      await gatherFacts(input, aws.services);
      await recordOutcome({ ...input, checked: { Error: 'GoneError' } }, aws.services);
    },
    stream: async () => {
      const Records = tables
        .itemsOfLedger()
        .map((NewImage) => ({ eventName: 'INSERT' as const, dynamodb: { NewImage } }));
      await archiveRecords({ Records } as never, aws.services);
    },
    answer: async (method: string, path: string) => {
      const event = {
        rawPath: path,
        rawQueryString: '',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      };
      const { statusCode = 200 } = await respond(
        { ...event, requestContext: { http: { method } } } as unknown as APIGatewayProxyEventV2,
        aws.services,
      );
      return statusCode;
    },
  };
  sts.on(GetCallerIdentityCommand).resolves({ Account: '111122223333' });
  bus.on(PutEventsCommand).callsFake(async ({ Entries: [entry] = [] }: PutEventsCommandInput) => {
    const event = {
      id: 'event-of-smoke',
      source: entry?.Source,
      'detail-type': entry?.DetailType,
      account: '111122223333',
      region: 'us-east-1',
      time: aws.clock.now,
      detail: JSON.parse(entry?.Detail ?? ''),
    };
    await receiveEvent(event, aws.services);
    for (const { input } of aws.world.executions.values()) await gate.execute(JSON.parse(input));
    await gate.stream();
    return { Entries: [{ EventId: 'event-of-smoke' }] };
  });
  const lines: string[] = [];
  const smoke = async (stack: string | undefined = 'portcullis-dev') => {
    const report = await runSmoke({
      services: aws.services,
      url: URL,
      stack,
      progress: (line) => lines.push(line),
      pause: async (ms) => void aws.clock.advance(ms / 1000),
      fetch: async (input, init) => {
        if (String(input) === `${URL}/metrics`) return new Response(...metrics);
        const status = await gate.answer(init?.method ?? 'GET', String(input).slice(URL.length));
        return { status } as Response;
      },
    });
    const of = (name: string) => report.checks.find(({ check }) => check === name);
    return { ...report, of, code: exitCodeOf(report.checks) };
  };
  return { aws, tables, gate, lines, smoke, ...archive };
}

const WHOLE: ConstructorParameters<typeof Response> = [
  '# HELP x\nportcullis_changes_total{outcome="blocked"} 1\nportcullis_sweep_lag_seconds 1\nportcullis_ledger_appends_total 1\n',
];
let metrics = WHOLE;

beforeEach(() => {
  sts.reset();
  bus.reset();
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterEach(() => vi.restoreAllMocks());

describe('smoke', () => {
  test('sends one change through the whole gate and finds everything in order', async () => {
    const { smoke, tables, lines } = setUp();
    const { checks, code, endpoint, seconds } = await smoke();
    expect(checks.map(({ check, result }) => `${check}: ${result}`)).toEqual([
      'event: ok',
      'outcome: ok',
      'chain: ok',
      'archive: ok',
      'reading: ok',
      'posting: ok',
      'time: ok',
    ]);
    expect(code).toBe(0);
    expect(seconds).toBe(0);
    expect(endpoint).toMatch(/^portcullis-smoke-[a-z0-9]{26}$/);
    expect(tables.kinds()).toEqual(['event-joined#1', 'outcome#1']);
    expect(lines[1]).toBe('outcome: ok: one outcome, deleted, environment dev');
  });

  test('on this machine asks for no sealed copies', async () => {
    const { smoke } = setUp();
    const { checks, code } = await smoke('');
    expect(code).toBe(0);
    expect(checks.map(({ check }) => check)).not.toContain('archive');
  });

  test('on this machine wants metrics that Prometheus can read', async () => {
    const { smoke } = setUp();
    expect((await smoke('')).of('metrics')).toMatchObject({ result: 'ok', detail: '3 samples for Prometheus' });
    metrics = ['portcullis_changes_total 1\n'];
    expect((await smoke('')).of('metrics')).toMatchObject({
      result: 'problem',
      detail: expect.stringContaining('lacks portcullis_sweep_lag_seconds, portcullis_ledger_appends_total'),
    });
    metrics = ['', { status: 500 }];
    expect((await smoke('')).of('metrics')).toMatchObject({ result: 'problem' });
    metrics = WHOLE;
  });

  test('an event that the bus does not take ends it, unchecked', async () => {
    const { smoke } = setUp();
    bus.on(PutEventsCommand).resolves({ Entries: [{ ErrorCode: 'InternalFailure', ErrorMessage: 'later' }] });
    const { checks, code } = await smoke();
    expect(checks.map(({ check }) => check)).toEqual(['event', 'time']);
    expect(checks[0]?.detail).toMatch(/did not take the event: InternalFailure: later/);
    expect(code).toBe(2);
  });

  type World = ReturnType<typeof setUp>;
  test.each<[string, string, (world: World) => void, RegExp]>([
    [
      'outcome',
      'no outcome comes',
      ({ gate }) => {
        gate.execute = async () => undefined;
      },
      /^no outcome is on record after 35 s/,
    ],
    [
      'outcome',
      'it was not determined',
      ({ gate, aws }) => {
        gate.execute = async (input) => void (await recordOutcome(input, aws.services));
      },
      /^expected one outcome, deleted, and found undetermined$/,
    ],
    [
      'outcome',
      'it has another cause',
      ({ gate, aws }) => {
        gate.execute = async (input) =>
          void (await recordOutcome({ ...input, checked: { Error: 'GoneError' } }, aws.services));
      },
      /^the event event-of-smoke is not on record/,
    ],
    [
      'outcome',
      'there are two',
      ({ gate, tables }) => {
        const { execute } = gate;
        gate.execute = async (input) => {
          await execute(input);
          tables.add(outcome(2, 'deleted'));
          for (const item of tables.itemsOfLedger()) item.pk = { ...tables.itemsOfLedger()[0]?.pk } as never;
        };
      },
      /^expected one outcome, deleted, and found deleted, deleted$/,
    ],
    [
      'chain',
      'a record was changed',
      ({ gate, tables }) => {
        const { stream } = gate;
        gate.stream = async () => {
          await stream();
          for (const item of tables.itemsOfLedger()) item.hash = { S: 'ab'.repeat(32) };
        };
      },
      /^record 1 was changed after it was written/,
    ],
    [
      'archive',
      'there are no sealed copies',
      ({ gate }) => {
        gate.stream = async () => undefined;
      },
      /^record 000000001 has no sealed copy$/,
    ],
    [
      'archive',
      'a sealed copy is another',
      ({ gate, objects }) => {
        const { stream } = gate;
        gate.stream = async () => {
          await stream();
          for (const kept of objects.values()) kept.text += ' ';
        };
      },
      /^the sealed copy of record 000000001 differs$/,
    ],
    [
      'reading',
      'a page fails',
      ({ gate }) => {
        const { answer } = gate;
        gate.answer = async (method, path) => (path === '/quarantine' ? 500 : answer(method, path));
      },
      /^fails: GET \/quarantine \(500\), HEAD \/quarantine \(500\)$/,
    ],
    [
      'reading',
      'it is the console of another gate',
      ({ gate }) => {
        const { answer } = gate;
        gate.answer = async (method, path) => (path.startsWith('/changes/') ? 404 : answer(method, path));
      },
      /^fails: GET \/changes\/111122223333\/us-east-1\/portcullis-smoke-\w+\/1 \(404\)$/,
    ],
    [
      'reading',
      'reading settles a request',
      ({ gate, tables }) => {
        const item = { id: { S: REQUEST }, open: { S: 'open' }, expiresAt: { S: '2026-11-21T10:00:00.000Z' } };
        const about = { account: { S: '111122223333' }, region: { S: 'us-east-1' }, endpoint: { S: 'fraud-prod' } };
        tables.approvals.set(REQUEST, { ...item, ...about, generation: { N: '1' } });
        const { answer } = gate;
        gate.answer = async (method, path) => {
          if (path.startsWith('/approvals/') && method === 'HEAD') tables.approvals.delete(REQUEST);
          return answer(method, path);
        };
      },
      /^1 requests were settled meanwhile/,
    ],
    [
      'reading',
      'reading appends a record',
      ({ gate, aws }) => {
        const { answer } = gate;
        let done = false;
        gate.answer = async (method, path) => {
          if (!done) {
            done = true;
            const { input } = [...aws.world.executions.values()][0] ?? { input: '{}' };
            await recordOutcome({ ...JSON.parse(input), generation: 2, checked: { Error: 'GoneError' } }, aws.services);
          }
          return answer(method, path);
        };
      },
      /^1 records came by reading$/,
    ],
    [
      'posting',
      'an empty answer is taken',
      ({ gate }) => {
        const { answer } = gate;
        gate.answer = async (method, path) => (method === 'POST' ? 303 : answer(method, path));
      },
      /^an empty answer was met with 303/,
    ],
  ])('%s: where %s, it says so and ends with 1', async (name, _what, breakIt, detail) => {
    const world = setUp();
    breakIt(world);
    const { of, code } = await world.smoke();
    expect(of(name)).toEqual({ check: name, result: 'problem', detail: expect.stringMatching(detail) });
    expect(code).toBe(1);
  });

  test('a gate that takes too long is told so', async () => {
    const { smoke, gate, aws } = setUp();
    const { execute } = gate;
    gate.execute = async (input) => {
      aws.clock.advance(61);
      await execute(input);
    };
    expect(await smoke()).toMatchObject({ code: 1, seconds: 61 });
  });

  test('a console that wants a login first is in order', async () => {
    const { smoke, gate } = setUp();
    gate.answer = async (_method, path) => (path === '/health' ? 200 : 401);
    const { of, code } = await smoke();
    expect(code).toBe(0);
    const reads = 2 * ROUTES.filter(({ method }) => method === 'GET').length;
    expect(of('reading')?.detail).toBe(`${reads} reads of ${URL}, nothing changed; ${reads - 2} want a login first`);
  });

  test('what may not be looked at could not be checked', async () => {
    const { smoke, aws, gate } = setUp();
    aws.s3.on(GetObjectCommand).rejects(awsError('AccessDenied', 'not you', 403));
    gate.answer = async () => {
      throw new TypeError('fetch failed', { cause: { code: 'ENOTFOUND' } });
    };
    const { of, code } = await smoke();
    expect(code).toBe(2);
    expect(of('archive')).toMatchObject({ result: 'could not check', detail: /allow s3:GetObject, s3:ListBucket/ });
    expect(of('reading')).toMatchObject({
      result: 'could not check',
      detail: expect.stringMatching(/could not be reached: ENOTFOUND/),
    });
  });
});
