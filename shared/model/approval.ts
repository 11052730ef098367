import type { ApprovalRule, ApprovalSettings } from './approval-settings.ts';
import { type Approver, isOneOf } from './approver.ts';
import {
  type ApprovalEnd,
  type ChangeHistory,
  changeOf,
  type EndpointHistory,
  lastOpened,
  requestersOf,
} from './endpoint-history.ts';
import type { ApprovalAnswer, ApprovalNeed, RecordOf, Via } from './ledger-record.ts';

/** Who may approve and how many are needed; read at the moment of deciding. */
export type ApprovalRules = Pick<
  ApprovalSettings,
  'approvers' | 'groups' | 'rules' | 'requiredApprovals' | 'requiredApprovalsIfRequesterUnknown' | 'breakGlassGroup'
>;

/** What somebody wants to say about a request. Whoever calls has made sure that it is this approver. */
export type Answer = {
  request: string;
  approver: string;
  answer: ApprovalAnswer;
  reason: string;
  digest: string;
  via?: Via | undefined;
  breakGlass?: boolean | undefined;
  /** The endpoint's name as they typed it, where they were asked to. */
  typedName?: string | undefined;
};

/** How far a need is met: so many approvals of so many. */
export type ApprovalNeedState = { group: string | null; because: string; needed: number; given: number };

export type ApprovalState =
  | { state: 'waiting'; approvalsNeeded: number; approvalsGiven: number; needs: ApprovalNeedState[] }
  | { state: 'decided'; decided: ApprovalEnd }
  | { state: 'superseded' }
  | { state: 'expired' };

/** Why an answer is not taken, for programs. */
export type RefusalCode =
  | 'no-request'
  | 'not-an-approver'
  | 'approvers-unreadable'
  | 'already-answered'
  | 'superseded'
  | 'expired'
  | 'other-deployment'
  | 'wrong-name'
  | 'no-reason'
  | 'reason-too-long'
  | 'own-change'
  | 'no-break-glass'
  | 'ended'
  | 'not-the-requester'
  | 'no-text'
  | 'text-too-long'
  | 'too-many-comments'
  | 'still-open'
  | 'nothing-to-review'
  | 'own-break-glass'
  | 'nothing-to-put-back'
  | 'not-waivable'
  | 'wrong-dates'
  | 'wrong-environment'
  | 'no-waiver';

/** The reply to somebody who answers: recorded (and perhaps final), or the reason why not. */
export type AnswerReply =
  | { reply: 'recorded'; append: RecordOf<'approval-given'>; final: ApprovalEnd | undefined }
  | { reply: 'already-recorded'; final: ApprovalEnd | undefined }
  | { reply: 'already-decided'; final: ApprovalEnd }
  | Refusal;
export type Refusal = { reply: 'refused'; code: RefusalCode; reason: string };

/** What somebody is told who did something other than answering; `record` is what to append. */
export type RemarkReply<Body> = { reply: 'recorded'; record: Body } | { reply: 'already-recorded' } | Refusal;

/** A change that people were asked about. */
export type AskedChange = ChangeHistory & { request: RecordOf<'approval-requested'> };

export const MAX_REASON = 2_000;

export const refused = (code: RefusalCode, reason: string): Refusal => ({ reply: 'refused', code, reason });

/** The policies that ask for a person's approval of a change. */
function askingPolicies({ request, findings }: ChangeHistory): string[] {
  const found = (findings?.findings ?? []).filter(({ outcome }) => outcome === 'needs-approval');
  return [...new Set([...(request?.reasons ?? []), ...found.map(({ policy }) => policy)])];
}

function whyOf({ environment, policy }: ApprovalRule): string {
  const asked = policy === undefined ? undefined : `${policy} asks`;
  return [environment && `the environment is ${environment}`, asked].filter(Boolean).join(' and ') || 'always';
}

/** The approvals that a change needs, all of them: the number whoever they come from, and those of every rule. */
export function needsOf(history: EndpointHistory, generation: number, rules: ApprovalRules): ApprovalNeed[] {
  // A service acts for somebody whom it does not name, and a plan may be submitted by somebody who proves nothing.
  const requesters = requestersOf(history, generation);
  const known = requesters.some(({ kind }) => kind === 'person') && !requesters.some(({ kind }) => kind === 'unknown');
  const change = changeOf(history, generation);
  const asking = change ? askingPolicies(change) : [];
  const matching = rules.rules.filter(
    ({ environment, policy }) =>
      (environment === undefined || environment === change?.opened?.environment.name) &&
      (policy === undefined || asking.includes(policy)),
  );
  return [
    known
      ? { group: null, count: rules.requiredApprovals, because: 'whoever they come from' }
      : {
          group: null,
          count: rules.requiredApprovalsIfRequesterUnknown,
          because: 'CloudTrail has not named who made the change',
        },
    ...matching.map((rule) => ({ group: rule.group, count: rule.count, because: whyOf(rule) })),
  ];
}

