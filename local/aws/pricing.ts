import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { PriceTable } from '../../shared/model/price-table.ts';
import { readInput } from './input.ts';
import { AwsError, type Loopback, type ServiceTable } from './loopback.ts';

const Filter = z.strictObject({
  Type: z.literal('TERM_MATCH', 'The loopback AWS filters by TERM_MATCH only'),
  Field: z.string().min(1),
  Value: z.string().min(1),
});
const GetProductsInput = z.strictObject({
  ServiceCode: z.string(),
  FormatVersion: z.literal('aws_v1').optional(),
  Filters: z.array(Filter).max(50).default([]),
  NextToken: z.string().optional(),
  MaxResults: z.int().min(1).max(100).default(100),
});

const shipped = new URL('../../shared/prices/sagemaker-hosting-us-east-1.json', import.meta.url);

/** Where a test puts prices of its own: `<region>` -> prices by instance type, over those of the shipped table. */
export const PRICE_KIND = 'price-list';

/** A product as the price list has it; only what somebody may look for. */
function product(
  { region, asOf }: { region: string; asOf: string },
  instanceName: string,
  usd: number,
  purpose: 'Hosting' | 'Processing',
) {
  const code = purpose === 'Hosting' ? 'Host' : 'Processing';
  const attributes = {
    productFamily: 'ML Instance',
    regionCode: region,
    instanceName,
    platoinstancetype: purpose,
    usagetype: `${region === 'us-east-1' ? 'USE1' : region}-${code}:${instanceName}`,
  };
  const sku = `${code}.${instanceName}`;
  const dimension = {
    unit: 'Hrs',
    description: `$${usd} per ${purpose} ${instanceName} hour`,
    pricePerUnit: { USD: String(usd) },
  };
  return {
    attributes,
    text: JSON.stringify({
      serviceCode: 'AmazonSageMaker',
      // Nobody shall take these for AWS's own.
      version: 'shipped-with-portcullis',
      publicationDate: `${asOf}T00:00:00Z`,
      product: { sku, productFamily: 'ML Instance', attributes },
      terms: { OnDemand: { [`${sku}.term`]: { priceDimensions: { [`${sku}.term.rate`]: dimension } } } },
    }),
  };
}

/** The Price List Query API, with the prices that are shipped: for their region, and for no other. */
export function pricing({ store }: Loopback): ServiceTable {
  const table = PriceTable.parse(JSON.parse(readFileSync(shipped, 'utf8')));
  const productsOf = (region: string) => {
    const own = store.get<Record<string, number>>(PRICE_KIND, region);
    const prices = { ...(region === table.region ? table.prices : {}), ...own };
    return Object.entries(prices).flatMap(([type, usd]) => [
      product({ region, asOf: table.asOf }, type, usd, 'Hosting'),
      product({ region, asOf: table.asOf }, type, usd, 'Processing'),
    ]);
  };
  return {
    GetProducts: (input) => {
      const { ServiceCode, Filters, NextToken, MaxResults } = readInput(
        GetProductsInput,
        input,
        'InvalidParameterException',
      );
      if (ServiceCode !== 'AmazonSageMaker') throw new AwsError('NotFoundException', `No products of ${ServiceCode}.`);
      const region = Filters.find(({ Field }) => Field === 'regionCode')?.Value ?? table.region;
      const matching = productsOf(region).filter(({ attributes }) =>
        Filters.every(({ Field, Value }) => (attributes as Record<string, string>)[Field] === Value),
      );
      const start = Number(NextToken ?? 0);
      const end = start + MaxResults;
      return {
        FormatVersion: 'aws_v1',
        PriceList: matching.slice(start, end).map(({ text }) => text),
        ...(end < matching.length && { NextToken: String(end) }),
      };
    },
  };
}
