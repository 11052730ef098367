import { DescribeEndpointCommand, ListEndpointsCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, test } from 'vitest';
import { run as checkPolicies } from '../../functions/check-policies.ts';
import { run as gather } from '../../functions/gather-facts.ts';
import { run as recordOutcome } from '../../functions/record-outcome.ts';
import { run, SweepIncompleteError } from '../../functions/sweep.ts';
import { run as verifyMonitoring } from '../../functions/verify-monitoring.ts';
import { storeToken } from '../../shared/aws/approvals.ts';
import { ExecutionInput, executionName } from '../../shared/aws/executions.ts';
import type { Metric } from '../../shared/aws/services.ts';
import { listRememberedEndpoints } from '../../shared/aws/work.ts';
import {
  change,
  endpoint,
  facts,
  findings,
  given,
  instanceVariant,
  later,
  NOW,
  opened,
  outcome,
  REQUEST,
  requested,
  verified,
} from '../builders.ts';
import { awsError, fakeAws, type perfectWorld } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

const NOTHING = { endpoints: 1, started: 0, joined: 0, ended: 0, resumed: 0, told: 0, postponed: 0, failed: 0 };
const MODIFIED = '2026-11-20T09:30:00.000Z';

function setUp() {
  const measured: Metric[] = [];
  const aws = fakeAws({ measure: (metric) => measured.push(metric) });
  const tables = fakeTables(aws);
  const sweep = () => run({}, aws.services);
  const started = () =>
    [...aws.world.executions].flatMap(([, { input }]) => (input ? [ExecutionInput.parse(JSON.parse(input))] : []));
  /** Somebody moves the endpoint to another config, and no event tells of it. */
  const modify = (overrides: Partial<ReturnType<typeof perfectWorld>['endpoint']> = {}) => {
    aws.world.endpoint = { ...aws.world.endpoint, LastModifiedTime: new Date(MODIFIED), ...overrides };
  };
  const running = (generation: number, status = 'RUNNING') =>
    aws.world.executions.set(executionName(change(), generation, 0), { input: '', status });
  const measure = (name: Metric['name']) => measured.find((metric) => metric.name === name)?.value;
  return { aws, tables, sweep, started, modify, running, measure, services: aws.services };
}

