import * as z from 'zod';

const Moment = z.iso.datetime();

/** A call that has no decision, or more than one. */
export const UnreconciledCall = z.strictObject({
  eventId: z.string(),
  call: z.string(),
  at: Moment,
  /** Stream of the endpoint; null where nobody knows any more which it is. */
  stream: z.string().nullable(),
  who: z.string(),
  problem: z.string(),
});
export type UnreconciledCall = z.infer<typeof UnreconciledCall>;

/** A decision that no call in the trail explains. */
export const UnexplainedDecision = z.strictObject({
  stream: z.string(),
  generation: z.int().positive(),
  cause: z.string(),
  at: Moment,
  problem: z.string(),
});
export type UnexplainedDecision = z.infer<typeof UnexplainedDecision>;

const Count = z.int().nonnegative();

/** What a comparison with CloudTrail found. */
export const Reconciliation = z.strictObject({
  schema: z.literal(1),
  from: Moment,
  to: Moment,
  /** `CloudTrail event history`, or the bucket of the trail. */
  source: z.string(),
  /** Accounts and regions whose calls were read, as `111122223333 us-east-1`, and those that could not be, and why. */
  read: z.array(z.string()),
  notRead: z.array(z.string()),
  calls: z.strictObject({
    /** Calls times the endpoints that each is about. */
    total: Count,
    byName: z.record(z.string(), Count),
    /** Their event is on record with a change that was judged. */
    matched: Count,
    /** Their event never came, but the endpoint was read after them and judged. */
    seenLater: Count,
    /** Younger than an hour: what is missing may still come. */
    tooNew: Count,
    /** About no endpoint: of alarms, buckets and tags that guard nothing here. Not part of the total. */
    elsewhere: Count,
    /** Refused by AWS, so they changed nothing. Not part of the total. */
    failed: Count,
  }),
  decisions: z.strictObject({
    total: Count,
    /** Explained by a call: by its own event, or by the events that SageMaker sent after it. */
    byCall: Count,
    /** Made because the gate looked by itself: the sweep, somebody who asked again, a waiver. */
    byGate: Count,
  }),
  gaps: z.array(UnreconciledCall),
  duplicates: z.array(UnreconciledCall),
  surplus: z.array(UnexplainedDecision),
});
export type Reconciliation = z.infer<typeof Reconciliation>;

/** Nothing is missing, nothing is there without a cause, and everything could be read. */
export const isReconciled = ({ gaps, duplicates, surplus, notRead }: Reconciliation): boolean =>
  gaps.length + duplicates.length + surplus.length + notRead.length === 0;

/** So many entries of each list go on record; the whole of it is what the command prints. */
const ON_RECORD = 100;

/** The result as a record holds it, and how many entries that leaves out. */
export function forRecord(result: Reconciliation): { result: Reconciliation; leftOut: number } {
  const { gaps, duplicates, surplus } = result;
  const cut = {
    gaps: gaps.slice(0, ON_RECORD),
    duplicates: duplicates.slice(0, ON_RECORD),
    surplus: surplus.slice(0, ON_RECORD),
  };
  const kept = cut.gaps.length + cut.duplicates.length + cut.surplus.length;
  return { result: { ...result, ...cut }, leftOut: gaps.length + duplicates.length + surplus.length - kept };
}
