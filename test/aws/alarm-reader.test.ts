import { describe, expect, test } from 'vitest';
import { readEndpoint } from '../../shared/aws/endpoint-reader.ts';
import { alarm, endpoint } from '../builders.ts';
import { fakeAws, type World } from '../fake-aws.ts';

async function alarms(names: string[], change: (world: World) => void, ref = endpoint) {
  const aws = fakeAws();
  aws.world.endpoint = {
    ...aws.world.endpoint,
    LastDeploymentConfig: { AutoRollbackConfiguration: { Alarms: names.map((AlarmName) => ({ AlarmName })) } } as never,
  };
  change(aws.world);
  const facts = await readEndpoint(aws.services, ref);
  return { list: facts?.deployment.known ? facts.deployment.rollbackAlarms : [], calls: aws.calls };
}
const metric = (AlarmName: string, ...Dimensions: [string, string][]) => ({
  AlarmName,
  StateValue: 'OK' as const,
  ActionsEnabled: true,
  Dimensions: Dimensions.map(([Name, Value]) => ({ Name, Value })),
});
const watching = (AlarmName: string) =>
  metric(AlarmName, ['EndpointName', 'fraud-prod'], ['VariantName', 'AllTraffic']);
const one = async (MetricAlarm: object, ref = endpoint) =>
  (
    await alarms(
      ['a'],
      (world) => {
        world.alarms = { MetricAlarms: [MetricAlarm as never] };
      },
      ref,
    )
  ).list[0];
const composite = async (AlarmRule: string, MetricAlarms: ReturnType<typeof metric>[]) =>
  (
    await alarms(['c'], (world) => {
      world.alarms = {
        MetricAlarms,
        CompositeAlarms: [{ AlarmName: 'c', AlarmRule, StateValue: 'OK', ActionsEnabled: true }],
      };
    })
  ).list[0];

describe('a metric alarm', () => {
  test('is read with its state', async () => {
    const StateTransitionedTimestamp = new Date('2026-11-20T08:00:00.000Z');
    expect(
      await one({ ...watching('a'), StateValue: 'ALARM', ActionsEnabled: false, StateTransitionedTimestamp }),
    ).toEqual(
      alarm('a', {
        state: 'ALARM',
        stateSince: '2026-11-20T08:00:00.000Z',
        actionsEnabled: false,
        variants: ['AllTraffic'],
      }),
    );
  });
  test('watches by either name of the dimension, whatever the case of the endpoint', async () => {
    expect(await one(metric('a', ['Endpoint', 'FRAUD-prod']))).toMatchObject({ watchesEndpoint: true });
    expect(await one(metric('a', ['EndpointName', 'other']))).toMatchObject({ watchesEndpoint: false });
    expect(await one(metric('a', ['VariantName', 'fraud-prod']))).toMatchObject({ watchesEndpoint: false });
  });
  test('over metric math watches what its metrics watch', async () => {
    const math = {
      ...metric('a'),
      Metrics: [
        { Id: 'e' },
        { Id: 'm', MetricStat: { Metric: { Dimensions: [{ Name: 'Endpoint', Value: 'fraud-prod' }] } } },
      ],
    };
    expect(await one(math)).toMatchObject({ watchesEndpoint: true });
  });
  test.each([
    ['Metrics Insights', { Metrics: [{ Id: 'q', Expression: ' select AVG(ModelLatency) FROM "AWS/SageMaker"' }] }],
    ['a search', { Metrics: [{ Id: 'q', Expression: "MAX(SEARCH('MetricName=\"drift\"', 'Maximum'))" }] }],
    ['PromQL', { EvaluationCriteria: { PromQLCriteria: { Query: 'up' } } }],
  ])('that finds its metrics by %s does not say which endpoint it watches', async (_what, by) => {
    expect(await one({ ...metric('a'), ...by })).toMatchObject({ watchesEndpoint: null });
    expect(await one({ ...watching('a'), ...by })).toMatchObject({ watchesEndpoint: true });
  });
  test('that is not there does not exist; the others are still read', async () => {
    const { list } = await alarms(['a', 'gone'], (world) => {
      world.alarms = { MetricAlarms: [watching('a')] };
    });
    expect(list).toEqual([expect.objectContaining({ name: 'a', exists: true }), { name: 'gone', exists: false }]);
  });
});

describe('a composite alarm', () => {
  test.each([
    'ALARM("x") OR ALARM("y")',
    'ALARM(x) AND NOT OK( y )',
    'ALARM("arn:aws:cloudwatch:us-east-1:111122223333:alarm:x")',
    'INSUFFICIENT_DATA(y) OR ALARM(x)',
  ])('with the rule %s watches what one of its children watches', async (rule) => {
    expect(await composite(rule, [watching('x'), metric('y', ['Endpoint', 'other'])])).toMatchObject({
      type: 'composite',
      watchesEndpoint: true,
    });
  });
  test('whose children all watch something else does not watch it', async () => {
    expect(await composite('ALARM(x) OR ALARM(y)', [metric('x'), metric('y')])).toMatchObject({
      watchesEndpoint: false,
    });
  });
  test('without children that are there cannot be told', async () => {
    expect(await composite('ALARM(x)', [])).toMatchObject({ watchesEndpoint: null });
    expect(await composite('FALSE', [watching('x')])).toMatchObject({ watchesEndpoint: null });
  });
});

