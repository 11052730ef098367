import { ApplicationAutoScalingClient, type ScalableTarget } from '@aws-sdk/client-application-auto-scaling';
import {
  DescribeEndpointCommand,
  ListEndpointsCommand,
  ListInferenceComponentsCommand,
  SageMakerClient,
  SearchCommand,
} from '@aws-sdk/client-sagemaker';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, test } from 'vitest';
import { run as checkPolicies } from '../../functions/check-policies.ts';
import { run as gather } from '../../functions/gather-facts.ts';
import { run as recordOutcome } from '../../functions/record-outcome.ts';
import { run } from '../../functions/sweep.ts';
import { run as tendRequests } from '../../functions/tend-requests.ts';
import { run as verifyMonitoring } from '../../functions/verify-monitoring.ts';
import { wholeSweep } from '../../local/whole-sweep.ts';
import { ExecutionInput, executionName } from '../../shared/aws/executions.ts';
import { guardedEndpoints } from '../../shared/aws/guard-index.ts';
import { listRememberedEndpoints } from '../../shared/aws/remembered-endpoints.ts';
import type { Metric } from '../../shared/aws/services.ts';
import { SweepIncompleteError } from '../../shared/aws/sweep-tally.ts';
import { streamOf } from '../../shared/model/endpoint-ref.ts';
import {
  change,
  endpoint,
  facts,
  findings,
  instanceVariant,
  later,
  NOW,
  opened,
  outcome,
  requested,
  verified,
} from '../builders.ts';
import { awsError, fakeAws, perfectWorld } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

const NOTHING = { endpoints: 1, started: 0, joined: 0, ended: 0, resumed: 0, told: 0, postponed: 0, failed: 0 };
const MODIFIED = '2026-11-20T09:30:00.000Z';

function setUp() {
  const measured: Metric[] = [];
  const aws = fakeAws({ measure: (metric) => measured.push(metric) });
  const tables = fakeTables(aws);
  tables.answerDirectly();
  const sweep = () => wholeSweep(aws.services);
  /** How often the endpoint's stream is read while `work` runs. */
  const streamReads = async (work: () => Promise<unknown>) => {
    let count = 0;
    aws.world.before = (_command, input) => {
      if (JSON.stringify(input).includes(`":pk":{"S":"${streamOf(endpoint)}"}`)) count += 1;
    };
    await work();
    aws.world.before = () => undefined;
    return count;
  };
  const started = () =>
    [...aws.world.executions].flatMap(([, { input }]) => (input ? [ExecutionInput.parse(JSON.parse(input))] : []));
  /** Somebody moves the endpoint to another config, and no event tells of it. */
  const modify = (overrides: Partial<ReturnType<typeof perfectWorld>['endpoint']> = {}) => {
    aws.world.endpoint = { ...aws.world.endpoint, LastModifiedTime: new Date(MODIFIED), ...overrides };
  };
  const running = (generation: number, status = 'RUNNING') =>
    aws.world.executions.set(executionName(change(), generation, 0), { input: '', status });
  const measure = (name: Metric['name']) => measured.find((metric) => metric.name === name)?.value;
  return { aws, tables, sweep, streamReads, started, modify, running, measure, services: aws.services };
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

  test('as it was read costs its share of the lists, and no look at it nor at its stream', async () => {
    const { aws, sweep, streamReads, tables, services } = setUp();
    tables.seed(opened(), findings(), outcome());
    // The first sweep learns of the endpoint, the second of its alarms.
    await sweep();
    await sweep();
    aws.calls.length = 0;
    expect(await streamReads(sweep)).toBe(0);
    expect(aws.calls.filter((call) => !['Query', 'GetItem', 'PutItem'].includes(call)).sort()).toEqual([
      'DescribeAlarms',
      'DescribeScalableTargets',
      'DescribeScheduledActions',
      'ListAlarmMuteRules',
      'ListEndpoints',
      'ListInferenceComponents',
      'Search',
    ]);
    expect((await listRememberedEndpoints(services, endpoint)).map(({ ref }) => ref)).toEqual([endpoint]);
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
    const { aws, sweep, started, tables, modify } = setUp();
    const scaling = facts({
      variants: [instanceVariant({ scaledBy: 'application-auto-scaling', minInstances: 2, maxInstances: 6 })],
    });
    tables.seed(opened(1, scaling), outcome());
    aws.world.targets = [
      { ResourceId: 'endpoint/fraud-prod/variant/AllTraffic', MinCapacity: 2, MaxCapacity: 6 } as ScalableTarget,
    ];
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
    aws.world.listed = [{ EndpointName: 'fraud-prod', EndpointStatus: 'Updating', LastModifiedTime: new Date(NOW) }];
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
        ...(checked.decision === 'compliant' && { verified: await verifyMonitoring(input, services) }),
      },
      services,
    );
    expect(ended.result).toBe('compliant');
    expect(tables.kinds()[0]).toBe('change-opened#1');
    expect(await sweep()).toEqual(NOTHING);
  });
});

