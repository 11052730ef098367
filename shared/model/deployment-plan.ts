import * as z from 'zod';
import { digestOf } from './canonical-json.ts';
import { EndpointFacts } from './endpoint-facts.ts';
import { EndpointRef } from './endpoint-ref.ts';
import { Environment } from './environment.ts';
import type { Model, Variant } from './variant.ts';

const Count = z.int().nonnegative();
const PlannedModel = z.strictObject({
  image: z.string().optional().describe('Container image as you would give it to CreateModel.'),
  artifacts: z.array(z.string().startsWith('s3://')).default([]).describe('S3 URIs of everything the container loads.'),
  environment: z.record(z.string(), z.string()).optional().describe('Environment variables of the container.'),
  multiModel: z.boolean().default(false),
});
const PlannedVariant = z
  .strictObject({
    name: z.string().min(1).default('AllTraffic'),
    shadow: z.boolean().default(false),
    weight: z.number().nonnegative().default(1),
    model: PlannedModel.optional(),
    instanceType: z.string().optional(),
    instancePools: z.array(z.string()).min(1).max(5).optional().describe('Instance types, first choice first.'),
    instances: Count.optional().describe('Instance count; with scaling give scaling as well.'),
    scaling: z.strictObject({ min: Count, max: Count }).optional().describe('Bounds of Application Auto Scaling.'),
    serverless: z
      .strictObject({ memorySizeMb: z.int(), maxConcurrency: z.int(), provisionedConcurrency: z.int().optional() })
      .optional(),
  })
  .refine(
    ({ instanceType, instancePools, serverless }) =>
      [instanceType, instancePools, serverless].filter((kind) => kind !== undefined).length === 1,
    'give exactly one of instanceType, instancePools and serverless',
  )
  .refine(({ serverless, instances }) => serverless !== undefined || instances !== undefined, 'give instances');

/** A change that somebody intends, as a file: what will run, and what will watch it. */
export const DeploymentPlan = z.strictObject({
  kind: z.literal('DeploymentPlan'),
  endpoint: EndpointRef.shape.name,
  account: EndpointRef.shape.account.default('000000000000'),
  region: EndpointRef.shape.region.default('us-east-1'),
  environment: Environment,
  variants: z.array(PlannedVariant).min(1).max(10),
  volumeKmsKeyId: z.string().optional(),
  dataCapture: z
    .strictObject({
      samplingPercentage: z.number().min(0).max(100),
      destinationS3Uri: z.string().startsWith('s3://'),
      kmsKeyId: z.string().optional(),
    })
    .optional(),
  rollbackAlarms: z.array(z.string()).default([]).describe('Alarm names for AutoRollbackConfiguration.'),
  monitors: z
    .array(
      z.strictObject({
        type: z.enum(['DataQuality', 'ModelQuality', 'ModelBias', 'ModelExplainability']),
        baseline: z.string().startsWith('s3://').optional(),
      }),
    )
    .default([]),
  artifactEncryption: z
    .enum(['SSE-S3', 'SSE-KMS', 'none'])
    .optional()
    .describe('How the artifacts and their buckets are encrypted. What you do not say counts as unverified.'),
});
export type DeploymentPlan = z.infer<typeof DeploymentPlan>;

function modelFrom(planned: z.infer<typeof PlannedModel> | undefined): Model[] {
  if (!planned) return [];
  return [
    {
      name: 'planned',
      containers: [
        {
          image: planned.image ?? null,
          mode: planned.multiModel ? 'MultiModel' : 'SingleModel',
          environmentSha256: planned.environment ? digestOf(planned.environment) : null,
          artifactUris: planned.artifacts,
        },
      ],
    },
  ];
}

function variantFrom(planned: z.infer<typeof PlannedVariant>): Variant {
  const { name, shadow, weight, serverless, instances = 0, scaling } = planned;
  const common = { name, shadow, weight, models: modelFrom(planned.model) };
  if (serverless) {
    const { memorySizeMb, maxConcurrency, provisionedConcurrency = null } = serverless;
    return { kind: 'serverless', ...common, memorySizeMb, maxConcurrency, provisionedConcurrency };
  }
  const range = {
    desiredInstances: instances,
    minInstances: scaling?.min ?? instances,
    maxInstances: scaling?.max ?? instances,
    scaledBy: scaling ? ('application-auto-scaling' as const) : ('nothing' as const),
  };
  if (planned.instancePools) {
    const pools = planned.instancePools.map((instanceType, index) => ({ instanceType, priority: index + 1 }));
    return { kind: 'instance-pool', ...common, ...range, pools };
  }
  return { kind: 'instance', ...common, ...range, instanceType: planned.instanceType ?? '' };
}

/**
 * The facts as they would be if everything the plan says came true. Alarms and monitors count as declared: whether
 * they exist is verified when the endpoint does.
 */
export function factsFromPlan(plan: DeploymentPlan, now: string): EndpointFacts {
  const encryption =
    plan.artifactEncryption === undefined
      ? { status: 'unverifiable' as const, reason: 'the plan does not say; add artifactEncryption' }
      : plan.artifactEncryption === 'none'
        ? { status: 'unencrypted' as const }
        : { status: 'encrypted' as const, algorithm: plan.artifactEncryption, keyId: null };
  const uris = new Set(plan.variants.flatMap(({ model }) => model?.artifacts ?? []));
  return EndpointFacts.parse({
    schema: 1,
    endpoint: { account: plan.account, region: plan.region, name: plan.endpoint },
    environment: { name: plan.environment, source: 'tag', evidence: `the plan says ${plan.environment}` },
    status: 'InService',
    configName: 'planned',
    underWay: false,
    // Long ago: what the plan does not say is missing, not merely late.
    createdAt: '1970-01-01T00:00:00.000Z',
    lastModifiedAt: now,
    readAt: now,
    reusedSince: null,
    variants: plan.variants.map(variantFrom),
    volumeKmsKeyId: plan.volumeKmsKeyId ?? null,
    dataCapture: plan.dataCapture
      ? { enabled: true, ...plan.dataCapture, kmsKeyId: plan.dataCapture.kmsKeyId ?? null }
      : null,
    deployment: {
      known: true,
      strategy: 'none',
      rollbackAlarms: plan.rollbackAlarms.map((name) => ({
        name,
        exists: true,
        type: 'metric',
        state: 'OK',
        actionsEnabled: true,
        watchesEndpoint: true,
      })),
    },
    monitors: plan.monitors.map(({ type, baseline }) => ({
      name: `planned ${type}`,
      type,
      status: 'Scheduled',
      baselineUris: baseline ? [baseline] : [],
      createdAt: null,
    })),
    artifacts: [...uris].map((uri) => ({
      uri,
      version: null,
      encryption,
      bucket: { name: uri.split('/')[2] ?? '', encryption },
    })),
  } satisfies z.input<typeof EndpointFacts>);
}
