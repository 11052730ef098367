import type { RemarkReply } from '../model/approval.ts';
import type { RecordOf } from '../model/ledger-record.ts';
import { withdrawalOf } from '../model/withdrawal.ts';
import { actorOf, resumeExecution, sayAbout, warn } from './approvals.ts';
import type { With } from './services.ts';

/**
 * Takes a request back and wakes its execution, which records that the change was withdrawn. `person` is the id of an
 * approver, and the caller has made sure that it is them; only who made the change may.
 */
export async function withdraw(
  services: With<'dynamodb' | 'kms' | 'sfn'>,
  given: { request: string; person: string; reason: string },
): Promise<RemarkReply<RecordOf<'decided'>>> {
  const said = await sayAbout(services, given.request, (history, { id, generation }, rules) => {
    const reply = withdrawalOf(history, generation, given, rules, services.now());
    const approver = rules.approvers.find((each) => each.id === given.person);
    if (reply.reply !== 'recorded' || !approver) return { reply };
    return { reply, draft: { id: `decided#${id}`, body: reply.record, actor: actorOf(approver) } };
  });
  if (said.reply === 'refused') return said;
  const { reply, request, token } = said;
  // What is recorded stays; a callback that does not get through is made up for by the sweep.
  if (reply.reply !== 'refused') {
    await resumeExecution(services, request.id, token).catch((error) => warn('resume failed', request.id, error));
  }
  return reply;
}