describe('what modifies no endpoint, and no event told of', () => {
  /** An endpoint in order, and as the sweep has seen it twice. */
  async function quiet() {
    const parts = setUp();
    parts.tables.seed(opened(), findings(), outcome());
    await parts.sweep();
    await parts.sweep();
    expect(parts.started()).toEqual([]);
    return parts;
  }
  type World = Awaited<ReturnType<typeof quiet>>['aws']['world'];
  const target = { ResourceId: 'endpoint/fraud-prod/variant/AllTraffic', MinCapacity: 2, MaxCapacity: 9 };
  const [alarm] = perfectWorld().alarms.MetricAlarms ?? [];

  test.each<[string, string, string, (world: World) => void]>([
    [
      'a tag that makes it another environment',
      'tags',
      'guard',
      (world) => (world.tags = [{ Key: 'environment', Value: 'dev' }]),
    ],
    [
      'a monitor that was stopped',
      'monitors',
      'guard',
      (world) => {
        world.schedules = world.schedules.map((each) => ({ ...each, MonitoringScheduleStatus: 'Stopped' }));
      },
    ],
    ['a monitor that is gone', 'monitors', 'guard', (world) => (world.schedules = [])],
    [
      'a monitor with another job',
      'monitors',
      'guard',
      (world) => {
        const described = world.described['fraud-prod-data-quality'];
        world.described['fraud-prod-data-quality'] = {
          ...described,
          MonitoringScheduleConfig: { MonitoringJobDefinitionName: 'another' },
          LastModifiedTime: new Date(later(60)),
        };
      },
    ],
    [
      'an alarm that is gone',
      'alarms',
      'guard',
      (world) => {
        world.alarms.MetricAlarms = world.alarms.MetricAlarms?.slice(1);
      },
    ],
    [
      'an alarm whose actions are off',
      'alarms',
      'guard',
      (world) => {
        world.alarms.MetricAlarms = [
          { ...alarm, ActionsEnabled: false },
          ...(world.alarms.MetricAlarms?.slice(1) ?? []),
        ];
      },
    ],
    [
      'an alarm with another threshold',
      'alarms',
      'guard',
      (world) => {
        const changed = { ...alarm, AlarmConfigurationUpdatedTimestamp: new Date(later(60)) };
        world.alarms.MetricAlarms = [changed, ...(world.alarms.MetricAlarms?.slice(1) ?? [])];
      },
    ],
    [
      'an alarm that is muted',
      'alarms',
      'guard',
      (world) => {
        world.mutes = { holiday: ['fraud-prod-DataDriftAlarm'] };
      },
    ],
    [
      'capture that stopped by itself',
      'capture',
      'guard',
      (world) => {
        const stopped = { ...world.endpoint?.DataCaptureConfig, CaptureStatus: 'Stopped' };
        world.endpoint = { ...world.endpoint, DataCaptureConfig: stopped as never };
      },
    ],
    ['bounds of scaling', 'scaling', 'endpoint', (world) => (world.targets = [target as ScalableTarget])],
    [
      'an inference component',
      'components',
      'endpoint',
      (world) => {
        world.components = { extra: { EndpointName: 'fraud-prod' } };
      },
    ],
  ])('%s starts a change that names it, once', async (_name, part, kind, happen) => {
    const { aws, sweep, started } = await quiet();
    happen(aws.world);
    expect(await sweep()).toEqual({ ...NOTHING, started: 1 });
    expect(started()).toMatchObject([{ generation: 2, change: { kind, cause: `sweep: ${part}`, sighting: {} } }]);
    // Until it is read, every sweep tells of the same.
    aws.clock.advance(900);
    expect(await sweep()).toMatchObject({ started: 0, joined: 1 });
    expect(aws.calls).not.toContain('DescribeEndpoint');
  });

  test('runs of a monitor, and the states of alarms, are no change', async () => {
    const { aws, sweep } = await quiet();
    aws.world.alarms.MetricAlarms = aws.world.alarms.MetricAlarms?.map((each) => ({ ...each, StateValue: 'ALARM' }));
    const described = aws.world.described['fraud-prod-data-quality'];
    aws.world.described['fraud-prod-data-quality'] = { ...described, LastModifiedTime: new Date(later(60)) };
    expect(await sweep()).toEqual(NOTHING);
  });

  test('what the newest reading holds already is seen and starts nothing', async () => {
    const { aws, sweep, streamReads, tables } = await quiet();
    aws.world.schedules = [];
    tables.add(opened(2, facts({ monitors: [], readAt: later(60) })));
    tables.add(findings(2));
    tables.add(outcome(2, 'blocked'));
    expect(await sweep()).toEqual(NOTHING);
    expect(await streamReads(sweep)).toBe(0);
  });

  test('an artifact that was overwritten is found within a day, and starts a change of the endpoint', async () => {
    const { aws, sweep, started } = await quiet();
    aws.world.objects['ml-artifacts-prod/fraud/model.tar.gz'] = { ETag: '"2"', ServerSideEncryption: 'AES256' };
    for (let quarter = 0; quarter < 96 && started().length === 0; quarter += 1) {
      aws.clock.advance(900);
      await sweep();
    }
    expect(started()).toMatchObject([{ change: { kind: 'endpoint', cause: 'artifact-overwritten' } }]);
    expect(aws.calls.filter((call) => call === 'HeadObject')).toHaveLength(1);
  });

  test('a monitor whose runs have come to fail is found within a day, without any call for it', async () => {
    const { aws, sweep, started } = await quiet();
    const schedule = aws.world.described['fraud-prod-data-quality'];
    const run = (at: string, MonitoringExecutionStatus: string) => {
      const last = {
        ...schedule?.LastMonitoringExecutionSummary,
        ScheduledTime: new Date(at),
        MonitoringExecutionStatus,
      };
      aws.world.described['fraud-prod-data-quality'] = {
        ...schedule,
        LastMonitoringExecutionSummary: last as never,
      };
    };
    const aDay = async (status: string) => {
      for (let quarter = 0; quarter < 96 && started().length === 0; quarter += 1) {
        aws.clock.advance(900);
        run(aws.services.now(), status);
        await sweep();
      }
    };
    await aDay('Completed');
    expect(started()).toEqual([]);
    aws.calls.length = 0;
    await aDay('Failed');
    expect(started()).toMatchObject([{ change: { kind: 'guard', cause: 'sweep: monitors' } }]);
    expect(aws.calls).not.toContain('DescribeMonitoringSchedule');
  });
  test('what guards it is in the index again where the table was lost', async () => {
    const { sweep, tables, services } = await quiet();
    tables.work.clear();
    await sweep();
    const key = { kind: 'alarm', name: 'fraud-prod-5xx' } as const;
    expect(await guardedEndpoints(services, endpoint, [key])).toEqual([endpoint]);
  });

  test('where a list cannot be read, the others are held against the ledger and the sweep says so', async () => {
    const { aws, sweep, started } = await quiet();
    aws.world.schedules = [];
    aws.world.before = (command) => {
      if (command === 'DescribeAlarms') throw awsError('AccessDeniedException');
    };
    await expect(sweep()).rejects.toThrow('1 could not be looked at (AccessDeniedException)');
    expect(started()).toMatchObject([{ change: { cause: 'sweep: monitors' } }]);
  });
});

