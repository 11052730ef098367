import * as z from 'zod';
import { Endpoint } from './endpoint-ref.ts';
import { InstanceLoad } from './instance-load.ts';

const Generation = z.int().positive();

/** What one endpoint takes of its environment's budget. */
export const FleetEntry = z.strictObject({
  endpoint: Endpoint,
  /** Its last accepted deployment; null where none was accepted so far. */
  accepted: InstanceLoad.nullable(),
  /** What was last seen of it, accepted or not: it costs money either way. Null where only a plan speaks of it. */
  runs: InstanceLoad.nullable(),
  /** The number of the change that `runs` is from; 0 where there is none. */
  generation: z.int().nonnegative(),
  /** A change that was judged and has not ended. What was granted is kept for it until then. */
  open: z
    .strictObject({
      generation: Generation,
      granted: z.boolean(),
      /** Whether it takes the place of other instances, which are paid for until they are gone. */
      replaces: z.boolean(),
    })
    .optional(),
  /** An approved plan, for which money is kept until it is carried out or its time is over. */
  plan: z.strictObject({ generation: Generation, load: InstanceLoad, until: z.iso.datetime() }).optional(),
});
export type FleetEntry = z.infer<typeof FleetEntry>;

const Usd = z.number();
/** The three numbers of a cost by the hour: as it stands, at the ceilings of scaling, and while deployments replace others. */
export const Amounts = z.strictObject({ steady: Usd, ceiling: Usd, peak: Usd });
export type Amounts = z.infer<typeof Amounts>;

const Share = z.strictObject({ endpoint: Endpoint, usd: Usd });
/** The fleet as it is beside one endpoint, at the prices of a decision: what a budget is held against. */
export const FleetView = z.strictObject({
  /** The last record of the fleet that was known. */
  sequence: z.int().nonnegative(),
  /** How many other endpoints there are. */
  endpoints: z.int().nonnegative(),
  others: z.strictObject({
    /** Accepted, granted or kept for a plan. */
    committed: Amounts,
    /** That, and what runs beyond it although nobody accepted it. */
    running: Amounts,
  }),
  /** The dearest others, and those that run beyond what was accepted, by the cost that counts; a few of each. */
  largest: z.array(Share),
  unaccepted: z.array(Share),
  /** Others whose cost is not known, with why; a few of them, and how many there are. */
  unpriced: z.array(z.string()),
  unpricedCount: z.int().nonnegative(),
  /** Endpoints that nobody has read so far; null where not all places were counted yet. */
  unread: z.int().nonnegative().nullable(),
  /** This change was granted its cost before, when the same task was run. */
  granted: z.boolean(),
  /** Whether the change altered what its endpoint takes, so that its end does again. */
  claimed: z.boolean(),
});
export type FleetView = z.infer<typeof FleetView>;

/** In the stream of a fleet: what an endpoint takes from now on. */
export const FleetChanged = z.strictObject({
  kind: z.literal('fleet-changed'),
  /** The endpoint's change that this is because of. */
  generation: Generation,
  endpoint: Endpoint,
  /** Null where it takes nothing any more. */
  entry: FleetEntry.nullable(),
  /** `found`: the sweep saw that it was missing here. */
  because: z.enum(['judged', 'ended', 'planned', 'gone', 'moved', 'found']),
  /** The fleet afterwards, at the prices of this digest; what has no price is left out. */
  committed: Amounts,
  running: Amounts,
  priceDigest: z.string(),
});
/** How many endpoints of a place (`111122223333#us-east-1`) nobody had read when all were listed. */
const Unread = z.record(z.string(), z.int().nonnegative());
/** In the stream of a fleet: somebody listed all endpoints of these places. */
export const FleetCounted = z.strictObject({
  kind: z.literal('fleet-counted'),
  generation: Generation,
  unread: Unread,
});
/** In the stream of a fleet: all of it as of a record, in parts, so that nobody has to read the stream to its start. */
export const FleetSummed = z.strictObject({
  kind: z.literal('fleet-summed'),
  generation: Generation,
  /** The number of the last record that is in it. */
  upTo: z.int().positive(),
  part: z.int().positive(),
  parts: z.int().positive(),
  unread: Unread,
  entries: z.array(FleetEntry),
});
