import { alarmProblems, isGrave } from './alarm-problems.ts';
import type { EndpointFacts, RollbackAlarm } from './endpoint-facts.ts';
import { monitorProblem } from './monitor-problems.ts';
import type { Part, ShownEndpoint } from './shown-endpoint.ts';

type Limits = { alarmSilentHours: number };

/** Do the runs of a schedule, as lists show them now, say otherwise of its health than the reading did? */
function monitorsDiffer({ monitors, readAt, environment }: EndpointFacts, shown: ShownEndpoint, now: string): boolean {
  if (environment.name !== 'prod') return false;
  return monitors.some((monitor) => {
    const run = shown.searched?.monitors.find(({ name }) => name === monitor.name)?.lastRun;
    const lastRun = run ?? (monitor.lastRun === null ? null : undefined);
    if (lastRun === undefined) return false;
    const [then, by] = [monitorProblem(monitor, readAt), monitorProblem({ ...monitor, lastRun }, now)];
    return (then === undefined) !== (by === undefined);
  });
}

function alarmsDiffer(facts: EndpointFacts, shown: ShownEndpoint, now: string, limits: Limits): boolean {
  const alarms = facts.deployment.known ? facts.deployment.rollbackAlarms : [];
  const isBad = (alarm: RollbackAlarm, readAt: string) =>
    alarmProblems(alarm, { ...facts, readAt }, limits).some(isGrave);
  return alarms.some((alarm) => {
    const found = shown.alarms?.find(({ name }) => name === alarm.name);
    if (!alarm.exists || found?.state === undefined) return false;
    const { state, stateSince = null } = found;
    return isBad(alarm, facts.readAt) !== isBad({ ...alarm, state, stateSince }, now);
  });
}

/**
 * The guards that have failed, or recovered, by themselves since they were read: runs that fail or do not come, alarms that
 * get no data. No event tells of that, and no configuration changes.
 */
export function decayedParts(facts: EndpointFacts, shown: ShownEndpoint, now: string, limits: Limits): Part[] {
  return [
    ...(monitorsDiffer(facts, shown, now) ? (['monitors'] as const) : []),
    ...(alarmsDiffer(facts, shown, now, limits) ? (['alarms'] as const) : []),
  ];
}
