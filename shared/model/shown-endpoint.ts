import { digestOf } from './canonical-json.ts';
import { type EndpointFacts, type Monitor, type RollbackAlarm, readSince } from './endpoint-facts.ts';
import { type EnvironmentRules, environmentOf } from './environment.ts';
import { isHosted } from './variant.ts';

/** A monitoring schedule as lists of the fleet show it. */
export type ShownMonitor = {
  name: string;
  status: string;
  /** Digest of its ScheduleConfig, job definition and type: what the runs of the schedule do not move. */
  config: string;
  lastModifiedAt: string | undefined;
  /** How its last run ended, where one is shown. */
  lastRun?: NonNullable<Monitor['lastRun']> | undefined;
};
export type ShownAlarm = {
  name: string;
  exists: boolean;
  actionsEnabled: boolean;
  updatedAt: string | undefined;
  /** Mute rules whose window is open; undefined where they could not be read. */
  mutedBy: string[] | undefined;
  state?: Extract<RollbackAlarm, { exists: true }>['state'];
  stateSince?: string | null;
};
/** Bounds of a variant that Application Auto Scaling keeps, after everything that its scheduled actions will set. */
export type ShownScaling = { variant: string; min: number; max: number };
export type ShownComponent = { name: string; lastModifiedAt: string | undefined };

/**
 * What lists of a hundred endpoints at a time show of one: enough to tell whether it is as it was, without a call of its
 * own. A part that could not be read is undefined, and nothing follows from it.
 */
export type ShownEndpoint = {
  name: string;
  status: string;
  lastModifiedAt: string | undefined;
  /** As DescribeEndpoint shows it, but for what is pending; undefined where only ListEndpoints knows of it. */
  searched:
    | {
        configName: string | undefined;
        variants: { VariantName?: string; DesiredInstanceCount?: number; DesiredWeight?: number }[];
        tags: Record<string, string>;
        /** CaptureStatus: `Started` or `Stopped`; AWS stops capture by itself when a disk fills up. */
        capture: string | undefined;
        monitors: ShownMonitor[];
      }
    | undefined;
  alarms: ShownAlarm[] | undefined;
  scaling: ShownScaling[] | undefined;
  components: ShownComponent[] | undefined;
};

/** Digests of what was shown, part by part; a part that was not read is not there. */
export type Fingerprint = { [Part in keyof Parts]?: string };
type Parts = {
  endpoint: unknown;
  capture: unknown;
  tags: unknown;
  monitors: unknown;
  alarms: unknown;
  scaling: unknown;
  components: unknown;
};
export type Part = keyof Parts;

const digest = (value: unknown) => digestOf(JSON.parse(JSON.stringify(value))).slice(0, 16);
const byName = <T extends { name: string }>(list: readonly T[]) => [...list].sort((a, b) => (a.name < b.name ? -1 : 1));

/** What of an endpoint a later sweep compares with. Alarm states and runs of monitors are not in it: they move by themselves. */
export function fingerprintOf(shown: ShownEndpoint): Fingerprint {
  const { searched, alarms, scaling, components } = shown;
  const parts: Partial<Parts> = {
    endpoint: [shown.status, shown.lastModifiedAt, searched?.configName, searched?.variants],
    ...(searched && {
      tags: searched.tags,
      capture: searched.capture ?? null,
      monitors: byName(searched.monitors).map(({ name, status, config }) => [name, status, config]),
    }),
    ...(alarms && { alarms: byName(alarms).map(({ state: _state, stateSince: _since, ...alarm }) => alarm) }),
    ...(scaling && { scaling: [...scaling].sort((a, b) => (a.variant < b.variant ? -1 : 1)) }),
    ...(components && { components: byName(components) }),
  };
  return Object.fromEntries(Object.entries(parts).map(([part, value]) => [part, digest(value)]));
}

/** The parts that are shown otherwise than they were. What was not read then or is not read now tells nothing. */
export function movedParts(before: Fingerprint, now: Fingerprint): Part[] {
  return (Object.keys(now) as Part[]).filter((part) => before[part] !== undefined && before[part] !== now[part]);
}

/** Is there a part that was never seen, such as the alarms of an endpoint that was looked at for the first time? */
export function unseenParts(before: Fingerprint, now: Fingerprint): Part[] {
  return (Object.keys(now) as Part[]).filter((part) => before[part] === undefined);
}

const sameSet = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && [...a].sort().every((item, index) => item === [...b].sort()[index]);

