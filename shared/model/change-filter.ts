import * as z from 'zod';
import { Environment } from './environment.ts';
import { Result } from './ledger-record.ts';

/** What a change can be listed as: how it ended, or that it has not. */
export const ChangeState = z.enum(['open', ...Result.options]);
export type ChangeState = z.infer<typeof ChangeState>;

/** A day, or a month for all of its days. */
const Day = z
  .string()
  .regex(/^20\d{2}-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?$/, 'must be a day like 2026-11-20 or a month like 2026-11');
const Text = z.string().trim().min(1).max(200);

/** Changes that were made, or plans for some; and of the changes, those that no plan carried or that differ from theirs. */
export const Origin = z.enum(['change', 'plan', 'unplanned', 'out-of-band']);
export type Origin = z.infer<typeof Origin>;

/** Which changes somebody wants to see; what is absent restricts nothing. */
export const ChangeFilter = z.object({
  environment: Environment.optional(),
  result: ChangeState.optional(),
  /** The first and the last day, both included. */
  from: Day.optional(),
  to: Day.optional(),
  /** A part of the endpoint's name; case does not matter. */
  endpoint: Text.optional(),
  /** Who made it, exactly as it is on record. */
  person: Text.optional(),
  /** A part of what it was noticed by: `UpdateEndpoint`. */
  cause: Text.optional(),
  origin: Origin.optional(),
});
export type ChangeFilter = z.infer<typeof ChangeFilter>;

/** From the fields of a form, which sends every one of them, empty where nothing was chosen. `month` is both its days. */
export function readChangeFilter(query: URLSearchParams): z.ZodSafeParseResult<ChangeFilter> {
  const given = Object.fromEntries([...query].filter(([, value]) => value.trim() !== ''));
  const { month, ...fields } = given;
  return ChangeFilter.safeParse({ ...(month !== undefined && { from: month, to: month }), ...fields });
}

/** The same filter as the query of an address; empty where it restricts nothing. */
export function filterQuery(filter: ChangeFilter, more: Record<string, string | undefined> = {}): string {
  const given = Object.entries({ ...filter, ...more }).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as [string, string]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}
