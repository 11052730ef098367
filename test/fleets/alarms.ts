import type { Account, Row } from './account.ts';

const DRIFT = {
  Statistic: 'Maximum',
  Threshold: 0.2,
  ComparisonOperator: 'GreaterThanThreshold',
  EvaluationPeriods: 1,
};
const dimensions = (values: Record<string, string>) => Object.entries(values).map(([Name, Value]) => ({ Name, Value }));
/** Makes the alarm on drift anew, as somebody has it. */
const drift = (account: Account, metric: Record<string, unknown>) => {
  account.call('PutMetricAlarm', { AlarmName: `${account.name}-DataDriftAlarm`, ...DRIFT, ...metric });
};
const named = (namespace: string, values: (name: string) => Record<string, string>) => (account: Account) =>
  drift(account, {
    Namespace: namespace,
    MetricName: 'feature_baseline_drift_amount',
    Period: 3600,
    Dimensions: dimensions(values(account.name)),
  });
/** Replaces it by an alarm of another type. */
const composite = (account: Account, members: Record<string, unknown>) => {
  account.call('DeleteAlarms', { AlarmNames: [`${account.name}-DataDriftAlarm`] });
  account.call('PutCompositeAlarm', { AlarmName: `${account.name}-DataDriftAlarm`, ...members });
  account.call('SetAlarmState', { AlarmName: `${account.name}-DataDriftAlarm`, StateValue: 'OK', StateReason: 'x' });
};
const since = (account: Account, state: string, hours: number) =>
  account.edit<{ state: object }>('alarm', `${account.name}-DataDriftAlarm`, (row) => ({
    ...row,
    state: { ...row.state, value: state, at: account.now().getTime() - hours * 3_600_000 },
  }));
const mute = (account: Account, expression: string, duration: string) =>
  account.call('PutAlarmMuteRule', {
    Name: `${account.name}-quiet`,
    Rule: { Schedule: { Expression: expression, Duration: duration } },
    MuteTargets: { AlarmNames: [`${account.name}-DataDriftAlarm`] },
  });
const GUIDE = '/aws/sagemaker/Endpoints/data-metric';
const SDK = 'aws/sagemaker/Endpoints/data-metrics';

