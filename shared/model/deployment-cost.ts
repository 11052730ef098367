import type { EffectiveDeployment } from './effective-deployment.ts';
import { type HourlyCost, hourlyCost } from './hourly-cost.ts';
import type { PriceTable } from './price-table.ts';
import type { Variant } from './variant.ts';

/**
 * What a recorded deployment would cost an hour at the prices of now, so that it can be compared with what is to come.
 * A deployment has everything of its variants that a price depends on: their types and how many there can be.
 */
export function deploymentCost(
  { endpoint, variants }: EffectiveDeployment,
  table: PriceTable,
  acceptedRegions: readonly string[] = [],
): HourlyCost {
  return hourlyCost({ endpoint, variants: variants as unknown as Variant[] }, table, acceptedRegions);
}
