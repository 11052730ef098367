import * as z from 'zod';

/** A deployment that SageMaker took back without a word: the endpoint is in service on the config it had before. */
export const RolledBack = z.strictObject({
  /** The config that was to be deployed. */
  requested: z.string(),
  /** The config that is in service, again. */
  inService: z.string(),
  /** FailureReason of DescribeEndpoint, where it has one. */
  reason: z.string().nullable(),
  /** Alarms of the deployment that were tripped since it began, as far as their last transition tells. */
  alarms: z.array(z.strictObject({ name: z.string(), state: z.string(), since: z.iso.datetime().nullable() })),
});
export type RolledBack = z.infer<typeof RolledBack>;

/** What a finding, an outcome and a message to people say about it. */
export function rollbackLine({ requested, inService, reason, alarms }: RolledBack): string {
  const because =
    alarms.length > 0
      ? ` Tripped since it began: ${alarms.map(({ name, state, since }) => `${name} (${state}${since ? ` since ${since}` : ''})`).join(', ')}.`
      : ' No alarm of it has changed its state since it began, so which one tripped is not known.';
  return `SageMaker rolled it back: in service is ${inService} again, not ${requested}.${reason === null ? '' : ` ${reason}`}${because}`;
}
