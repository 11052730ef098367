import { type ApprovalRules, askedChange, isRequester, type RemarkReply, refused, refusedReason } from './approval.ts';
import type { EndpointHistory } from './endpoint-history.ts';
import type { RecordOf } from './ledger-record.ts';

export type Review = { request: string; person: string; finding: 'justified' | 'not-justified'; reason: string };

/** What a second person found about an approval by broken glass: neither who broke it nor who made the change. */
export function reviewOf(
  history: EndpointHistory,
  generation: number,
  { request, person, finding, reason }: Review,
  rules: ApprovalRules,
): RemarkReply<RecordOf<'break-glass-reviewed'>> {
  const change = askedChange(history, generation, request);
  if (!change) return refused('no-request', 'There is no such request.');
  const approver = rules.approvers.find(({ id }) => id === person);
  if (!approver) return refused('not-an-approver', `${person} is not on the list of approvers.`);
  if (!change.breakGlass) return refused('nothing-to-review', 'Nobody broke the glass for this request.');
  const { review } = change;
  if (review?.reviewer === person && review.finding === finding) return { reply: 'already-recorded' };
  if (review) return refused('nothing-to-review', `${review.reviewer} has reviewed it already: ${review.finding}.`);
  if (change.breakGlass.approver === person) {
    return refused('own-break-glass', `${approver.name} broke the glass, so somebody else has to review it.`);
  }
  if (isRequester(history, generation, approver)) {
    return refused('own-change', `${approver.name} made this change, so somebody else has to review it.`);
  }
  const refusal = refusedReason(reason);
  if (refusal) return refusal;
  const { digest } = change.request;
  const body = { request, reviewer: person, finding, reason: reason.trim() };
  return { reply: 'recorded', record: { kind: 'break-glass-reviewed', generation, digest, ...body } };
}
