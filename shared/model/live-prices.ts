import * as z from 'zod';
import { EndpointRef } from './endpoint-ref.ts';
import { type PriceTable, RegionPrices } from './price-table.ts';

const Move = z.strictObject({ instanceType: z.string(), fromUsd: z.number(), toUsd: z.number() });
/** A type whose hosting price is another than before. */
export type Move = z.infer<typeof Move>;

/** In a stream of their own for each region: prices as the AWS Price List had them, written where they are new. */
export const PricesRead = z.strictObject({
  kind: z.literal('prices-read'),
  generation: z.int().positive(),
  region: z.string(),
  ...RegionPrices.shape,
  /** The prices that they take the place of, by their day, and what differs. */
  before: z.string().nullable(),
  moves: z.array(Move),
});

/** A limit that was held at the prices of before and is not at those of now, though nothing was deployed. */
export const Crossing = z.strictObject({
  limit: z.enum(['budget', 'approval']),
  /** Null where it is about the environment as a whole. */
  endpoint: z.strictObject(EndpointRef.shape).nullable(),
  fromUsd: z.number(),
  toUsd: z.number(),
  limitUsd: z.number(),
});
export type Crossing = z.infer<typeof Crossing>;
/** In the stream of a fleet: what a change of prices did to it. */
export const PricesMoved = z.strictObject({
  kind: z.literal('prices-moved'),
  generation: z.int().positive(),
  region: z.string(),
  from: z.string(),
  to: z.string(),
  crossings: z.array(Crossing).min(1),
});

/** Types that both know and price differently; what only one of them knows is no move. */
export function priceMoves(before: Record<string, number>, after: Record<string, number>): Move[] {
  return Object.entries(after)
    .flatMap(([instanceType, toUsd]) => {
      const fromUsd = before[instanceType];
      return fromUsd === undefined || fromUsd === toUsd ? [] : [{ instanceType, fromUsd, toUsd }];
    })
    .sort((a, b) => (a.instanceType < b.instanceType ? -1 : 1));
}

/** The table with prices that were read since, each in the place of what it says of that region. */
export function withLivePrices(table: PriceTable, live: Readonly<Record<string, RegionPrices>>): PriceTable {
  return Object.keys(live).length === 0 ? table : { ...table, live };
}
