import * as z from 'zod';

/** One container of a model: the image as specified, and the URIs of everything it loads. */
export const Container = z.strictObject({
  image: z.string().nullable(),
  mode: z.enum(['SingleModel', 'MultiModel']),
  /** SHA-256 of the container's environment variables; only the digest, since people put secrets there. */
  environmentSha256: z.string().nullable(),
  /** S3 URIs from ModelDataUrl, ModelDataSource, AdditionalModelDataSources and the model package. */
  artifactUris: z.array(z.string()),
});
export type Container = z.infer<typeof Container>;

export const Model = z.strictObject({ name: z.string(), containers: z.array(Container) });
export type Model = z.infer<typeof Model>;

export const InferenceComponent = z.strictObject({
  name: z.string(),
  copies: z.uint32(),
  model: Model.nullable(),
  baseComponent: z.string().nullable(),
  /** Names in the AutoRollbackConfiguration of its last update; null where that came without one. */
  rollbackAlarms: z.array(z.string()).nullable().optional(),
});
export type InferenceComponent = z.infer<typeof InferenceComponent>;

const Base = z.strictObject({
  name: z.string(),
  /** A shadow variant is paid for and gets copies of the traffic, but answers nobody. */
  shadow: z.boolean(),
  weight: z.number().nonnegative(),
  models: z.array(Model),
  /**
   * What SageMaker made of the images when it deployed them (DeployedImages): a tag may mean another image by now. Known only
   * afterwards, so it is recorded and not part of what is approved.
   */
  resolvedImages: z.array(z.strictObject({ specified: z.string(), resolved: z.string() })).optional(),
});

/**
 * The range in which the number of instances can move by itself. Without scaling both ends are the desired count.
 * Floor for availability, ceiling for money.
 */
const Hosted = Base.extend({
  /** What is asked for right now; scaling moves it between the two ends. */
  desiredInstances: z.uint32(),
  minInstances: z.uint32(),
  maxInstances: z.uint32(),
  scaledBy: z.enum(['nothing', 'application-auto-scaling', 'managed-instance-scaling']),
  /** Its endpoint answers from a queue (AsyncInferenceConfig); instances have a price of their own for that. */
  asynchronous: z.literal(true).optional(),
});

export const InstanceVariant = Hosted.extend({
  kind: z.literal('instance'),
  instanceType: z.string(),
});
export const InstancePoolVariant = Hosted.extend({
  kind: z.literal('instance-pool'),
  /** Every type that SageMaker may pick from, with its priority (1 is tried first). */
  pools: z.array(z.strictObject({ instanceType: z.string(), priority: z.int() })).min(1),
});
export const ServerlessVariant = Base.extend({
  kind: z.literal('serverless'),
  memorySizeMb: z.int(),
  maxConcurrency: z.int(),
  provisionedConcurrency: z.int().nullable(),
});
export const InferenceComponentHostVariant = Hosted.extend({
  kind: z.literal('inference-component-host'),
  instanceTypes: z.array(z.string()).min(1),
  components: z.array(InferenceComponent),
});

/** What a production or shadow variant runs on: four kinds, each with the fields that exist for it and no others. */
export const Variant = z.discriminatedUnion('kind', [
  InstanceVariant,
  InstancePoolVariant,
  ServerlessVariant,
  InferenceComponentHostVariant,
]);
export type Variant = z.infer<typeof Variant>;
export type ServerlessVariant = z.infer<typeof ServerlessVariant>;
/** Every kind that runs on instances, so has a range and types. */
export type HostedVariant = Exclude<Variant, ServerlessVariant>;

export function isHosted(variant: Variant): variant is HostedVariant {
  return variant.kind !== 'serverless';
}

/** Every instance type the variant may run on: one, or one for each pool. */
export function instanceTypesOf(variant: HostedVariant): string[] {
  switch (variant.kind) {
    case 'instance':
      return [variant.instanceType];
    case 'instance-pool':
      return variant.pools.map((pool) => pool.instanceType);
    case 'inference-component-host':
      return variant.instanceTypes;
  }
}

/** Does anybody get answers from it? Shadow variants and those of weight 0 cost but do not serve. */
export function serves(variant: Variant): boolean {
  return !variant.shadow && variant.weight > 0;
}

/** S3 URIs of everything that the variants' containers load, each once. */
export function artifactUrisOf(variants: readonly Variant[]): string[] {
  const models = variants.flatMap((variant) => [
    ...variant.models,
    ...(variant.kind === 'inference-component-host' ? variant.components.map(({ model }) => model) : []),
  ]);
  return [...new Set(models.flatMap((model) => model?.containers.flatMap(({ artifactUris }) => artifactUris) ?? []))];
}
