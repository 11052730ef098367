import * as z from 'zod';

/** A table of hosting prices: US dollars for one instance-hour, on demand, in one region. */
export const PriceTable = z.object({
  asOf: z.iso.date(),
  region: z.string(),
  source: z.string(),
  prices: z.record(z.string().startsWith('ml.'), z.number().positive()),
  /** Types that exist but for which no trustworthy price was found. */
  unpriced: z.array(z.string()),
});
export type PriceTable = z.infer<typeof PriceTable>;

/** The price of one instance-hour, or why there is none. Unknown is never 0. */
export type Price = { known: true; hourlyUsd: number } | { known: false; reason: string };

export function priceOf(
  table: PriceTable,
  acceptedRegions: readonly string[],
  region: string,
  instanceType: string,
): Price {
  if (region !== table.region && !acceptedRegions.includes(region)) {
    return { known: false, reason: `the price table is for ${table.region}, not ${region}` };
  }
  const hourlyUsd = table.prices[instanceType];
  if (hourlyUsd !== undefined) return { known: true, hourlyUsd };
  return {
    known: false,
    reason: table.unpriced.includes(instanceType)
      ? `no trustworthy price is known for ${instanceType}`
      : `${instanceType} is not in the price table of ${table.asOf}`,
  };
}
