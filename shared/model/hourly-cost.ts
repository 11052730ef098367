import * as z from 'zod';
import type { EndpointFacts } from './endpoint-facts.ts';
import { type InstanceLoad, loadOf, type VariantLoad } from './instance-load.ts';
import { asynchronousPriceOf, type PriceTable, priceOf, processingPriceOf, tableFor } from './price-table.ts';

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
  /** At the instance count that was asked for when it was read; not known of a deployment on record. */
  steadyUsd: z.number().optional(),
  ceilingUsd: z.number(),
  /** While it takes another deployment's place, at most: both at their ceilings. Not there where it takes none's. */
  peakUsd: z.number().optional(),
  unknown: z.array(z.string()),
  variants: z.array(VariantCost),
  /** Instances that monitoring jobs run on while they run: paid for besides, and in none of the sums. */
  monitors: z
    .array(
      z.strictObject({
        name: z.string(),
        instanceType: z.string(),
        instances: z.int().positive(),
        /** For an hour of all of them; null where their price is not known. */
        hourlyUsd: z.number().nullable(),
      }),
    )
    .optional(),
  pricesAsOf: z.string(),
  pricesSource: z.string(),
});
export type HourlyCost = z.infer<typeof HourlyCost>;

/** To a hundredth of a cent, which is as exact as list prices are. */
export const roundUsd = (usd: number): number => Math.round(usd * 10_000) / 10_000;

/** Dollars for people: `$1.15`, `$0.0575`. */
export function formatUsd(usd: number): string {
  const text = usd.toFixed(4);
  return `$${text.slice(0, text.endsWith('00') ? -2 : text.endsWith('0') ? -1 : undefined)}`;
}

/** Sums of dollars, to the cent: `$1,204.28`. By hand, since loading what `Intl` knows takes 40 ms at each cold start. */
export function formatCents(usd: number): string {
  // Over hundredths of a cent, which are whole: half a cent is not less for being 0.34499999999999997.
  const cents = Math.round(Math.round(usd * 10_000) / 100);
  return `$${(cents / 100).toFixed(2).replace(/\B(?=(\d{3})+\.)/g, ',')}`;
}

type Priced = z.infer<typeof VariantCost> & { steadyUsd: number };

function costOf(
  load: VariantLoad,
  region: string,
  table: PriceTable,
  acceptedRegions: readonly string[],
): Priced | { unknown: string } {
  const { variant, types, provisioned, asynchronous } = load;
  if (types.length === 0) {
    if (provisioned) {
      return {
        unknown: `variant ${variant}: no price is known for serverless provisioned concurrency (${provisioned})`,
      };
    }
    const explanation = 'serverless: billed per request, nothing per hour';
    return { variant, floorUsd: 0, steadyUsd: 0, ceilingUsd: 0, explanation };
  }
  const priceFor = asynchronous ? asynchronousPriceOf : priceOf;
  let hourlyUsd = 0;
  let priciest = '';
  for (const instanceType of types) {
    const price = priceFor(table, acceptedRegions, region, instanceType);
    if (!price.known) return { unknown: `variant ${variant}: ${price.reason}` };
    if (price.hourlyUsd > hourlyUsd) {
      hourlyUsd = price.hourlyUsd;
      priciest = instanceType;
    }
  }
  const { min, max, steady, shadow } = load;
  return {
    variant,
    floorUsd: roundUsd(min * hourlyUsd),
    steadyUsd: roundUsd(steady * hourlyUsd),
    ceilingUsd: roundUsd(max * hourlyUsd),
    explanation: `${min === max ? min : `${min} to ${max}`} x ${priciest} at ${formatUsd(hourlyUsd)}${asynchronous ? ' (asynchronous)' : ''}${shadow ? ' (shadow)' : ''}`,
  };
}

/** What a load costs in a region. A variant that may run on several types counts at the dearest. */
export function loadCost(
  load: InstanceLoad,
  region: string,
  table: PriceTable,
  acceptedRegions: readonly string[] = [],
): HourlyCost {
  const variants: HourlyCost['variants'] = [];
  const unknown: string[] = [];
  const sums = { floorUsd: 0, steadyUsd: 0, ceilingUsd: 0 };
  for (const each of load) {
    const cost = costOf(each, region, table, acceptedRegions);
    if ('unknown' in cost) {
      unknown.push(cost.unknown);
      continue;
    }
    const { variant, floorUsd, steadyUsd, ceilingUsd, explanation } = cost;
    variants.push({ variant, floorUsd, ceilingUsd, explanation });
    sums.floorUsd += floorUsd;
    sums.steadyUsd += steadyUsd;
    sums.ceilingUsd += ceilingUsd;
  }
  const { asOf, region: tableRegion } = tableFor(table, region);
  return {
    floorUsd: roundUsd(sums.floorUsd),
    steadyUsd: roundUsd(sums.steadyUsd),
    ceilingUsd: roundUsd(sums.ceilingUsd),
    unknown,
    variants,
    pricesAsOf: asOf,
    pricesSource: `${tableRegion} list prices`,
  };
}

/** Cost of everything the endpoint runs, shadow variants included. */
export function hourlyCost(
  { endpoint, variants }: Pick<EndpointFacts, 'endpoint' | 'variants'>,
  table: PriceTable,
  acceptedRegions: readonly string[] = [],
): HourlyCost {
  return loadCost(loadOf(variants), endpoint.region, table, acceptedRegions);
}

/** What the endpoint's monitors run on. A job runs for minutes of each hour, so this is no hourly cost of theirs. */
export function monitorCosts(
  { endpoint, monitors }: Pick<EndpointFacts, 'endpoint' | 'monitors'>,
  table: PriceTable,
): NonNullable<HourlyCost['monitors']> {
  return monitors.flatMap(({ name, runsOn }) => {
    if (!runsOn) return [];
    const price = processingPriceOf(table, endpoint.region, runsOn.instanceType);
    return [{ name, ...runsOn, hourlyUsd: price === undefined ? null : roundUsd(price * runsOn.instances) }];
  });
}