describe('where Search is behind', () => {
  test('what was modified in the last hour is found by the list, and described', async () => {
    const { aws, sweep, started, tables, modify } = setUp();
    tables.seed(opened(), outcome());
    aws.world.searched = [aws.world.endpoint ?? {}];
    modify({ EndpointConfigName: 'fraud-prod-cfg-19' });
    expect(await sweep()).toEqual({ ...NOTHING, started: 1 });
    expect(aws.calls).toContain('DescribeEndpoint');
    expect(started()).toMatchObject([{ change: { sighting: { configName: 'fraud-prod-cfg-19' } } }]);
  });
  test('an endpoint that it does not show is not taken for gone', async () => {
    const { aws, sweep, started, tables } = setUp();
    tables.seed(opened(), outcome());
    await sweep();
    aws.world.searched = [];
    aws.clock.advance(7_200);
    expect(await sweep()).toEqual({ ...NOTHING, endpoints: 0 });
    expect(started()).toEqual([]);
  });
  test('and where it is refused, all are listed, and the sweep says what it lacks', async () => {
    const { aws, sweep, started, tables, modify } = setUp();
    tables.seed(opened(), outcome());
    modify({ EndpointConfigName: 'fraud-prod-cfg-19' });
    aws.world.before = (command) => {
      if (command === 'Search') throw awsError('AccessDeniedException');
    };
    await expect(sweep()).rejects.toThrow('1 could not be looked at (AccessDeniedException)');
    expect(started()).toHaveLength(1);
  });
});

