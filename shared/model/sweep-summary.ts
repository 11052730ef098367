import * as z from 'zod';

const Count = z.int().nonnegative();

/** What a sweep found, or one part of it: what is not that part's to look at stays 0. */
export const SweepSummary = z.strictObject({
  /** Endpoints that SageMaker lists. */
  endpoints: Count,
  /** Changes that no event told of. */
  started: Count,
  /** Endpoints modified after the readings on record, of which an event or a reading under way knows already. */
  joined: Count,
  /** Changes whose execution had died in silence. */
  ended: Count,
  /** Decisions whose callback had not got through. */
  resumed: Count,
  /** Rounds of messages that went out: reminders, escalations, expiries, approvals in an emergency. */
  told: Count,
  /** Changes that wait for the next sweep. */
  postponed: Count,
  /** What could not be looked at. */
  failed: Count,
});
export type SweepSummary = z.infer<typeof SweepSummary>;

export const nothingFound = (): SweepSummary => ({
  endpoints: 0,
  started: 0,
  joined: 0,
  ended: 0,
  resumed: 0,
  told: 0,
  postponed: 0,
  failed: 0,
});

/** What two parts of a sweep found together. */
export function sumOf(one: SweepSummary, other: SweepSummary): SweepSummary {
  const names = Object.keys(nothingFound()) as (keyof SweepSummary)[];
  return Object.fromEntries(names.map((name) => [name, one[name] + other[name]])) as SweepSummary;
}
