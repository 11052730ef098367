import * as z from 'zod';
import { dynamodb } from '../shared/aws/clients/dynamodb.ts';
import { ExecutionInput } from '../shared/aws/executions.ts';
import { recordOutcome } from '../shared/aws/record-outcome.ts';
import { task } from '../shared/lambda.ts';
import { Result } from '../shared/model/ledger-record.ts';
import type { outcomeOf } from '../shared/model/outcome.ts';

/** The whole state of the execution: what was decided, and what was caught. */
const Input = z.object({
  ...ExecutionInput.shape,
  /** By which error the change came here without a failure. */
  checked: z.object({ Error: z.string() }).optional(),
  /** It was caught that the deployment may not stand; why is in the ledger. */
  refused: z.unknown().optional(),
  /** Putting it back broke off with this. The next sweep begins again. */
  notPutBack: z.unknown().optional(),
  failure: z.object({ Error: z.string().default('UnknownError'), Cause: z.string().default('') }).optional(),
});

/** How far the workflow came. What is none of the known ways is a failure. */
function stateOf({ checked, refused, failure }: z.infer<typeof Input>): Parameters<typeof outcomeOf>[1] {
  if (failure) return 'failed';
  if (refused !== undefined) return 'blocked';
  if (checked?.Error === 'GoneError') return 'gone';
  return checked?.Error === 'BlockedError' ? 'blocked' : 'failed';
}

// A Lambda's error arrives as JSON with a stack trace; people want its message.
function messageOf(cause: string): string {
  try {
    const { errorMessage } = JSON.parse(cause) as { errorMessage?: unknown };
    return typeof errorMessage === 'string' ? errorMessage : cause;
  } catch {
    return cause;
  }
}

/** For whatever did not get as far as to verify or to put back: records how the change ended. */
export const { handler, run } = task({
  clients: { dynamodb },
  input: Input,
  output: z.strictObject({ result: Result }),
  run: async (input, services) => {
    const { failure, notPutBack } = input;
    // Its own errors raise no alarm, since they are its way to wait.
    if (notPutBack !== undefined) {
      services.measure({ name: 'Remediations', unit: 'Count', value: 1, dimensions: { Result: 'failed' } });
    }
    const caught = failure && { error: failure.Error, cause: messageOf(failure.Cause).slice(0, 2_000) };
    return { result: await recordOutcome(services, input, stateOf(input), caught) };
  },
});
