import * as z from 'zod';

// The AWS Price List (service code AmazonSageMaker). Each product is a JSON text; what follows reads of it what we need.
// Seen in public clients of AWS: `platoinstancetype` (AWS's own) or `component` (awslabs/llmeter) names what the instance
// is for, `instanceName` its type, and `usagetype` is like `USE1-Host:ml.m5.xlarge`. Not tried on an account yet.

const Product = z.object({
  version: z.string().optional(),
  publicationDate: z.string().optional(),
  product: z.object({
    attributes: z.object({
      regionCode: z.string().optional(),
      instanceName: z.string().optional(),
      platoinstancetype: z.string().optional(),
      component: z.string().optional(),
      usagetype: z.string().optional(),
    }),
  }),
  terms: z.object({
    OnDemand: z
      .record(
        z.string(),
        z.object({
          priceDimensions: z.record(
            z.string(),
            z.object({ unit: z.string(), pricePerUnit: z.record(z.string(), z.string()) }),
          ),
        }),
      )
      .optional(),
  }),
});
type Product = z.infer<typeof Product>;

const HOURS = /^(hrs|hours?)$/i;
const INSTANCE_TYPE = /^ml\.[a-z0-9-]+\.[a-z0-9-]+$/;

/** What the instance is for: an endpoint, one that answers from a queue, or a processing job. */
function purposeOf({ product: { attributes } }: Product): 'hosting' | 'asynchronous' | 'processing' | undefined {
  const purpose = attributes.platoinstancetype ?? attributes.component ?? '';
  if (/^hosting$/i.test(purpose)) return 'hosting';
  if (/^asyncinf$/i.test(purpose)) return 'asynchronous';
  return /^processing$/i.test(purpose) ? 'processing' : undefined;
}

/** Dollars for an hour on demand; undefined where none is named, or it is free of charge, as in the free tier. */
function hourlyUsd({ terms }: Product): number | undefined {
  const prices = Object.values(terms.OnDemand ?? {})
    .flatMap(({ priceDimensions }) => Object.values(priceDimensions))
    .filter(({ unit }) => HOURS.test(unit))
    .map(({ pricePerUnit }) => Number(pricePerUnit.USD))
    .filter((usd) => Number.isFinite(usd) && usd > 0);
  return prices.length > 0 ? Math.max(...prices) : undefined;
}

export type ListedPrices = {
  hosting: Record<string, number>;
  asynchronous: Record<string, number>;
  processing: Record<string, number>;
  /** The newest publication among them, `2026-11-20`, and its version, where they say so. */
  publishedOn: string | undefined;
  version: string | undefined;
  /** Products that could not be read. */
  unreadable: number;
};

/**
 * Hourly prices by instance type, from products of one region. Where a type is listed more than once, the dearest counts:
 * a budget must not be held by the cheaper half of a contradiction.
 */
export function pricesFrom(products: readonly string[], region: string): ListedPrices {
  const found: ListedPrices = {
    hosting: {},
    asynchronous: {},
    processing: {},
    publishedOn: undefined,
    version: undefined,
    unreadable: 0,
  };
  for (const text of products) {
    const parsed = Product.safeParse(parseJson(text));
    if (!parsed.success) {
      found.unreadable += 1;
      continue;
    }
    const { publicationDate = '', version } = parsed.data;
    const day = /^20\d{2}-\d{2}-\d{2}/.exec(publicationDate)?.[0];
    if (day !== undefined && day >= (found.publishedOn ?? '')) Object.assign(found, { publishedOn: day, version });
    const { attributes } = parsed.data.product;
    const purpose = purposeOf(parsed.data);
    const type = attributes.instanceName ?? attributes.usagetype?.split(':').at(-1) ?? '';
    const usd = hourlyUsd(parsed.data);
    const elsewhere = attributes.regionCode !== undefined && attributes.regionCode !== region;
    if (!purpose || usd === undefined || elsewhere || !INSTANCE_TYPE.test(type)) continue;
    found[purpose][type] = Math.max(found[purpose][type] ?? 0, usd);
  }
  return found;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
