import type { Actor } from './actor.ts';
import type { AskedAgain, EndpointChange, Sighting } from './endpoint-change.ts';
import { type EndpointFacts, readSince } from './endpoint-facts.ts';
import type { EndpointRef } from './endpoint-ref.ts';
import { ACCEPTED, type Baseline, type LedgerRecord, type RecordOf } from './ledger-record.ts';
import { isHosted } from './variant.ts';

/** How a request for approval ended. */
export type ApprovalEnd = {
  answer: 'approved' | 'rejected' | 'expired' | 'superseded' | 'withdrawn';
  /** Ids of those who approved or rejected; empty where nobody did. */
  approvers: string[];
  reason: string;
};

/** Everything recorded about one change. */
export type ChangeHistory = {
  generation: number;
  opened?: RecordOf<'change-opened'>;
  joined?: RecordOf<'change-joined'>;
  /** Everybody whom CloudTrail names as having made it. */
  requesters: Actor[];
  findings?: RecordOf<'findings'>;
  request?: RecordOf<'approval-requested'>;
  approvals: RecordOf<'approval-given'>[];
  decided?: ApprovalEnd;
  /** Said about the request without deciding it. */
  comments: RecordOf<'commented'>[];
  /** The approval that was given by breaking the glass, and what was found about it afterwards. */
  breakGlass?: RecordOf<'approval-given'>;
  review?: RecordOf<'break-glass-reviewed'>;
  /** For a plan: the changes that carried it out, by number in the endpoint's own stream. */
  carriedOutBy: number[];
  /** Events that came in about it after the one that started it. */
  events: EndpointChange[];
  verified?: RecordOf<'monitoring-verified'>;
  outcome?: RecordOf<'outcome'>;
  remediation: RemediationHistory;
  records: LedgerRecord[];
};

/** What is on record about putting a change back; see shared/model/remediation.ts. */
export type RemediationHistory = {
  proposed?: RecordOf<'remediation-proposed'>;
  accepted?: RecordOf<'remediation-accepted'>;
  intended?: RecordOf<'remediation-intended'>;
  /** Absent again where somebody wants it after the gate had given up without having done anything. */
  done?: RecordOf<'remediation-done'>;
};

/** The recent past of one endpoint: the changes found in the records that were read, newest last. */
export type EndpointHistory = {
  changes: ChangeHistory[];
  /** The number of the newest change, 0 where there is none. */
  generation: number;
};

/** An identity without a name identifies nobody. Whoever submits a plan without proof stays unknown, and is counted. */
const isRequester = (actor: Actor | undefined, { planned }: EndpointRef): actor is Actor =>
  actor?.kind === 'person' || actor?.kind === 'service' || (planned === true && actor?.kind === 'unknown');

/**
 * Who made what is asked about again: the same people, where it is the same deployment. Where it is another one by now,
 * nobody knows who made that.
 */
function requestersOfOld(again: AskedAgain, digest: string, { planned }: EndpointRef): Actor[] {
  return planned || again.digest === digest ? again.requesters : [];
}