describe('an endpoint that is listed', () => {
  test('and of which nobody has heard starts change 1', async () => {
    const { sweep, started, measure } = setUp();
    expect(await sweep()).toEqual({ ...NOTHING, started: 1 });
    expect(started()).toMatchObject([
      { generation: 1, change: { endpoint, kind: 'endpoint', cause: 'sweep', at: NOW, sighting: { settled: true } } },
    ]);
    expect([measure('SweptEndpoints'), measure('SweepFindings')]).toEqual([1, 1]);
  });

  test('as it was read costs one query of its stream and no look at it', async () => {
    const { aws, sweep, tables, services } = setUp();
    tables.seed(opened(), outcome());
    await sweep();
    aws.calls.length = 0;
    expect(await sweep()).toEqual(NOTHING);
    expect(aws.calls.sort()).toEqual(['ListEndpoints', 'Query', 'Query', 'Query', 'Query', 'Query']);
    expect(await listRememberedEndpoints(services, endpoint)).toEqual([endpoint]);
  });

  test('and was modified after the last reading starts the next change', async () => {
    const { sweep, started, tables, modify } = setUp();
    tables.seed(opened(), outcome());
    modify({ EndpointConfigName: 'fraud-prod-cfg-19' });
    expect(await sweep()).toEqual({ ...NOTHING, started: 1 });
    expect(started()).toMatchObject([
      {
        generation: 2,
        change: {
          eventId: `sweep-${MODIFIED}`,
          sighting: { configName: 'fraud-prod-cfg-19', lastModifiedAt: MODIFIED },
        },
      },
    ]);
  });

  test('and is back on what an earlier change had deployed starts the next change too', async () => {
    const { sweep, started, tables, modify } = setUp();
    tables.seed(opened(1, facts({ underWay: true })), outcome(1, 'rejected'));
    tables.add(opened(2, facts({ configName: 'fraud-prod-cfg-19' })));
    tables.add(outcome(2));
    modify();
    await sweep();
    expect(started().map(({ generation }) => generation)).toEqual([3]);
  });

  test('and was read a second time when its monitors were verified is as it was read then', async () => {
    const { aws, sweep, tables, modify } = setUp();
    const settled = facts({ lastModifiedAt: MODIFIED });
    tables.seed(opened(1, facts({ underWay: true })), verified(1, [], { facts: settled }), outcome());
    modify();
    expect(await sweep()).toEqual(NOTHING);
    expect(aws.calls).not.toContain('DescribeEndpoint');
  });

  test('is only at the end of the deployment that waits for people', async () => {
    const { sweep, tables, modify, running } = setUp();
    tables.seed(opened(1, facts({ underWay: true })), findings(), requested());
    modify();
    running(1);
    expect(await sweep()).toEqual({ ...NOTHING, joined: 1 });
    expect(tables.kinds()).toEqual(['change-opened#1', 'findings#1', 'approval-requested#1']);
  });

  test('and scaled within its recorded range opens no change, however often', async () => {
    const { sweep, started, tables, modify } = setUp();
    const scaling = facts({
      variants: [instanceVariant({ scaledBy: 'application-auto-scaling', minInstances: 2, maxInstances: 6 })],
    });
    tables.seed(opened(1, scaling), outcome());
    const scaledTo = (count: number) =>
      modify({ ProductionVariants: [{ VariantName: 'AllTraffic', DesiredInstanceCount: count, DesiredWeight: 1 }] });
    for (const count of [5, 3, 6]) {
      scaledTo(count);
      expect(await sweep()).toEqual({ ...NOTHING, joined: 1 });
    }
    expect(started()).toEqual([]);
    scaledTo(7);
    expect(await sweep()).toEqual({ ...NOTHING, started: 1 });
  });

  test('and already being read by another joins it, and leaves word', async () => {
    const { sweep, tables, running } = setUp();
    running(1);
    expect(await sweep()).toEqual({ ...NOTHING, joined: 1 });
    expect(tables.bodies()).toMatchObject([{ kind: 'event-joined', generation: 1, event: { cause: 'sweep' } }]);
    await sweep();
    expect(tables.kinds()).toEqual(['event-joined#1']);
  });

  test('and whose execution died without a word is started again', async () => {
    const { aws, sweep } = setUp();
    await sweep();
    aws.world.executions.set(executionName(change(), 1, 0), { input: '', status: 'FAILED' });
    expect(await sweep()).toEqual({ ...NOTHING, started: 1 });
    expect([...aws.world.executions.keys()]).toEqual([executionName(change(), 1, 0), executionName(change(), 1, 1)]);
  });

  test.each(['SystemUpdating', 'Deleting'] as const)('as %s is passed over', async (EndpointStatus) => {
    const { aws, sweep, modify, started } = setUp();
    modify({ EndpointStatus });
    expect(await sweep()).toEqual(NOTHING);
    expect(started()).toEqual([]);
    expect(aws.calls).not.toContain('DescribeEndpoint');
  });

  test('and is gone or under maintenance when it is looked at is left to the next sweep', async () => {
    const { aws, sweep, started } = setUp();
    aws.world.listed = [{ EndpointName: 'fraud-prod', EndpointStatus: 'InService', LastModifiedTime: new Date(NOW) }];
    for (const shown of [undefined, { EndpointStatus: 'SystemUpdating' }, { EndpointStatus: 'Deleting' }] as const) {
      aws.world.endpoint = shown;
      expect(await sweep()).toEqual(NOTHING);
    }
    expect(started()).toEqual([]);
  });

  test('although its end is on record is looked at', async () => {
    const { aws, sweep, tables, started } = setUp();
    tables.seed(opened(), outcome(1, 'deleted'));
    aws.clock.advance(1);
    expect(await sweep()).toEqual({ ...NOTHING, started: 1 });
    expect(started()).toMatchObject([{ generation: 2, change: { eventId: 'sweep-2' } }]);
  });

  test('goes all the way to an outcome, and the next sweep finds nothing', async () => {
    const { sweep, started, tables, services, aws } = setUp();
    aws.world.tags = [{ Key: 'environment', Value: 'dev' }];
    await sweep();
    const [input] = started();
    if (!input) throw new Error('nothing was started');
    await gather(input, services);
    const checked = await checkPolicies(input, services);
    const ended = await recordOutcome(
      {
        ...input,
        checked,
        ...(checked.decision === 'compliant' && { verified: await verifyMonitoring(input, services) }),
      },
      services,
    );
    expect(ended.result).toBe('compliant');
    expect(tables.kinds()[0]).toBe('change-opened#1');
    expect(await sweep()).toEqual(NOTHING);
  });
});

