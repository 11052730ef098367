import { type ApprovalRules, askedChange, type RemarkReply, refusalOf, refused } from './approval.ts';
import type { EndpointHistory } from './endpoint-history.ts';
import type { RecordOf } from './ledger-record.ts';

export const MAX_COMMENT = 2_000;
/** Every comment is a record, and whoever decides reads the whole change. */
export const MAX_COMMENTS = 100;

/** What an approver, or a requester who is one, says about a waiting request without deciding it. */
export function commentOn(
  history: EndpointHistory,
  generation: number,
  { request, person, text }: { request: string; person: string; text: string },
  rules: ApprovalRules,
  now: string,
): RemarkReply<RecordOf<'commented'>> {
  const change = askedChange(history, generation, request);
  if (!change) return refused('no-request', 'There is no such request.');
  if (!rules.approvers.some(({ id }) => id === person)) {
    return refused('not-an-approver', `${person} is not on the list of approvers.`);
  }
  const said = text.trim();
  if (said === '') return refused('no-text', 'Write something.');
  if (said.length > MAX_COMMENT) {
    return refused('text-too-long', `A comment is at most ${MAX_COMMENT} characters, and this has ${said.length}.`);
  }
  if (change.comments.some((each) => each.person === person && each.text === said))
    return { reply: 'already-recorded' };
  if (change.decided) return refused('ended', `The request was ${change.decided.answer} already.`);
  const over = refusalOf(history, change, rules, now);
  if (over) return over;
  if (change.comments.length >= MAX_COMMENTS) {
    return refused('too-many-comments', `There are ${MAX_COMMENTS} comments already; decide, or talk elsewhere.`);
  }
  const { digest } = change.request;
  return { reply: 'recorded', record: { kind: 'commented', generation, digest, request, person, text: said } };
}
