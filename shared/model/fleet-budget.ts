import { type EndpointRef, streamOf } from './endpoint-ref.ts';
import type { Amounts, FleetEntry, FleetView } from './fleet-entry.ts';
import { loadCost, roundUsd } from './hourly-cost.ts';
import type { InstanceLoad } from './instance-load.ts';
import type { LedgerRecord, RecordBody } from './ledger-record.ts';
import type { PriceTable } from './price-table.ts';

/** Which of the three numbers is held against a budget. */
export type Measure = keyof Amounts;

/** What everything in an environment takes, as its stream says. */
export type Fleet = {
  /** By the key of the endpoint's stream. */
  entries: Map<string, FleetEntry>;
  /** Counts the changes of the entries. */
  version: number;
  /** Endpoints of each place that nobody has read so far; a place that nobody has counted is not in it. */
  unread: Record<string, number>;
  /** What prices did to its limits when they last broke one. */
  moved?: Extract<RecordBody, { kind: 'prices-moved' }>;
};

export const emptyFleet = (): Fleet => ({ entries: new Map(), version: 0, unread: {} });

/** An account and region, as counts are kept for it. */
export const placeKey = ({ account, region }: Pick<EndpointRef, 'account' | 'region'>): string =>
  `${account}#${region}`;

/** Takes one record of a fleet's stream into account. Summaries repeat what the records before them say. */
export function applyToFleet(fleet: Fleet, body: RecordBody): void {
  if (body.kind === 'fleet-changed') {
    const key = streamOf(body.endpoint);
    fleet.version += 1;
    if (body.entry) fleet.entries.set(key, body.entry);
    else fleet.entries.delete(key);
  } else if (body.kind === 'prices-moved') fleet.moved = body;
  else if (body.kind === 'fleet-counted') fleet.unread = { ...fleet.unread, ...body.unread };
}

/** The newest whole summary among records, and which of them come after it; undefined where there is none. */
function newestSummary(records: readonly LedgerRecord[]) {
  const parts = new Map<number, Extract<RecordBody, { kind: 'fleet-summed' }>[]>();
  for (const { body } of [...records].reverse()) {
    if (body.kind !== 'fleet-summed') continue;
    const found = [...(parts.get(body.upTo) ?? []).filter(({ part }) => part !== body.part), body];
    parts.set(body.upTo, found);
    if (found.length === body.parts) return found;
  }
  return undefined;
}

/**
 * The fleet as the end of its stream tells it, oldest first; undefined where more of it must be read, because it reaches
 * neither to the start nor to a summary.
 */
export function fleetFrom(records: readonly LedgerRecord[], toTheStart: boolean): Fleet | undefined {
  const summary = newestSummary(records);
  const upTo = summary?.[0]?.upTo ?? 0;
  if (!toTheStart && (!summary || (records[0]?.sequence ?? 0) > upTo + 1)) return undefined;
  const fleet = emptyFleet();
  fleet.unread = summary?.[0]?.unread ?? {};
  for (const entry of summary?.flatMap(({ entries }) => entries) ?? []) {
    fleet.entries.set(streamOf(entry.endpoint), entry);
  }
  for (const { sequence, body } of records) if (sequence > upTo) applyToFleet(fleet, body);
  return fleet;
}

/** What prices are looked up in. */
export type Pricing = { prices: PriceTable; pricesAlsoFor: readonly string[] };
type LoadAmounts = { steady: number; ceiling: number; unknown: string[] };

// Loads and price tables never change, so what one costs at the other is worked out once.
const known = new WeakMap<PriceTable, WeakMap<InstanceLoad, LoadAmounts>>();
const NOTHING: LoadAmounts = { steady: 0, ceiling: 0, unknown: [] };

