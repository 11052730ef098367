import type { BatchWriteItemCommandInput } from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from 'vitest';
import { run } from '../../functions/gather-facts.ts';
import { storeToken } from '../../shared/aws/approvals.ts';
import { guardedEndpoints } from '../../shared/aws/guard-index.ts';
import { listRememberedEndpoints } from '../../shared/aws/remembered-endpoints.ts';
import type { EndpointChange } from '../../shared/model/endpoint-change.ts';
import { changeOf, historyOf } from '../../shared/model/endpoint-history.ts';
import { guardKeysOf } from '../../shared/model/guard-key.ts';
import {
  change,
  endpoint,
  facts,
  findings,
  given,
  instanceVariant,
  later,
  opened,
  outcome,
  person,
  REQUEST,
  requested,
} from '../builders.ts';
import { awsError, fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

const other = facts({ variants: [instanceVariant({ instanceType: 'ml.m5.xlarge' })] });

function setUp() {
  const aws = fakeAws();
  const tables = fakeTables(aws);
  const gather = (generation = 1, overrides: Partial<EndpointChange> = {}) =>
    run({ change: change(overrides), generation, approvalTimeoutSeconds: 86_400 }, aws.services);
  return { aws, tables, gather, services: aws.services };
}
const joinedBy = (generation: number, overrides: Partial<EndpointChange>) => ({
  body: { kind: 'event-joined' as const, generation, event: change(overrides) },
});

describe('gather facts', () => {
  test('reads the endpoint and opens the change with its facts, its digest and who made it', async () => {
    const { gather, tables } = setUp();
    const dana = person('dana');
    expect(await gather(1, { actor: dana })).toEqual({ state: 'opened' });
    expect(tables.records()).toMatchObject([
      {
        id: 'opened#1',
        actor: dana,
        body: { ...opened(1), eventId: 'event-1', changedAt: change().at, facts: facts(), baseline: null },
      },
    ]);
  });

  test('without a name on the event the gate itself is the actor', async () => {
    const { gather, tables } = setUp();
    await gather();
    expect(tables.records()[0]?.actor.kind).toBe('gate');
  });

  test('run twice it has the same record, and reads nothing again', async () => {
    const { gather, tables, aws } = setUp();
    await gather();
    const first = tables.records();
    aws.calls.length = 0;
    expect(await gather()).toEqual({ state: 'opened' });
    expect(tables.records()).toEqual(first);
    // Only that the sweep has to look at it, and what guards it, once more: the first time may have died before that.
    expect(aws.calls.filter((call) => call !== 'Query')).toEqual(['BatchWriteItem']);
  });

  test('an endpoint that is gone is gone, and who told of it is on record', async () => {
    const { gather, tables, aws } = setUp();
    aws.world.endpoint = undefined;
    expect(await gather(1, { actor: person('dana') })).toEqual({ state: 'gone' });
    expect(await gather(1, { actor: person('dana') })).toEqual({ state: 'gone' });
    expect(tables.records()).toMatchObject([
      { actor: { person: 'dana' }, body: { kind: 'event-joined', generation: 1 } },
    ]);
  });

  test('a reading that shows the endpoint as it was before the event is thrown away, to be read again', async () => {
    const { gather, tables, aws } = setUp();
    const sighting = { lastModifiedAt: later(1, facts().lastModifiedAt) };
    await expect(gather(1, { sighting })).rejects.toMatchObject({ name: 'StaleReadError' });
    expect(tables.kinds()).toEqual([]);
    aws.world.endpoint = { ...aws.world.endpoint, LastModifiedTime: new Date(sighting.lastModifiedAt) };
    expect(await gather(1, { sighting })).toEqual({ state: 'opened' });
  });

  test('facts that cannot be read whole are not recorded in part', async () => {
    const { gather, tables, aws } = setUp();
    aws.world.configs = {};
    await expect(gather()).rejects.toMatchObject({ name: 'UnreadableFactsError' });
    expect(tables.kinds()).toEqual([]);
  });

  test('input that is none is refused by name', async () => {
    await expect(run({ generation: 1 }, setUp().services)).rejects.toMatchObject({ name: 'InvalidInputError' });
  });

  test('what guards the endpoint is remembered for when it changes, also where the first run died over it', async () => {
    const { gather, services, tables, aws } = setUp();
    let dead = true;
    aws.world.before = (command) => {
      if (command === 'BatchWriteItem' && dead) throw awsError('InternalServerError');
    };
    await expect(gather()).rejects.toThrow();
    // Its facts are on record, and no later change will write what they hold.
    expect(tables.kinds()).toEqual(['change-opened#1']);
    dead = false;
    expect(await gather()).toEqual({ state: 'opened' });
    for (const key of guardKeysOf(facts()))
      expect(await guardedEndpoints(services, endpoint, [key])).toEqual([endpoint]);
    expect(await listRememberedEndpoints(services, endpoint)).toMatchObject([{ ref: endpoint, touched: '1' }]);
  });
  test('what guards it is written once: what an earlier change has on record is in the index', async () => {
    const { gather, aws, tables } = setUp();
    tables.seed(opened(), findings(), outcome());
    aws.world.alarms.MetricAlarms?.push({ ...aws.world.alarms.MetricAlarms[0], AlarmName: 'new' });
    const names = [{ AlarmName: 'fraud-prod-DataDriftAlarm' }, { AlarmName: 'new' }];
    aws.world.endpoint = {
      ...aws.world.endpoint,
      LastDeploymentConfig: { AutoRollbackConfiguration: { Alarms: names } } as never,
    };
    const written: unknown[] = [];
    aws.world.before = (command, input) => {
      const { RequestItems } = input as BatchWriteItemCommandInput;
      const puts = command === 'BatchWriteItem' ? Object.values(RequestItems ?? {}).flat() : [];
      written.push(...puts.map(({ PutRequest }) => PutRequest?.Item?.pk?.S));
    };
    await gather(2);
    expect(written).toEqual(['endpoint#111122223333#us-east-1', 'guard#alarm#111122223333#us-east-1#new']);
  });

  test('what was accepted before is carried along as the baseline', async () => {
    const { gather, tables } = setUp();
    tables.seed(opened(), requested(), outcome(1, 'approved'));
    await gather(2);
    expect(tables.bodies().at(-1)).toMatchObject({
      kind: 'change-opened',
      generation: 2,
      baseline: { generation: 1, result: 'approved', approvedFor: ['prod-human-approval'] },
    });
  });
});

describe('another sight of a deployment that is still open', () => {
  test('joins it, with the name of whoever made it', async () => {
    const { gather, tables } = setUp();
    tables.seed(opened(1), findings());
    expect(await gather(2, { actor: person('dana') })).toEqual({ state: 'joined' });
    expect(tables.records().at(-1)).toMatchObject({
      actor: { person: 'dana' },
      body: { kind: 'change-joined', generation: 2, joined: 1 },
    });
    expect(await gather(2, { actor: person('dana') })).toEqual({ state: 'joined' });
    expect(tables.kinds()).toHaveLength(3);
  });
  test('that has ended is a change of its own', async () => {
    const { gather, tables } = setUp();
    tables.seed(opened(1), outcome(1));
    expect(await gather(2)).toEqual({ state: 'opened' });
    expect(tables.kinds().at(-1)).toBe('change-opened#2');
  });
  test('that another one has replaced since is a change of its own', async () => {
    const { gather, tables } = setUp();
    tables.seed(opened(1), opened(2, other));
    expect(await gather(3)).toEqual({ state: 'opened' });
  });
});

describe('what happens while it reads', () => {
  test('makes it read again, fresh, until the facts hold it', async () => {
    const { gather, tables, aws } = setUp();
    tables.hooks.beforeInsert = () => {
      // Somebody changes the endpoint after it was read, and the event is put on record first.
      aws.clock.advance(10);
      tables.add({ ...joinedBy(1, { eventId: 'e2', at: later(5) }), at: later(6) });
      aws.world.endpoint = {
        ...aws.world.endpoint,
        ProductionVariants: [{ VariantName: 'AllTraffic', DesiredInstanceCount: 7, DesiredWeight: 1 }],
      };
    };
    await gather();
    expect(tables.kinds()).toEqual(['event-joined#1', 'change-opened#1']);
    expect(tables.bodies().at(-1)).toMatchObject({ facts: { variants: [{ desiredInstances: 7 }] } });
    expect(aws.calls.filter((call) => call === 'DescribeEndpointConfig')).toHaveLength(2);
  });
  test('and is held by the facts already does not', async () => {
    const { gather, tables, aws } = setUp();
    tables.hooks.beforeInsert = () => tables.add(joinedBy(1, { eventId: 'e2', at: later(-3600) }));
    await gather();
    expect(tables.kinds()).toEqual(['event-joined#1', 'change-opened#1']);
    expect(aws.calls.filter((call) => call === 'DescribeEndpoint')).toHaveLength(1);
  });
  test.each([
    'AddTags',
    'DeleteTags',
    'RegisterScalableTarget',
    'DeregisterScalableTarget',
    'digest changed while waiting',
  ])('%s reads past the cache', async (cause) => {
    const { gather, aws, tables } = setUp();
    await gather();
    aws.world.tags = [{ Key: 'environment', Value: 'dev' }];
    tables.add(outcome(1));
    await gather(2, { cause, eventId: 'e2', kind: cause.endsWith('Tags') ? 'guard' : 'endpoint' });
    expect(tables.bodies().at(-1)).toMatchObject({ environment: { name: 'dev' } });
  });
});

describe('a request that people were asked about', () => {
  /** Change 1 was about another deployment, and asha and ben were asked. */
  async function asked() {
    const parts = setUp();
    parts.tables.seed(opened(1, other), findings(1), requested(1, { digest: opened(1, other).digest }));
    await storeToken(parts.services, { id: REQUEST, endpoint, generation: 1, expiresAt: later(60) }, 'the-token');
    return parts;
  }
  const decisions = (tables: ReturnType<typeof fakeTables>) =>
    tables.bodies().filter((body) => body.kind === 'decided' || (body.kind === 'approval-given' && body.decides));

  test('is superseded by another deployment, on record; waking it is not up to this task', async () => {
    const { gather, tables, aws } = await asked();
    expect(await gather(2)).toEqual({ state: 'opened' });
    expect(tables.records().slice(-2)).toMatchObject([
      { body: { kind: 'change-opened', generation: 2 } },
      {
        id: `decided#${REQUEST}`,
        body: { kind: 'decided', generation: 1, answer: 'superseded', reason: 'change 2 replaced it' },
      },
    ]);
    expect(aws.world.resumed).toEqual([]);
  });

  test('is left alone by the same deployment', async () => {
    const { gather, tables, aws } = setUp();
    tables.seed(opened(1), findings(1), requested(1));
    await gather(2);
    expect(decisions(tables)).toEqual([]);
    expect(aws.world.resumed).toEqual([]);
  });

  test('that somebody answers at this moment keeps that answer: only one record decides', async () => {
    const { gather, tables, aws } = await asked();
    let inserts = 0;
    aws.world.before = (command) => {
      inserts += command === 'ExecuteStatement' ? 1 : 0;
      if (command === 'ExecuteStatement' && inserts === 2) tables.add(given({ digest: opened(1, other).digest }));
    };
    await gather(2);
    expect(decisions(tables)).toMatchObject([{ kind: 'approval-given', answer: 'approved' }]);
    expect(changeOf(historyOf(tables.records()), 1)?.decided?.answer).toBe('approved');
  });

  test('is superseded by the second run where the first died after opening', async () => {
    const { gather, tables, aws } = await asked();
    let inserts = 0;
    aws.world.before = (command) => {
      inserts += command === 'ExecuteStatement' ? 1 : 0;
      if (command === 'ExecuteStatement' && inserts === 2) throw awsError('InternalServerError', 'died here', 500);
    };
    await expect(gather(2)).rejects.toThrow('died here');
    expect(tables.kinds().at(-1)).toBe('change-opened#2');
    expect(await gather(2)).toEqual({ state: 'opened' });
    expect(decisions(tables)).toMatchObject([{ answer: 'superseded' }]);
  });
});
