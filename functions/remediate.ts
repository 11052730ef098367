import * as z from 'zod';
import { cloudwatch } from '../shared/aws/clients/cloudwatch.ts';
import { dynamodb } from '../shared/aws/clients/dynamodb.ts';
import { s3 } from '../shared/aws/clients/s3.ts';
import { sagemaker } from '../shared/aws/clients/sagemaker.ts';
import { scaling } from '../shared/aws/clients/scaling.ts';
import { secrets } from '../shared/aws/clients/secrets.ts';
import { ses } from '../shared/aws/clients/ses.ts';
import { sts } from '../shared/aws/clients/sts.ts';
import { ExecutionInput } from '../shared/aws/executions.ts';
import { readStream } from '../shared/aws/ledger.ts';
import { notify } from '../shared/aws/notify.ts';
import { recordOutcome } from '../shared/aws/record-outcome.ts';
import { remediate } from '../shared/aws/remediation.ts';
import type { With } from '../shared/aws/services.ts';
import { forgetUnfinished, noteUnfinished, remediationId } from '../shared/aws/unfinished-remediations.ts';
import { task } from '../shared/lambda.ts';
import { changeOf, requestersOf } from '../shared/model/endpoint-history.ts';
import { newlyLostGuards } from '../shared/model/guards-down.ts';
import { refusedAs } from '../shared/model/remediation.ts';
import { guardsDownMessage } from '../web/guards-down-message.ts';
import { newsOf, remediationMessage } from '../web/remediation-message.ts';

const clients = { sagemaker, cloudwatch, scaling, s3, dynamodb, sts, ses, secrets };
type Services = With<keyof typeof clients>;

/** Tells approvers what is proposed in prod, and how every putting back ended. Whoever was told is not told again. */
async function tell(services: Services, { change: { endpoint }, generation }: ExecutionInput): Promise<void> {
  const { history } = await readStream(services, endpoint, generation);
  const change = changeOf(history, generation);
  const news = change && newsOf(change);
  if (!change || !news) return;
  const { environment, mail, slack } = remediationMessage(
    { endpoint, change, consoleUrl: services.config.consoleUrl },
    news,
  );
  if (news === 'proposed' && environment !== 'prod') return;
  const request = remediationId(endpoint, generation);
  const { approvers: people } = services.readApprovals();
  await notify(services, { request, round: `put-back-${news}`, environment, people, mail, slack });
}

/** Tells approvers at once of guards that an accepted deployment in prod has lost, and counts it for the alarm. */
async function tellGuardsDown(
  services: Services,
  { change: { endpoint }, generation }: ExecutionInput,
  first: boolean,
): Promise<void> {
  const opened = changeOf((await readStream(services, endpoint, generation)).history, generation)?.opened;
  if (!opened?.baseline || opened.baseline.digest !== opened.digest) return;
  const { history } = await readStream(services, endpoint, opened.baseline.generation);
  const lost = newlyLostGuards(history, generation);
  const change = changeOf(history, generation);
  if (!change || lost.length === 0) return;
  const request = remediationId(endpoint, generation);
  if (first) services.measure({ name: 'GuardsDown', unit: 'Count', value: 1 });
  const requesters = requestersOf(history, generation);
  const message = guardsDownMessage({ endpoint, change, lost, requesters, consoleUrl: services.config.consoleUrl });
  await notify(services, { request, round: 'guards-down', people: services.readApprovals().approvers, ...message });
}

/** The endpoint cannot be updated yet, or has not settled: `Retry` in the state machine comes back. */
export class NotPutBackYetError extends Error {
  override readonly name = 'NotPutBackYetError';
}

/**
 * For a change that was blocked or rejected: records that it was, so that nobody waits to learn that, and then proposes
 * the way back or goes it. The only task that may write to SageMaker.
 */
export const { handler, run } = task({
  clients,
  input: ExecutionInput,
  output: z.strictObject({ state: z.literal('over') }),
  run: async (input, services) => {
    const { change, generation } = input;
    const { history } = await readStream(services, change.endpoint, generation);
    if (!refusedAs(changeOf(history, generation))) {
      // Nobody is sent here for that; if somebody is, how it ended is on record all the same.
      await recordOutcome(services, input, 'failed');
      return { state: 'over' as const };
    }
    await noteUnfinished(services, change.endpoint, generation);
    await recordOutcome(services, input, 'blocked');
    await tellGuardsDown(services, input, changeOf(history, generation)?.outcome === undefined);
    if ((await remediate(services, change.endpoint, generation)) === 'waiting') {
      throw new NotPutBackYetError(`${change.endpoint.name} cannot be put back yet, or has not settled.`);
    }
    await tell(services, input);
    await forgetUnfinished(services, change.endpoint, generation);
    return { state: 'over' as const };
  },
});