describe('what a change leaves behind for the sweep', () => {
  test('an execution that died after it had opened a change of an endpoint that was quiet is found', async () => {
    const { aws, sweep, tables, services, running } = setUp();
    tables.seed(opened(), outcome());
    await sweep();
    await sweep();
    const input = { change: change({ kind: 'guard', eventId: 'g' }), generation: 2, approvalTimeoutSeconds: 60 };
    await gather(input, services);
    running(2, 'ABORTED');
    aws.clock.advance(600);
    expect(await sweep()).toEqual({ ...NOTHING, ended: 1 });
    expect(tables.kinds().at(-1)).toBe('outcome#2');
  });
});

describe('the state machine of the sweep', () => {
  test('asks for the places, has each of them swept, and the rest done', async () => {
    const { aws, services, tables } = setUp();
    tables.seed(opened(), outcome());
    const { places } = await run({ part: 'places' }, services);
    expect(places).toEqual([{ account: endpoint.account, region: endpoint.region }]);
    expect(aws.calls).toEqual([]);
    expect(await run({ place: places?.[0] }, services)).toEqual(NOTHING);
    expect(aws.calls.filter((call) => call === 'Search')).toHaveLength(1);
    aws.calls.length = 0;
    expect(await tendRequests({}, services)).toEqual({ ...NOTHING, endpoints: 0 });
    expect(aws.calls).not.toContain('Search');
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
    parts.aws.world.endpoint = undefined;
    return parts;
  }

  test('starts a change that records its end, and is forgotten afterwards', async () => {
    const { sweep, streamReads, started, tables, services } = await gone();
    expect(await sweep()).toEqual({ ...NOTHING, endpoints: 0, started: 1 });
    expect(started()).toMatchObject([
      { generation: 2, change: { endpoint, kind: 'deleted', cause: 'sweep', eventId: 'sweep-gone-2', at: NOW } },
    ]);
    expect((await listRememberedEndpoints(services, endpoint)).map(({ ref }) => ref)).toEqual([endpoint]);
    tables.add(outcome(2, 'deleted'));
    expect(await sweep()).toEqual({ ...NOTHING, endpoints: 0 });
    expect(await listRememberedEndpoints(services, endpoint)).toEqual([]);
    expect(await streamReads(sweep)).toBe(0);
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
    expect((await listRememberedEndpoints(services, endpoint)).map(({ ref }) => ref)).toEqual([endpoint]);
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
    aws.world.listed = named(20).map((each) => ({ ...each, EndpointStatus: 'Updating' as const }));
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
    elsewhere.on(SearchCommand).resolves({ Results: [{ Endpoint: shown }] });
    elsewhere.on(ListInferenceComponentsCommand).resolves({});
    const scaling = mockClient(ApplicationAutoScalingClient).onAnyCommand().resolves({});
    elsewhere.on(DescribeEndpointCommand).resolves(shown);
    const services = { ...aws.services, config: { ...config, file: { ...config.file, members } } };
    expect(await run({}, services)).toEqual({ ...NOTHING, endpoints: 2, started: 2 });
    elsewhere.restore();
    scaling.restore();
    expect(
      [...aws.world.executions].map(([, { input }]) => ExecutionInput.parse(JSON.parse(input)).change.endpoint),
    ).toMatchObject([endpoint, { region: 'eu-west-1', name: 'far-away' }]);
  });
});
