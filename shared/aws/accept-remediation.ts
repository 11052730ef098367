import type { RemarkReply } from '../model/approval.ts';
import type { EndpointRef } from '../model/endpoint-ref.ts';
import type { RecordOf } from '../model/ledger-record.ts';
import { type PutBackAnswer, putBackAcceptance } from '../model/put-back-acceptance.ts';
import { actorOf, unlessUnreadable, warn } from './approvals.ts';
import { append, readStream } from './ledger.ts';
import type { With } from './services.ts';
import { noteUnfinished, remediationId, startRemediation } from './unfinished-remediations.ts';

export type AcceptanceReply = RemarkReply<RecordOf<'remediation-accepted'>>;

/**
 * Takes an approver's word that a proposal is to be carried out, and starts the execution that does it. Nothing is
 * written to SageMaker here: the execution finds the acceptance in the ledger.
 */
export async function acceptRemediation(
  services: With<'dynamodb' | 'sfn'>,
  { endpoint, generation, ...given }: PutBackAnswer & { endpoint: EndpointRef; generation: number },
): Promise<AcceptanceReply> {
  const stream = await readStream(services, endpoint, generation);
  const reply = await unlessUnreadable(async () => {
    // On the list first: who dies between the record and the execution is made up for by the sweep.
    const first = putBackAcceptance(stream.history, generation, given, services.readApprovals());
    if (first.reply === 'refused') return first;
    let reply: AcceptanceReply = first;
    await noteUnfinished(services, endpoint, generation);
    await append(services, stream, (history) => {
      const rules = services.readApprovals();
      reply = putBackAcceptance(history, generation, given, rules);
      const approver = rules.approvers.find(({ id }) => id === given.person);
      if (reply.reply !== 'recorded' || !approver) return undefined;
      return { id: `put-back-accepted#${generation}`, body: reply.record, actor: actorOf(approver) };
    });
    return reply;
  });
  if (reply.reply === 'refused') return reply;
  await startRemediation(services, endpoint, generation).catch((error) =>
    warn('putting back was not started', remediationId(endpoint, generation), error),
  );
  return reply;
}