/** The number of approvals needed whoever they come from. */
export function approvalsNeeded(history: EndpointHistory, generation: number, rules: ApprovalRules): number {
  return needsOf(history, generation, rules)[0]?.count ?? Number.POSITIVE_INFINITY;
}

/** Is this approver one of those who made the change, as far as anybody knows by now? */
export const isRequester = (history: EndpointHistory, generation: number, approver: Approver) =>
  isOneOf(requestersOf(history, generation), approver);

/**
 * Approvals that count now. Whoever was taken off the list since, or turned out to have made the change, does not.
 */
function standingApprovals(history: EndpointHistory, change: ChangeHistory, rules: ApprovalRules): string[] {
  return change.approvals
    .filter(({ answer }) => answer === 'approved')
    .map(({ approver }) => approver)
    .filter((id) => rules.approvers.some((each) => each.id === id && !isRequester(history, change.generation, each)));
}

const isIn = (rules: ApprovalRules, group: string | null, id: string) =>
  group === null || (Object.hasOwn(rules.groups, group) && (rules.groups[group] ?? []).includes(id));

/** How far `approvers` meet each need. One approval counts for every need that its approver belongs to. */
function needStates(needs: readonly ApprovalNeed[], approvers: readonly string[], rules: ApprovalRules) {
  const people = [...new Set(approvers)];
  return needs.map(
    ({ group, count, because }): ApprovalNeedState => ({
      group,
      because,
      needed: count,
      given: people.filter((id) => isIn(rules, group, id)).length,
    }),
  );
}

const areMet = (states: readonly ApprovalNeedState[]) =>
  states.length > 0 && states.every(({ needed, given }) => given >= needed);

/** Where a request stands at `now` (ISO 8601). Decided beats everything; then supersession, then expiry. */
export function approvalState(
  history: EndpointHistory,
  change: AskedChange,
  rules: ApprovalRules,
  now: string,
): ApprovalState {
  if (change.decided) return { state: 'decided', decided: change.decided };
  const newest = lastOpened(history);
  if (newest && newest.generation > change.generation && newest.opened?.digest !== change.request.digest) {
    return { state: 'superseded' };
  }
  if (now >= change.request.expiresAt) return { state: 'expired' };
  const approvals = standingApprovals(history, change, rules);
  const needs = needStates(needsOf(history, change.generation, rules), approvals, rules);
  return {
    state: 'waiting',
    approvalsNeeded: needs[0]?.needed ?? Number.POSITIVE_INFINITY,
    approvalsGiven: approvals.length,
    needs,
  };
}

/** May this person approve alone in an emergency? Only members of the group that is named for it. */
export function mayBreakGlass(rules: ApprovalRules, person: string): boolean {
  return rules.breakGlassGroup !== undefined && isIn(rules, rules.breakGlassGroup, person);
}

/** Why nothing can be said about a request any more, or undefined while it waits. */
export function refusalOf(
  history: EndpointHistory,
  change: AskedChange,
  rules: ApprovalRules,
  now: string,
): Refusal | undefined {
  if (change.outcome) return refused('ended', `This change has ended: ${change.outcome.reason}`);
  const { state } = approvalState(history, change, rules, now);
  if (state === 'superseded') {
    return refused('superseded', 'The endpoint has changed since this was asked. A new request replaces this one.');
  }
  if (state === 'expired') {
    return refused('expired', `This request expired at ${change.request.expiresAt}; unanswered means no.`);
  }
  return undefined;
}

/** Why a reason cannot be recorded. */
export function refusedReason(reason: string): Refusal | undefined {
  if (reason.trim() === '') return refused('no-reason', 'Give a reason; it goes into the audit record.');
  if (reason.trim().length > MAX_REASON) {
    return refused(
      'reason-too-long',
      `A reason is at most ${MAX_REASON} characters, and this has ${reason.trim().length}.`,
    );
  }
  return undefined;
}

/** The change that a request is about, as the ledger has it. */
export function askedChange(history: EndpointHistory, generation: number, request: string): AskedChange | undefined {
  const change = changeOf(history, generation);
  return change?.request?.request === request ? { ...change, request: change.request } : undefined;
}

/** What was typed on a page as the endpoint's name, where it is another than the ledger has; case does not matter. */
export function refusedName(
  typedName: string | undefined,
  { opened }: Pick<ChangeHistory, 'opened'>,
): Refusal | undefined {
  if (typedName === undefined || typedName.toLowerCase() === opened?.facts.endpoint.name.toLowerCase())
    return undefined;
  return refused('wrong-name', "Type the endpoint's name as it stands there, to show that it is this one.");
}

