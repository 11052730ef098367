import { describe, expect, test } from 'vitest';
import { run } from '../../functions/tend-requests.ts';
import { storeToken } from '../../shared/aws/approvals.ts';
import { executionName } from '../../shared/aws/executions.ts';
import type { Metric } from '../../shared/aws/services.ts';
import { SweepIncompleteError } from '../../shared/aws/sweep-tally.ts';
import { noteUnfinished } from '../../shared/aws/unfinished-remediations.ts';
import { change, endpoint, findings, given, later, opened, outcome, REQUEST, requested } from '../builders.ts';
import { awsError, fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

const NOTHING = { endpoints: 0, started: 0, joined: 0, ended: 0, resumed: 0, told: 0, postponed: 0, failed: 0 };

function setUp() {
  const measured: Metric[] = [];
  const aws = fakeAws({ measure: (metric) => measured.push(metric) });
  const tables = fakeTables(aws);
  tables.answerDirectly();
  const tend = (input = {}) => run(input, aws.services);
  const running = (generation: number, status = 'RUNNING') =>
    aws.world.executions.set(executionName(change(), generation, 0), { input: '', status });
  const measure = (name: Metric['name']) => measured.find((metric) => metric.name === name)?.value;
  return { aws, tables, tend, running, measure, services: aws.services };
}

describe('requests', () => {
  const request = { id: REQUEST, endpoint, generation: 1, expiresAt: later(86_400) };

  test('that were decided without their callback getting through are resumed', async () => {
    const { aws, tend, tables, services, running, measure } = setUp();
    tables.seed(opened(), findings(), requested(), given());
    running(1);
    await storeToken(services, request, 'the-token');
    expect(await tend()).toEqual({ ...NOTHING, resumed: 1 });
    expect(aws.world.resumed).toEqual(['the-token']);
    expect([measure('WaitingApprovals'), measure('WaitingApprovalAgeSeconds')]).toEqual([0, 0]);
    expect(await tend()).toEqual(NOTHING);
  });
  test('that wait are counted with the age of the oldest, and left alone', async () => {
    const { aws, tend, tables, services, running, measure } = setUp();
    tables.seed(opened(), findings(), requested());
    running(1);
    await storeToken(services, request, 'the-token');
    aws.clock.advance(5_400);
    expect(await tend()).toEqual(NOTHING);
    expect([measure('WaitingApprovals'), measure('WaitingApprovalAgeSeconds')]).toEqual([1, 5_400]);
    expect(aws.world.resumed).toEqual([]);
  });
  test('that a change replaced are woken, if their end is on record, and nothing else is done', async () => {
    const { aws, tables, tend, services } = setUp();
    tables.seed(opened(), findings(), requested());
    await storeToken(services, request, 'the-token');
    const superseding = { change: change(), generation: 2 };
    await tend({ superseding });
    expect(aws.world.resumed).toEqual([]);
    tables.add({
      ...{ kind: 'decided', generation: 1, digest: opened().digest, request: REQUEST },
      ...{ answer: 'superseded', reason: 'change 2 replaced it' },
    });
    expect(await tend({ superseding })).toMatchObject({ resumed: 1, endpoints: 0 });
    expect(await tend({ superseding: { ...superseding, generation: 1 } })).toMatchObject({ resumed: 0 });
    expect(aws.world.resumed).toEqual(['the-token']);
    expect(aws.calls).not.toContain('ListEndpoints');
  });
});

test('it reads nothing of SageMaker, whatever there is', async () => {
  const { aws, tables, tend } = setUp();
  tables.seed(opened(), outcome());
  await tend();
  const TABLES = ['Query', 'GetItem', 'UpdateItem', 'ExecuteStatement'];
  expect(aws.calls.length).toBeGreaterThan(0);
  expect(aws.calls.filter((call) => !TABLES.includes(call))).toEqual([]);
});

test('one request that fails stops neither the others nor what is to be put back', async () => {
  const { aws, tables, tend, services, running, measure } = setUp();
  tables.seed(opened(), findings(), requested(), given(), outcome(1, 'rejected'));
  running(1, 'FAILED');
  await storeToken(services, { id: REQUEST, endpoint, generation: 1, expiresAt: later(86_400) }, 'the-token');
  await noteUnfinished(services, endpoint, 1);
  aws.world.before = (command) => {
    if (command === 'SendTaskSuccess') throw awsError('ServiceUnavailable');
  };
  const error: unknown = await tend().catch((failure: unknown) => failure);
  expect(error).toBeInstanceOf(SweepIncompleteError);
  expect(error).toMatchObject({ summary: { ...NOTHING, failed: 1 }, cause: { name: 'ServiceUnavailable' } });
  expect([...aws.world.executions.keys()]).toContain(executionName(change(), 1, 1));
  expect(measure('WaitingApprovals')).toBe(0);
});
