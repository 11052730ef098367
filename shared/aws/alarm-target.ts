import type { Dimension, MetricAlarm, MetricDataQuery } from '@aws-sdk/client-cloudwatch';
import type { EndpointRef } from '../model/endpoint-ref.ts';

/** What an alarm looks at, as far as it is about one endpoint. */
export type AlarmTarget = {
  watchesEndpoint: boolean | null;
  variants: string[];
  schedules: string[];
  tripsAfterSeconds: number | null;
};

type Watched = { namespace: string; dimensions: Dimension[]; periodSeconds: number };

/** An alarm has one metric in its own members, or several under `Metrics`; those of another account are not ours. */
function metricsOf(alarm: MetricAlarm, { account }: EndpointRef): Watched[] {
  const ours = ({ AccountId }: MetricDataQuery) => AccountId === undefined || AccountId === account;
  return [
    { namespace: alarm.Namespace ?? '', dimensions: alarm.Dimensions ?? [], periodSeconds: alarm.Period ?? 0 },
    ...(alarm.Metrics ?? []).filter(ours).flatMap(({ MetricStat: stat }) =>
      stat?.Metric
        ? [
            {
              namespace: stat.Metric.Namespace ?? '',
              dimensions: stat.Metric.Dimensions ?? [],
              periodSeconds: stat.Period ?? 0,
            },
          ]
        : [],
    ),
  ];
}

// SageMaker's own metrics name the endpoint `EndpointName`. Of Model Monitor's, AWS's guide says EndpointName and
// ScheduleName in `/aws/sagemaker/Endpoints/data-metric`, its SDK Endpoint and MonitoringSchedule in
// `aws/sagemaker/Endpoints/data-metrics`. Dimensions tell what is watched, so every spelling of the namespace is taken.
const ENDPOINT = ['Endpoint', 'EndpointName'];
const SCHEDULE = ['MonitoringSchedule', 'ScheduleName'];

const valuesOf = ({ dimensions }: Watched, names: readonly string[]) =>
  dimensions.flatMap(({ Name = '', Value = '' }) => (names.includes(Name) ? [Value] : []));

/**
 * Does the alarm find its metrics by a query, so that no dimension names them? Metrics Insights (`SELECT ...`), a search
 * (`SEARCH(...)`) or PromQL (CloudWatch API reference, MetricDataQuery and EvaluationCriteria).
 */
function asksByQuery({ Metrics = [], EvaluationCriteria }: MetricAlarm): boolean {
  return (
    EvaluationCriteria !== undefined ||
    Metrics.some(({ Expression = '' }) => /^\s*SELECT\b|\bSEARCH\s*\(/i.test(Expression))
  );
}

/** What a metric alarm watches of an endpoint, by its dimensions. */
export function targetOfMetricAlarm(alarm: MetricAlarm, ref: EndpointRef): AlarmTarget {
  const own = metricsOf(alarm, ref).filter((metric) =>
    valuesOf(metric, ENDPOINT).some((name) => name.toLowerCase() === ref.name.toLowerCase()),
  );
  // It trips as soon as so many of its last periods are bad (M out of N).
  const periods = alarm.DatapointsToAlarm ?? alarm.EvaluationPeriods ?? 1;
  const live = own.filter(({ namespace }) => namespace === 'AWS/SageMaker');
  return {
    watchesEndpoint: own.length > 0 ? true : asksByQuery(alarm) ? null : false,
    variants: [...new Set(own.flatMap((metric) => valuesOf(metric, ['VariantName'])))],
    schedules: [...new Set(own.flatMap((metric) => valuesOf(metric, SCHEDULE)))],
    tripsAfterSeconds: live.length > 0 ? Math.min(...live.map(({ periodSeconds }) => periodSeconds * periods)) : null,
  };
}

/** What a composite watches is what one of the alarms in its rule does; where none of them can be told, nor can it. */
export function targetOfComposite(children: readonly AlarmTarget[]): AlarmTarget {
  const watching = children.filter(({ watchesEndpoint }) => watchesEndpoint === true);
  const delays = watching.flatMap(({ tripsAfterSeconds }) => tripsAfterSeconds ?? []);
  const known = children.length > 0 && children.every(({ watchesEndpoint }) => watchesEndpoint === false);
  // Of several, those whose variant or schedule is gone are the quiet ones; that matters where it is so of each.
  const common = (pick: (child: AlarmTarget) => string[]) =>
    watching.every((child) => pick(child).length > 0) ? [...new Set(watching.flatMap(pick))] : [];
  return {
    watchesEndpoint: watching.length > 0 ? true : known ? false : null,
    variants: common(({ variants }) => variants),
    schedules: common(({ schedules }) => schedules),
    tripsAfterSeconds: delays.length > 0 ? Math.min(...delays) : null,
  };
}
