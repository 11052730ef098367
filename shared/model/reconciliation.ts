import { ASKED_AGAIN } from './asking-again.ts';
import type { EndpointChange } from './endpoint-change.ts';
import { readSince } from './endpoint-facts.ts';
import { type ChangeHistory, historyOf, isCovered } from './endpoint-history.ts';
import type { LedgerRecord } from './ledger-record.ts';
import { isSwept } from './missed-change.ts';
import { WAIVER_ENDED, WAIVER_GRANTED, WAIVER_REVOKED } from './recheck.ts';
import type { Reconciliation, UnreconciledCall } from './reconciliation-result.ts';

// Population first: what CloudTrail says was called is held against what is on record, and the other way round. Each call
// must have one decision, and each decision a cause.

/** A call of CloudTrail about one endpoint, as the gate reads its event. */
export type TrailCall = EndpointChange;

/** CloudTrail takes some minutes to deliver, and executions some to judge. */
export const SETTLING_MS = 3_600_000;
/** SageMaker sends events about a deployment for as long as it takes, which is hours at most. */
export const EFFECT_MS = 86_400_000;
/** Clocks of services differ a little. */
const SKEW_MS = 60_000;
/** CloudTrail's times leave out what is less than a second. */
const WHOLE_SECOND_MS = 1_000;

type Compared = Pick<Reconciliation, 'gaps' | 'duplicates' | 'surplus' | 'decisions'> & {
  matched: number;
  seenLater: number;
  tooNew: number;
};

/** The change in which another one went on, or itself. */
const standingOf = (changes: readonly ChangeHistory[], change: ChangeHistory): ChangeHistory | undefined =>
  change.joined ? changes.find(({ generation }) => generation === change.joined?.joined) : change;

const isJudged = (change: ChangeHistory | undefined) => change?.findings !== undefined || change?.outcome !== undefined;

/** Is the event on record with this change? */
const holds = ({ opened, joined, events }: ChangeHistory, { eventId }: TrailCall) =>
  [opened, joined, ...events].some((each) => each?.eventId === eventId);

/**
 * Alarms are often made moments before the deployment that names them, when they guard nobody yet and their event is of no
 * use. The change that began after the call and was read after it has decided about it.
 */
function wasMadeBefore({ opened }: ChangeHistory, { kind, at }: TrailCall): boolean {
  if (kind !== 'guard' || !opened || isSwept(opened.cause)) return false;
  return at <= opened.changedAt && Date.parse(at) + WHOLE_SECOND_MS <= Date.parse(readSince(opened.facts));
}

/** Was the endpoint read, for this change, after the call had its effect? */
function sawIt(change: ChangeHistory, call: TrailCall): boolean {
  const { opened, verified, outcome, records } = change;
  if (outcome?.result === 'deleted') return (records.at(-1)?.at ?? '') >= call.at;
  if (wasMadeBefore(change, call)) return true;
  return [opened?.facts, verified?.facts].some((facts) => facts && isCovered(call, facts));
}

const BY_GATE = new Set([ASKED_AGAIN, WAIVER_GRANTED, WAIVER_REVOKED, WAIVER_ENDED, 'digest changed while waiting']);

/**
 * Holds the calls about one endpoint against everything on record about it. `calls` may begin a day before `from`: those
 * explain decisions and are not part of what is counted. Pure; moments are ISO 8601.
 */
export function compareWithCalls(
  stream: string,
  calls: readonly TrailCall[],
  records: readonly LedgerRecord[],
  {
    from,
    to,
    now,
    settlingMs = SETTLING_MS,
  }: { from: string; to: string; now: string; settlingMs?: number | undefined },
): Compared {
  const { changes } = historyOf(records);
  const compared: Compared = {
    matched: 0,
    seenLater: 0,
    tooNew: 0,
    gaps: [],
    duplicates: [],
    surplus: [],
    decisions: { total: 0, byCall: 0, byGate: 0 },
  };
  for (const call of calls) {
    if (call.at < from || call.at >= to) continue;
    const { eventId, cause, at, actor } = call;
    const unreconciled = (problem: string): UnreconciledCall => ({
      eventId,
      call: cause,
      at,
      stream,
      who: actor?.person ?? 'unknown',
      problem,
    });
    const mine = changes.filter((change) => holds(change, call));
    const standing = new Set(mine.map((change) => standingOf(changes, change)?.generation));
    if (standing.size > 1) {
      const numbers = [...standing].join(' and ');
      compared.duplicates.push(unreconciled(`was decided about more than once: in changes ${numbers}`));
    } else if (mine.some((change) => isJudged(standingOf(changes, change)))) compared.matched += 1;
    else if (changes.some((change) => sawIt(change, call) && isJudged(standingOf(changes, change)))) {
      compared.seenLater += 1;
    } else if (Date.parse(at) > Date.parse(now) - settlingMs) compared.tooNew += 1;
    else {
      const problem = mine.length > 0 ? 'is on record, but was never judged' : 'has no decision on record';
      compared.gaps.push(unreconciled(problem));
    }
  }
  for (const change of changes) {
    const begun = change.opened ?? change.joined;
    if (!begun || begun.changedAt < from || begun.changedAt >= to) continue;
    compared.decisions.total += 1;
    const at = Date.parse(begun.changedAt);
    const byCall = calls.some(
      (call) => holds(change, call) || (Date.parse(call.at) <= at + SKEW_MS && Date.parse(call.at) >= at - EFFECT_MS),
    );
    const firstSight = change.generation === 1 && isSwept(begun.cause);
    if (byCall) compared.decisions.byCall += 1;
    else if (BY_GATE.has(begun.cause) || firstSight) compared.decisions.byGate += 1;
    else {
      const problem = isSwept(begun.cause)
        ? 'was found by the sweep, and no call in the trail explains it'
        : 'has no call in the trail that explains it';
      const { cause, changedAt } = begun;
      compared.surplus.push({ stream, generation: change.generation, cause, at: changedAt, problem });
    }
  }
  return compared;
}