/** Folds records (oldest first) into changes. Pure; the only place where records become state. */
export function historyOf(records: readonly LedgerRecord[]): EndpointHistory {
  const changes = new Map<number, ChangeHistory>();
  for (const record of records) {
    const { body } = record;
    const change = changes.get(body.generation) ?? {
      generation: body.generation,
      requesters: [],
      approvals: [],
      comments: [],
      carriedOutBy: [],
      events: [],
      remediation: {},
      records: [],
    };
    changes.set(body.generation, change);
    change.records.push(record);
    switch (body.kind) {
      case 'change-opened':
        change.opened = body;
        if (body.again) change.requesters.push(...requestersOfOld(body.again, body.digest, record.endpoint));
        if (isRequester(record.actor, record.endpoint)) change.requesters.push(record.actor);
        break;
      case 'change-joined':
        change.joined = body;
        if (isRequester(record.actor, record.endpoint)) change.requesters.push(record.actor);
        break;
      case 'event-joined':
        change.events.push(body.event);
        if (isRequester(body.event.actor, record.endpoint)) change.requesters.push(body.event.actor);
        break;
      case 'findings':
        change.findings = body;
        break;
      case 'approval-requested':
        change.request = body;
        break;
      case 'approval-given':
        change.approvals.push(body);
        if (body.breakGlass) change.breakGlass = body;
        if (body.decides) {
          const { answer, reason } = body;
          const alike = change.approvals.filter((each) => each.answer === answer).map(({ approver }) => approver);
          change.decided = { answer, approvers: body.approvers ?? alike, reason };
        }
        break;
      case 'decided':
        change.decided = { answer: body.answer, approvers: body.approvers ?? [], reason: body.reason };
        break;
      case 'commented':
        change.comments.push(body);
        break;
      case 'break-glass-reviewed':
        change.review = body;
        break;
      case 'plan-matched':
        change.carriedOutBy.push(body.change);
        break;
      case 'monitoring-verified':
        change.verified = body;
        break;
      case 'outcome':
        change.outcome = body;
        break;
      case 'remediation-proposed':
        change.remediation.proposed = body;
        break;
      case 'remediation-accepted':
        change.remediation.accepted = body;
        if (!change.remediation.intended) delete change.remediation.done;
        break;
      case 'remediation-intended':
        change.remediation.intended = body;
        break;
      case 'remediation-done':
        change.remediation.done = body;
        break;
    }
  }
  const list = [...changes.values()].sort((a, b) => a.generation - b.generation);
  // An early CloudTrail event may name the requester of a change that is not opened yet: that is no change so far.
  const begun = list.filter(({ opened, joined, outcome }) => opened ?? joined ?? outcome);
  return { changes: list, generation: begun.at(-1)?.generation ?? 0 };
}

export function changeOf(history: EndpointHistory, generation: number): ChangeHistory | undefined {
  return history.changes.find((change) => change.generation === generation);
}

/** The newest change whose facts were read. */
export function lastOpened(history: EndpointHistory): ChangeHistory | undefined {
  return history.changes.findLast(({ opened }) => opened);
}

/** The change that stands for an endpoint now: the newest one, or the open one that it joined. */
export function standingChange(history: EndpointHistory): ChangeHistory | undefined {
  const newest = changeOf(history, history.generation);
  return newest?.joined ? changeOf(history, newest.joined.joined) : newest;
}

/** Requesters of a change, those named by changes that joined it included. */
export function requestersOf(history: EndpointHistory, generation: number): Actor[] {
  return history.changes
    .filter((change) => change.generation === generation || change.joined?.joined === generation)
    .flatMap(({ requesters }) => requesters);
}

/** What the next change is compared with: the last accepted deployment, from its own outcome or carried along. */
export function baselineAfter(history: EndpointHistory): Baseline | null {
  const settled = history.changes.findLast(
    ({ opened, outcome }) => opened && outcome && ACCEPTED.includes(outcome.result),
  );
  const newest = lastOpened(history);
  const carried = newest?.opened?.baseline ?? null;
  if (!settled?.opened || !settled.outcome) return carried;
  if (carried && carried.generation >= settled.generation) return carried;
  const earlier = settled.opened.baseline;
  // The DeploymentConfig is known once it has settled, and then the facts were read again or had been settled before.
  const facts = settled.verified?.facts ?? settled.opened.facts;
  const { deploymentConfig } = facts.deployment.known ? facts.deployment : {};
  const cost = settled.findings?.cost;
  return {
    digest: settled.opened.digest,
    deployment: settled.opened.deployment,
    result: settled.outcome.result,
    approvedFor:
      settled.outcome.result === 'approved'
        ? (settled.request?.reasons ?? settled.findings?.plan?.approvedFor ?? [])
        : earlier?.digest === settled.opened.digest
          ? earlier.approvedFor
          : [],
    generation: settled.generation,
    at: settled.records.at(-1)?.at ?? settled.opened.changedAt,
    configName: facts.configName,
    ...(deploymentConfig !== undefined && { deploymentConfig }),
    ...(cost && { cost: { ceilingUsd: cost.ceilingUsd, pricesAsOf: cost.pricesAsOf } }),
  };
}