/** Alarms that look as if they protected a deployment (aws-facts section 3). */
export const alarmRows: Row[] = [
  {
    name: 'an alarm that was deleted after the deployment',
    after: ({ call, name }) => call('DeleteAlarms', { AlarmNames: [`${name}-DataDriftAlarm`] }),
    finds: { 'rollback-alarms': ['violation', /-DataDriftAlarm does not exist in CloudWatch/] },
  },
  {
    name: 'alarms that were named and never made',
    endpoint: { alarms: 'none' },
    finds: { 'rollback-alarms': ['violation', /-ModelMonitorAlarm does not exist in CloudWatch/] },
  },
  {
    name: 'an alarm whose actions were disabled',
    after: ({ call, name }) => call('DisableAlarmActions', { AlarmNames: [`${name}-DataDriftAlarm`] }),
    finds: { 'rollback-alarms': ['violation', /actions of alarm .*-DataDriftAlarm are disabled/] },
  },
  {
    name: 'an alarm that is disabled from the start, as infrastructure code writes it',
    endpoint: (name) => ({
      rollbackAlarms: [
        `${name}-ModelMonitorAlarm`,
        { name: `${name}-DataDriftAlarm`, actionsEnabled: false },
        { name: `${name}-5xx`, metric: 'Invocation5XXErrors' },
      ],
    }),
    finds: { 'rollback-alarms': ['violation', /are disabled/] },
  },
  {
    name: 'an alarm whose actions were disabled and enabled again',
    after: ({ call, name }) => {
      call('DisableAlarmActions', { AlarmNames: [`${name}-DataDriftAlarm`] });
      call('EnableAlarmActions', { AlarmNames: [`${name}-DataDriftAlarm`] });
    },
  },
  {
    name: 'an alarm that a mute rule silences now',
    after: (account) => mute(account, 'at(2026-11-20T09:00)', 'PT2H'),
    finds: { 'rollback-alarms': ['violation', /-DataDriftAlarm is muted by mute rule .*-quiet/] },
  },
  {
    name: 'an alarm that a recurring rule silences on Friday mornings, of which this is one',
    after: (account) => mute(account, 'cron(0 6 * * FRI)', 'PT12H'),
    finds: { 'rollback-alarms': ['violation', /is muted by/] },
  },
  {
    name: 'an alarm that a rule silences at weekends: this is Friday',
    after: (account) => mute(account, 'cron(0 0 * * SAT)', 'P2D'),
  },
  { name: 'a mute rule whose one window is over', after: (account) => mute(account, 'at(2026-11-19T09:00)', 'PT2H') },
  {
    name: 'a mute rule that was deleted in its window',
    after: (account) => {
      mute(account, 'at(2026-11-20T09:00)', 'PT2H');
      account.call('DeleteAlarmMuteRule', { AlarmMuteRuleName: `${account.name}-quiet` });
    },
  },
  {
    name: 'a composite alarm, which DescribeAlarms leaves out unless asked',
    after: (account) => {
      const child = {
        Namespace: SDK,
        MetricName: 'x',
        Period: 3600,
        Dimensions: dimensions({ Endpoint: account.name }),
      };
      account.call('PutMetricAlarm', { AlarmName: `${account.name}-child`, ...DRIFT, ...child });
      composite(account, { AlarmRule: `ALARM("${account.name}-child")` });
    },
  },
  {
    name: 'a composite of composites',
    after: (account) => {
      account.call('PutCompositeAlarm', {
        AlarmName: `${account.name}-inner`,
        AlarmRule: `ALARM(${account.name}-5xx)`,
      });
      composite(account, { AlarmRule: `ALARM(${account.name}-inner) AND NOT ALARM(deploying)` });
    },
  },
  {
    name: 'a composite of alarms of another endpoint',
    after: (account) => {
      const child = {
        Namespace: SDK,
        MetricName: 'x',
        Period: 3600,
        Dimensions: dimensions({ Endpoint: 'pricing-prod' }),
      };
      account.call('PutMetricAlarm', { AlarmName: `${account.name}-theirs`, ...DRIFT, ...child });
      composite(account, { AlarmRule: `ALARM("${account.name}-theirs")` });
    },
    finds: { 'rollback-alarms': ['violation', /-DataDriftAlarm does not watch this endpoint/] },
  },
  {
    name: 'a composite whose alarms were deleted',
    after: (account) => composite(account, { AlarmRule: 'ALARM("long-gone")' }),
    finds: { 'rollback-alarms': ['violation', /cannot be told from its definition/] },
  },
  {
    name: 'a composite that can never trip',
    after: (account) => composite(account, { AlarmRule: 'FALSE' }),
    finds: { 'rollback-alarms': ['violation', /cannot be told from its definition/] },
  },
  {
    name: 'a composite that a maintenance alarm suppresses now',
    endpoint: (name) => ({
      rollbackAlarms: [
        `${name}-ModelMonitorAlarm`,
        { name: `${name}-DataDriftAlarm`, suppressed: true },
        { name: `${name}-5xx`, metric: 'Invocation5XXErrors' },
      ],
    }),
    finds: { 'rollback-alarms': ['violation', /are suppressed by .*-DataDriftAlarm-maintenance/] },
  },
  {
    name: 'a composite with a suppressor that does not suppress now',
    after: (account) =>
      composite(account, {
        AlarmRule: `ALARM(${account.name}-5xx)`,
        ActionsSuppressor: `${account.name}-ModelMonitorAlarm`,
      }),
  },
  {
    name: 'an alarm that has had no data for two days: its metric is not published',
    after: (account) => since(account, 'INSUFFICIENT_DATA', 48),
    finds: { 'rollback-alarms': ['violation', /has had INSUFFICIENT_DATA since 2026-11-18/] },
  },
  ...(['EVALUATION_ERROR', 'EVALUATION_FAILURE'] as const).map(
    (evaluation): Row => ({
      name: `an alarm in OK that CloudWatch does not evaluate: ${evaluation}`,
      after: ({ edit, name }) => edit('alarm', `${name}-DataDriftAlarm`, (row) => ({ ...row, evaluation })),
      finds: {
        'rollback-alarms':
          evaluation === 'EVALUATION_ERROR'
            ? ['violation', /cannot evaluate alarm .*-DataDriftAlarm: its setup is wrong/]
            : ['advice', /does not evaluate alarm .*-DataDriftAlarm as it should at the moment/],
      },
    }),
  ),
  {
    name: 'an alarm without data for an hour, between two runs',
    after: (account) => since(account, 'INSUFFICIENT_DATA', 1),
  },
  {
    name: 'an alarm that is in ALARM: the next deployment would be rolled back, or not begin to be watched',
    after: (account) => since(account, 'ALARM', 3),
    finds: { 'rollback-alarms': ['advice', /-DataDriftAlarm is in ALARM now/] },
  },
  {
    name: 'an alarm with the right name on another endpoint',
    after: named(SDK, () => ({ Endpoint: 'pricing-prod' })),
    finds: { 'rollback-alarms': ['violation', /does not watch this endpoint/] },
  },
  {
    name: 'an alarm on an endpoint whose name only begins alike',
    after: named(SDK, (name) => ({ Endpoint: `${name}-2` })),
    finds: { 'rollback-alarms': ['violation', /does not watch this endpoint/] },
  },
  {
    name: 'an alarm without dimensions, over all endpoints together',
    after: named('AWS/SageMaker', () => ({})),
    finds: { 'rollback-alarms': ['violation', /does not watch this endpoint/] },
  },
  {
    name: "the namespace and dimensions of AWS's guide",
    after: named(GUIDE, (name) => ({ EndpointName: name, ScheduleName: `${name}-data-quality` })),
  },
  {
    name: "the namespace and dimensions of AWS's own SDK",
    after: named(SDK, (name) => ({ Endpoint: name, MonitoringSchedule: `${name}-data-quality`, Feature: 'amount' })),
  },
  {
    name: "the SDK's dimensions in the namespace that begins with a slash",
    after: named(`/${SDK}`, (name) => ({ Endpoint: name, MonitoringSchedule: `${name}-data-quality` })),
  },
  { name: 'the name of the endpoint in capitals', after: named(SDK, (name) => ({ Endpoint: name.toUpperCase() })) },
  {
    name: 'an alarm on metrics of a schedule that is gone',
    after: named(SDK, (name) => ({ Endpoint: name, MonitoringSchedule: 'last-years-schedule' })),
    finds: {
      'rollback-alarms': ['violation', /watches monitoring schedule last-years-schedule, which does not watch/],
    },
  },
  {
    name: 'an alarm on a variant that was renamed',
    after: named('AWS/SageMaker', (name) => ({ EndpointName: name, VariantName: 'variant-1' })),
    finds: { 'rollback-alarms': ['violation', /watches variant variant-1, which this endpoint does not have/] },
  },
  {
    name: 'an alarm on metric math over its metrics',
    after: (account) => {
      const metric = { Namespace: SDK, MetricName: 'x', Dimensions: dimensions({ Endpoint: account.name }) };
      const stat = { Id: 'm1', MetricStat: { Metric: metric, Period: 3600, Stat: 'Maximum' }, ReturnData: false };
      const { Statistic: _none, ...rest } = DRIFT;
      const Metrics = [stat, { Id: 'e1', Expression: 'FILL(m1, 0)', ReturnData: true }];
      account.call('PutMetricAlarm', { AlarmName: `${account.name}-DataDriftAlarm`, ...rest, Metrics });
    },
  },
  {
    name: 'an alarm on a band of what is usual (anomaly detection), whose threshold is no number',
    after: (account) => {
      const metric = { Namespace: SDK, MetricName: 'x', Dimensions: dimensions({ Endpoint: account.name }) };
      const { Statistic: _none, Threshold: _number, ...rest } = DRIFT;
      account.call('PutMetricAlarm', {
        ...{ AlarmName: `${account.name}-DataDriftAlarm`, ...rest, ThresholdMetricId: 'band' },
        ComparisonOperator: 'GreaterThanUpperThreshold',
        Metrics: [
          { Id: 'm1', MetricStat: { Metric: metric, Period: 3600, Stat: 'Maximum' }, ReturnData: true },
          { Id: 'band', Expression: 'ANOMALY_DETECTION_BAND(m1, 2)', ReturnData: true },
        ],
      });
    },
  },
  ...[`SELECT MAX(x) FROM "${SDK}" GROUP BY Endpoint`, `SEARCH('{${SDK},Endpoint} x', 'Maximum', 3600)`].map(
    (Expression): Row => ({
      name: `an alarm that finds its metrics by a query: ${Expression}`,
      after: (account) => {
        const { Statistic: _none, ...rest } = DRIFT;
        const Metrics = [{ Id: 'q1', Expression, Period: 3600, ReturnData: true }];
        account.call('PutMetricAlarm', { AlarmName: `${account.name}-DataDriftAlarm`, ...rest, Metrics });
      },
      finds: {
        'rollback-alarms': ['violation', /Whether alarm .*-DataDriftAlarm watches this endpoint cannot be told/],
      },
    }),
  ),
  {
    name: 'an alarm on the metrics of an endpoint of this name in another account',
    after: (account) => {
      const metric = { Namespace: SDK, MetricName: 'x', Dimensions: dimensions({ Endpoint: account.name }) };
      const stat = {
        Id: 'm1',
        AccountId: '999988887777',
        MetricStat: { Metric: metric, Period: 3600, Stat: 'Maximum' },
      };
      const { Statistic: _none, ...rest } = DRIFT;
      account.call('PutMetricAlarm', { AlarmName: `${account.name}-DataDriftAlarm`, ...rest, Metrics: [stat] });
    },
    finds: { 'rollback-alarms': ['violation', /does not watch this endpoint/] },
  },
  {
    name: 'alarms under names of another team',
    endpoint: (name) => ({
      rollbackAlarms: [`risk-${name}-drift`, { name: `${name}-5xx`, metric: 'Invocation5XXErrors' }],
    }),
    finds: { 'rollback-alarms': ['violation', /names no DataDriftAlarm in AutoRollbackConfiguration/] },
  },
];
