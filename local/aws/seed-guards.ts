import type { SpelledAlarm } from './fleet.ts';
import { putObject, role, type Seeding } from './seeding.ts';

/** Model Monitor's metrics come once an hour, SageMaker's own every minute. */
function measured(metric: SpelledAlarm['metric'], endpoint: string) {
  if (metric === 'drift') {
    return {
      Namespace: 'aws/sagemaker/Endpoints/data-metrics',
      MetricName: 'feature_baseline_drift_amount',
      Dimensions: [{ Name: 'Endpoint', Value: endpoint }],
      Period: 3600,
      EvaluationPeriods: 1,
    };
  }
  const Dimensions = [
    { Name: 'EndpointName', Value: endpoint },
    { Name: 'VariantName', Value: 'AllTraffic' },
  ];
  return { Namespace: 'AWS/SageMaker', MetricName: metric, Dimensions, Period: 60, EvaluationPeriods: 3 };
}

function createAlarm({ loopback, endpoint, call }: Seeding, alarm: SpelledAlarm): void {
  const { name, metric, state, actionsEnabled, muted, suppressed } = alarm;
  const common = { ActionsEnabled: actionsEnabled, AlarmDescription: `Rolls back deployments of ${endpoint.name}.` };
  const bad = { Statistic: 'Maximum', Threshold: 0.2, ComparisonOperator: 'GreaterThanThreshold' };
  const metricName = suppressed ? `${name}-metric` : name;
  call('PutMetricAlarm', { AlarmName: metricName, ...common, ...measured(metric, endpoint.name), ...bad });
  if (suppressed) {
    const maintenance = `${name}-maintenance`;
    call('PutMetricAlarm', { AlarmName: maintenance, ...measured(metric, endpoint.name), ...bad });
    call('SetAlarmState', { AlarmName: maintenance, StateValue: 'ALARM', StateReason: 'Maintenance' });
    const rule = { AlarmRule: `ALARM("${metricName}")`, ActionsSuppressor: maintenance };
    call('PutCompositeAlarm', { AlarmName: name, ...common, ...rule });
  }
  call('SetAlarmState', { AlarmName: name, StateValue: state, StateReason: 'Threshold not crossed' });
  if (!muted) return;
  const from = loopback.now().toISOString().slice(0, 16);
  call('PutAlarmMuteRule', {
    Name: `${name}-quiet`,
    Rule: { Schedule: { Expression: `at(${from})`, Duration: 'P1D' } },
    MuteTargets: { AlarmNames: [name] },
  });
}

/** The alarms that the deployment of a seeded endpoint names, in the state that the fleet says. */
export function createAlarms(seeding: Seeding): void {
  const { alarms, rollbackAlarms } = seeding.endpoint;
  if (alarms === 'create') for (const alarm of rollbackAlarms) createAlarm(seeding, alarm);
}

/** `ModelBias` -> `model-bias` */
const dashed = (type: string) => type.replace(/(?<=.)[A-Z]/, '-$&').toLowerCase();

/** Its monitoring schedules, with their job definitions and baselines. */
export function createMonitors(seeding: Seeding): void {
  const { endpoint, call } = seeding;
  for (const { type, baseline, status, expression } of endpoint.monitors) {
    const name = `${endpoint.name}-${dashed(type)}`;
    const constraints = `s3://example-baselines/${endpoint.name}/${dashed(type)}/constraints.json`;
    if (baseline === true) putObject(seeding, constraints, 'sse-s3', '{}\n');
    call(`Create${type}JobDefinition`, {
      JobDefinitionName: name,
      ...(baseline ? { [`${type}BaselineConfig`]: { ConstraintsResource: { S3Uri: constraints } } } : {}),
      [`${type}AppSpecification`]: { ImageUri: 'sagemaker-model-monitor-analyzer' },
      [`${type}JobInput`]: {
        EndpointInput: { EndpointName: endpoint.name, LocalPath: '/opt/ml/processing/input/endpoint' },
      },
      [`${type}JobOutputConfig`]: { MonitoringOutputs: [] },
      JobResources: { ClusterConfig: { InstanceCount: 1, InstanceType: 'ml.m5.large', VolumeSizeInGB: 20 } },
      RoleArn: role(seeding, 'SageMakerMonitor'),
    });
    call('CreateMonitoringSchedule', {
      MonitoringScheduleName: name,
      MonitoringScheduleConfig: {
        ScheduleConfig: { ScheduleExpression: expression },
        MonitoringJobDefinitionName: name,
        MonitoringType: type,
      },
    });
    if (status === 'Stopped') call('StopMonitoringSchedule', { MonitoringScheduleName: name });
  }
}
