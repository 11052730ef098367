import type { EndpointRef } from './endpoint-ref.ts';
import { Environment } from './environment.ts';
import { entryCost, type Fleet, fleetCost, type Measure, type Pricing, unreadIn } from './fleet-budget.ts';
import type { Amounts, FleetEntry } from './fleet-entry.ts';
import { loadCost, roundUsd } from './hourly-cost.ts';
import type { Crossing } from './live-prices.ts';
import { tableFor } from './price-table.ts';

type Place = Omit<EndpointRef, 'planned'>;

/** What one endpoint takes, an hour. */
export type EndpointCost = {
  endpoint: Place;
  /** Of the change that it runs; 0 where only a plan speaks of it. */
  generation: number;
  committed: Amounts;
  running: Amounts;
  /** `accepted`; `waiting`: judged, and people or its deployment are not done; `planned`; `not accepted`: it runs all the same. */
  standing: 'accepted' | 'waiting' | 'planned' | 'not accepted';
  /** `2 x ml.m5.large at $0.115`, for each variant. */
  explanation: string;
  unknown: string[];
};
/** A change that is not decided, and what it would add to its environment once it is. */
export type WaitingCost = {
  endpoint: Place;
  generation: number;
  planned: boolean;
  addsUsd: number;
  /** The fleet with all that wait up to this one. */
  thenUsd: number;
};
export type EnvironmentReport = {
  environment: Environment;
  /** By the measure that counts; undefined where there is no limit. */
  budgetUsd: number | undefined;
  committed: Amounts;
  running: Amounts;
  /** Dearest first. */
  endpoints: EndpointCost[];
  waiting: WaitingCost[];
  /** Endpoints that nobody has read; null where not all places were counted. */
  unread: number | null;
  /** The last time that prices broke a limit here. */
  moved: { region: string; from: string; to: string; crossings: Crossing[] } | undefined;
};
export type CostReport = {
  at: string;
  counts: Measure;
  /** Where the prices of each region come from. */
  prices: { region: string; asOf: string; source: string }[];
  environments: EnvironmentReport[];
};

/** A plan that people are asked about: nothing is kept for it yet. */
export type WaitingPlan = { environment: Environment; endpoint: Place; generation: number; ceilingUsd: number };

function standingOf(entry: FleetEntry, { committed, running }: ReturnType<typeof entryCost>): EndpointCost['standing'] {
  if (!entry.runs && !entry.accepted) return 'planned';
  if (entry.open?.granted) return 'waiting';
  return running.peak > committed.peak || running.steady > committed.steady || !entry.accepted
    ? 'not accepted'
    : 'accepted';
}

/** What waits in a fleet, oldest claims in no order of time, since none is written down: by name. */
function waitingIn(
  fleet: Fleet,
  plans: readonly WaitingPlan[],
  pricing: Pricing,
  { at, sumUsd }: { at: string; sumUsd: number },
): WaitingCost[] {
  const claims = [...fleet.entries.values()].flatMap((entry) => {
    if (!entry.open?.granted) return [];
    const { open: _open, ...without } = entry;
    const before = entryCost({ ...without, runs: null }, pricing, at).committed.ceiling;
    const addsUsd = roundUsd(entryCost(entry, pricing, at).committed.ceiling - before);
    return [{ endpoint: entry.endpoint, generation: entry.open.generation, planned: false, addsUsd }];
  });
  const planned = plans.map(({ endpoint, generation, ceilingUsd }) => {
    const there = [...fleet.entries.values()].find(
      (entry) =>
        entry.endpoint.name.toLowerCase() === endpoint.name.toLowerCase() &&
        entry.endpoint.account === endpoint.account &&
        entry.endpoint.region === endpoint.region,
    );
    const before = there ? entryCost(there, pricing, at).committed.ceiling : 0;
    return { endpoint, generation, planned: true, addsUsd: Math.max(0, roundUsd(ceilingUsd - before)) };
  });
  // Claims are in the sum already; a plan is not.
  let thenUsd = roundUsd(sumUsd - claims.reduce((sum, { addsUsd }) => sum + addsUsd, 0));
  return [...claims, ...planned]
    .sort((a, b) => (a.endpoint.name < b.endpoint.name ? -1 : 1))
    .map((each) => {
      thenUsd = roundUsd(thenUsd + each.addsUsd);
      return { ...each, thenUsd };
    });
}

/** What every environment costs, who uses it and what would come on top. Pure. */
export function costReport(
  fleets: ReadonlyMap<Environment, Fleet>,
  pricing: Pricing,
  {
    at,
    counts,
    places,
    plans = [],
    budgetUsdOf,
  }: {
    at: string;
    counts: Measure;
    places: readonly string[];
    plans?: readonly WaitingPlan[];
    budgetUsdOf: (environment: Environment) => number | undefined;
  },
): CostReport {
  const environments = [...Environment.options].reverse().flatMap((environment): EnvironmentReport[] => {
    const fleet = fleets.get(environment);
    if (!fleet) return [];
    const { committed, running, entries } = fleetCost(fleet, pricing, at);
    const endpoints = entries.map(({ entry, cost }): EndpointCost => {
      const load = entry.runs ?? entry.accepted ?? entry.plan?.load ?? [];
      const { variants } = loadCost(load, entry.endpoint.region, pricing.prices, pricing.pricesAlsoFor);
      return {
        endpoint: entry.endpoint,
        generation: entry.generation,
        committed: cost.committed,
        running: cost.running,
        standing: standingOf(entry, cost),
        explanation: variants.map(({ explanation }) => explanation).join('; '),
        unknown: cost.unknown,
      };
    });
    const mine = plans.filter((plan) => plan.environment === environment);
    return [
      {
        environment,
        budgetUsd: budgetUsdOf(environment),
        committed,
        running,
        endpoints: endpoints.sort(
          (a, b) => b.running[counts] - a.running[counts] || (a.endpoint.name < b.endpoint.name ? -1 : 1),
        ),
        waiting: waitingIn(fleet, mine, pricing, { at, sumUsd: running.ceiling }),
        unread: unreadIn(fleet, places),
        moved: fleet.moved,
      },
    ];
  });
  const regions = [...new Set(places.map((place) => place.split('#')[1] ?? ''))];
  const prices = regions.map((region) => ({ ...tableFor(pricing.prices, region), region }));
  return { at, counts, prices, environments };
}
