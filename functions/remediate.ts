import * as z from 'zod';
import { cloudwatch } from '../shared/aws/clients/cloudwatch.ts';
import { dynamodb } from '../shared/aws/clients/dynamodb.ts';
import { s3 } from '../shared/aws/clients/s3.ts';
import { sagemaker } from '../shared/aws/clients/sagemaker.ts';
import { scaling } from '../shared/aws/clients/scaling.ts';
import { sts } from '../shared/aws/clients/sts.ts';
import { ExecutionInput } from '../shared/aws/executions.ts';
import { readStream } from '../shared/aws/ledger.ts';
import { readLostGuards } from '../shared/aws/lost-guards.ts';
import { recordOutcome } from '../shared/aws/record-outcome.ts';
import { remediate } from '../shared/aws/remediation.ts';
import { forgetUnfinished, noteUnfinished } from '../shared/aws/unfinished-remediations.ts';
import { task } from '../shared/lambda.ts';
import { changeOf } from '../shared/model/endpoint-history.ts';
import { newsOf, refusedAs } from '../shared/model/remediation.ts';
import { GuardsDownError, NewsError } from '../shared/model/way-on.ts';

/** The endpoint cannot be updated yet, or has not settled: `Retry` in the state machine comes back. */
export class NotPutBackYetError extends Error {
  override readonly name = 'NotPutBackYetError';
}

/** `guardsDown` is there where `Catch` has seen to it that approvers are told, whether or not that came to anything. */
const Input = z.object({ ...ExecutionInput.shape, guardsDown: z.unknown().optional() });

/**
 * For a change that was blocked or rejected: records that it was, so that nobody waits to learn that, and then proposes
 * the way back or goes it. The only task that may write to SageMaker. Where somebody is to be told, it fails with the
 * name of that, so that a change of which nobody is told enters no state more.
 */
export const { handler, run } = task({
  clients: { sagemaker, cloudwatch, scaling, s3, dynamodb, sts },
  input: Input,
  output: z.strictObject({ state: z.literal('over') }),
  run: async (input, services) => {
    const { endpoint } = input.change;
    const { generation } = input;
    const { history } = await readStream(services, endpoint, generation);
    const mine = changeOf(history, generation);
    if (!refusedAs(mine)) {
      // Nobody is sent here for that; if somebody is, how it ended is on record all the same.
      await recordOutcome(services, input, 'failed');
      return { state: 'over' as const };
    }
    await noteUnfinished(services, endpoint, generation);
    await recordOutcome(services, input, 'blocked');
    if (input.guardsDown === undefined && (await readLostGuards(services, endpoint, generation, history))) {
      if (!mine?.outcome) services.measure({ name: 'GuardsDown', unit: 'Count', value: 1 });
      throw new GuardsDownError(`${endpoint.name} runs what was accepted and has lost guards.`);
    }
    if ((await remediate(services, endpoint, generation)) === 'waiting') {
      throw new NotPutBackYetError(`${endpoint.name} cannot be put back yet, or has not settled.`);
    }
    const after = changeOf((await readStream(services, endpoint, generation)).history, generation);
    const news = after && newsOf(after);
    if (news) throw new NewsError(`Putting back change ${generation} of ${endpoint.name}: ${news}.`);
    await forgetUnfinished(services, endpoint, generation);
    return { state: 'over' as const };
  },
});