/** Approving for production, or alone, takes typing the endpoint's name. */
const takesName = ({ opened }: AskedChange, { answer, breakGlass }: Answer) =>
  answer === 'approved' && (opened?.environment.name === 'prod' || breakGlass === true);

/** Why an answer is refused whoever gives it well, or undefined. */
function refusedAnswer(
  history: EndpointHistory,
  change: AskedChange,
  approver: Approver,
  given: Answer,
  rules: ApprovalRules,
  now: string,
): Refusal | undefined {
  const mine = change.approvals.find((each) => each.approver === approver.id);
  const goesFurther = given.breakGlass === true && mine?.answer === 'approved' && given.answer === 'approved';
  if (mine && !goesFurther) {
    return refused('already-answered', `${approver.name} has already answered "${mine.answer}".`);
  }
  const over = refusalOf(history, change, rules, now);
  if (over) return over;
  if (given.digest !== change.request.digest) {
    return refused('other-deployment', 'The page was about another deployment than this request. Open the link again.');
  }
  const reason = refusedReason(given.reason);
  if (reason) return reason;
  const name = takesName(change, given) ? refusedName(given.typedName, change) : undefined;
  if (name) return name;
  if (given.breakGlass) {
    if (given.answer !== 'approved')
      return refused('no-break-glass', 'Breaking the glass approves; to reject, just reject.');
    if (!mayBreakGlass(rules, approver.id)) {
      return refused(
        'no-break-glass',
        `${approver.name} may not approve alone: that takes a member of breakGlassGroup.`,
      );
    }
  } else if (isRequester(history, change.generation, approver)) {
    return refused('own-change', `${approver.name} made this change, so somebody else has to decide it.`);
  }
  return undefined;
}

/**
 * The one place where an approval is decided, authorization inside. Pure: history and answer in, the record to
 * append out. Whoever calls it appends the record at the place in the stream it looked at, or asks again.
 */
export function decideApproval(
  history: EndpointHistory,
  generation: number,
  given: Answer,
  rules: ApprovalRules,
  now: string,
): AnswerReply {
  const change = askedChange(history, generation, given.request);
  if (!change) return refused('no-request', 'There is no such request.');
  const breakGlass = given.breakGlass === true;
  const same = change.approvals.find(
    (each) =>
      each.approver === given.approver &&
      each.answer === given.answer &&
      (!breakGlass || each.breakGlass === true || change.decided !== undefined),
  );
  if (same) return { reply: 'already-recorded', final: change.decided };
  if (change.decided) return { reply: 'already-decided', final: change.decided };

  const approver = rules.approvers.find(({ id }) => id === given.approver);
  if (!approver) return refused('not-an-approver', `${given.approver} is not on the list of approvers.`);
  const refusal = refusedAnswer(history, change, approver, given, rules, now);
  if (refusal) return refusal;

  const together = [...standingApprovals(history, change, rules), approver.id];
  const approvers = given.answer === 'approved' && !breakGlass ? together : [approver.id];
  const needs = needStates(needsOf(history, generation, rules), approvers, rules);
  const decides = given.answer === 'rejected' || breakGlass || areMet(needs);
  const reason = given.reason.trim();
  return {
    reply: 'recorded',
    append: {
      kind: 'approval-given',
      generation,
      digest: change.request.digest,
      request: change.request.request,
      approver: approver.id,
      answer: given.answer,
      reason,
      decides,
      ...(decides && { approvers }),
      ...(given.via && { via: given.via }),
      ...(breakGlass && { breakGlass: true as const }),
    },
    final: decides ? { answer: given.answer, approvers, reason } : undefined,
  };
}

/**
 * The decision that is due although nobody answers now: what was given has come to be enough, since who made the change
 * became known or the settings were changed after the last answer. Undefined where there is none.
 */
export function decisionDue(
  history: EndpointHistory,
  generation: number,
  rules: ApprovalRules,
  now: string,
): RecordOf<'decided'> | undefined {
  const change = changeOf(history, generation);
  if (!change?.request || change.outcome) return undefined;
  const state = approvalState(history, { ...change, request: change.request }, rules, now);
  if (state.state !== 'waiting' || !areMet(state.needs)) return undefined;
  const approvers = standingApprovals(history, change, rules);
  const last = change.approvals.findLast(({ approver }) => approvers.includes(approver));
  return {
    kind: 'decided',
    generation,
    digest: change.request.digest,
    request: change.request.request,
    answer: 'approved',
    approvers,
    reason: last?.reason ?? '',
  };
}
