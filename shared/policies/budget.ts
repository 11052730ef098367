import type { EndpointFacts } from '../model/endpoint-facts.ts';
import { type Problem, violation } from '../model/finding.ts';
import { formatUsd, type HourlyCost, hourlyCost } from '../model/hourly-cost.ts';
import type { PolicySettings } from './settings.ts';

const costs = new WeakMap<EndpointFacts, { settings: PolicySettings; cost: HourlyCost }>();

/** The endpoint's cost at the settings' prices. Several policies ask, so it is worked out once for each reading. */
export function costOf(facts: EndpointFacts, settings: PolicySettings): HourlyCost {
  const known = costs.get(facts);
  if (known?.settings === settings) return known.cost;
  const cost = hourlyCost(facts, settings.prices, settings.pricesAlsoFor);
  costs.set(facts, { settings, cost });
  return cost;
}

/** `2 x ml.m5.large at $0.115 = $0.23/h (prices of 2025-06-18, us-east-1 list prices)` */
export function explainCost(cost: HourlyCost): string {
  const terms = cost.variants.map(({ variant, explanation }) => `${variant}: ${explanation}`).join('; ');
  return `${formatUsd(cost.ceilingUsd)}/h (${terms}; ${cost.pricesSource} as of ${cost.pricesAsOf})`;
}

/** Money is judged at the ceiling. What has no price is a violation that says so: unknown is not within budget. */
export function withinBudget(facts: EndpointFacts, settings: PolicySettings, maxHourlyCostUsd: number): Problem[] {
  const cost = costOf(facts, settings);
  const unknown = cost.unknown.map((what) =>
    violation(`Cost unknown, so it cannot be held against the budget: ${what}.`),
  );
  return cost.ceilingUsd > maxHourlyCostUsd
    ? [...unknown, violation(`It can cost ${explainCost(cost)}; the budget is ${formatUsd(maxHourlyCostUsd)}/h.`)]
    : unknown;
}
