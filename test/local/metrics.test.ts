import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DynamoDBClient, ExecuteStatementCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMetrics } from '../../local/metrics.ts';
import { METRICS } from '../../local/metrics-table.ts';
import { storeToken } from '../../shared/aws/approvals.ts';
import type { Services } from '../../shared/aws/services.ts';
import { Result } from '../../shared/model/ledger-record.ts';
import * as a from '../builders.ts';
import { fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

/** Metrics of a gate whose tables are in memory and whose clock is moved by hand. */
function measuredGate(clients: Partial<Services> = {}) {
  const clock = { now: a.NOW };
  const aws = fakeAws({ now: () => clock.now });
  fakeTables(aws);
  const metrics = createMetrics();
  const under = { events: 0, executions: 0 };
  metrics.watch({
    services: { ...aws.services, ...clients } as Services,
    eventsUnderWay: () => under.events,
    executionsUnderWay: () => under.executions,
    sweepEverySeconds: 900,
  });
  const value = async (line: string) =>
    Number(
      (await metrics.text())
        .split('\n')
        .find((each) => each.startsWith(`${line} `))
        ?.slice(line.length + 1),
    );
  return { aws, clock, metrics, under, value };
}

describe('what the gate measures', () => {
  test('is there from the first scrape on, with its help, under every name of the table and no other', async () => {
    const text = await measuredGate().metrics.text();
    const named = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]);
    expect(named.sort()).toEqual(
      Object.entries(METRICS)
        .map(([name, { type }]) => [name, type])
        .sort(),
    );
    for (const result of Result.options) expect(text).toContain(`portcullis_changes_total{outcome="${result}"} 0`);
  });

  test('is counted by outcome, and times are in seconds', async () => {
    const { metrics, value } = measuredGate();
    metrics.measure({ name: 'Changes', unit: 'Count', value: 1, dimensions: { Outcome: 'blocked' } });
    metrics.measure({ name: 'EventToDecisionMs', unit: 'Milliseconds', value: 1_500 });
    metrics.measure({ name: 'GuardsDown', unit: 'Count', value: 1 });
    expect(await value('portcullis_changes_total{outcome="blocked"}')).toBe(1);
    expect(await value('portcullis_event_to_decision_seconds_sum')).toBe(1.5);
    expect(await value('portcullis_event_to_decision_seconds_bucket{le="1"}')).toBe(0);
    expect(await value('portcullis_event_to_decision_seconds_bucket{le="2.5"}')).toBe(1);
    expect(await value('portcullis_guards_down_total')).toBe(1);
  });

  test('lags since the last sweep, and since the start where there was none', async () => {
    const { metrics, clock, value } = measuredGate();
    clock.now = a.later(600);
    expect(await value('portcullis_sweep_lag_seconds')).toBe(600);
    metrics.measure({ name: 'SweptEndpoints', unit: 'Count', value: 7 });
    clock.now = a.later(700);
    expect(await value('portcullis_sweep_lag_seconds')).toBe(100);
    expect(await value('portcullis_swept_endpoints')).toBe(7);
  });

  test('tells what is under way now, and how long the oldest question has waited', async () => {
    const { aws, under, clock, value } = measuredGate();
    Object.assign(under, { events: 3, executions: 5 });
    expect(await value('portcullis_queue_depth{queue="events"}')).toBe(3);
    expect(await value('portcullis_queue_depth{queue="executions"}')).toBe(5);
    expect(await value('portcullis_waiting_approvals')).toBe(0);
    expect(await value('portcullis_waiting_approval_age_seconds')).toBe(0);
    await storeToken(
      aws.services,
      { id: 'r'.repeat(26), endpoint: a.endpoint, generation: 1, expiresAt: a.later(86_400) },
      'any',
    );
    clock.now = a.later(600);
    expect(await value('portcullis_waiting_approvals')).toBe(1);
    expect(await value('portcullis_waiting_approval_age_seconds')).toBe(600);
  });
});

describe('calls to AWS', () => {
  const answers: { status: number; body: object }[] = [];
  const server = createServer((request, response) => {
    request.resume();
    const { status, body } = answers.shift() ?? { status: 500, body: {} };
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(JSON.stringify(body));
  });
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
  afterAll(() => server.close());

  test('are counted try by try: what was refused as too fast, what was appended, and what came second', async () => {
    const { port } = server.address() as AddressInfo;
    const client = new DynamoDBClient({
      region: 'us-east-1',
      endpoint: `http://127.0.0.1:${port}`,
      credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
      maxAttempts: 1,
    });
    const { metrics } = measuredGate({ kms: client as never });
    const append = () =>
      client
        .send(new ExecuteStatementCommand({ Statement: `INSERT INTO "t" VALUE {'pk': 'a'}` }))
        .catch(() => undefined);
    answers.push(
      {
        status: 400,
        body: { __type: 'com.amazonaws.dynamodb.v20120810#ThrottlingException', message: 'Rate exceeded' },
      },
      { status: 200, body: {} },
      {
        status: 400,
        body: { __type: 'com.amazonaws.dynamodb.v20120810#DuplicateItemException', message: 'Duplicate' },
      },
    );
    for (const _try of [1, 2, 3]) await append();
    client.destroy();
    const text = await metrics.text();
    for (const outcome of ['throttled', 'ok', 'error'])
      expect(text).toContain(`portcullis_aws_calls_total{service="kms",outcome="${outcome}"} 1\n`);
    expect(text).toContain('portcullis_ledger_appends_total 1\n');
    expect(text).toContain('portcullis_ledger_conflicts_total 1\n');
  });
});
