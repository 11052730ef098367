import {
  type CompositeAlarm,
  DescribeAlarmsCommand,
  type LogAlarm,
  type MetricAlarm,
} from '@aws-sdk/client-cloudwatch';
import type { EndpointFacts, RollbackAlarm } from '../model/endpoint-facts.ts';
import type { EndpointRef } from '../model/endpoint-ref.ts';
import type { Variant } from '../model/variant.ts';
import { readOpenMutes } from './alarm-mutes.ts';
import { type AlarmTarget, targetOfComposite, targetOfMetricAlarm } from './alarm-target.ts';
import type { Reading } from './endpoint-reader.ts';

type AnyAlarm =
  | { type: 'metric'; alarm: MetricAlarm }
  | { type: 'composite'; alarm: CompositeAlarm }
  | { type: 'log'; alarm: LogAlarm };
type Alarms = Map<string, AnyAlarm>;

/** Composites may name composites; deeper than this nobody looks, and what they watch cannot be told. */
const MAX_DEPTH = 3;

/** DescribeAlarms answers only metric alarms unless asked for the others; unknown names are just missing from the answer. */
async function describe({ services, call }: Reading, names: readonly string[]): Promise<Alarms> {
  const found: Alarms = new Map();
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
      for (const alarm of page.LogAlarms ?? []) found.set(alarm.AlarmName ?? '', { type: 'log', alarm });
      nextToken = page.NextToken;
    } while (nextToken);
  }
  return found;
}

/** The same, once in a reading of an endpoint. */
export const describeAlarms = (reading: Reading, names: readonly string[]): Promise<Alarms> =>
  reading.ahead
    ? reading.ahead.once({ what: 'alarms', names }, () => describe(reading, names))
    : describe(reading, names);

/** An alarm may be named by its name or its ARN. */
const nameOf = (nameOrArn: string) => nameOrArn.replace(/^arn:aws[a-z-]*:cloudwatch:[^:]+:\d+:alarm:/, '');

/** Alarms named in a composite's rule: `ALARM("a") OR ALARM(b)`. */
function childrenOf(found: AnyAlarm): string[] {
  if (found.type !== 'composite') return [];
  const rule = found.alarm.AlarmRule ?? '';
  return [...rule.matchAll(/(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*"?([^")]+?)"?\s*\)/g)].map(([, name]) =>
    nameOf(name ?? ''),
  );
}

/** The alarms, and those that the rules of composites among them name. One call for each level of composites. */
async function describeWithChildren(reading: Reading, names: string[]): Promise<Alarms> {
  const all: Alarms = new Map();
  let wanted = names;
  for (let depth = 0; depth < MAX_DEPTH && wanted.length > 0; depth += 1) {
    const found = await describeAlarms(reading, wanted);
    for (const [name, alarm] of found) all.set(name, alarm);
    wanted = [...new Set([...found.values()].flatMap(childrenOf))].filter((name) => !all.has(name));
  }
  return all;
}

function targetOf(found: AnyAlarm, ref: EndpointRef, all: Alarms, depth = 0): AlarmTarget {
  if (found.type === 'metric') return targetOfMetricAlarm(found.alarm, ref);
  // A log alarm runs queries; it has no dimensions that would name anything.
  const children = found.type === 'composite' && depth < MAX_DEPTH ? childrenOf(found) : [];
  return targetOfComposite(
    children.flatMap((name) => {
      const child = all.get(name);
      return child ? [targetOf(child, ref, all, depth + 1)] : [];
    }),
  );
}

function alarmFrom(found: AnyAlarm, name: string, target: AlarmTarget, mutedBy: string[]): RollbackAlarm {
  const { alarm } = found;
  const evaluation = found.type === 'composite' ? undefined : found.alarm.EvaluationState;
  const composite = found.type === 'composite' ? found.alarm : undefined;
  const suppressor = composite?.ActionsSuppressor === undefined ? undefined : nameOf(composite.ActionsSuppressor);
  return {
    name,
    exists: true,
    type: found.type,
    state: alarm.StateValue ?? 'INSUFFICIENT_DATA',
    ...(evaluation !== undefined && { evaluation }),
    stateSince: (alarm.StateTransitionedTimestamp ?? alarm.StateUpdatedTimestamp)?.toISOString() ?? null,
    actionsEnabled: alarm.ActionsEnabled ?? false,
    mutedBy,
    suppressedBy: composite?.ActionsSuppressedBy === undefined ? null : (suppressor ?? composite.ActionsSuppressedBy),
    dependsOn: [...new Set([...childrenOf(found), ...(suppressor === undefined ? [] : [suppressor])])],
    ...target,
  };
}

/** The alarms that a deployment would roll back on: whether they exist, watch this endpoint, and may speak. */
export async function readRollbackAlarms(reading: Reading, names: string[]): Promise<RollbackAlarm[]> {
  if (names.length === 0) return [];
  const { services, ref, cache, call } = reading;
  const [all, mutes] = await Promise.all([
    describeWithChildren(reading, names),
    cache.get(`mutes:${ref.account}:${ref.region}`, () => call(() => readOpenMutes(services))),
  ]);
  return names.map((name) => {
    const found = all.get(name);
    return found ? alarmFrom(found, name, targetOf(found, ref, all), mutes.get(name) ?? []) : { name, exists: false };
  });
}

type AutoRollback = { Alarms?: { AlarmName?: string | undefined }[] | undefined } | undefined;
export const alarmNamesOf = (configuration: AutoRollback): string[] =>
  (configuration?.Alarms ?? []).flatMap(({ AlarmName }) => (AlarmName ? [AlarmName] : []));

/** The alarms that hang on inference components, in one look for all of them. */
export async function readComponentAlarms(
  reading: Reading,
  variants: readonly Variant[],
): Promise<NonNullable<EndpointFacts['componentAlarms']>> {
  const components = variants.flatMap((variant) =>
    variant.kind === 'inference-component-host' ? variant.components : [],
  );
  const names = [...new Set(components.flatMap(({ rollbackAlarms }) => rollbackAlarms ?? []))];
  const alarms = new Map((await readRollbackAlarms(reading, names)).map((alarm) => [alarm.name, alarm]));
  return components.map(({ name, rollbackAlarms = null }) => ({
    component: name,
    rollbackAlarms: rollbackAlarms?.flatMap((each) => alarms.get(each) ?? []) ?? null,
  }));
}
