import {
  type ApprovalRules,
  askedChange,
  isRequester,
  type RemarkReply,
  refusalOf,
  refused,
  refusedReason,
} from './approval.ts';
import type { EndpointHistory } from './endpoint-history.ts';
import type { RecordOf } from './ledger-record.ts';

/** Takes a request back. Only who made the change may: it ends as if it had been rejected, and nobody else is asked. */
export function withdrawalOf(
  history: EndpointHistory,
  generation: number,
  { request, person, reason }: { request: string; person: string; reason: string },
  rules: ApprovalRules,
  now: string,
): RemarkReply<RecordOf<'decided'>> {
  const change = askedChange(history, generation, request);
  if (!change) return refused('no-request', 'There is no such request.');
  const approver = rules.approvers.find(({ id }) => id === person);
  if (!approver) return refused('not-an-approver', `${person} is not on the list of approvers.`);
  if (!isRequester(history, generation, approver)) {
    return refused('not-the-requester', `${approver.name} did not make this change; to stop it, reject it.`);
  }
  if (change.decided?.answer === 'withdrawn') return { reply: 'already-recorded' };
  if (change.decided) return refused('ended', `The request was ${change.decided.answer} already.`);
  const refusal = refusalOf(history, change, rules, now) ?? refusedReason(reason);
  if (refusal) return refusal;
  const { digest } = change.request;
  const why = `${approver.name}: ${reason.trim()}`;
  return {
    reply: 'recorded',
    record: { kind: 'decided', generation, digest, request, answer: 'withdrawn', reason: why },
  };
}
