import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { changeRoutes } from '../../console/change-routes.ts';
import { planRoutes } from '../../console/plan-routes.ts';
import type { Route, Visit } from '../../console/visit.ts';
import { ExecutionInput } from '../../shared/aws/executions.ts';
import type { SecurityEvent } from '../../shared/model/security-event.ts';
import type { Reply } from '../../web/reply.ts';
import { routeFor } from '../../web/routing.ts';
import { endpoint, opened, openedPlan, outcome, plan, plannedEndpoint, requested } from '../builders.ts';
import { fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

const TOKEN = 'a-token-of-more-than-thirty-two-characters';
const ARN = 'arn:aws:sts::111122223333:assumed-role/deployer/dana';
const ID = '111122223333/us-east-1/fraud-prod/1';

afterEach(() => vi.unstubAllEnvs());

type Asked = { headers?: Record<string, string>; body?: unknown; userArn?: string };

function setUp() {
  const aws = fakeAws();
  const tables = fakeTables(aws);
  const ask = async (method: 'GET' | 'POST', path: string, { headers = {}, body, userArn }: Asked = {}) => {
    const found = routeFor<Route['answer']>([...planRoutes, ...changeRoutes], method, path);
    if (!('route' in found)) throw new Error(`no route for ${path}`);
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const event = {
      rawPath: path,
      headers,
      requestContext: { http: { method }, ...(userArn && { authorizer: { iam: { userArn } } }) },
      body: text,
    } as unknown as APIGatewayProxyEventV2;
    const visit: Visit = { parts: found.parts, event, services: aws.services, session: undefined };
    const reply = (await found.route.answer(visit)) as Reply;
    return { ...reply, json: () => JSON.parse(reply.body) as Record<string, unknown> };
  };
  const started = () =>
    [...aws.world.executions].map(([, { input }]) => ExecutionInput.parse(JSON.parse(input)).change);
  return { aws, tables, ask, started };
}
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('submitting a plan', () => {
  test('signed with AWS credentials makes whoever signed a known requester, with the name in the plan beside', async () => {
    const { ask, started } = setUp();
    const reply = await ask('POST', '/api/plans', { body: plan({ requester: 'asha' }), userArn: ARN });
    expect(reply.status).toBe(202);
    expect(reply.json()).toEqual({
      id: ID,
      as: 'started',
      detail: 'plan 1 of fraud-prod',
      page: `https://gate.example.com/plans/${ID}`,
    });
    expect(started()).toMatchObject([
      { endpoint: plannedEndpoint, actor: { kind: 'person', person: 'dana', names: ['dana', ARN, 'asha'] } },
    ]);
  });

  test('with the access token proves nobody: the name in the plan is a claim', async () => {
    vi.stubEnv('PORTCULLIS_ACCESS_TOKEN', TOKEN);
    const { ask, started } = setUp();
    const reply = await ask('POST', '/token/plans', { body: plan({ requester: 'asha' }), headers: bearer(TOKEN) });
    expect(reply.status).toBe(202);
    expect(started()).toMatchObject([{ actor: { kind: 'unknown', person: 'asha', names: ['asha'], via: 'claim' } }]);
  });

  test('is for nobody without either, and a token that is not set is nobody’s', async () => {
    const { ask, started } = setUp();
    const body = plan();
    const nobody = [
      await ask('POST', '/api/plans', { body }),
      await ask('POST', '/api/plans', { body, headers: bearer(TOKEN) }),
      await ask('POST', '/api/plans', { body, userArn: 'dana' }),
      await ask('POST', '/token/plans', { body, headers: bearer(TOKEN) }),
      await ask('POST', '/token/plans', { body, headers: bearer('') }),
      await ask('POST', '/token/plans', { body, userArn: ARN }),
    ];
    vi.stubEnv('PORTCULLIS_ACCESS_TOKEN', TOKEN);
    for (const wrong of [`${TOKEN}x`, TOKEN.slice(1), TOKEN.toUpperCase(), 'x'])
      nobody.push(await ask('POST', '/token/plans', { body, headers: bearer(wrong) }));
    nobody.push(await ask('GET', `/api/plans/${ID}`), await ask('GET', `/token/plans/${ID}`));
    expect(nobody.map(({ status }) => status)).toEqual(nobody.map(() => 401));
    expect(nobody.some(({ body: text }) => text.includes(TOKEN))).toBe(false);
    expect(started()).toEqual([]);
  });

  test('while the token is rotated, the new and the one before are taken, and the log says which of them it was', async () => {
    const before = 'the-token-before-with-more-than-32-letters';
    vi.stubEnv('PORTCULLIS_ACCESS_TOKEN', `${TOKEN},${before}`);
    const { ask, aws } = setUp();
    const events: SecurityEvent[] = [];
    aws.services.note = (event) => events.push(event);
    const shown = async (token: string) => {
      events.length = 0;
      const { status } = await ask('POST', '/token/plans', { body: {}, headers: bearer(token) });
      return { status, events: [...events] };
    };
    const use = { event: 'key-use', actor: 'nobody', subject: 'access-token' };
    expect(await shown(TOKEN)).toEqual({ status: 400, events: [{ ...use, detail: 'active' }] });
    expect(await shown(before)).toEqual({ status: 400, events: [{ ...use, detail: 'previous' }] });
    for (const wrong of [`${TOKEN},${before}`, ',', `${TOKEN},`, before.slice(1)])
      expect(await shown(wrong)).toEqual({ status: 401, events: [] });
    vi.stubEnv('PORTCULLIS_ACCESS_TOKEN', TOKEN);
    expect(await shown(before)).toEqual({ status: 401, events: [] });
  });

  test('lists every mistake with its field, its value and what would be right', async () => {
    const { ask, started } = setUp();
    const body = {
      ...plan(),
      environment: 'production',
      validUntil: '2020-01-01T00:00:00Z',
      variants: [{ instances: -1 }],
    };
    const reply = await ask('POST', '/api/plans', { body, userArn: ARN });
    expect(reply.status).toBe(400);
    const { mistakes } = reply.json() as { mistakes: { field: string; value: unknown; wanted: string }[] };
    expect(mistakes).toContainEqual({
      field: 'environment',
      value: 'production',
      wanted: expect.stringContaining('"dev"|"staging"|"prod"'),
    });
    expect(mistakes.map(({ field, value }) => [field, value])).toContainEqual(['variants.0.instances', -1]);
    const past = await ask('POST', '/api/plans', {
      body: { ...plan(), validUntil: '2020-01-01T00:00:00Z' },
      userArn: ARN,
    });
    expect(past.json().mistakes).toMatchObject([{ field: 'validUntil', value: '2020-01-01T00:00:00Z' }]);
    expect((await ask('POST', '/api/plans', { body: 'kind: DeploymentPlan', userArn: ARN })).status).toBe(400);
    expect(started()).toEqual([]);
  });

  test('again with the same key is the same submission, of the same caller', async () => {
    const { ask, started, aws } = setUp();
    const headers = { 'idempotency-key': 'run-17' };
    const first = await ask('POST', '/api/plans', { body: plan(), userArn: ARN, headers });
    expect((await ask('POST', '/api/plans', { body: plan(), userArn: ARN, headers })).body).toBe(first.body);
    expect(started()).toHaveLength(1);
    const other = await ask('POST', '/api/plans', { body: plan(), userArn: `${ARN}-2`, headers });
    expect(other).toMatchObject({ status: 503, headers: { 'retry-after': '2' } });
    expect(aws.world.executions.size).toBe(1);
  });

  test('of the gate’s own account needs not name it', async () => {
    const { ask, started } = setUp();
    const { account: _account, region: _region, ...body } = plan();
    expect((await ask('POST', '/api/plans', { body, userArn: ARN })).status).toBe(202);
    expect(started()).toMatchObject([{ endpoint: plannedEndpoint }]);
  });
});

describe('how a plan stands', () => {
  test('is told to programs', async () => {
    vi.stubEnv('PORTCULLIS_ACCESS_TOKEN', TOKEN);
    const { ask, tables } = setUp();
    tables.seedAt(plannedEndpoint, openedPlan(), requested());
    const reply = await ask('GET', `/token/plans/${ID}`, { headers: bearer(TOKEN) });
    expect(reply.json()).toMatchObject({
      id: ID,
      state: 'waiting',
      validUntil: openedPlan().plan?.validUntil,
      request: { approvals: [] },
      page: `https://gate.example.com/plans/${ID}`,
    });
    tables.seedAt(plannedEndpoint, openedPlan(), outcome(1, 'blocked', { reason: 'Violates prod-budget.' }));
    expect((await ask('GET', `/api/plans/${ID}`, { userArn: ARN })).json()).toMatchObject({
      state: 'blocked',
      reason: 'Violates prod-budget.',
    });
  });

  test('is "reading" for the next one, whose execution has just begun, and there is none after that', async () => {
    const { ask } = setUp();
    expect((await ask('GET', `/api/plans/${ID}`, { userArn: ARN })).json()).toMatchObject({ state: 'reading' });
    for (const missing of ['/2', '/0', '/x', '/-1'])
      expect((await ask('GET', `/api/plans/${ID.slice(0, -2)}${missing}`, { userArn: ARN })).status).toBe(404);
  });

  test('is not what becomes of the endpoint', async () => {
    const { ask, tables } = setUp();
    tables.seedAt(endpoint, opened(), outcome(1, 'approved'));
    expect((await ask('GET', `/api/plans/${ID}`, { userArn: ARN })).json()).toMatchObject({ state: 'reading' });
  });
});

test('people look at a plan on a page of its own, with what it says about itself', async () => {
  const { ask, tables } = setUp();
  const document = plan({
    requester: '<b>asha</b>',
    changeTicket: 'https://tickets.example.com/CHG-1',
    validUntil: '2026-11-25T00:00:00Z',
  });
  tables.seedAt(plannedEndpoint, openedPlan(1, document), requested());
  const { body, status } = await ask('GET', `/plans/${ID}`);
  expect(status).toBe(200);
  for (const text of [
    'plan 1',
    'fewer false alarms',
    '&lt;b&gt;asha&lt;/b&gt;',
    'href="https://tickets.example.com/CHG-1"',
  ])
    expect(body).toContain(text);
});
