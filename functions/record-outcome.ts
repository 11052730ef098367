import * as z from 'zod';
import { ExecutionInput } from '../shared/aws/executions.ts';
import { append, knownStream } from '../shared/aws/ledger.ts';
import { task } from '../shared/lambda.ts';
import { gateActor } from '../shared/model/actor.ts';
import { changeOf, lastOpened } from '../shared/model/endpoint-history.ts';
import { Result } from '../shared/model/ledger-record.ts';
import { outcomeOf } from '../shared/model/outcome.ts';

/** The whole state of the execution: which steps were taken, and what was caught. */
const Input = z.strictObject({
  ...ExecutionInput.shape,
  checked: z.object({ decision: z.string() }).optional(),
  verified: z.object({ state: z.enum(['verified', 'not-approved', 'superseded', 'gone']) }).optional(),
  failure: z.object({ Error: z.string().default('UnknownError'), Cause: z.string().default('') }).optional(),
});

/** How far the workflow came. What is none of the known ways is a failure. */
function stateOf({ checked, verified, failure }: z.infer<typeof Input>): Parameters<typeof outcomeOf>[1] {
  if (failure) return 'failed';
  if (verified) return verified.state;
  if (checked?.decision === 'gone') return 'gone';
  return checked?.decision === 'blocked' ? 'blocked' : 'failed';
}

// A Lambda's error arrives as JSON with a stack trace; people want its message.
function messageOf(cause: string): string {
  try {
    const { errorMessage } = JSON.parse(cause) as { errorMessage?: string };
    return errorMessage ?? cause;
  } catch {
    return cause;
  }
}

/** Last task: puts how the change ended on record. Every path of the state machine ends here. */
export const { handler, run } = task({
  input: Input,
  output: z.strictObject({ result: Result }),
  run: async (input, services) => {
    const { change, generation, failure } = input;
    const caught = failure && { error: failure.Error, cause: messageOf(failure.Cause).slice(0, 2_000) };
    const stream = await append(services, await knownStream(services, change.endpoint, generation), (history) => {
      const mine = changeOf(history, generation);
      if (mine?.outcome) return undefined;
      const known = mine?.opened ?? lastOpened(history)?.opened;
      return {
        id: `outcome#${generation}`,
        body: {
          kind: 'outcome',
          generation,
          digest: mine?.opened?.digest ?? null,
          // What cannot be told is prod, the strictest, here too.
          environment: known?.environment.name ?? 'prod',
          ...outcomeOf(mine, stateOf(input), caught),
          cause: change.cause,
          changedAt: change.at,
        },
        actor: gateActor,
      };
    });
    const result = changeOf(stream.history, generation)?.outcome?.result;
    if (!result) throw new Error('The outcome was not recorded.');
    return { result };
  },
});
