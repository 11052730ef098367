import { sharesPerson } from './actor.ts';
import { type Approver, namesOf } from './approver.ts';
import {
  type ApprovalEnd,
  type ChangeHistory,
  changeOf,
  type EndpointHistory,
  lastOpened,
  requestersOf,
} from './endpoint-history.ts';
import type { ApprovalAnswer, RecordOf } from './ledger-record.ts';

/** Who may approve and how many are needed; read at the moment of deciding. */
export type ApprovalRules = {
  approvers: readonly Approver[];
  /** Approvals needed where CloudTrail has named the requester, and where it has not. */
  required: { requesterKnown: number; requesterUnknown: number };
};

/** What somebody wants to say about a request. */
export type Answer = { request: string; approver: string; answer: ApprovalAnswer; reason: string; digest: string };

export type ApprovalState =
  | { state: 'waiting'; approvalsNeeded: number; approvalsGiven: number }
  | { state: 'decided'; decided: ApprovalEnd }
  | { state: 'superseded' }
  | { state: 'expired' };

/** Why an answer is not taken, for programs. */
export type RefusalCode =
  | 'no-request'
  | 'wrong-code'
  | 'too-many-wrong-codes'
  | 'not-an-approver'
  | 'already-answered'
  | 'superseded'
  | 'expired'
  | 'other-deployment'
  | 'no-reason'
  | 'own-change'
  | 'ended';

/** The reply to somebody who answers: recorded (and perhaps final), or the reason why not. */
export type AnswerReply =
  | { reply: 'recorded'; append: RecordOf<'approval-given'>; final: ApprovalEnd | undefined }
  | { reply: 'already-recorded'; final: ApprovalEnd | undefined }
  | { reply: 'already-decided'; final: ApprovalEnd }
  | { reply: 'refused'; code: RefusalCode; reason: string };

export function approvalsNeeded(history: EndpointHistory, generation: number, rules: ApprovalRules): number {
  // A service acts for somebody whom it does not name.
  const known = requestersOf(history, generation).some(({ kind }) => kind === 'person');
  return known ? rules.required.requesterKnown : rules.required.requesterUnknown;
}

function isRequester(history: EndpointHistory, generation: number, approver: Approver): boolean {
  const requesters = requestersOf(history, generation);
  return requesters.some(({ person, names }) => sharesPerson([person, ...names], namesOf(approver)));
}

/**
 * Approvals that count now. Whoever was taken off the list since, or turned out to have made the change, does not.
 */
function standingApprovals(history: EndpointHistory, change: ChangeHistory, rules: ApprovalRules): string[] {
  return change.approvals
    .filter(({ answer }) => answer === 'approved')
    .map(({ approver }) => approver)
    .filter((id) => rules.approvers.some((each) => each.id === id && !isRequester(history, change.generation, each)));
}

/** Where a request stands at `now` (ISO 8601). Decided beats everything; then supersession, then expiry. */
export function approvalState(
  history: EndpointHistory,
  change: ChangeHistory & { request: RecordOf<'approval-requested'> },
  rules: ApprovalRules,
  now: string,
): ApprovalState {
  if (change.decided) return { state: 'decided', decided: change.decided };
  const newest = lastOpened(history);
  if (newest && newest.generation > change.generation && newest.opened?.digest !== change.request.digest) {
    return { state: 'superseded' };
  }
  if (now >= change.request.expiresAt) return { state: 'expired' };
  return {
    state: 'waiting',
    approvalsNeeded: approvalsNeeded(history, change.generation, rules),
    approvalsGiven: standingApprovals(history, change, rules).length,
  };
}

export const refused = (code: RefusalCode, reason: string): AnswerReply => ({ reply: 'refused', code, reason });

/**
 * The one place where an approval is decided, authorization inside. Pure: history and answer in, the record to
 * append out. Whoever calls it appends the record at the place in the stream it looked at, or asks again.
 */
export function decideApproval(
  history: EndpointHistory,
  generation: number,
  answer: Answer,
  rules: ApprovalRules,
  now: string,
): AnswerReply {
  const change = changeOf(history, generation);
  const request = change?.request;
  if (!change || !request || request.request !== answer.request)
    return refused('no-request', 'There is no such request.');
  const mine = change.approvals.find(({ approver }) => approver === answer.approver);
  if (mine && mine.answer === answer.answer) return { reply: 'already-recorded', final: change.decided };
  if (change.decided) return { reply: 'already-decided', final: change.decided };

  if (change.outcome) return refused('ended', `This change has ended: ${change.outcome.reason}`);

  const approver = rules.approvers.find(({ id }) => id === answer.approver);
  if (!approver) return refused('not-an-approver', `${answer.approver} is not on the list of approvers.`);
  if (mine) return refused('already-answered', `${approver.name} has already answered "${mine.answer}".`);
  const state = approvalState(history, { ...change, request }, rules, now);
  if (state.state === 'superseded') {
    return refused('superseded', 'The endpoint has changed since this was asked. A new request replaces this one.');
  }
  if (state.state === 'expired')
    return refused('expired', `This request expired at ${request.expiresAt}; unanswered means no.`);
  if (answer.digest !== request.digest) {
    return refused('other-deployment', 'The page was about another deployment than this request. Open the link again.');
  }
  if (answer.reason.trim() === '') return refused('no-reason', 'Give a reason; it goes into the audit record.');
  if (isRequester(history, generation, approver)) {
    return refused('own-change', `${approver.name} made this change, so somebody else has to decide it.`);
  }

  const approvers =
    answer.answer === 'approved' ? [...standingApprovals(history, change, rules), approver.id] : [approver.id];
  const decides = answer.answer === 'rejected' || approvers.length >= approvalsNeeded(history, generation, rules);
  const reason = answer.reason.trim();
  return {
    reply: 'recorded',
    append: {
      kind: 'approval-given',
      generation,
      digest: request.digest,
      request: request.request,
      approver: approver.id,
      answer: answer.answer,
      reason,
      decides,
    },
    final: decides ? { answer: answer.answer, approvers, reason } : undefined,
  };
}