test('a log alarm exists, and what it watches cannot be told', async () => {
  const { list } = await alarms(['l'], (world) => {
    world.alarms = { LogAlarms: [{ AlarmName: 'l', StateValue: 'OK', ActionsEnabled: true }] };
  });
  expect(list).toEqual([alarm('l', { type: 'log', stateSince: null, watchesEndpoint: null })]);
});

test('many alarms are asked for a hundred at a time, and every page is read', async () => {
  const names = Array.from({ length: 101 }, (_, index) => `a${index}`);
  const { list, calls } = await alarms(names, (world) => {
    world.alarms = { MetricAlarms: names.map(watching) };
    world.pageSize = 60;
  });
  expect(list.every(({ exists }) => exists)).toBe(true);
  expect(calls.filter((name) => name === 'DescribeAlarms')).toHaveLength(3);
});

test('without alarms CloudWatch is not asked', async () => {
  expect((await alarms([], () => undefined)).calls).not.toContain('DescribeAlarms');
});

describe('what silences an alarm', () => {
  test('is read from one list of open mute rules, and a look at each of them', async () => {
    const { list, calls } = await alarms(['a', 'b'], (world) => {
      world.alarms = { MetricAlarms: [watching('a'), watching('b')] };
      world.mutes = { quiet: ['a', 'other'], loud: ['other'], both: ['a'] };
      world.pageSize = 2;
    });
    expect(list).toMatchObject([{ mutedBy: ['quiet', 'both'] }, { mutedBy: [] }]);
    expect(calls.filter((name) => /MuteRule/.test(name)).sort()).toEqual([
      'GetAlarmMuteRule',
      'GetAlarmMuteRule',
      'GetAlarmMuteRule',
      'ListAlarmMuteRules',
      'ListAlarmMuteRules',
    ]);
  });
  test('is nothing where a rule ends between the list and the look', async () => {
    const { list } = await alarms(['a'], (world) => {
      world.alarms = { MetricAlarms: [watching('a')] };
      world.mutes = { quiet: ['a'] };
      world.before = (command) => {
        if (command === 'GetAlarmMuteRule') world.mutes = {};
      };
    });
    expect(list).toMatchObject([{ mutedBy: [] }]);
  });
  test('is for a composite the alarm that suppresses it now', async () => {
    const suppressor = 'arn:aws:cloudwatch:us-east-1:111122223333:alarm:maintenance';
    const suppressed = (ActionsSuppressedBy: string | undefined) =>
      alarms(['c'], (world) => {
        const rule = { AlarmName: 'c', AlarmRule: 'ALARM(x)', ActionsEnabled: true, ActionsSuppressor: suppressor };
        world.alarms = { MetricAlarms: [watching('x')], CompositeAlarms: [{ ...rule, ActionsSuppressedBy } as never] };
      });
    expect((await suppressed('Alarm')).list).toMatchObject([
      { suppressedBy: 'maintenance', dependsOn: ['x', 'maintenance'] },
    ]);
    expect((await suppressed(undefined)).list).toMatchObject([{ suppressedBy: null }]);
  });
});

test('composites of composites are followed three deep, one call for each level', async () => {
  const nested = (AlarmName: string, child: string) => ({
    AlarmName,
    AlarmRule: `ALARM(${child})`,
    ActionsEnabled: true,
  });
  const { list, calls } = await alarms(['c1', 'd1'], (world) => {
    const CompositeAlarms = [
      nested('c1', 'c2'),
      nested('c2', 'x'),
      nested('d1', 'd2'),
      nested('d2', 'd3'),
      nested('d3', 'x'),
    ];
    world.alarms = { MetricAlarms: [watching('x')], CompositeAlarms };
  });
  expect(list).toMatchObject([{ watchesEndpoint: true }, { name: 'd1' }]);
  expect(calls.filter((name) => name === 'DescribeAlarms')).toHaveLength(3);
});

describe('how soon an alarm could trip', () => {
  const live = (more: object) => one({ ...watching('a'), Namespace: 'AWS/SageMaker', ...more });
  test('is its periods, or so many of them as must be bad', async () => {
    expect(await live({ Period: 60, EvaluationPeriods: 5 })).toMatchObject({ tripsAfterSeconds: 300 });
    expect(await live({ Period: 60, EvaluationPeriods: 5, DatapointsToAlarm: 2 })).toMatchObject({
      tripsAfterSeconds: 120,
    });
  });
  test('is not known of metrics that monitoring jobs write once an hour', async () => {
    expect(await live({ Period: 60, Namespace: 'aws/sagemaker/Endpoints/data-metrics' })).toMatchObject({
      tripsAfterSeconds: null,
    });
  });
});
