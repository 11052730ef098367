import { lowerCamel, wholeSeconds } from './cloudtrail.ts';
import type { AlarmRow } from './cloudwatch.ts';
import { type Json, present } from './input.ts';
import type { Loopback } from './loopback.ts';

type Dimensions = { Name: string; Value: string }[];
type Metric = { Id: string; Expression?: string; Label?: string; ReturnData?: boolean; MetricStat?: MetricStat };
type MetricStat = {
  Metric: { Namespace?: string; MetricName?: string; Dimensions?: Dimensions };
  Period?: number;
  Stat?: string;
};

/** `2026-11-20T09:23:40.100+0000`, as alarm events write times. */
const timestamp = (ms: number) => new Date(ms).toISOString().replace('Z', '+0000');

/** Events have dimensions as a map, the API as a list. */
function metric({ Id, Expression, Label, ReturnData, MetricStat: stat }: Metric): Json {
  return present({
    id: Id,
    expression: Expression,
    label: Label,
    metricStat: stat && {
      metric: present({
        namespace: stat.Metric.Namespace,
        name: stat.Metric.MetricName,
        dimensions: Object.fromEntries((stat.Metric.Dimensions ?? []).map(({ Name, Value }) => [Name, Value])),
      }),
      ...present({ period: stat.Period, stat: stat.Stat }),
    },
    returnData: ReturnData ?? true,
  });
}

/** An alarm on one metric and one on a list of them look alike in events: both have `metrics`. */
function metricsOf(definition: Json): Json[] {
  const { Metrics, MetricName, Namespace, Dimensions, Period, Statistic, ExtendedStatistic } = definition;
  if (Array.isArray(Metrics)) return (Metrics as Metric[]).map(metric);
  const stat = {
    Metric: { Namespace, MetricName, Dimensions },
    Period,
    Stat: Statistic ?? ExtendedStatistic,
  } as MetricStat;
  return [metric({ Id: 'm1', MetricStat: stat, ReturnData: true })];
}

const whatItWatches = ({ type, definition }: AlarmRow): Json =>
  type === 'MetricAlarm' ? { metrics: metricsOf(definition) } : { alarmRule: definition.AlarmRule };

function configuration(row: AlarmRow): Json {
  const { OKActions, AlarmDescription, AlarmName, Tags: _tags, ...rest } = row.definition;
  const replaced = [
    'Metrics',
    'MetricName',
    'Namespace',
    'Dimensions',
    'Period',
    'Statistic',
    'ExtendedStatistic',
    'AlarmRule',
  ];
  const members = Object.fromEntries(Object.entries(rest).filter(([key]) => !replaced.includes(key)));
  return present({
    alarmName: AlarmName,
    description: AlarmDescription,
    ...(row.type === 'MetricAlarm' ? { treatMissingData: 'missing' } : {}),
    ...(lowerCamel(members) as Json),
    ...whatItWatches(row),
    okActions: OKActions,
    timestamp: timestamp(row.updatedAt),
  });
}

const stateOf = ({ value, reason, reasonData, at }: AlarmRow['state']) =>
  present({ value, reason, reasonData, timestamp: timestamp(at) });

function emit(loopback: Loopback, detailType: string, row: AlarmRow, detail: Json): void {
  loopback.emit({
    source: 'aws.cloudwatch',
    'detail-type': detailType,
    time: wholeSeconds(loopback.now()),
    resources: [row.arn],
    detail: { alarmName: row.name, ...detail },
  });
}

export function announceConfiguration(
  loopback: Loopback,
  row: AlarmRow,
  operation: 'create' | 'update' | 'delete',
  before?: AlarmRow,
): void {
  const detail = {
    operation,
    state: stateOf(row.state),
    configuration: configuration(row),
    previousConfiguration: before && configuration(before),
  };
  emit(loopback, 'CloudWatch Alarm Configuration Change', row, present(detail));
}

export function announceState(loopback: Loopback, row: AlarmRow, before: AlarmRow): void {
  emit(loopback, 'CloudWatch Alarm State Change', row, {
    configuration: present({ description: row.definition.AlarmDescription, ...whatItWatches(row) }),
    previousState: stateOf(before.state),
    state: stateOf(row.state),
  });
}
