import type { RemarkReply } from '../model/approval.ts';
import { sha256 } from '../model/canonical-json.ts';
import { commentOn } from '../model/comment.ts';
import type { RecordOf } from '../model/ledger-record.ts';
import { actorOf, sayAbout } from './approvals.ts';
import type { With } from './services.ts';

/** Puts a comment on record. `person` is the id of an approver, and the caller has made sure that it is them. */
export async function comment(
  services: With<'dynamodb'>,
  given: { request: string; person: string; text: string },
): Promise<RemarkReply<RecordOf<'commented'>>> {
  const said = await sayAbout(services, given.request, (history, { id, generation }, rules) => {
    const reply = commentOn(history, generation, given, rules, services.now());
    const approver = rules.approvers.find((each) => each.id === given.person);
    if (reply.reply !== 'recorded' || !approver) return { reply };
    const { text } = reply.record;
    const draft = { id: `comment#${id}#${approver.id}#${sha256(text).slice(0, 16)}`, body: reply.record };
    return { reply, draft: { ...draft, actor: actorOf(approver) } };
  });
  return said.reply === 'refused' ? said : said.reply;
}
