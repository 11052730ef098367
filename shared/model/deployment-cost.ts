import type { EffectiveDeployment } from './effective-deployment.ts';
import { type HourlyCost, loadCost } from './hourly-cost.ts';
import { loadOf } from './instance-load.ts';
import type { PriceTable } from './price-table.ts';
import type { Variant } from './variant.ts';

/**
 * What a recorded deployment would cost an hour at the prices of now, so that it can be compared with what is to come.
 * A deployment has everything of its variants that a price depends on but how many instances there were at the moment.
 */
export function deploymentCost(
  { endpoint, variants }: EffectiveDeployment,
  table: PriceTable,
  acceptedRegions: readonly string[] = [],
): HourlyCost {
  const load = loadOf(variants as unknown as Variant[]).map((each) => ({ ...each, steady: each.min }));
  const { steadyUsd: _unknown, ...cost } = loadCost(load, endpoint.region, table, acceptedRegions);
  return cost;
}
