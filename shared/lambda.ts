import middy from '@middy/core';
import type * as z from 'zod';
import { coldStartServices, type Services } from './aws/services.ts';

/** The input is not what the state machine promises; nothing to retry. */
export class InvalidInputError extends Error {
  override readonly name = 'InvalidInputError';
}
/** The task itself made something that its schema does not allow. */
export class InvalidOutputError extends Error {
  override readonly name = 'InvalidOutputError';
}

const explain = (error: z.ZodError) =>
  error.issues.map(({ path, message }) => `${path.map(String).join('.') || 'input'}: ${message}`).join('; ');

/** A task of the state machine: what goes in, what comes out, and what it does. */
export type Task<In extends z.ZodType, Out extends z.ZodType> = {
  input: In;
  output: Out;
  run: (input: z.output<In>, services: Services) => Promise<z.input<Out>>;
};

/**
 * Makes a Lambda handler of a task: parse, run, parse. Errors pass through by name, since Step Functions owns retry and
 * failure. The second argument is for the local runtime and tests; AWS passes its context there, which is ignored.
 */
export function task<In extends z.ZodType, Out extends z.ZodType>({ input, output, run }: Task<In, Out>) {
  const handle = async (event: unknown, services: Services): Promise<z.output<Out>> => {
    const parsed = input.safeParse(event);
    if (!parsed.success) throw new InvalidInputError(explain(parsed.error));
    const result = output.safeParse(await run(parsed.data, services));
    if (!result.success) throw new InvalidOutputError(explain(result.error));
    return result.data;
  };
  return {
    /** Called by AWS. */
    handler: middy().handler((event: unknown) => handle(event, coldStartServices())),
    /** Called with services by whoever has them. */
    run: handle,
  };
}
