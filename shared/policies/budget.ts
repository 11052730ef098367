import type { EndpointFacts } from '../model/endpoint-facts.ts';
import { type Problem, violation } from '../model/finding.ts';
import { formatUsd, type HourlyCost, hourlyCost } from '../model/hourly-cost.ts';
import type { PolicySettings } from './settings.ts';

let last: { facts: EndpointFacts; settings: PolicySettings; cost: HourlyCost } | undefined;

/** The endpoint's cost at the settings' prices. Several policies ask one after the other, so the last answer is kept. */
export function costOf(facts: EndpointFacts, settings: PolicySettings): HourlyCost {
  if (last?.facts !== facts || last.settings !== settings) {
    last = { facts, settings, cost: hourlyCost(facts, settings.prices, settings.pricesAlsoFor) };
  }
  return last.cost;
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
