import * as z from 'zod';
import { digestOf } from './canonical-json.ts';

const Prices = z.record(z.string().startsWith('ml.'), z.number().positive());

/** What a reading of the AWS Price List says about one region. */
export const RegionPrices = z.object({
  /** The day it was read. */
  asOf: z.iso.date(),
  source: z.string(),
  prices: Prices,
  /** The same for the instances of processing jobs, which monitoring runs on. */
  processing: Prices.optional(),
  /** The same for instances of endpoints that answer from a queue (asynchronous inference). */
  asynchronous: Prices.optional(),
});
export type RegionPrices = z.infer<typeof RegionPrices>;

/** A table of hosting prices: US dollars for one instance-hour, on demand, in one region, and others beside it. */
export const PriceTable = z.object({
  asOf: z.iso.date(),
  region: z.string(),
  source: z.string(),
  prices: Prices,
  /** Of endpoints that answer from a queue (asynchronous inference), which AWS lists beside hosting. None are shipped. */
  asynchronous: Prices.optional(),
  /** Types that exist but for which no trustworthy price was found. */
  unpriced: z.array(z.string()),
  /** By region: prices that were read since, each in the place of what the table says of its region. */
  live: z.record(z.string(), RegionPrices).optional(),
});
export type PriceTable = z.infer<typeof PriceTable>;

/** The price of one instance-hour, or why there is none. Unknown is never 0. */
export type Price = { known: true; hourlyUsd: number } | { known: false; reason: string };

/** Which prices count in a region: those that were read for it, or else the table's. */
const countingIn = (table: PriceTable, region: string): RegionPrices | PriceTable => table.live?.[region] ?? table;

/** What was read counts where it was read for; the table in its own region, and where its owner accepts it. */
const isFor = (table: PriceTable, acceptedRegions: readonly string[], region: string) =>
  table.live?.[region] !== undefined || region === table.region || acceptedRegions.includes(region);

/** How the prices that count in a region are called. */
export function tableFor(table: PriceTable, region: string): { asOf: string; region: string; source: string } {
  const counting = countingIn(table, region);
  return { asOf: counting.asOf, source: counting.source, region: counting === table ? table.region : region };
}

export function priceOf(
  table: PriceTable,
  acceptedRegions: readonly string[],
  region: string,
  instanceType: string,
): Price {
  if (!isFor(table, acceptedRegions, region)) {
    return { known: false, reason: `the price table is for ${table.region}, not ${region}` };
  }
  const counting = countingIn(table, region);
  const hourlyUsd = counting.prices[instanceType];
  if (hourlyUsd !== undefined) return { known: true, hourlyUsd };
  if (counting !== table) {
    const reason = `the price list of ${counting.asOf} has no hosting price for ${instanceType} in ${region}`;
    return { known: false, reason };
  }
  return {
    known: false,
    reason: table.unpriced.includes(instanceType)
      ? `no trustworthy price is known for ${instanceType}`
      : `${instanceType} is not in the price table of ${table.asOf}`,
  };
}

/**
 * The price of one instance-hour of an endpoint that answers from a queue. AWS lists it under a component of its own (AsyncInf,
 * usage types like `USE1-AsyncInf:ml.m5.large`), so the price of hosting is not taken for it.
 */
export function asynchronousPriceOf(
  table: PriceTable,
  acceptedRegions: readonly string[],
  region: string,
  instanceType: string,
): Price {
  const counting = countingIn(table, region);
  const hourlyUsd = isFor(table, acceptedRegions, region) ? counting.asynchronous?.[instanceType] : undefined;
  if (hourlyUsd !== undefined) return { known: true, hourlyUsd };
  const where = `the price ${counting === table ? 'table' : 'list'} of ${counting.asOf}`;
  return {
    known: false,
    reason: `${where} has no price of asynchronous inference (AsyncInf) for ${instanceType} in ${region}`,
  };
}

/** Is it a type that any of the prices knows of, with a price or without? */
export function isKnownType({ prices, unpriced, live = {} }: PriceTable, instanceType: string): boolean {
  return (
    prices[instanceType] !== undefined ||
    unpriced.includes(instanceType) ||
    Object.values(live).some((region) => region.prices[instanceType] !== undefined)
  );
}

/** The hourly price of a processing instance in a region; undefined where none was read. */
export function processingPriceOf(table: PriceTable, region: string, instanceType: string): number | undefined {
  return table.live?.[region]?.processing?.[instanceType];
}

const digests = new WeakMap<PriceTable, string>();

/** What a decision names its prices by. A table never changes, so its digest is made once. */
export function priceDigestOf(table: PriceTable): string {
  const digest = digests.get(table) ?? digestOf(table);
  digests.set(table, digest);
  return digest;
}
