import type { AlarmHistory, Stretch } from './alarm-history.ts';
import type { EndpointFacts } from './endpoint-facts.ts';
import { type ChangeHistory, changeOf, type EndpointHistory } from './endpoint-history.ts';
import type { RolledBack } from './rolled-back.ts';

/** The cause of the change that follows a rollback: what is in service again is judged by itself. */
export const ROLLED_BACK = 'rolled back';

/** Those in ALARM, and those whose state changed since: they may have been for a moment, which only their history tells. */
function tripped({ deployment }: EndpointFacts, since: string): RolledBack['alarms'] {
  if (!deployment.known) return [];
  return deployment.rollbackAlarms.flatMap((alarm) => {
    if (!alarm.exists) return [];
    const { name, state, stateSince = null } = alarm;
    return state === 'ALARM' || (stateSince !== null && stateSince >= since)
      ? [{ name, state, since: stateSince }]
      : [];
  });
}

/** Configs that calls asked for after the change was made, whatever change they were put on record with. */
function requestedSince(history: EndpointHistory, since: string): Set<string> {
  return new Set(
    history.changes.flatMap(({ opened, events }) => [
      ...(opened?.requestedConfig !== undefined && opened.changedAt > since ? [opened.requestedConfig] : []),
      ...events.flatMap(({ actor, at, sighting }) => (actor && at > since ? (sighting.configName ?? []) : [])),
    ]),
  );
}

/**
 * Was the change's deployment rolled back? `facts` are of the settled endpoint. It was where the endpoint is in service on
 * the config that it had before, and not on the one that was being deployed or that a call had asked for, and nobody is
 * known to have asked for the old one in the meantime. AWS tells of a rollback in no event and no status.
 */
export function rollbackOf(history: EndpointHistory, generation: number, facts: EndpointFacts): RolledBack | undefined {
  const mine = changeOf(history, generation);
  if (!mine?.opened || facts.underWay || mine.opened.plan) return undefined;
  const { opened } = mine;
  const earlier = history.changes.findLast((change) => change.generation < generation && change.opened)?.opened;
  const before = opened.facts.replacesConfig ?? earlier?.facts.configName;
  const wanted = opened.facts.underWay
    ? opened.facts.configName
    : (opened.requestedConfig ??
      mine.events.find(({ actor, sighting }) => actor && sighting.configName)?.sighting.configName);
  if (wanted === undefined || wanted === facts.configName || before !== facts.configName) return undefined;
  if (requestedSince(history, opened.changedAt).has(facts.configName)) return undefined;
  return {
    requested: wanted,
    inService: facts.configName,
    reason: facts.failureReason ?? null,
    alarms: tripped(facts, opened.changedAt),
  };
}

/** How long a deployment went on that was rolled back; `facts` are of the settled endpoint. */
export function stretchOf({ opened }: ChangeHistory, { lastModifiedAt, readAt }: EndpointFacts): Stretch | undefined {
  return opened && { from: opened.changedAt, until: lastModifiedAt > opened.changedAt ? lastModifiedAt : readAt };
}

/**
 * A rollback, with what the histories of the deployment's alarms tell of it. An alarm that changed its state is not taken
 * for one that tripped where its history is not known, and neither is one that is gone.
 */
export function withHistories(
  rolledBack: RolledBack,
  { deployment }: EndpointFacts,
  { from, until }: Stretch,
  histories: ReadonlyMap<string, AlarmHistory>,
): RolledBack {
  if (!deployment.known || deployment.rollbackAlarms.length === 0) return rolledBack;
  const alarms: RolledBack['alarms'] = [];
  const unknown: NonNullable<RolledBack['unknown']> = [];
  for (const alarm of deployment.rollbackAlarms) {
    const { name } = alarm;
    const now = alarm.exists
      ? { name, state: alarm.state, since: alarm.stateSince ?? null }
      : { name, state: 'deleted', since: null };
    const history = histories.get(name);
    const unmoved = alarm.exists && now.since !== null && now.since < from;
    if (history?.known && history.inAlarm) alarms.push({ ...now, trippedAt: history.at });
    // Its state tells where nothing moved: an alarm is in ALARM from `since` on.
    else if (now.state === 'ALARM' && (now.since === null || now.since <= until)) alarms.push(now);
    else if (!history?.known && !unmoved) unknown.push({ name, why: history?.why ?? 'its history was not asked for' });
  }
  return { ...rolledBack, alarms, unknown };
}
