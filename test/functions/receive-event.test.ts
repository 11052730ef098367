import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { run as gather } from '../../functions/gather-facts.ts';
import { run } from '../../functions/receive-event.ts';
import { ExecutionInput, executionName } from '../../shared/aws/executions.ts';
import { rememberGuards } from '../../shared/aws/guard-index.ts';
import { listDropped, listQuarantined } from '../../shared/aws/work.ts';
import type { RecordOf } from '../../shared/model/ledger-record.ts';
import { alarm, change, componentHost, endpoint, facts, findings, later, opened, outcome } from '../builders.ts';
import { awsError, fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

type Event = { id: string; time: string; detail: Record<string, unknown> } & Record<string, unknown>;
const fixture = (name: string): Event =>
  JSON.parse(readFileSync(new URL(`../fixtures/events/${name}.json`, import.meta.url), 'utf8')) as Event;
const withDetail = (event: Event, detail: Record<string, unknown>): Event => ({
  ...event,
  detail: { ...event.detail, ...detail },
});

const UPDATE = fixture('cloudtrail-sagemaker-UpdateEndpoint');
const IN_SERVICE = fixture('sagemaker-endpoint-state-change.in-service');
const STOP_SCHEDULE = fixture('cloudtrail-sagemaker-StopMonitoringSchedule');
const ALARM = fixture('cloudwatch-alarm-configuration-change.update');
/** Facts read before anything in the fixtures happened. */
const before = facts({
  readAt: '2026-11-20T08:00:00.000Z',
  lastModifiedAt: '2026-11-20T07:00:00.000Z',
  configName: 'fraud-prod-cfg-17',
});

function setUp() {
  const aws = fakeAws();
  const tables = fakeTables(aws);
  const receive = (event: unknown) => run(event, aws.services);
  const started = () =>
    [...aws.world.executions].map(([name, { input }]) => ({ name, ...ExecutionInput.parse(JSON.parse(input)) }));
  return { aws, tables, receive, started, services: aws.services };
}

describe('a change', () => {
  test('of an endpoint that nobody has heard of starts change 1', async () => {
    const { receive, started, tables } = setUp();
    expect(await receive(UPDATE)).toEqual({ as: 'started', detail: 'change 1 of fraud-prod' });
    expect(started()).toMatchObject([
      { generation: 1, change: { endpoint, cause: 'UpdateEndpoint', actor: { person: 'dana.ortiz' } } },
    ]);
    expect(tables.kinds()).toEqual([]);
  });

  test('after others starts the next number', async () => {
    const { receive, started, tables } = setUp();
    tables.seed(opened(1, before), outcome(1), opened(2, before), outcome(2));
    expect((await receive(UPDATE)).detail).toBe('change 3 of fraud-prod');
    expect(started().map(({ generation }) => generation)).toEqual([3]);
  });

  test('that is delivered twice starts one execution', async () => {
    const { receive, started } = setUp();
    expect(await receive(UPDATE)).toEqual(await receive(UPDATE));
    expect(started()).toHaveLength(1);
  });

  test('of which a second event tells while the first is being read, joins it and says who', async () => {
    const { receive, started, tables } = setUp();
    await receive(IN_SERVICE);
    expect(await receive(UPDATE)).toEqual({ as: 'joined', detail: 'change 1 of fraud-prod is being read' });
    expect(started()).toHaveLength(1);
    expect(tables.bodies()).toMatchObject([
      { kind: 'event-joined', generation: 1, event: { actor: { person: 'dana.ortiz' } } },
    ]);
  });

  test('that the recorded facts hold already starts nothing, and says who made it', async () => {
    const { receive, started, tables } = setUp();
    tables.seed(opened(1, facts()), findings());
    expect(await receive(UPDATE)).toEqual({ as: 'joined', detail: 'change 1 of fraud-prod holds it already' });
    expect(started()).toEqual([]);
    expect(tables.records().at(-1)).toMatchObject({
      body: { kind: 'event-joined', generation: 1 },
      actor: { person: 'dana.ortiz' },
    });
  });

  test('is joined with the earliest reading that holds it', async () => {
    const { receive, tables } = setUp();
    tables.seed(opened(1, before), opened(2, facts()), opened(3, facts()));
    expect((await receive(UPDATE)).detail).toContain('change 2');
  });

  test('that a native event repeats adds nothing to the record: it names nobody', async () => {
    const { receive, tables } = setUp();
    tables.seed(opened(1, facts({ lastModifiedAt: '2026-11-20T09:21:08.287Z' })));
    expect((await receive(IN_SERVICE)).as).toBe('joined');
    expect(tables.kinds()).toEqual(['change-opened#1']);
  });

  test('that is joined twice is on record once', async () => {
    const { receive, tables } = setUp();
    tables.seed(opened(1, facts()));
    await receive(UPDATE);
    await receive(UPDATE);
    expect(tables.kinds()).toEqual(['change-opened#1', 'event-joined#1']);
  });

  test('whose own event opened it is not joined to itself', async () => {
    const { receive, tables } = setUp();
    tables.seed(opened(1, facts(), { eventId: String(UPDATE.detail.eventID) }));
    await receive(UPDATE);
    expect(tables.kinds()).toEqual(['change-opened#1']);
  });

  test('behind an execution that died without a record is started all the same', async () => {
    const { aws, receive, started } = setUp();
    aws.world.executions.set(executionName(change(), 1, 0), { input: '{}', status: 'FAILED' });
    expect((await receive(UPDATE)).as).toBe('started');
    expect([...aws.world.executions.keys()].at(-1)).toBe(executionName(change(), 1, 1));
    expect(started.length).toBe(0);
  });
});

describe('a change that has ended', () => {
  const DELETE = fixture('cloudtrail-sagemaker-DeleteEndpoint');

  test('undetermined covers nothing, so that a later event makes the gate look again', async () => {
    const { receive, tables } = setUp();
    tables.seed(opened(1, facts()), outcome(1, 'undetermined'));
    expect(await receive(UPDATE)).toEqual({ as: 'started', detail: 'change 2 of fraud-prod' });
  });
  test('with the deletion of the endpoint holds the events about it, and says who deleted it', async () => {
    const { receive, tables, started } = setUp();
    tables.seed(opened(1, before), { body: outcome(1, 'deleted'), at: later(0) });
    expect((await receive(DELETE)).as).toBe('joined');
    expect(started()).toEqual([]);
    expect(tables.bodies().at(-1)).toMatchObject({
      kind: 'event-joined',
      generation: 1,
      event: { cause: 'DeleteEndpoint' },
    });
  });
  test('with its deletion does not hold what happened afterwards', async () => {
    const { receive, tables } = setUp();
    tables.seed(opened(1, before), { body: outcome(1, 'deleted'), at: '2026-11-20T08:30:00.000Z' });
    expect((await receive(UPDATE)).as).toBe('started');
  });
});

describe('while a change is being read', () => {
  const running = (parts: ReturnType<typeof setUp>, ...generations: number[]) => {
    for (const each of generations)
      parts.aws.world.executions.set(executionName(change(), each, 0), { input: '{}', status: 'RUNNING' });
  };

  test('an event that its facts turn out to hold is joined', async () => {
    const parts = setUp();
    running(parts, 1);
    parts.tables.hooks.beforeInsert = () => parts.tables.add(opened(1, facts()));
    expect((await parts.receive(UPDATE)).as).toBe('joined');
    expect(parts.tables.kinds()).toEqual(['change-opened#1', 'event-joined#1']);
  });

  test('an event that names nobody, of what was modified before the reading began, adds nothing to the record', async () => {
    const parts = setUp();
    const startDate = new Date('2026-11-20T09:21:09.000Z');
    const execution = { input: '{}', status: 'RUNNING', startDate };
    parts.aws.world.executions.set(executionName(change(), 1, 0), execution);
    expect(await parts.receive(IN_SERVICE)).toEqual({
      as: 'joined',
      detail: 'change 1 of fraud-prod is being read',
    });
    expect(parts.tables.kinds()).toEqual([]);
    const another = setUp();
    another.aws.world.executions.set(executionName(change(), 1, 0), { ...execution, startDate: new Date(0) });
    await another.receive(IN_SERVICE);
    expect(another.tables.kinds()).toEqual(['event-joined#1']);
  });

  test('an event that its facts turn out not to hold starts the next change, and names nobody for the first', async () => {
    const parts = setUp();
    running(parts, 1);
    parts.tables.hooks.beforeInsert = () => parts.tables.add(opened(1, before));
    expect(await parts.receive(UPDATE)).toEqual({ as: 'started', detail: 'change 2 of fraud-prod' });
    expect(parts.tables.kinds()).toEqual(['change-opened#1']);
  });

  test('an event that comes when it has joined an earlier one starts the next change: nobody reads again for it', async () => {
    const parts = setUp();
    parts.tables.seed(opened(1, before));
    running(parts, 2);
    const joined = { generation: 2, joined: 1, cause: 'PutMetricAlarm', eventId: 'e2', changedAt: before.readAt };
    parts.tables.hooks.beforeInsert = () =>
      parts.tables.add({ kind: 'change-joined', ...joined, digest: opened(1, before).digest });
    expect(await parts.receive(UPDATE)).toEqual({ as: 'started', detail: 'change 3 of fraud-prod' });
    expect(parts.tables.kinds()).toEqual(['change-opened#1', 'change-joined#2']);
  });

  test('where the next one is being read too, the event goes on record for that one to see', async () => {
    const parts = setUp();
    running(parts, 1, 2);
    parts.tables.hooks.beforeInsert = () => parts.tables.add(opened(1, before));
    expect((await parts.receive(UPDATE)).as).toBe('joined');
    expect(parts.tables.bodies().at(-1)).toMatchObject({
      kind: 'event-joined',
      generation: 2,
      event: { cause: 'UpdateEndpoint' },
    });
  });
});

describe('an event that names only a schedule or a component', () => {
  const BY_COMPONENT = withDetail(UPDATE, {
    eventName: 'DeleteInferenceComponent',
    requestParameters: { inferenceComponentName: 'ic' },
  });

  test('is mapped by what was remembered, even after the schedule is gone', async () => {
    const { receive, services, aws, started } = setUp();
    await rememberGuards(services, endpoint, facts());
    expect((await receive(STOP_SCHEDULE)).as).toBe('started');
    expect(aws.calls).not.toContain('DescribeMonitoringSchedule');
    expect(started()[0]?.change).toMatchObject({ endpoint, kind: 'guard', cause: 'StopMonitoringSchedule' });
    expect(started()[0]?.change).not.toHaveProperty('account');
  });
  test('is mapped by what was remembered of an inference component that is gone', async () => {
    const { receive, services, started } = setUp();
    await rememberGuards(
      services,
      endpoint,
      facts({
        variants: [componentHost({ components: [{ name: 'ic', copies: 1, model: null, baseComponent: null }] })],
      }),
    );
    expect((await receive(BY_COMPONENT)).as).toBe('started');
    expect(started()[0]?.change).toMatchObject({ endpoint, kind: 'endpoint', cause: 'DeleteInferenceComponent' });
  });
  test('is looked up where nothing was remembered', async () => {
    const { receive, aws, started } = setUp();
    aws.world.described['fraud-prod-data-quality'] = { EndpointName: 'fraud-prod' };
    expect((await receive(STOP_SCHEDULE)).as).toBe('started');
    expect(started()).toHaveLength(1);
    aws.world.components.ic = { EndpointName: 'fraud-prod' };
    expect((await receive(BY_COMPONENT)).as).toBe('joined');
  });
  test.each([
    ['guard-of-something-else', STOP_SCHEDULE],
    ['unknown-inference-component', BY_COMPONENT],
  ])('that nobody knows any more is counted as %s', async (reason, event) => {
    const { receive, services, started } = setUp();
    expect((await receive(event)).as).toBe('dropped');
    expect(await listDropped(services)).toEqual([{ reason, count: 1 }]);
    expect(started()).toEqual([]);
  });
  test('that cannot be looked up now fails, so that it is delivered again', async () => {
    const { receive, aws } = setUp();
    aws.world.before = (command) => {
      if (command === 'DescribeMonitoringSchedule') throw awsError('ThrottlingException');
    };
    await expect(receive(STOP_SCHEDULE)).rejects.toMatchObject({ name: 'ThrottlingException' });
  });
});

describe('a guard', () => {
  test('of an endpoint that does not exist yet is dropped: its creation will ring for itself', async () => {
    const { receive, aws, services, started } = setUp();
    aws.world.endpoint = undefined;
    expect((await receive(ALARM)).as).toBe('dropped');
    expect(await listDropped(services)).toEqual([{ reason: 'guard-of-no-endpoint', count: 1 }]);
    expect(started()).toEqual([]);
  });
  test('of one that exists or is on record starts a change', async () => {
    const { receive, started } = setUp();
    expect((await receive(ALARM)).as).toBe('started');
    const known = setUp();
    known.aws.world.endpoint = undefined;
    known.tables.seed(opened(1, before), outcome(1));
    expect((await known.receive(ALARM)).as).toBe('started');
    expect(started()).toHaveLength(1);
  });
  test('of an endpoint that is gone is dropped: people clean up alarms after it', async () => {
    const { receive, aws, services, tables, started } = setUp();
    await rememberGuards(services, endpoint, before);
    aws.world.endpoint = undefined;
    tables.seed(opened(1, before), outcome(1, 'deleted'));
    expect((await receive({ ...ALARM, time: later(3600) })).as).toBe('dropped');
    expect(started()).toEqual([]);
  });
  test.each([
    'cloudtrail-cloudwatch-DeleteAlarms',
    'cloudtrail-cloudwatch-DisableAlarmActions',
    'cloudtrail-cloudwatch-PutAlarmMuteRule',
    'cloudtrail-s3-DeleteBucketEncryption',
    'cloudtrail-s3-PutBucketEncryption',
    'cloudtrail-sagemaker-DeleteMonitoringSchedule',
  ])('that the index knows starts a change that says who: %s', async (name) => {
    const { receive, services, started } = setUp();
    await rememberGuards(services, endpoint, facts());
    expect((await receive(fixture(name))).as).toBe('started');
    expect(started()).toMatchObject([{ change: { endpoint, kind: 'guard', actor: { person: 'dana.ortiz' } } }]);
  });
  test('that is part of a composite alarm guards what the composite does', async () => {
    const { receive, services, started } = setUp();
    const { deployment } = facts();
    if (!deployment.known) throw new Error('the perfect deployment is known');
    const composite = alarm('either', { type: 'composite', dependsOn: ['fraud-prod-DataDriftAlarm'] });
    await rememberGuards(services, endpoint, facts({ deployment: { ...deployment, rollbackAlarms: [composite] } }));
    expect((await receive(fixture('cloudtrail-cloudwatch-DeleteAlarms'))).as).toBe('started');
    expect(started()).toHaveLength(1);
  });
  test('of several endpoints starts one change of each, and again none', async () => {
    const { receive, services, started, aws } = setUp();
    const other = { ...endpoint, name: 'pricing-prod' };
    await rememberGuards(services, endpoint, facts());
    await rememberGuards(services, other, facts({ endpoint: other }));
    const event = fixture('cloudtrail-s3-DeleteBucketEncryption');
    expect((await receive(event)).detail).toBe('change 1 of fraud-prod; change 1 of pricing-prod');
    await receive(event);
    expect(started().map(({ change }) => change.endpoint.name)).toEqual(['fraud-prod', 'pricing-prod']);
    expect(aws.world.executions.size).toBe(2);
  });
  test('where one of several fails, is delivered again and starts what is missing', async () => {
    const { receive, services, started, aws } = setUp();
    const other = { ...endpoint, name: 'pricing-prod' };
    await rememberGuards(services, endpoint, facts());
    await rememberGuards(services, other, facts({ endpoint: other }));
    let starts = 0;
    aws.world.before = (command) => {
      starts += Number(command === 'StartExecution');
      if (command === 'StartExecution' && starts === 2) throw awsError('ThrottlingException');
    };
    const event = fixture('cloudtrail-s3-DeleteBucketEncryption');
    await expect(receive(event)).rejects.toMatchObject({ name: 'ThrottlingException' });
    expect((await receive(event)).as).toBe('started');
    expect(started().map(({ change }) => change.endpoint.name)).toEqual(['fraud-prod', 'pricing-prod']);
  });
  test('is not held by facts that were taken from the cache before it happened', async () => {
    const { receive, aws, tables, services } = setUp();
    aws.world.tags = [{ Key: 'environment', Value: 'dev' }];
    await gather({ change: change(), generation: 1, approvalTimeoutSeconds: 60 }, services);
    // Somebody tags it as prod, and a moment later changes how many instances it has.
    aws.world.tags = [{ Key: 'environment', Value: 'prod' }];
    aws.world.endpoint = {
      ...aws.world.endpoint,
      ProductionVariants: [{ VariantName: 'AllTraffic', DesiredInstanceCount: 1 }],
    };
    aws.clock.advance(30);
    await gather({ change: change({ eventId: 'event-2' }), generation: 2, approvalTimeoutSeconds: 60 }, services);
    const tagged = withDetail(UPDATE, {
      eventName: 'AddTags',
      eventTime: later(20),
      requestParameters: { resourceArn: 'arn:aws:sagemaker:us-east-1:111122223333:endpoint/fraud-prod' },
    });
    const reply = await receive(tagged);
    const seen = tables.bodies().some((body) => body.kind === 'change-opened' && body.environment.name === 'prod');
    expect(seen || reply.as === 'started', 'either the reading is fresh or the event starts a new one').toBe(true);
  });
});

describe('what is no change', () => {
  test('is dropped and counted by its reason', async () => {
    const { receive, services } = setUp();
    await receive(fixture('sagemaker-model-state-change'));
    await receive(fixture('sagemaker-model-state-change'));
    expect(await listDropped(services)).toEqual([{ reason: 'not-gated:SageMaker Model State Change', count: 2 }]);
  });
  test('but promises to be one is quarantined whole, never dropped', async () => {
    const { receive, services } = setUp();
    const poison = withDetail(UPDATE, { requestParameters: { endpointName: 'x; --' } });
    expect(await receive(poison)).toMatchObject({
      as: 'quarantined',
      detail: expect.stringContaining('must be an endpoint name'),
    });
    expect(await listQuarantined(services)).toMatchObject([{ event: JSON.stringify(poison) }]);
  });
  test.each([undefined, null, 'text', []])('not even an object (%j) is quarantined too', async (event) => {
    expect((await setUp().receive(event)).as).toBe('quarantined');
  });
});

describe('an execution that ended without its last state', () => {
  const ENDED = fixture('stepfunctions-execution-status-change');
  const ours = (overrides: Record<string, unknown> = {}) =>
    withDetail(ENDED, {
      stateMachineArn: 'arn:aws:states:us-east-1:111122223333:stateMachine:portcullis',
      executionArn: 'arn:aws:states:us-east-1:111122223333:execution:portcullis:one',
      status: 'ABORTED',
      ...overrides,
    });

  const input = JSON.stringify({ change: change(), generation: 1, approvalTimeoutSeconds: 60 });
  const setUpEnded = (given = input) => {
    const parts = setUp();
    parts.aws.world.executions.set('one', { input: given, status: 'ABORTED', error: 'Stopped', cause: 'by hand' });
    return parts;
  };

  test('is recorded as undetermined, with its reason; what it was about is asked of Step Functions', async () => {
    const { receive, tables } = setUpEnded();
    tables.seed(opened());
    expect(await receive(ours())).toEqual({ as: 'recorded', detail: 'change 1 of fraud-prod is undetermined' });
    expect(tables.bodies().at(-1)).toMatchObject<Partial<RecordOf<'outcome'>>>({
      kind: 'outcome',
      generation: 1,
      result: 'undetermined',
      reason: 'ExecutionABORTED: Stopped: by hand',
    });
  });
  test('twice is recorded once, and an outcome on record stands', async () => {
    const { receive, tables } = setUpEnded();
    tables.seed(opened());
    await receive(ours());
    await receive(ours());
    expect(tables.kinds()).toEqual(['change-opened#1', 'outcome#1']);
    const settled = setUpEnded();
    settled.tables.seed(opened(), outcome(1, 'approved'));
    expect((await settled.receive(ours())).detail).toContain('is approved');
  });
  test('of another state machine is dropped', async () => {
    const { receive, services } = setUp();
    expect((await receive(ENDED)).as).toBe('dropped');
    expect(await listDropped(services)).toEqual([{ reason: 'execution-of-something-else', count: 1 }]);
  });
  test.each(['', 'not JSON', '{}'])('with the input %j is quarantined', async (given) => {
    const { receive, services } = setUpEnded(given);
    expect((await receive(ours())).as).toBe('quarantined');
    expect(await listQuarantined(services)).toHaveLength(1);
  });
});