// A reading taken this long after a call must show its effect; before that, reads may still be stale.
const CONSISTENT_AFTER_MS = 5_000;

function saysTheSame(sighting: Sighting, facts: EndpointFacts): boolean {
  if (sighting.configName === undefined && sighting.desired === undefined) return false;
  if (sighting.configName !== undefined && sighting.configName !== facts.configName) return false;
  return Object.entries(sighting.desired ?? {}).every(([name, { instances, weight }]) => {
    const variant = facts.variants.find((candidate) => candidate.name === name);
    if (!variant) return false;
    if (weight !== undefined && weight !== variant.weight) return false;
    if (instances === undefined) return true;
    // Where the range says how far scaling may go, scaling that far is no change. Without scaling it is one number.
    return isHosted(variant) && variant.minInstances <= instances && instances <= variant.maxInstances;
  });
}

/**
 * Does a reading of the endpoint already hold everything an event tells of? Then the event is a repetition, a late
 * arrival or another view of the same change, and starts nothing.
 */
export function isCovered(change: EndpointChange, facts: EndpointFacts): boolean {
  const { sighting } = change;
  const readAt = Date.parse(facts.readAt);
  if (sighting.lastModifiedAt !== undefined) {
    // Native events carry the endpoint's own modification time, by the same clock as our reading.
    if (Date.parse(sighting.lastModifiedAt) <= Date.parse(facts.lastModifiedAt)) return true;
    // A reading of a living endpoint says nothing about its end.
    if (change.kind === 'deleted') return false;
    return saysTheSame(sighting, facts) && (sighting.settled === true || facts.underWay);
  }
  const at = Date.parse(change.at);
  if (at + CONSISTENT_AFTER_MS <= Date.parse(readSince(facts))) return true;
  return at <= readAt && saysTheSame(sighting, facts);
}

/** Is the event on record with this change, and was the endpoint read (or is it still to be read) after it came in? */
function wasSeen({ opened, joined, records }: ChangeHistory, { eventId }: EndpointChange): boolean {
  if ((opened ?? joined)?.eventId === eventId) return true;
  const sight = records.find(({ body }) => body.kind === 'event-joined' && body.event.eventId === eventId);
  return sight !== undefined && (opened === undefined || sight.at <= readSince(opened.facts));
}

/** Was the endpoint modified after it was read? Only events with SageMaker's own modification time can tell. */
const isLaterThan = ({ sighting }: EndpointChange, facts: EndpointFacts) =>
  sighting.lastModifiedAt !== undefined && Date.parse(sighting.lastModifiedAt) > Date.parse(facts.lastModifiedAt);

/**
 * The earliest change that an event adds nothing to: it is on record there, or the facts or the end of the endpoint
 * that were read there already hold what it tells of. A change that ended undetermined covers nothing, so that a later
 * event makes the gate look again.
 */
export function coveringGeneration(history: EndpointHistory, event: EndpointChange): number | undefined {
  const standing = standingChange(history);
  return history.changes.find((change) => {
    const { opened, outcome, records } = change;
    if (wasSeen(change, event)) return true;
    if (outcome?.result === 'undetermined') return false;
    if (outcome?.result === 'deleted' && event.at <= (records.at(-1)?.at ?? '')) return true;
    if (!opened || !isCovered(event, opened.facts)) return false;
    // What an earlier change had deployed may have been replaced since, and brought back after that.
    return change === standing || !isLaterThan(event, opened.facts);
  })?.generation;
}

/** When the endpoint was last modified, as far as any reading on record shows. */
export function lastSeen({ changes }: EndpointHistory): string | undefined {
  return changes
    .flatMap(({ opened, verified }) => [opened?.facts.lastModifiedAt, verified?.facts?.lastModifiedAt])
    .filter((at) => at !== undefined)
    .sort()
    .at(-1);
}
