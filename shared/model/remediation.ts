import { canonicalJson } from './canonical-json.ts';
import { type ChangeHistory, changeOf, type EndpointHistory, lastOpened } from './endpoint-history.ts';
import { lostGuards } from './guards-down.ts';
import type { RecordOf } from './ledger-record.ts';
import type { RemediationCall } from './remediation-call.ts';

// Putting back what was refused: when, how often, and what is known of it. How is in way-back.ts and guard-repairs.ts.

/** What the gate does about a refused change: nothing, say what could be done, or do it. */
export type RemediationMode = 'off' | 'propose' | 'enforce';

/** How a change could be put back. `calls` are the gate's to make, `others` only people's. */
export type RemediationPlan = Pick<RecordOf<'remediation-proposed'>, 'of' | 'to' | 'calls' | 'others' | 'notes'>;

/** Was it refused, so that it is to be put back? A plan that was refused runs nowhere. */
export function refusedAs(change: ChangeHistory | undefined): 'blocked' | 'rejected' | undefined {
  if (!change?.opened || change.opened.plan) return undefined;
  const { outcome, findings, decided, verified } = change;
  if (outcome) return outcome.result === 'blocked' || outcome.result === 'rejected' ? outcome.result : undefined;
  if (findings?.decision === 'blocked') return 'blocked';
  if (decided?.answer === 'rejected') return 'rejected';
  return verified?.decision === 'blocked' ? 'blocked' : undefined;
}

/** What there is to do about a change; `over` where that is nothing, or nothing more. */
export type RemediationStep = 'propose' | 'carry-out' | 'finish' | 'over';

export function nextStep(change: ChangeHistory | undefined, mode: RemediationMode): RemediationStep {
  if (!change || refusedAs(change) === undefined) return 'over';
  const { proposed, accepted, intended, done } = change.remediation;
  if (done) return 'over';
  if (intended) return 'finish';
  if (accepted) return 'carry-out';
  if (mode === 'off' || proposed) return 'over';
  return mode === 'enforce' ? 'carry-out' : 'propose';
}

/** The settings of each environment, as far as this is about. */
type ModeOf = Readonly<Record<'dev' | 'staging' | 'prod', { remediation: RemediationMode }>>;

export const modeOf = ({ opened }: ChangeHistory, settings: ModeOf): RemediationMode =>
  settings[opened?.environment.name ?? 'prod'].remediation;

/**
 * For the tasks before: must the execution go by Remediate? Lost guards are told of there, whatever the setting. With its
 * end on record already, an execution runs because something was not finished, be it that nobody has been told.
 */
export function isToBePutBack(change: ChangeHistory | undefined, settings: ModeOf): boolean {
  if (change === undefined) return false;
  if (change.outcome) return refusedAs(change) !== undefined;
  return nextStep(change, modeOf(change, settings)) !== 'over' || lostGuards(change).length > 0;
}

/** What people are told about: how it could be put back, or how that ended. */
export type RemediationNews = 'proposed' | RecordOf<'remediation-done'>['result'];

/** The newest there is to tell of; undefined where there is nothing. Outside prod nobody is told of proposals. */
export function newsOf({ opened, remediation: { proposed, done } }: ChangeHistory): RemediationNews | undefined {
  if (done) return done.result;
  return proposed && (opened?.environment.name ?? 'prod') === 'prod' ? 'proposed' : undefined;
}

export const MOST_AN_HOUR = 3;
const HOUR_MS = 3_600_000;
/** So long after a change was refused it is waited for that the endpoint can be updated. Deployments end within nine hours. */
const WAITS_FOR_MS = 12 * HOUR_MS;

const momentOf = ({ records }: ChangeHistory, ...kinds: string[]) =>
  records.findLast(({ body }) => kinds.includes(body.kind))?.at;

/** When what is to be put back was refused, or when somebody wanted it put back after that. */
export const wantedSince = (change: ChangeHistory): string | undefined =>
  momentOf(change, 'outcome', 'remediation-accepted');

export const intendedAt = (change: ChangeHistory): string | undefined => momentOf(change, 'remediation-intended');

export function waitedTooLong(change: ChangeHistory, now: string): boolean {
  const since = wantedSince(change);
  return since !== undefined && Date.parse(now) - Date.parse(since) > WAITS_FOR_MS;
}

/** Since when records must be known for counting what was done within the hour. */
export const hourBefore = (now: string) => new Date(Date.parse(now) - HOUR_MS).toISOString();

/** Does the history reach back so far? A stream that is read again after a collision may be read less far. */
export function reachesBack({ changes }: EndpointHistory, since: string): boolean {
  return changes.some(({ records }) => records.some(({ sequence, at }) => sequence === 1 || at < since));
}

/** Why a change must not be put back although it is wanted. */
export type Hindrance = { result: 'abandoned' | 'stopped'; reason: string };

/** What stands against putting a change back now, as the ledger has it. Asked again at the moment of recording the intent. */
export function hindranceOf(history: EndpointHistory, generation: number, now: string): Hindrance | undefined {
  const digest = changeOf(history, generation)?.opened?.digest;
  const newest = lastOpened(history);
  if (newest && newest.generation > generation && newest.opened?.digest !== digest) {
    return {
      result: 'abandoned',
      reason: `Change ${newest.generation} is about another deployment, and came after it.`,
    };
  }
  const others = history.changes.filter((change) => change.generation !== generation);
  const busy = others.find(({ remediation: { intended, done } }) => intended && !done);
  if (busy) return { result: 'abandoned', reason: `Change ${busy.generation} is being put back at this moment.` };
  const since = hourBefore(now);
  const lately = others.filter((change) => (intendedAt(change) ?? '') >= since);
  if (lately.length < MOST_AN_HOUR) return undefined;
  const which = lately.map((change) => change.generation).join(', ');
  return {
    result: 'stopped',
    reason: `Within an hour changes ${which} were put back already. Somebody or something makes them again, so the gate stops: at most ${MOST_AN_HOUR} an hour.`,
  };
}

/** Is every call one of those that somebody accepted? */
export function isWithin(calls: readonly RemediationCall[], accepted: readonly RemediationCall[]): boolean {
  const known = accepted.map((call) => canonicalJson(call));
  return calls.every((call) => known.includes(canonicalJson(call)));
}
