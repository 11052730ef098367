import * as z from 'zod';
import type { EndpointFacts } from './endpoint-facts.ts';
import { type PriceTable, priceOf } from './price-table.ts';
import { instanceTypesOf, type Variant } from './variant.ts';

/** What one variant can cost in an hour, in US dollars, at the floor and at the ceiling of its instance count. */
export const VariantCost = z.strictObject({
  variant: z.string(),
  floorUsd: z.number(),
  ceilingUsd: z.number(),
  /** How the figure came about, for people: `2 to 4 x ml.m5.large at $0.115`. */
  explanation: z.string(),
});
/**
 * The hourly cost of an endpoint at list prices. `unknown` names everything without a price; the sums leave it out,
 * so they mean something only where `unknown` is empty.
 */
export const HourlyCost = z.strictObject({
  floorUsd: z.number(),
  ceilingUsd: z.number(),
  unknown: z.array(z.string()),
  variants: z.array(VariantCost),
  pricesAsOf: z.string(),
  pricesSource: z.string(),
});
export type HourlyCost = z.infer<typeof HourlyCost>;

const round = (usd: number) => Math.round(usd * 10_000) / 10_000;

/** Dollars for people: `$1.15`, `$0.0575`. */
export function formatUsd(usd: number): string {
  return `$${usd.toFixed(4).replace(/0{1,2}$/, '')}`;
}

function costOf(
  variant: Variant,
  region: string,
  table: PriceTable,
  acceptedRegions: readonly string[],
): z.infer<typeof VariantCost> | { unknown: string } {
  if (variant.kind === 'serverless') {
    if (variant.provisionedConcurrency) {
      return {
        unknown: `variant ${variant.name}: no price is known for serverless provisioned concurrency (${variant.provisionedConcurrency})`,
      };
    }
    return {
      variant: variant.name,
      floorUsd: 0,
      ceilingUsd: 0,
      explanation: 'serverless: billed per request, nothing per hour',
    };
  }
  let hourlyUsd = 0;
  let priciest = '';
  for (const instanceType of instanceTypesOf(variant)) {
    const price = priceOf(table, acceptedRegions, region, instanceType);
    if (!price.known) return { unknown: `variant ${variant.name}: ${price.reason}` };
    if (price.hourlyUsd > hourlyUsd) {
      hourlyUsd = price.hourlyUsd;
      priciest = instanceType;
    }
  }
  const { minInstances: min, maxInstances: max } = variant;
  return {
    variant: variant.name,
    floorUsd: round(min * hourlyUsd),
    ceilingUsd: round(max * hourlyUsd),
    explanation: `${min === max ? min : `${min} to ${max}`} x ${priciest} at ${formatUsd(hourlyUsd)}${variant.shadow ? ' (shadow)' : ''}`,
  };
}

/**
 * Cost of everything the endpoint runs, shadow variants included. A pool counts at its dearest type.
 * Budgets count this change alone for now; a fleet-wide sum takes the same HourlyCost of every other endpoint.
 */
export function hourlyCost(
  facts: Pick<EndpointFacts, 'endpoint' | 'variants'>,
  table: PriceTable,
  acceptedRegions: readonly string[] = [],
): HourlyCost {
  const variants: HourlyCost['variants'] = [];
  const unknown: string[] = [];
  for (const variant of facts.variants) {
    const cost = costOf(variant, facts.endpoint.region, table, acceptedRegions);
    if ('unknown' in cost) unknown.push(cost.unknown);
    else variants.push(cost);
  }
  return {
    floorUsd: round(variants.reduce((sum, { floorUsd }) => sum + floorUsd, 0)),
    ceilingUsd: round(variants.reduce((sum, { ceilingUsd }) => sum + ceilingUsd, 0)),
    unknown,
    variants,
    pricesAsOf: table.asOf,
    pricesSource: `${table.region} list prices`,
  };
}
