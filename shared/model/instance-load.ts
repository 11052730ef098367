import * as z from 'zod';
import { canonicalJson } from './canonical-json.ts';
import { instanceTypesOf, isHosted, type Variant } from './variant.ts';

/** What a price depends on in one variant: on which types it may run, and how many there are or can be. */
export const VariantLoad = z.strictObject({
  variant: z.string(),
  /** More than one where SageMaker picks from pools; none for a serverless variant. */
  types: z.array(z.string()),
  /** Instances asked for when it was read; scaling moves that between `min` and `max`. */
  steady: z.uint32(),
  min: z.uint32(),
  max: z.uint32(),
  shadow: z.literal(true).optional(),
  /** Its instances answer from a queue, which has a price of its own. */
  asynchronous: z.literal(true).optional(),
  /** Provisioned concurrency of a serverless variant: the only part of one that costs anything by the hour. */
  provisioned: z.int().positive().optional(),
});
export type VariantLoad = z.infer<typeof VariantLoad>;

/** What an endpoint takes, in instances and not in dollars, so that it can be held against the prices of any day. */
export const InstanceLoad = z.array(VariantLoad);
export type InstanceLoad = z.infer<typeof InstanceLoad>;

/** Variants as loads, in their order. */
export function loadOf(variants: readonly Variant[]): InstanceLoad {
  return variants.map((variant) => {
    const load: VariantLoad = { variant: variant.name, types: [], steady: 0, min: 0, max: 0 };
    if (variant.shadow) load.shadow = true;
    if (isHosted(variant)) {
      load.types = instanceTypesOf(variant);
      load.steady = variant.desiredInstances;
      load.min = variant.minInstances;
      load.max = variant.maxInstances;
      if (variant.asynchronous) load.asynchronous = true;
    } else if (variant.provisionedConcurrency) {
      load.provisioned = variant.provisionedConcurrency;
    }
    return load;
  });
}

/**
 * Do two loads come to the same cost at any prices? How many instances there are at the moment counts only where the
 * steady cost does: scaling changes it all the time.
 */
export function sameLoad(a: InstanceLoad | null, b: InstanceLoad | null, steadyCounts: boolean): boolean {
  const key = (load: InstanceLoad | null) =>
    load &&
    canonicalJson(
      load
        .map(({ types, steady, min, max, provisioned = 0, asynchronous = false }) => {
          const sorted = [...types].sort();
          return canonicalJson({ types: sorted, min, max, provisioned, asynchronous, ...(steadyCounts && { steady }) });
        })
        .sort(),
    );
  return key(a) === key(b);
}
