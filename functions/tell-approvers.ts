import * as z from 'zod';
import { dynamodb } from '../shared/aws/clients/dynamodb.ts';
import { secrets } from '../shared/aws/clients/secrets.ts';
import { ses } from '../shared/aws/clients/ses.ts';
import { ExecutionInput } from '../shared/aws/executions.ts';
import { readStream } from '../shared/aws/ledger.ts';
import { readLostGuards } from '../shared/aws/lost-guards.ts';
import { type Notifying, notify } from '../shared/aws/notify.ts';
import { forgetUnfinished, remediationId } from '../shared/aws/unfinished-remediations.ts';
import { task } from '../shared/lambda.ts';
import { type ChangeHistory, changeOf, type EndpointHistory, requestersOf } from '../shared/model/endpoint-history.ts';
import type { EndpointRef } from '../shared/model/endpoint-ref.ts';
import { modeOf, newsOf, nextStep } from '../shared/model/remediation.ts';
import { guardsDownMessage } from '../web/guards-down-message.ts';
import { remediationMessage } from '../web/remediation-message.ts';

/** A change that was refused, and all that is known of its endpoint since that was opened. */
type About = { endpoint: EndpointRef; change: ChangeHistory; history: EndpointHistory };

/** Guards that an accepted deployment in prod has lost, whatever is done about it. */
async function tellOfGuards(services: Notifying, { endpoint, change, history }: About): Promise<void> {
  const { generation } = change;
  const found = await readLostGuards(services, endpoint, generation, history);
  if (!found) return;
  const requesters = requestersOf(found.history, generation);
  const { consoleUrl } = services.config;
  const { lost } = found;
  const message = guardsDownMessage({ endpoint, change: found.change, lost, requesters, consoleUrl });
  const request = remediationId(endpoint, generation);
  await notify(services, { request, round: 'guards-down', people: services.readApprovals().approvers, ...message });
}

/** What is proposed in prod, and how every putting back ended. */
async function tellOfNews(services: Notifying, { endpoint, change }: About): Promise<void> {
  const news = newsOf(change);
  if (!news) return;
  const message = remediationMessage({ endpoint, change, consoleUrl: services.config.consoleUrl }, news);
  const request = remediationId(endpoint, change.generation);
  const people = services.readApprovals().approvers;
  await notify(services, { request, round: `put-back-${news}`, people, ...message });
}

/**
 * Tells approvers whatever there is to tell of a change that was refused; whoever was told is not told again. It stands
 * apart from putting back, so that who may write to SageMaker can mail nothing and knows no secret. A message that does
 * not get through is on record as such and fails nothing.
 */
export const { handler, run } = task({
  clients: { dynamodb, ses, secrets },
  input: ExecutionInput,
  output: z.strictObject({ state: z.literal('told') }),
  run: async ({ change: { endpoint }, generation }, services) => {
    const { history } = await readStream(services, endpoint, generation);
    const change = changeOf(history, generation);
    if (change) {
      await tellOfGuards(services, { endpoint, change, history });
      await tellOfNews(services, { endpoint, change, history });
      // Only now: until then the sweep has to find it, should all of this die.
      const step = nextStep(change, modeOf(change, services.config.policySettings));
      if (step === 'over') await forgetUnfinished(services, endpoint, generation);
    }
    return { state: 'told' as const };
  },
});
