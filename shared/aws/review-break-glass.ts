import type { RemarkReply } from '../model/approval.ts';
import { type Review, reviewOf } from '../model/break-glass-review.ts';
import type { RecordOf } from '../model/ledger-record.ts';
import { actorOf, closeReview, sayAbout } from './approvals.ts';
import type { With } from './services.ts';

/**
 * Closes the review of an approval by broken glass. `person` is the id of an approver, and the caller has made sure
 * that it is them.
 */
export async function reviewBreakGlass(
  services: With<'dynamodb'>,
  given: Review,
): Promise<RemarkReply<RecordOf<'break-glass-reviewed'>>> {
  const said = await sayAbout(services, given.request, (history, { id, generation }, rules) => {
    const reply = reviewOf(history, generation, given, rules);
    const approver = rules.approvers.find((each) => each.id === given.person);
    if (reply.reply !== 'recorded' || !approver) return { reply };
    return { reply, draft: { id: `review#${id}`, body: reply.record, actor: actorOf(approver) } };
  });
  if (said.reply === 'refused') return said;
  if (said.reply.reply !== 'refused') await closeReview(services, said.request.id);
  return said.reply;
}