describe('a change that could not be determined', () => {
  test('is looked at again after six hours, and not every time', async () => {
    const { aws, sweep, tables, started } = setUp();
    tables.seed(opened(), outcome(1, 'undetermined'));
    aws.clock.advance(6 * 3_600 - 1);
    expect(await sweep()).toEqual(NOTHING);
    aws.clock.advance(1);
    expect(await sweep()).toEqual({ ...NOTHING, started: 1 });
    expect(started()).toMatchObject([{ generation: 2, change: { eventId: 'sweep-2', sighting: {} } }]);
  });
  test('is looked at at once where the endpoint was modified since', async () => {
    const { sweep, tables, modify, aws } = setUp();
    tables.seed(opened(), outcome(1, 'undetermined'));
    aws.clock.advance(600);
    modify({ LastModifiedTime: new Date(later(300)) });
    expect(await sweep()).toEqual({ ...NOTHING, started: 1 });
  });
});

describe('an endpoint that is not listed any more', () => {
  async function gone() {
    const parts = setUp();
    parts.tables.seed(opened(), outcome());
    await parts.sweep();
    parts.aws.world.listed = [];
    return parts;
  }

  test('starts a change that records its end, and is forgotten afterwards', async () => {
    const { sweep, started, tables, services, aws } = await gone();
    expect(await sweep()).toEqual({ ...NOTHING, endpoints: 0, started: 1 });
    expect(started()).toMatchObject([
      { generation: 2, change: { endpoint, kind: 'deleted', cause: 'sweep', eventId: 'sweep-gone-2', at: NOW } },
    ]);
    expect(await listRememberedEndpoints(services, endpoint)).toEqual([endpoint]);
    tables.add(outcome(2, 'deleted'));
    expect(await sweep()).toEqual({ ...NOTHING, endpoints: 0 });
    expect(await listRememberedEndpoints(services, endpoint)).toEqual([]);
    aws.calls.length = 0;
    await sweep();
    expect(aws.calls.filter((call) => call === 'Query')).toHaveLength(4);
  });
  test('whose end an event told of starts nothing', async () => {
    const { sweep, tables, started } = await gone();
    tables.add(outcome(2, 'deleted'));
    expect(await sweep()).toEqual({ ...NOTHING, endpoints: 0 });
    expect(started()).toEqual([]);
  });
  test('is not forgotten while a change of it waits for people', async () => {
    const { sweep, tables, running, services } = await gone();
    tables.add(opened(2));
    tables.add(requested(2));
    tables.add(outcome(3, 'deleted'));
    running(2);
    await sweep();
    expect(await listRememberedEndpoints(services, endpoint)).toEqual([endpoint]);
  });
  test('and whose end could not be determined rests like any other', async () => {
    const { sweep, tables } = await gone();
    tables.add(outcome(2, 'undetermined'));
    expect(await sweep()).toEqual({ ...NOTHING, endpoints: 0 });
  });
});

