import { paginateGetProducts } from '@aws-sdk/client-pricing';
import { type ListedPrices, pricesFrom } from '../model/price-list.ts';
import type { With } from './services.ts';

/** What AWS answered cannot be the price list of a region. */
export class UnusablePriceListError extends Error {
  override readonly name = 'UnusablePriceListError';
}

/** No region hosts fewer types than this; an answer with fewer is cut off, or not about what was asked for. */
const MIN_TYPES = 20;

/**
 * Prices of a region from the AWS Price List Query API (`GetProducts`, 100 products a page). What an instance is for is
 * looked at here and not asked for, since public clients of AWS name that attribute in two ways. Throws
 * UnusablePriceListError, or the SDK's error.
 */
export async function readPriceList({ pricing }: With<'pricing'>, region: string): Promise<ListedPrices> {
  const products: string[] = [];
  const pages = paginateGetProducts(
    { client: pricing, pageSize: 100 },
    {
      ServiceCode: 'AmazonSageMaker',
      FormatVersion: 'aws_v1',
      Filters: [
        { Type: 'TERM_MATCH', Field: 'productFamily', Value: 'ML Instance' },
        { Type: 'TERM_MATCH', Field: 'regionCode', Value: region },
      ],
    },
  );
  for await (const { PriceList = [] } of pages) products.push(...PriceList.map(String));
  const prices = pricesFrom(products, region);
  const types = Object.keys(prices.hosting).length;
  if (types < MIN_TYPES) {
    throw new UnusablePriceListError(
      `The price list of ${region} has hosting prices for ${types} instance types, of ${products.length} products; it must have ${MIN_TYPES} at least.`,
    );
  }
  return prices;
}
