import * as z from 'zod';
import { Environment } from './environment.ts';

/**
 * A dated, reasoned, owned exception to one policy for one endpoint. It holds in the environment that it was granted for:
 * who excused a dev endpoint did not excuse the prod endpoint that it may become.
 */
export const Waiver = z.strictObject({
  id: z.string(),
  policy: z.string(),
  environment: Environment,
  /** From the first moment, to the second, ISO 8601; at `until` it is over. */
  from: z.iso.datetime(),
  until: z.iso.datetime(),
  reason: z.string(),
  /** Id of the approver who granted it, and all their names, so that a change of theirs is never excused by it. */
  approver: z.string(),
  names: z.array(z.string()),
});
export type Waiver = z.infer<typeof Waiver>;

/** A waiver that was in force when something was judged. It excuses no change of whoever granted it. */
export const HeldWaiver = z.strictObject({ waiver: Waiver, ownChange: z.boolean() });
export type HeldWaiver = z.infer<typeof HeldWaiver>;

/** Is it in force at a moment (ISO 8601)? */
export const isInForce = ({ from, until }: Waiver, at: string): boolean =>
  Date.parse(from) <= Date.parse(at) && Date.parse(at) < Date.parse(until);

/** What a finding says of it. */
export function waiverLine({ waiver: { id, approver, until, reason }, ownChange }: HeldWaiver): string {
  return ownChange
    ? `A waiver by ${approver} does not count, because ${approver} made this change (waiver ${id}).`
    : `Waived by ${approver} until ${until}: ${reason} (waiver ${id})`;
}
