import { type CompositeAlarm, DescribeAlarmsCommand, type MetricAlarm } from '@aws-sdk/client-cloudwatch';
import type { RollbackAlarm } from '../model/endpoint-facts.ts';
import type { Reading } from './endpoint-reader.ts';

type AnyAlarm = { type: 'metric' | 'composite' | 'log'; alarm: MetricAlarm | CompositeAlarm };

/** DescribeAlarms answers only metric alarms unless asked for the others; unknown names are just missing from the answer. */
async function describe({ services, call }: Reading, names: string[]): Promise<Map<string, AnyAlarm>> {
  const found = new Map<string, AnyAlarm>();
  for (let start = 0; start < names.length; start += 100) {
    let nextToken: string | undefined;
    do {
      const page = await call(() =>
        services.cloudwatch.send(
          new DescribeAlarmsCommand({
            AlarmNames: names.slice(start, start + 100),
            AlarmTypes: ['MetricAlarm', 'CompositeAlarm', 'LogAlarm'],
            MaxRecords: 100,
            NextToken: nextToken,
          }),
        ),
      );
      for (const alarm of page.MetricAlarms ?? []) found.set(alarm.AlarmName ?? '', { type: 'metric', alarm });
      for (const alarm of page.CompositeAlarms ?? []) found.set(alarm.AlarmName ?? '', { type: 'composite', alarm });
      for (const alarm of page.LogAlarms ?? [])
        found.set(alarm.AlarmName ?? '', { type: 'log', alarm: alarm as MetricAlarm });
      nextToken = page.NextToken;
    } while (nextToken);
  }
  return found;
}

/** Alarms named in a composite's rule: `ALARM("a") OR ALARM(b)`. */
function childrenOf(rule: string): string[] {
  return [...rule.matchAll(/(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*"?([^")]+?)"?\s*\)/g)].map(([, name]) =>
    (name ?? '').replace(/^arn:aws[a-z-]*:cloudwatch:[^:]+:\d+:alarm:/, ''),
  );
}

/** SageMaker's own metrics name the endpoint `EndpointName`, Model Monitor's `Endpoint` (its guide says `EndpointName`). */
function watches(alarm: MetricAlarm, endpoint: string): boolean {
  const dimensions = [
    ...(alarm.Dimensions ?? []),
    ...(alarm.Metrics ?? []).flatMap(({ MetricStat }) => MetricStat?.Metric?.Dimensions ?? []),
  ];
  return dimensions.some(
    ({ Name, Value }) =>
      (Name === 'Endpoint' || Name === 'EndpointName') && Value?.toLowerCase() === endpoint.toLowerCase(),
  );
}

function watchesEndpoint({ type, alarm }: AnyAlarm, endpoint: string, all: Map<string, AnyAlarm>): boolean | null {
  if (type === 'metric') return watches(alarm as MetricAlarm, endpoint);
  if (type === 'log') return null;
  const children = childrenOf((alarm as CompositeAlarm).AlarmRule ?? '').flatMap((name) => all.get(name) ?? []);
  const answers = children.map((child) =>
    child.type === 'metric' ? watches(child.alarm as MetricAlarm, endpoint) : null,
  );
  if (answers.includes(true)) return true;
  return answers.length > 0 && answers.every((answer) => answer === false) ? false : null;
}

/** The alarms that the deployment would roll back on: whether they exist, and whether they watch this endpoint. */
export async function readRollbackAlarms(reading: Reading, names: string[]): Promise<RollbackAlarm[]> {
  if (names.length === 0) return [];
  const all = await describe(reading, names);
  const children = [...all.values()]
    .flatMap(({ type, alarm }) => (type === 'composite' ? childrenOf((alarm as CompositeAlarm).AlarmRule ?? '') : []))
    .filter((name) => !all.has(name));
  if (children.length > 0) {
    for (const [name, alarm] of await describe(reading, [...new Set(children)])) all.set(name, alarm);
  }
  return names.map((name) => {
    const found = all.get(name);
    if (!found) return { name, exists: false };
    return {
      name,
      exists: true,
      type: found.type,
      state: found.alarm.StateValue ?? 'INSUFFICIENT_DATA',
      actionsEnabled: found.alarm.ActionsEnabled ?? false,
      watchesEndpoint: watchesEndpoint(found, reading.ref.name, all),
    };
  });
}
