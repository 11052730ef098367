import type { EffectiveDeployment } from './effective-deployment.ts';
import type { ChangeHistory } from './endpoint-history.ts';
import { type EndpointRef, streamOf, unplanned } from './endpoint-ref.ts';
import { entryCost, type Fleet, type Measure, type Pricing, sumsWithout } from './fleet-budget.ts';
import type { FleetEntry } from './fleet-entry.ts';
import { type InstanceLoad, loadOf, sameLoad } from './instance-load.ts';
import { ACCEPTED, type Baseline, type RecordOf } from './ledger-record.ts';
import type { Variant } from './variant.ts';

// What becomes of an endpoint's entry in its fleet. Pure: an entry goes in, and the entry that it becomes comes out, or
// undefined where it stays as it is, so that only changes of cost are written down.

type Opened = RecordOf<'change-opened'>;

/** The endpoint's entry; `undefined` where it takes nothing so far. */
export const entryOf = (fleet: Fleet, ref: EndpointRef): FleetEntry | undefined =>
  fleet.entries.get(streamOf(unplanned(ref)));

/** What was accepted, as the instances that it takes; null where that was in another environment. */
export function acceptedLoad({ deployment }: Baseline, environment: string): InstanceLoad | null {
  if (deployment.environment !== environment) return null;
  return loadOf(deployment.variants as unknown as Variant[]).map((each) => ({ ...each, steady: each.min }));
}

/** An endpoint that its fleet does not know yet: what was accepted of it before is on its own record. */
const fresh = ({ facts, baseline }: Opened): FleetEntry => ({
  endpoint: unplanned(facts.endpoint),
  accepted: baseline && acceptedLoad(baseline, facts.environment.name),
  runs: null,
  generation: 0,
});

/** What instances are made of, without how many there are. */
const withoutCounts = ({ variants }: EffectiveDeployment) =>
  JSON.stringify(
    variants.map(({ minInstances: _min, maxInstances: _max, weight: _weight, ...rest }) =>
      Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1)),
    ),
  );

/**
 * Does the deployment take the place of instances that are there? SageMaker updates an endpoint by a second fleet beside
 * the first. Only where nothing but counts and weights change is it the same fleet that grows.
 */
export function replacesInstances({
  baseline,
  deployment,
  facts,
}: Pick<Opened, 'baseline' | 'deployment' | 'facts'>): boolean {
  if (!baseline || baseline.deployment.environment !== facts.environment.name) return false;
  return withoutCounts(baseline.deployment) !== withoutCounts(deployment);
}

/**
 * The entry once a change was judged: what it runs is known, and what it was granted is kept for it. A change that costs
 * what was accepted before, where that is what runs, leaves everything as it is.
 */
export function judgedEntry(fleet: Fleet, opened: Opened, granted: boolean, measure: Measure): FleetEntry | undefined {
  const { endpoint } = opened.facts;
  const before = entryOf(fleet, endpoint) ?? fresh(opened);
  const { generation } = opened;
  // A newer change is on record already: what this one saw is out of date.
  if (before.generation > generation) return undefined;
  if (before.open?.generation === generation && before.open.granted === granted) return undefined;
  const load = loadOf(opened.facts.variants);
  const replaces = replacesInstances(opened);
  const steadyCounts = measure === 'steady';
  const asAccepted =
    sameLoad(load, before.accepted, steadyCounts) && sameLoad(load, before.runs, steadyCounts) && !before.open;
  if (asAccepted && !(replaces && measure === 'peak')) return undefined;
  return { ...before, runs: load, generation, open: { generation, granted, replaces } };
}

/** Entries that say the same, whatever order their fields are in. */
const differs = (a: FleetEntry | undefined, b: FleetEntry, steadyCounts: boolean): boolean =>
  !a ||
  !sameLoad(a.accepted, b.accepted, steadyCounts) ||
  !sameLoad(a.runs, b.runs, steadyCounts) ||
  (a.open === undefined) !== (b.open === undefined) ||
  a.plan?.generation !== b.plan?.generation;

/**
 * The entry once a change has ended: null where the endpoint is gone. What was accepted is what it may take from now on.
 * What was not goes on running, so it counts until somebody ends it, but nothing is kept for it any more.
 */
export function endedEntry(fleet: Fleet, change: ChangeHistory, measure: Measure): FleetEntry | null | undefined {
  const { opened, outcome, verified, findings, generation, records } = change;
  const ref = opened?.facts.endpoint ?? records[0]?.endpoint;
  if (!outcome || !ref) return undefined;
  const before = entryOf(fleet, ref);
  const newer = (before?.generation ?? 0) > generation;
  if (outcome.result === 'deleted') return before && !newer ? null : undefined;
  if (!opened) return undefined;
  const { open, plan, ...rest } = before ?? fresh(opened);
  const load = loadOf((verified?.facts ?? opened.facts).variants);
  const accepted = ACCEPTED.includes(outcome.result);
  const carriedOut = accepted && findings?.plan !== undefined && plan?.generation === findings.plan.generation;
  const after: FleetEntry = {
    ...rest,
    ...(accepted && !newer && { accepted: load }),
    ...(!newer && outcome.result !== 'superseded' && { runs: load, generation }),
    ...(open && open.generation !== generation && { open }),
    ...(plan && !carriedOut && { plan }),
  };
  if (!before && !accepted && outcome.result === 'superseded') return undefined;
  return differs(before, after, measure === 'steady') ? after : undefined;
}

/**
 * The entry once a plan was approved: money is kept for it as long as it may be carried out, if there is still enough.
 * People approved the plan and not the money of others, so where there is not, the change itself will be refused.
 */
export function plannedEntry(
  fleet: Fleet,
  { opened, outcome, generation }: ChangeHistory,
  pricing: Pricing,
  { measure, budgetUsd, at }: { measure: Measure; budgetUsd: number | undefined; at: string },
): FleetEntry | undefined {
  if (!opened?.plan || !outcome || !ACCEPTED.includes(outcome.result) || at >= opened.plan.validUntil) return undefined;
  const { endpoint, variants } = opened.facts;
  const before = entryOf(fleet, endpoint) ?? fresh(opened);
  if ((before.plan?.generation ?? 0) >= generation) return undefined;
  const load = loadOf(variants);
  if (sameLoad(load, before.accepted, measure === 'steady')) return undefined;
  const after = { ...before, plan: { generation, load, until: opened.plan.validUntil } };
  const { committed } = sumsWithout(fleet, pricing, at, streamOf(unplanned(endpoint)), after);
  const mine = entryCost(after, pricing, at);
  return (budgetUsd === undefined || committed[measure] <= budgetUsd) && mine.unknown.length === 0 ? after : undefined;
}