function amountsOf(load: InstanceLoad | null | undefined, region: string, pricing: Pricing): LoadAmounts {
  if (!load) return NOTHING;
  const byLoad = known.get(pricing.prices) ?? new WeakMap<InstanceLoad, LoadAmounts>();
  known.set(pricing.prices, byLoad);
  let amounts = byLoad.get(load);
  if (!amounts) {
    const { steadyUsd = 0, ceilingUsd, unknown } = loadCost(load, region, pricing.prices, pricing.pricesAlsoFor);
    amounts = { steady: steadyUsd, ceiling: ceilingUsd, unknown };
    byLoad.set(load, amounts);
  }
  return amounts;
}

/** What an endpoint takes of a budget: what it is entitled to, and what it takes in fact where that is more. */
export type EntryCost = { committed: Amounts; running: Amounts; unknown: string[] };

/** At the moment `at`, since money is kept for a plan only for a time. */
export function entryCost(entry: FleetEntry, pricing: Pricing, at: string): EntryCost {
  const price = (load: InstanceLoad | null | undefined) => amountsOf(load, entry.endpoint.region, pricing);
  const accepted = price(entry.accepted);
  const runs = price(entry.runs);
  const plan = price(entry.plan && at < entry.plan.until ? entry.plan.load : null);
  const { open } = entry;
  const granted = open?.granted ? runs : NOTHING;
  const most = (measure: 'steady' | 'ceiling', ...of: LoadAmounts[]) => Math.max(...of.map((each) => each[measure]));
  // While one deployment replaces another, both are there.
  const both = open?.replaces ? accepted.ceiling + runs.ceiling : 0;
  const amounts = (peak: number, ...of: LoadAmounts[]): Amounts => {
    const ceiling = most('ceiling', ...of);
    return { steady: most('steady', ...of), ceiling, peak: Math.max(ceiling, peak) };
  };
  return {
    committed: amounts(open?.granted ? both : 0, accepted, granted, plan),
    running: amounts(both, accepted, runs, plan),
    unknown: [...new Set([...accepted.unknown, ...runs.unknown, ...plan.unknown])],
  };
}

const NONE: Amounts = { steady: 0, ceiling: 0, peak: 0 };
const plus = (a: Amounts, b: Amounts, times = 1): Amounts => ({
  steady: roundUsd(a.steady + times * b.steady),
  ceiling: roundUsd(a.ceiling + times * b.ceiling),
  peak: roundUsd(a.peak + times * b.peak),
});

type Costed = { key: string; entry: FleetEntry; cost: EntryCost };
/** Sums over a whole fleet, and what goes into them. */
export type FleetCost = { committed: Amounts; running: Amounts; entries: Costed[] };

/** Sums that were worked out: as long as the fleet and the prices stay, and until a plan's time is over. */
type Kept = { prices: PriceTable; version: number; from: string; until: string; cost: FleetCost };
const kept = new WeakMap<Fleet, Kept>();
const FOREVER = '9999';

/** What a fleet costs. Most changes alter nothing of it, so it is not worked out for each of them. */
export function fleetCost(fleet: Fleet, pricing: Pricing, at: string): FleetCost {
  const before = kept.get(fleet);
  const holds = before?.prices === pricing.prices && before.version === fleet.version;
  if (before && holds && before.from <= at && at < before.until) return before.cost;
  let [committed, running, until] = [NONE, NONE, FOREVER];
  const entries: Costed[] = [];
  for (const [key, entry] of fleet.entries) {
    const cost = entryCost(entry, pricing, at);
    committed = plus(committed, cost.committed);
    running = plus(running, cost.running);
    entries.push({ key, entry, cost });
    if (entry.plan && at < entry.plan.until && entry.plan.until < until) until = entry.plan.until;
  }
  const cost = { committed, running, entries };
  kept.set(fleet, { prices: pricing.prices, version: fleet.version, from: at, until, cost });
  return cost;
}

