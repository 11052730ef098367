import * as z from 'zod';

/** A deployment that SageMaker took back without a word: the endpoint is in service on the config it had before. */
export const RolledBack = z.strictObject({
  /** The config that was to be deployed. */
  requested: z.string(),
  /** The config that is in service, again. */
  inService: z.string(),
  /** FailureReason of DescribeEndpoint, where it has one. */
  reason: z.string().nullable(),
  /**
   * Alarms of the deployment that were tripped while it went on. `state` is what they were when it was noticed, and `deleted`
   * where they were gone by then.
   */
  alarms: z.array(
    z.strictObject({
      name: z.string(),
      state: z.string(),
      since: z.iso.datetime().nullable(),
      /** When the alarm's history has it go to ALARM; null: it was there before. Not there where its history is not known. */
      trippedAt: z.iso.datetime().nullable().optional(),
    }),
  ),
  /** Alarms of which it is not known, with why. Not there where no histories were looked at. */
  unknown: z.array(z.strictObject({ name: z.string(), why: z.string() })).optional(),
});
export type RolledBack = z.infer<typeof RolledBack>;

type Tripped = RolledBack['alarms'][number];

function trippedLine({ name, state, since, trippedAt }: Tripped): string {
  const now = state === 'deleted' ? 'deleted since' : `${state}${since ? ` since ${since}` : ''}`;
  if (trippedAt === undefined || (state === 'ALARM' && trippedAt === since)) return `${name} (${now})`;
  return `${name} (${trippedAt === null ? 'in ALARM before' : `went to ALARM at ${trippedAt}`}, ${now})`;
}

/** What a finding, an outcome and a message to people say about it. */
export function rollbackLine({ requested, inService, reason, alarms, unknown }: RolledBack): string {
  const none =
    unknown === undefined
      ? ' No alarm of it has changed its state since it began, so which one tripped is not known.'
      : unknown.length === 0
        ? ' None of its alarms was in ALARM in that time, as their histories tell.'
        : '';
  const because = alarms.length > 0 ? ` Tripped since it began: ${alarms.map(trippedLine).join(', ')}.` : none;
  const untold = (unknown ?? []).map(({ name, why }) => ` Whether ${name} tripped is unknown: ${why}.`).join('');
  return `SageMaker rolled it back: in service is ${inService} again, not ${requested}.${reason === null ? '' : ` ${reason}`}${because}${untold}`;
}