/**
 * Which parts of what is shown a reading on record does not hold. `moved`: parts that are shown otherwise than the sweep
 * before saw them; these must have been read since, as facts do not hold everything about a guard.
 */
export function partsNotIn(
  facts: EndpointFacts,
  shown: ShownEndpoint,
  moved: readonly Part[],
  rules: EnvironmentRules,
): Part[] {
  const since = readSince(facts);
  const later = (at: string | undefined) => at !== undefined && at > since;
  const { searched, alarms, scaling, components } = shown;
  const differs: { [P in Part]?: () => boolean } = {
    tags: () => !!searched && environmentOf(shown.name, searched.tags, rules).name !== facts.environment.name,
    monitors: () =>
      !!searched &&
      (!sameSet(
        searched.monitors.map(({ name, status }) => `${name} ${status}`),
        facts.monitors.map(({ name, status }) => `${name} ${status}`),
      ) ||
        (moved.includes('monitors') && searched.monitors.some(({ lastModifiedAt }) => later(lastModifiedAt)))),
    alarms: () => !!alarms && alarmsDiffer(facts, alarms, moved.includes('alarms'), later),
    capture: () => {
      const live = facts.dataCapture?.live;
      return !!searched && live !== undefined && searched.capture !== undefined && live?.status !== searched.capture;
    },
    scaling: () => !!scaling && scalingDiffers(facts, scaling),
    components: () => !!components && componentsDiffer(facts, components, later),
  };
  return (Object.keys(differs) as Part[]).filter((part) => differs[part]?.());
}

function rollbackAlarmsOf({ deployment, componentAlarms }: EndpointFacts): RollbackAlarm[] {
  return [
    ...(deployment.known ? deployment.rollbackAlarms : []),
    ...(componentAlarms ?? []).flatMap(({ rollbackAlarms }) => rollbackAlarms ?? []),
  ];
}
const dependenciesOf = (alarms: readonly RollbackAlarm[]) =>
  alarms.flatMap((alarm) => (alarm.exists ? (alarm.dependsOn ?? []) : []));

/** Names of the alarms that the endpoint's deployments roll back on, and of those that these depend on. */
export function watchedAlarms(facts: EndpointFacts): string[] {
  const alarms = rollbackAlarmsOf(facts);
  return [...new Set([...alarms.map(({ name }) => name), ...dependenciesOf(alarms)])];
}

function alarmsDiffer(
  facts: EndpointFacts,
  shown: readonly ShownAlarm[],
  moved: boolean,
  later: (at: string | undefined) => boolean,
): boolean {
  const now = new Map(shown.map((alarm) => [alarm.name, alarm]));
  const known = rollbackAlarmsOf(facts);
  const otherwise = known.some((alarm) => {
    const found = now.get(alarm.name);
    // The names that were asked for are those of an earlier reading; the next sweep asks for these.
    if (!found) return false;
    if (found.exists !== alarm.exists) return true;
    if (!alarm.exists) return false;
    const muted = found.mutedBy && alarm.mutedBy && !sameSet(found.mutedBy, alarm.mutedBy);
    return muted || found.actionsEnabled !== alarm.actionsEnabled || later(found.updatedAt);
  });
  // Of an alarm that another one depends on, facts hold the name only.
  return (
    otherwise ||
    dependenciesOf(known).some((name) => {
      const found = now.get(name);
      return found !== undefined && (later(found.updatedAt) || (moved && !found.exists));
    })
  );
}

/** What is asked for at the moment stretches the bounds, as in the reading. */
function scalingDiffers(facts: EndpointFacts, shown: readonly ShownScaling[]): boolean {
  return facts.variants.filter(isHosted).some((variant) => {
    if (variant.scaledBy === 'managed-instance-scaling') return false;
    const target = shown.find((each) => each.variant === variant.name);
    if (!target) return variant.scaledBy === 'application-auto-scaling';
    return (
      variant.scaledBy !== 'application-auto-scaling' ||
      Math.min(target.min, variant.desiredInstances) !== variant.minInstances ||
      Math.max(target.max, variant.desiredInstances) !== variant.maxInstances
    );
  });
}

function componentsDiffer(
  facts: EndpointFacts,
  shown: readonly ShownComponent[],
  later: (at: string | undefined) => boolean,
): boolean {
  const known = facts.variants.flatMap((variant) =>
    variant.kind === 'inference-component-host' ? variant.components.map(({ name }) => name) : [],
  );
  return (
    !sameSet(
      known,
      shown.map(({ name }) => name),
    ) || shown.some(({ lastModifiedAt }) => later(lastModifiedAt))
  );
}