/** The sums without one endpoint, or with another entry in the place of its own. */
export function sumsWithout(
  fleet: Fleet,
  pricing: Pricing,
  at: string,
  key: string,
  instead?: FleetEntry | null,
): Pick<FleetCost, 'committed' | 'running'> {
  const { committed, running } = fleetCost(fleet, pricing, at);
  const own = fleet.entries.get(key);
  const out = own ? entryCost(own, pricing, at) : { committed: NONE, running: NONE };
  const back = instead ? entryCost(instead, pricing, at) : { committed: NONE, running: NONE };
  return {
    committed: plus(plus(committed, out.committed, -1), back.committed),
    running: plus(plus(running, out.running, -1), back.running),
  };
}

/** Endpoints of these places that nobody has read; null where not all of them were counted. */
export function unreadIn({ unread }: Fleet, places: readonly string[]): number | null {
  const counts = places.map((place) => unread[place]);
  return counts.reduce<number | null>((sum, count) => (sum === null || count === undefined ? null : sum + count), 0);
}

/** How many endpoints a finding names; the page about cost has all of them. */
const NAMED = 5;

type Share = { key: string; endpoint: FleetEntry['endpoint']; usd: number };
type Standouts = { largest: Share[]; unaccepted: Share[]; unpriced: Costed[] };
const standouts = new WeakMap<FleetCost, Map<Measure, Standouts>>();

/** The dearest endpoints of a fleet, those that take more than was accepted, and those whose cost is not known. */
function standoutsOf(fleet: FleetCost, measure: Measure): Standouts {
  const known = standouts.get(fleet) ?? new Map<Measure, Standouts>();
  standouts.set(fleet, known);
  const before = known.get(measure);
  if (before) return before;
  const shares = (usd: (cost: EntryCost) => number) =>
    fleet.entries
      .map(({ key, entry, cost }) => ({ key, endpoint: entry.endpoint, usd: roundUsd(usd(cost)) }))
      .filter((share) => share.usd > 0)
      .sort((a, b) => b.usd - a.usd || (a.endpoint.name < b.endpoint.name ? -1 : 1))
      // One more than is named, since whoever asks is not named to themselves.
      .slice(0, NAMED + 1);
  const found = {
    largest: shares((cost) => cost.running[measure]),
    unaccepted: shares((cost) => cost.running[measure] - cost.committed[measure]),
    unpriced: fleet.entries.filter(({ cost }) => cost.unknown.length > 0),
  };
  known.set(measure, found);
  return found;
}

/** The fleet as it is beside an endpoint, for holding that endpoint's change `generation` against a budget. */
export function viewOf(
  fleet: Fleet,
  { ref, generation, sequence }: { ref: EndpointRef; generation: number; sequence: number },
  pricing: Pricing,
  { measure, at, places }: { measure: Measure; at: string; places: readonly string[] },
): FleetView {
  const { planned, ...endpoint } = ref;
  const key = streamOf(endpoint);
  const others = sumsWithout(fleet, pricing, at, key);
  const { largest, unaccepted, unpriced } = standoutsOf(fleetCost(fleet, pricing, at), measure);
  const named = (shares: Share[]) =>
    shares
      .filter((share) => share.key !== key)
      .slice(0, NAMED)
      .map(({ endpoint: each, usd }) => ({ endpoint: each, usd }));
  const unpricedOthers = unpriced.filter((each) => each.key !== key);
  const open = planned ? undefined : fleet.entries.get(key)?.open;
  return {
    sequence,
    endpoints: fleet.entries.size - (fleet.entries.has(key) ? 1 : 0),
    others,
    largest: named(largest),
    unaccepted: named(unaccepted),
    unpriced: unpricedOthers.slice(0, NAMED).map(({ entry, cost }) => `${entry.endpoint.name}, ${cost.unknown[0]}`),
    unpricedCount: unpricedOthers.length,
    unread: unreadIn(fleet, places),
    granted: open?.generation === generation && open.granted,
    claimed: open?.generation === generation,
  };
}
