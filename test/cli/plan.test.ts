import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { exitCodeOf, type PlanParts, planShow, planSubmit, planWait } from '../../cli/plan.ts';
import { backoffMs, gateByHttp, LostConnectionError, type Send } from '../../cli/plan-gate.ts';
import type { SignedRequest } from '../../shared/aws/signed-request.ts';
import type { PlanState } from '../../shared/model/plan-state.ts';
import { later, NOW } from '../builders.ts';
import { printed, root } from './portcullis.ts';

const ID = '111122223333/us-east-1/fraud-prod/1';
const FRAUD = join(root, 'examples/plans/fraud-prod.yaml');
const folder = mkdtempSync(join(tmpdir(), 'portcullis-plan-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (text: string) => {
  const path = join(folder, 'plan.yaml');
  writeFileSync(path, text);
  return path;
};

const stateOf = (state: PlanState['state'], overrides: Partial<PlanState> = {}): PlanState => ({
  id: ID,
  endpoint: 'fraud-prod',
  account: '111122223333',
  region: 'us-east-1',
  generation: 1,
  state,
  reason: state === 'waiting' ? null : 'the reason',
  digest: null,
  validUntil: null,
  findings: [],
  request: null,
  carriedOutBy: [],
  ...overrides,
});
type Answer = PlanState['state'] | PlanState | Error;

/** A gate that answers in turn, the last answer for ever; time passes only while it is waited for. */
function fakeGate(...answers: Answer[]) {
  let now = NOW;
  const pauses: number[] = [];
  const submitted: { key: string; plan: unknown }[] = [];
  const submissions: Error[] = [];
  const parts: PlanParts = {
    gate: {
      submit: async (plan, key) => {
        submitted.push({ plan, key });
        const error = submissions.shift();
        if (error) throw error;
        return ID;
      },
      state: async () => {
        const answer = (answers.length > 1 ? answers.shift() : answers[0]) ?? 'open';
        if (answer instanceof Error) throw answer;
        return typeof answer === 'string' ? stateOf(answer) : answer;
      },
    },
    clock: {
      now: () => now,
      pause: async (ms) => {
        pauses.push(ms);
        now = later(ms / 1000, now);
      },
    },
  };
  return { parts, pauses, submitted, submissions };
}
const lost = new LostConnectionError('ECONNRESET');

describe('exit codes for a pipeline', () => {
  test.each<[PlanState['state'], number]>([
    ['approved', 0],
    ['compliant', 0],
    ['unchanged', 0],
    ['blocked', 1],
    ['rejected', 1],
    ['expired', 1],
    ['withdrawn', 1],
    ['superseded', 1],
    ['undetermined', 2],
    ['waiting', 3],
    ['open', 3],
    ['reading', 3],
  ])('%s is %i', async (state, code) => {
    expect(exitCodeOf(stateOf(state))).toBe(code);
    const { parts } = fakeGate(state);
    expect((await printed((output) => planShow(ID, {}, output, parts))).code).toBe(code);
  });
});

describe('plan submit', () => {
  test('tells the id and leaves; with --wait it tells how the plan ended', async () => {
    const { parts, submitted } = fakeGate('reading', 'open', 'waiting', 'approved');
    const sent = await printed((output) => planSubmit(FRAUD, {}, output, parts));
    expect(sent).toMatchObject({ code: 0, out: `Submitted as plan ${ID}.\n` });
    expect(submitted).toMatchObject([{ plan: { endpoint: 'fraud-prod', environment: 'prod' } }]);
    const waited = await printed((output) => planSubmit(FRAUD, { wait: true, json: true }, output, parts));
    expect(waited.code).toBe(0);
    expect(JSON.parse(waited.out)).toMatchObject({ id: ID, state: 'approved' });
    expect(waited.err.split('\n')).toEqual([
      `Submitted as plan ${ID}.`,
      'The gate reads what the plan names.',
      'The policies are checked.',
      'It waits for people until they answer.',
      'approved: the reason',
      '',
    ]);
  });

  test('shows what was found, with each message', async () => {
    const findings = [{ policy: 'prod-budget', outcome: 'violation' as const, messages: ['It costs too much.'] }];
    const { parts } = fakeGate(stateOf('blocked', { findings }));
    const { out, code } = await printed((output) => planSubmit(FRAUD, { wait: true }, output, parts));
    expect(code).toBe(1);
    expect(out).toContain('violation: prod-budget\n    It costs too much.');
  });

  test('goes on over lost connections, as the same submission, and gives up in the end', async () => {
    const { parts, submitted, submissions, pauses } = fakeGate('approved');
    submissions.push(lost, lost);
    expect((await printed((output) => planSubmit(FRAUD, {}, output, parts))).code).toBe(0);
    expect(pauses).toEqual([1_000, 2_000]);
    expect(new Set(submitted.map(({ key }) => key)).size).toBe(1);
    submissions.push(...Array.from({ length: 9 }, () => lost));
    const failed = await printed((output) => planSubmit(FRAUD, {}, output, parts));
    expect(failed.code).toBe(2);
    expect(failed.err).toContain('The plan could not be submitted: ECONNRESET.');
  });

  test.each([
    [
      'a mistake',
      'kind: DeploymentPlan\nendpoint: "a b"\nenvironment: production\nvariants: []\n',
      /environment: "production"/,
    ],
    ['no YAML', '{', /neither YAML nor JSON/],
  ])('%s in the file is said before anything is sent', async (_what, text, said) => {
    const { parts, submitted } = fakeGate();
    const { code, err } = await printed((output) => planSubmit(file(text), {}, output, parts));
    expect(code).toBe(2);
    expect(err).toMatch(said);
    expect(submitted).toEqual([]);
  });
});

describe('plan wait', () => {
  test('says once that the connection is lost, asks ever less often, and goes on', async () => {
    const { parts, pauses } = fakeGate('waiting', lost, lost, lost, 'waiting', 'rejected');
    const { code, err } = await printed((output) => planWait(ID, {}, output, parts));
    expect(code).toBe(1);
    expect(err.split('\n').filter((line) => line.includes('lost'))).toEqual([
      'The connection is lost (ECONNRESET); it is tried again.',
    ]);
    expect(pauses.slice(1, 4)).toEqual([1_000, 2_000, 4_000]);
    expect([1, 6, 7, 50].map(backoffMs)).toEqual([1_000, 30_000, 30_000, 30_000]);
  });

  test('ends with 3 at --timeout, and says how to go on', async () => {
    const { parts, pauses } = fakeGate('waiting');
    const { code, err } = await printed((output) => planWait(ID, { timeout: '90s', local: true }, output, parts));
    expect(code).toBe(3);
    expect(err).toContain(`It has not ended within 90s. Go on waiting with: portcullis plan wait ${ID} --local`);
    expect(pauses.reduce((sum, ms) => sum + ms, 0)).toBe(90_000);
    expect(Math.max(...pauses)).toBe(10_000);
  });

  test('ends with 2 where the gate was not reached at all', async () => {
    const { parts } = fakeGate(lost);
    const { code, err } = await printed((output) => planWait(ID, { timeout: '5m' }, output, parts));
    expect(code).toBe(2);
    expect(err).toContain('Go on waiting with');
  });

  test.each(['90', 'soon', '-1s', '1w', ''])('--timeout %o is wrong usage', async (timeout) => {
    const { parts } = fakeGate('approved');
    expect((await printed((output) => planWait(ID, { timeout }, output, parts))).code).toBe(64);
  });
  test.each(['1', 'fraud-prod', `${ID}/2`, '1/us-east-1/x/1', `${ID.slice(0, -1)}0`])('%s is no id', async (id) => {
    const { parts } = fakeGate('approved');
    expect((await printed((output) => planWait(id, {}, output, parts))).code).toBe(64);
  });
});

describe('a gate by HTTP', () => {
  const http = (...answers: (Response | Error)[]) => {
    const requests: SignedRequest[] = [];
    const send: Send = async (request) => {
      requests.push(request);
      const answer = answers.shift() ?? new Error('no answer');
      if (answer instanceof Error) throw answer;
      return answer;
    };
    return { requests, gate: gateByHttp('https://gate.example.com/', 'token', send) };
  };
  const answer = (status: number, body: object) => Response.json(body, { status });

  test('is sent the plan with its key, and asked for the plan by its id', async () => {
    const { gate, requests } = http(answer(202, { id: ID }), answer(200, stateOf('waiting')));
    expect(await gate.submit({ endpoint: 'x' } as never, 'key-1')).toBe(ID);
    expect(await gate.state(ID)).toEqual(stateOf('waiting'));
    expect(requests).toEqual([
      {
        url: 'https://gate.example.com/token/plans',
        method: 'POST',
        headers: { 'idempotency-key': 'key-1' },
        body: { endpoint: 'x' },
      },
      { url: `https://gate.example.com/token/plans/${ID}`, method: 'GET' },
    ]);
  });

  test.each<[string, Response | Error]>([
    ['breaks down', answer(500, {})],
    ['is busy', answer(503, { error: 'Another plan is being read.' })],
    ['has had enough', answer(429, {})],
    ['is not reached', Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNREFUSED' } })],
  ])('that %s is asked again', async (_what, given) => {
    await expect(http(given).gate.state(ID)).rejects.toThrow(LostConnectionError);
  });
  test.each<[string, Response, RegExp]>([
    ['lets nobody in', answer(401, { error: 'Send the access token.' }), /Send the access token/],
    ['knows no such plan', answer(404, { error: 'There is no such plan.' }), /no such plan/],
    ['is another address', new Response('<html>', { status: 302 }), /answered 302/],
    [
      'finds mistakes',
      answer(400, { error: 'The plan cannot be used.', mistakes: [{ field: 'a', value: 1, wanted: 'must be 2' }] }),
      /a: 1: must be 2/,
    ],
  ])('that %s is not', async (_what, given, said) => {
    const { gate } = http(given);
    await expect(gate.state(ID)).rejects.toThrow(said);
  });
});
