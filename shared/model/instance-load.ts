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
    const shadow = variant.shadow && { shadow: true as const };
    if (!isHosted(variant)) {
      const { name, provisionedConcurrency } = variant;
      const none = { variant: name, types: [], steady: 0, min: 0, max: 0 };
      return { ...none, ...shadow, ...(provisionedConcurrency && { provisioned: provisionedConcurrency }) };
    }
    const { name, desiredInstances: steady, minInstances: min, maxInstances: max } = variant;
    return { variant: name, types: instanceTypesOf(variant), steady, min, max, ...shadow };
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
        .map(({ types, steady, min, max, provisioned = 0 }) =>
          canonicalJson({ types: [...types].sort(), min, max, provisioned, ...(steadyCounts && { steady }) }),
        )
        .sort(),
    );
  return key(a) === key(b);
}
