import { describe, expect, test } from 'vitest';
import { run } from '../../functions/verify-monitoring.ts';
import { listOpenRequests, storeToken } from '../../shared/aws/approvals.ts';
import { ExecutionInput } from '../../shared/aws/executions.ts';
import type { RecordOf } from '../../shared/model/ledger-record.ts';
import {
  change,
  endpoint,
  facts,
  finding,
  findings,
  given,
  inDev,
  instanceVariant,
  later,
  opened,
  outcome,
  person,
  REQUEST,
  requested,
  type Written,
} from '../builders.ts';
import { awsError, fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

const asked: Written[] = [opened(), findings(), requested()];
const approved: Written[] = [...asked, given()];
const clean = (generation = 1) => findings(generation, [finding('prod-budget', 'pass')]);

function setUp(...written: Written[]) {
  const aws = fakeAws();
  const tables = fakeTables(aws);
  tables.seed(...written);
  const verify = (generation = 1, more: object = {}) =>
    run({ change: change({ actor: person('dana') }), generation, approvalTimeoutSeconds: 60, ...more }, aws.services);
  const recorded = () =>
    tables.bodies().find((body): body is RecordOf<'monitoring-verified'> => body.kind === 'monitoring-verified');
  return { aws, tables, verify, recorded, services: aws.services };
}

/** Counts writes to the tables; one of them fails, before or after it had its effect. */
function failingAt({ dynamodb }: { dynamodb: object }, point = 0, when?: 'before' | 'after') {
  const writes = { count: 0 };
  const client = dynamodb as { send: (command: { constructor: { name: string } }) => Promise<unknown> };
  const send = client.send.bind(client);
  client.send = async (command) => {
    if (!/^(ExecuteStatement|BatchWriteItem|PutItem|UpdateItem)/.test(command.constructor.name)) return send(command);
    writes.count += 1;
    const dies = writes.count === point;
    if (dies && when === 'before') throw new Error('died');
    const answer = await send(command);
    if (dies) throw new Error('died');
    return answer;
  };
  return writes;
}

describe('after approval', () => {
  test('what watches the endpoint is verified on fresh facts and put on record', async () => {
    const { verify, recorded, aws } = setUp(...approved);
    expect(await verify()).toEqual({ state: 'verified' });
    expect(recorded()).toMatchObject({
      generation: 1,
      digest: opened().digest,
      decision: 'compliant',
      facts: { endpoint },
      findings: [
        { policy: 'in-service', outcome: 'pass' },
        { policy: 'rollback-alarms', outcome: 'pass' },
        { policy: 'prod-model-monitor', outcome: 'pass' },
      ],
    });
    expect(aws.calls).toContain('DescribeEndpointConfig');
  });

  test('how the change ended is on record after that, in one run', async () => {
    const { verify, tables } = setUp(...approved);
    await verify();
    expect(tables.kinds().slice(-2)).toEqual(['monitoring-verified#1', 'outcome#1']);
    expect(tables.bodies().at(-1)).toMatchObject({ kind: 'outcome', result: 'approved' });
  });

  test('who dies at any write and is run again has verified once and ended once', async () => {
    const whole = setUp(...approved);
    const writes = failingAt(whole.services);
    await whole.verify();
    expect(writes.count).toBeGreaterThan(2);
    for (const when of ['before', 'after'] as const) {
      for (let point = 1; point <= writes.count; point += 1) {
        const { verify, tables, services } = setUp(...approved);
        failingAt(services, point, when);
        await expect(verify()).rejects.toThrow('died');
        await verify();
        expect(tables.kinds(), `${when} write ${point}`).toEqual(whole.tables.kinds());
      }
    }
  });

  test('run twice it has the same record', async () => {
    const { verify, tables } = setUp(...approved);
    await verify();
    const records = tables.records();
    expect(await verify()).toEqual({ state: 'ended' });
    expect(tables.records()).toEqual(records);
  });

  test.each([
    [
      'an alarm that is gone',
      (world: ReturnType<typeof fakeAws>['world']) => {
        world.alarms = {};
      },
      'rollback-alarms',
    ],
    [
      'a monitor that was stopped',
      (world: ReturnType<typeof fakeAws>['world']) => {
        world.schedules = [];
      },
      'prod-model-monitor',
    ],
    [
      'a deployment that failed',
      (world: ReturnType<typeof fakeAws>['world']) => {
        world.endpoint = { ...world.endpoint, EndpointStatus: 'Failed' };
      },
      'in-service',
    ],
  ])('%s is a violation on record', async (_what, breakIt, policy) => {
    const { verify, recorded, aws } = setUp(...approved);
    breakIt(aws.world);
    await expect(verify()).rejects.toMatchObject({ name: 'RefusedError' });
    expect(recorded()?.decision).toBe('blocked');
    expect(
      recorded()
        ?.findings.filter((each) => each.outcome === 'violation')
        .map((each) => each.policy),
    ).toEqual([policy]);
  });

  test('a deployment still under way is asked about again later', async () => {
    const { verify, aws, tables } = setUp(...approved);
    aws.world.endpoint = { ...aws.world.endpoint, EndpointStatus: 'Updating' };
    await expect(verify()).rejects.toMatchObject({ name: 'NotSettledError' });
    expect(tables.kinds()).toHaveLength(approved.length);
  });

  test('a young endpoint without monitors is asked about again later, then judged', async () => {
    const { verify, aws, recorded } = setUp(...approved);
    aws.world.endpoint = { ...aws.world.endpoint, CreationTime: new Date(later(-60)) };
    aws.world.schedules = [];
    await expect(verify()).rejects.toMatchObject({ name: 'MonitorsPendingError' });
    aws.clock.advance(7_200);
    await expect(verify()).rejects.toMatchObject({ name: 'RefusedError' });
    expect(recorded()?.decision).toBe('blocked');
  });

  test('an endpoint that was deleted meanwhile is gone', async () => {
    const { verify, aws } = setUp(...approved);
    aws.world.endpoint = undefined;
    expect(await verify()).toEqual({ state: 'gone' });
  });

  test('facts that cannot be read are an error, not a verification', async () => {
    const { verify, aws, recorded } = setUp(...approved);
    aws.world.configs = {};
    await expect(verify()).rejects.toMatchObject({ name: 'UnreadableFactsError' });
    expect(recorded()).toBeUndefined();
  });
});

describe('what people decided is read from the ledger', () => {
  test('woken without a decision is a forged callback, and nothing is recorded', async () => {
    const { verify, tables } = setUp(...asked);
    await expect(verify()).rejects.toMatchObject({ name: 'ForgedCallbackError' });
    expect(tables.kinds()).toHaveLength(3);
  });
  test('one approval of two is no decision', async () => {
    await expect(setUp(...asked, given({ decides: false })).verify()).rejects.toMatchObject({
      name: 'ForgedCallbackError',
    });
  });
  test('a rejection is not approved, nothing is verified, and the way back is to be found', async () => {
    const { verify, recorded } = setUp(...asked, given({ answer: 'rejected' }));
    await expect(verify()).rejects.toMatchObject({ name: 'RefusedError' });
    expect(recorded()).toBeUndefined();
  });
  test('where nothing is ever put back, a rejection is just not approved', async () => {
    const { verify, services } = setUp(...asked, given({ answer: 'rejected' }));
    services.config.policySettings.prod.remediation = 'off';
    expect(await verify()).toEqual({ state: 'not-approved' });
  });
  test('superseded is superseded', async () => {
    const end = {
      kind: 'decided',
      generation: 1,
      digest: opened().digest,
      request: REQUEST,
      answer: 'superseded',
      reason: 'x',
    } as const;
    expect(await setUp(...asked, end).verify()).toEqual({ state: 'superseded' });
  });

  test('past its time an unanswered request is recorded as expired, once', async () => {
    const { verify, tables, aws } = setUp(...asked);
    aws.clock.advance(86_400);
    expect(await verify()).toEqual({ state: 'not-approved' });
    expect(await verify()).toEqual({ state: 'ended' });
    expect(tables.records().slice(3)).toMatchObject([
      {
        id: `decided#${REQUEST}`,
        body: { kind: 'decided', answer: 'expired', reason: `nobody answered until ${requested().expiresAt}` },
      },
      { body: { kind: 'outcome', result: 'expired' } },
    ]);
  });
  test('an answer that lands at that moment wins, and nothing expires', async () => {
    const { verify, tables, aws } = setUp(...asked);
    aws.clock.advance(86_400);
    tables.hooks.beforeInsert = () => tables.add(given());
    // Its monitors have not run for a day, which blocks it; that is not what this is about.
    await expect(verify()).rejects.toMatchObject({ name: 'RefusedError' });
    expect(tables.kinds()).toEqual([
      'change-opened#1',
      'findings#1',
      'approval-requested#1',
      'approval-given#1',
      'monitoring-verified#1',
    ]);
  });
  test('a wait that ended by itself a moment before the deadline is no forgery; it is asked about again', async () => {
    const { verify, aws } = setUp(...asked);
    aws.clock.advance(86_400 - 30);
    await expect(verify(1, { timedOut: { Error: 'States.Timeout' } })).rejects.toMatchObject({
      name: 'NotSettledError',
    });
    aws.clock.advance(60);
    expect(await verify(1, { timedOut: { Error: 'States.Timeout' } })).toEqual({ state: 'not-approved' });
  });
  test('a request that has ended is taken off the list', async () => {
    const { verify, services } = setUp(...approved);
    await storeToken(services, { id: REQUEST, endpoint, generation: 1, expiresAt: later(60) }, 'token');
    await verify();
    expect(await listOpenRequests(services)).toEqual([]);
  });
});

describe('what nobody was asked about', () => {
  const dev = facts({ environment: inDev });
  test('and had settled is verified on the facts of a moment ago', async () => {
    const { verify, recorded, aws } = setUp(opened(1, dev), clean());
    expect(await verify()).toEqual({ state: 'verified' });
    expect(recorded()).toMatchObject({ facts: null, decision: 'compliant' });
    expect(aws.calls).not.toContain('DescribeEndpoint');
  });
  test('and was under way is read again', async () => {
    const { verify, recorded, aws } = setUp(opened(1, facts({ underWay: true, status: 'Updating' })), clean());
    expect(await verify()).toEqual({ state: 'verified' });
    expect(recorded()?.facts?.status).toBe('InService');
    expect(aws.calls.filter((call) => call === 'DescribeEndpoint')).toHaveLength(1);
  });
  test('and is still under way is looked at with one call, and asked again', async () => {
    const { verify, aws } = setUp(opened(1, facts({ underWay: true, status: 'Updating' })), clean());
    aws.world.endpoint = { ...aws.world.endpoint, EndpointStatus: 'Updating' };
    await expect(verify()).rejects.toMatchObject({ name: 'NotSettledError' });
    expect(aws.calls.filter((call) => /^(Describe|List|Head|Get)/.test(call))).toEqual(['DescribeEndpoint']);
  });
  test('a monitor that is made in the time it has is seen, however often it is asked again', async () => {
    const young = facts({ monitors: [], createdAt: later(-60) });
    const { verify, aws, recorded } = setUp(opened(1, young), findings(1, undefined, { unchanged: true }));
    const { schedules } = aws.world;
    aws.world.endpoint = { ...aws.world.endpoint, CreationTime: new Date(later(-60)) };
    aws.world.schedules = [];
    await expect(verify()).rejects.toMatchObject({ name: 'MonitorsPendingError' });
    aws.world.schedules = schedules;
    aws.clock.advance(600);
    expect(await verify()).toEqual({ state: 'verified' });
    expect(recorded()).toMatchObject({ decision: 'compliant' });
  });
});

describe('a deployment that is not the one that was checked any more', () => {
  const more = (aws: ReturnType<typeof fakeAws>) => {
    aws.world.endpoint = {
      ...aws.world.endpoint,
      ProductionVariants: [{ VariantName: 'AllTraffic', DesiredInstanceCount: 9, DesiredWeight: 1 }],
    };
  };
  test('is superseded, and starts a change of its own that names nobody', async () => {
    const { verify, aws, recorded } = setUp(...approved);
    more(aws);
    expect(await verify()).toEqual({ state: 'superseded' });
    expect(recorded()).toBeUndefined();
    const started = [...aws.world.executions.values()].map(({ input }) => ExecutionInput.parse(JSON.parse(input)));
    expect(started).toMatchObject([
      { generation: 2, change: { cause: 'digest changed while waiting', sighting: {}, endpoint } },
    ]);
    expect(started[0]?.change.actor).toBeUndefined();
  });
  test('run twice it starts one', async () => {
    const { verify, aws } = setUp(...approved);
    more(aws);
    await verify();
    await verify();
    expect(aws.world.executions.size).toBe(1);
  });
  test('is superseded by a change that was opened about another one', async () => {
    const other = facts({ variants: [instanceVariant({ instanceType: 'ml.m5.xlarge' })] });
    const { verify, aws } = setUp(...approved, opened(2, other));
    expect(await verify()).toEqual({ state: 'superseded' });
    expect(aws.calls).not.toContain('DescribeEndpoint');
  });
  test('but not by one about the same', async () => {
    expect(await setUp(...approved, outcome(2, 'deleted'), opened(3)).verify()).toEqual({ state: 'verified' });
  });
});

test.each<[string, Written[]]>([
  ['opened', []],
  ['checked', [opened()]],
])('a change that was not %s cannot be verified', async (_what, written) => {
  await expect(setUp(...written).verify()).rejects.toThrow('no findings to verify');
});

describe('a deployment that SageMaker took back', () => {
  const NEW = 'fraud-prod-cfg-19';
  const underWay = facts({
    ...{ configName: NEW, replacesConfig: 'fraud-prod-cfg-18', underWay: true, status: 'Updating' },
    variants: [instanceVariant({ instanceType: 'ml.m5.xlarge' })],
  });
  const started = (aws: ReturnType<typeof fakeAws>) =>
    [...aws.world.executions.values()].map(({ input }) => ExecutionInput.parse(JSON.parse(input)).change.cause);

  test('is put on record as that, with what is in service again, which is then judged by itself', async () => {
    const { aws, verify, recorded } = setUp(opened(1, underWay), clean());
    expect(await verify()).toEqual({ state: 'rolled-back' });
    expect(recorded()).toMatchObject({
      decision: 'blocked',
      facts: { configName: 'fraud-prod-cfg-18' },
      findings: [{ policy: 'in-service', outcome: 'violation', messages: [expect.stringContaining('rolled it back')] }],
      rolledBack: { requested: NEW, inService: 'fraud-prod-cfg-18' },
    });
    expect(started(aws)).toEqual(['rolled back']);
    expect(await verify()).toEqual({ state: 'ended' });
    expect(started(aws)).toEqual(['rolled back']);
  });
  test('names the alarm that tripped, though it is in OK again when the endpoint is looked at', async () => {
    const { aws, verify, recorded } = setUp(opened(1, underWay), clean());
    const name = 'fraud-prod-DataDriftAlarm';
    const [at, over] = [later(30), later(90)];
    aws.clock.advance(600);
    aws.world.endpoint = { ...aws.world.endpoint, LastModifiedTime: new Date(later(100)) };
    for (const alarm of aws.world.alarms.MetricAlarms ?? []) {
      if (alarm.AlarmName === name) alarm.StateTransitionedTimestamp = new Date(over);
    }
    aws.world.histories = {
      [name]: [
        { at, from: 'OK', to: 'ALARM' },
        { at: over, from: 'ALARM', to: 'OK' },
      ],
    };
    expect(await verify()).toEqual({ state: 'rolled-back' });
    expect(recorded()?.rolledBack).toMatchObject({ alarms: [{ name, state: 'OK', trippedAt: at }], unknown: [] });
  });
  test('says which alarms nothing is known of where histories may not be read, and is on record all the same', async () => {
    const { aws, verify, recorded } = setUp(opened(1, underWay), clean());
    const name = 'fraud-prod-DataDriftAlarm';
    aws.world.alarms.MetricAlarms = aws.world.alarms.MetricAlarms?.filter(({ AlarmName }) => AlarmName !== name) ?? [];
    aws.world.histories = { [name]: awsError('AccessDeniedException') };
    expect(await verify()).toEqual({ state: 'rolled-back' });
    expect(recorded()?.rolledBack).toMatchObject({
      alarms: [],
      unknown: [{ name, why: 'its history could not be read (AccessDeniedException)' }],
    });
  });
  test('is told from one that a later change replaced, also where that was read first', async () => {
    const { verify, recorded } = setUp(opened(1, underWay), clean(), opened(2));
    expect(await verify()).toEqual({ state: 'rolled-back' });
    expect(recorded()).toMatchObject({ generation: 1, rolledBack: { requested: NEW } });
    const replaced = setUp(opened(1, underWay), clean(), opened(2, facts({ configName: 'fraud-prod-cfg-20' })));
    expect(await replaced.verify()).toEqual({ state: 'superseded' });
    expect(replaced.recorded()).toBeUndefined();
  });
  test('while people were asked is on record as that too', async () => {
    const over: Written = {
      ...{ kind: 'decided', generation: 1, digest: opened().digest, request: REQUEST },
      ...{ answer: 'superseded', reason: 'change 2 replaced it' },
    };
    const { verify, recorded } = setUp(opened(1, underWay), findings(), requested(), opened(2), over);
    expect(await verify()).toEqual({ state: 'rolled-back' });
    expect(recorded()?.rolledBack).toBeDefined();
  });
  test('before anybody had read it is seen by what the call had asked for', async () => {
    const read = facts({ lastModifiedAt: later(-60) });
    const { verify, recorded } = setUp(opened(), outcome(), opened(2, read, { requestedConfig: NEW }), clean(2));
    expect(await verify(2)).toEqual({ state: 'rolled-back' });
    expect(recorded()).toMatchObject({ generation: 2, rolledBack: { requested: NEW } });
  });
  test('in part only is a violation that says so, and is measured for the alarm', async () => {
    const { aws, verify, recorded, services } = setUp(opened(1, facts({ underWay: true })), clean());
    const measured: unknown[] = [];
    services.measure = (metric) => measured.push(metric);
    aws.world.endpoint = {
      ...aws.world.endpoint,
      EndpointStatus: 'UpdateRollbackFailed',
      FailureReason: 'No capacity.',
    };
    await verify().catch(() => undefined);
    expect(recorded()?.findings[0]).toMatchObject({
      outcome: 'violation',
      messages: [
        'The endpoint is UpdateRollbackFailed. It serves a mix of the old and the new deployment. No capacity.',
      ],
    });
    expect(measured).toContainEqual({ name: 'MixedFleets', unit: 'Count', value: 1 });
  });
});