describe('a change without an outcome', () => {
  async function stuck(status: string | undefined, ...more: Parameters<ReturnType<typeof fakeTables>['seed']>) {
    const parts = setUp();
    parts.tables.seed(...(more.length > 0 ? more : [opened()]));
    if (status) parts.running(1, status);
    parts.aws.clock.advance(600);
    return { ...parts, summary: await parts.sweep() };
  }

  test.each(['FAILED', 'TIMED_OUT', 'ABORTED', 'SUCCEEDED'])(
    'whose execution is %s ends undetermined',
    async (status) => {
      const { summary, tables, measure } = await stuck(status);
      expect(summary).toEqual({ ...NOTHING, ended: 1 });
      expect(tables.bodies().at(-1)).toMatchObject({
        kind: 'outcome',
        generation: 1,
        result: 'undetermined',
        reason: `Execution${status}: its execution does not run any more and recorded nothing`,
        cause: 'UpdateEndpoint',
      });
      expect(measure('SweepFindings')).toBe(1);
    },
  );
  test('of whose execution nobody knows any more ends undetermined', async () => {
    const { tables } = await stuck(undefined);
    expect(tables.bodies().at(-1)).toMatchObject({ reason: expect.stringContaining('ExecutionMissing') });
  });
  test('whose execution runs, be it the second one, is left alone', async () => {
    const { summary, tables } = await stuck('RUNNING');
    expect(summary).toEqual(NOTHING);
    expect(tables.kinds()).toEqual(['change-opened#1']);
    const second = setUp();
    second.tables.seed(opened());
    second.running(1, 'FAILED');
    second.aws.world.executions.set(executionName(change(), 1, 1), { input: '', status: 'RUNNING' });
    second.aws.clock.advance(600);
    expect(await second.sweep()).toEqual(NOTHING);
  });
  test('is not asked about while it is young', async () => {
    const { aws, tables, sweep } = setUp();
    tables.seed(opened());
    aws.clock.advance(599);
    await sweep();
    expect(aws.calls).not.toContain('DescribeExecution');
  });
  test('of which only events tell ends undetermined too', async () => {
    const { summary, tables } = await stuck('ABORTED', { kind: 'event-joined', generation: 1, event: change() });
    expect(summary.ended).toBe(1);
    expect(tables.bodies().at(-1)).toMatchObject({ kind: 'outcome', result: 'undetermined', cause: 'UpdateEndpoint' });
  });
  test('that ended in the meantime keeps its outcome', async () => {
    const { tables } = await (async () => {
      const parts = setUp();
      parts.tables.seed(opened());
      parts.running(1, 'SUCCEEDED');
      parts.aws.clock.advance(600);
      parts.tables.hooks.beforeInsert = () => parts.tables.add(outcome(1, 'approved'));
      await parts.sweep();
      return parts;
    })();
    expect(tables.kinds()).toEqual(['change-opened#1', 'outcome#1']);
    expect(tables.bodies().at(-1)).toMatchObject({ result: 'approved' });
  });
});

describe('requests', () => {
  const request = { id: REQUEST, endpoint, generation: 1, expiresAt: later(86_400) };

  test('that were decided without their callback getting through are resumed', async () => {
    const { aws, sweep, tables, services, running, measure } = setUp();
    tables.seed(opened(), findings(), requested(), given());
    running(1);
    await storeToken(services, request, 'the-token');
    expect(await sweep()).toEqual({ ...NOTHING, resumed: 1 });
    expect(aws.world.resumed).toEqual(['the-token']);
    expect([measure('WaitingApprovals'), measure('WaitingApprovalAgeSeconds')]).toEqual([0, 0]);
    expect(await sweep()).toEqual(NOTHING);
  });
  test('that wait are counted with the age of the oldest, and left alone', async () => {
    const { aws, sweep, tables, services, running, measure } = setUp();
    tables.seed(opened(), findings(), requested());
    running(1);
    await storeToken(services, request, 'the-token');
    aws.clock.advance(5_400);
    expect(await sweep()).toEqual(NOTHING);
    expect([measure('WaitingApprovals'), measure('WaitingApprovalAgeSeconds')]).toEqual([1, 5_400]);
    expect(aws.world.resumed).toEqual([]);
  });
  test('that the state machine names are woken, if their end is on record, and nothing else is done', async () => {
    const { aws, tables, services } = setUp();
    tables.seed(opened(), findings(), requested());
    await storeToken(services, request, 'the-token');
    await run({ wake: REQUEST }, services);
    expect(aws.world.resumed).toEqual([]);
    tables.add({
      ...{ kind: 'decided', generation: 1, digest: opened().digest, request: REQUEST },
      ...{ answer: 'superseded', reason: 'change 2 replaced it' },
    });
    expect(await run({ wake: REQUEST }, services)).toMatchObject({ resumed: 1, endpoints: 0 });
    expect(await run({ wake: 'nobody' }, services)).toMatchObject({ resumed: 0 });
    expect(aws.world.resumed).toEqual(['the-token']);
    expect(aws.calls).not.toContain('ListEndpoints');
  });
});

describe('a sweep of many', () => {
  const named = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      EndpointName: `e-${index}`,
      EndpointStatus: 'InService' as const,
      LastModifiedTime: new Date(MODIFIED),
    }));

  test('reads every page, and starts what is new in portions', async () => {
    const { aws, sweep, measure } = setUp();
    aws.world.listed = named(230);
    expect(await sweep()).toEqual({ ...NOTHING, endpoints: 230, started: 100, postponed: 130 });
    expect(measure('SweepFindings')).toBe(230);
    expect(aws.world.executions.size).toBe(100);
    expect(await sweep()).toMatchObject({ endpoints: 230 });
  });

  test('goes on where one fails, and says at its end how many did and why', async () => {
    const { aws, sweep, measure } = setUp();
    aws.world.listed = named(20);
    aws.world.before = (command, input) => {
      if (command === 'DescribeEndpoint' && /-1?[37]$/.test((input as { EndpointName: string }).EndpointName)) {
        throw awsError('ThrottlingException');
      }
      if (command === 'StartExecution' && aws.calls.filter((call) => call === command).length === 5) {
        throw awsError('ServiceUnavailable');
      }
    };
    const error: unknown = await sweep().catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(SweepIncompleteError);
    expect(error).toMatchObject({
      name: 'SweepIncompleteError',
      message: expect.stringMatching(/^5 could not be looked at \(ServiceUnavailable, ThrottlingException\)/),
      summary: { ...NOTHING, endpoints: 20, started: 15, failed: 5 },
      cause: { name: 'ThrottlingException' },
    });
    expect(measure('SweptEndpoints')).toBe(20);
    aws.world.before = () => undefined;
    aws.clock.advance(60);
    expect(await sweep()).toMatchObject({ failed: 0, joined: 15, started: 5 });
  });

  test('takes no endpoint for gone where the list cannot be read, and sees to requests all the same', async () => {
    const { aws, sweep, tables, measure } = setUp();
    tables.seed(opened(), outcome());
    await sweep();
    aws.world.before = (command) => {
      if (command === 'ListEndpoints') throw awsError('AccessDeniedException');
    };
    await expect(sweep()).rejects.toThrow('1 could not be looked at (AccessDeniedException)');
    expect(aws.world.executions.size).toBe(0);
    expect(measure('WaitingApprovals')).toBe(0);
  });
});

describe('another region that sends its events here', () => {
  test('is swept as well', async () => {
    const aws = fakeAws();
    fakeTables(aws);
    const { config } = aws.services;
    const members = { ...config.file.members, regions: ['eu-west-1'] };
    const shown = {
      EndpointName: 'far-away',
      EndpointStatus: 'InService' as const,
      EndpointConfigName: 'config-1',
      EndpointArn: 'arn:aws:sagemaker:eu-west-1:111122223333:endpoint/far-away',
      CreationTime: new Date(MODIFIED),
      LastModifiedTime: new Date(MODIFIED),
    };
    const elsewhere = mockClient(SageMakerClient);
    elsewhere.on(ListEndpointsCommand).resolves({ Endpoints: [shown] });
    elsewhere.on(DescribeEndpointCommand).resolves(shown);
    const services = { ...aws.services, config: { ...config, file: { ...config.file, members } } };
    expect(await run({}, services)).toEqual({ ...NOTHING, endpoints: 2, started: 2 });
    elsewhere.restore();
    expect(
      [...aws.world.executions].map(([, { input }]) => ExecutionInput.parse(JSON.parse(input)).change.endpoint),
    ).toMatchObject([endpoint, { region: 'eu-west-1', name: 'far-away' }]);
  });
});
