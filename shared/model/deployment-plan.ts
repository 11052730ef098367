import * as z from 'zod';
import { Endpoint } from './endpoint-ref.ts';
import { Environment } from './environment.ts';

const Count = z.uint32();
const S3Uri = z.string().startsWith('s3://', 'must be an S3 address such as s3://bucket/key');

const PlannedModel = z
  .strictObject({
    name: z.string().min(1).optional().describe('A model that exists in SageMaker; give this or what it is made of.'),
    image: z.string().min(1).optional().describe('Container image as you would give it to CreateModel.'),
    artifacts: z.array(S3Uri).default([]).describe('S3 URIs of everything the container loads.'),
    environment: z.record(z.string(), z.string()).optional().describe('Environment variables of the container.'),
    multiModel: z.boolean().default(false),
  })
  .refine(
    ({ name, image, artifacts, environment, multiModel }) =>
      name === undefined || (image === undefined && artifacts.length === 0 && environment === undefined && !multiModel),
    'give either the name of a model or what it is made of',
  );
export type PlannedModel = z.infer<typeof PlannedModel>;

const PlannedComponent = z.strictObject({
  name: z.string().min(1),
  copies: Count,
  model: PlannedModel.optional(),
  baseComponent: z.string().optional(),
});

const PlannedVariant = z
  .strictObject({
    name: z.string().min(1).default('AllTraffic'),
    shadow: z.boolean().default(false),
    weight: z.number().nonnegative().default(1),
    model: PlannedModel.optional().describe('Without a model the variant hosts inference components.'),
    components: z.array(PlannedComponent).max(50).optional().describe('Inference components, where it has no model.'),
    instanceType: z.string().min(1).optional(),
    instancePools: z.array(z.string().min(1)).min(1).max(5).optional().describe('Instance types, first choice first.'),
    instances: Count.optional().describe('Instance count; with scaling give scaling as well.'),
    scaling: z.strictObject({ min: Count, max: Count }).optional().describe('Bounds of auto scaling.'),
    serverless: z
      .strictObject({ memorySizeMb: Count, maxConcurrency: Count, provisionedConcurrency: Count.optional() })
      .optional(),
  })
  .refine(
    ({ instanceType, instancePools, serverless }) =>
      [instanceType, instancePools, serverless].filter((kind) => kind !== undefined).length === 1,
    'give exactly one of instanceType, instancePools and serverless',
  )
  .refine(({ serverless, instances }) => serverless !== undefined || instances !== undefined, 'give instances')
  .refine(
    ({ instances = 0, scaling }) => !scaling || (scaling.min <= instances && instances <= scaling.max),
    'instances must be within scaling.min and scaling.max, or the endpoint starts outside of them',
  )
  .refine(({ model, components }) => !model || !components, 'give either a model or components')
  .refine(({ model, serverless }) => model || !serverless, 'give the model that the serverless variant runs');
export type PlannedVariant = z.infer<typeof PlannedVariant>;

/** How the endpoint is to be moved to it, and what takes it back. */
const DeploymentConfig = z.strictObject({
  strategy: z.enum(['blue-green', 'rolling']).optional().describe('Compared with the deployment where it is given.'),
  rollbackAlarms: z.array(z.string().min(1)).max(10).default([]).describe('Alarms for AutoRollbackConfiguration.'),
});

/** A change that somebody intends, as a file: what will run, how it gets there, and what will watch it. */
export const DeploymentPlan = z.strictObject({
  kind: z.literal('DeploymentPlan'),
  endpoint: Endpoint.shape.name,
  account: Endpoint.shape.account.optional().describe("Default: the gate's own."),
  region: Endpoint.shape.region.optional().describe("Default: the gate's own."),
  environment: Environment,
  requester: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe('Who asks: a name or a mail address. A claim; whoever it names cannot approve the plan.'),
  reason: z.string().min(1).max(2_000).optional().describe('Why, for whoever decides.'),
  changeTicket: z.string().min(1).max(256).optional().describe('Where else it is discussed: a number or a link.'),
  validUntil: z.iso
    .datetime({ error: 'must be a time in UTC such as 2026-11-30T18:00:00Z' })
    .optional()
    .describe('It may be carried out until then; at most policies.planValidHours after it was submitted.'),
  variants: z.array(PlannedVariant).min(1).max(10),
  asynchronous: z.boolean().optional().describe('It answers from a queue: asynchronous inference.'),
  volumeKmsKeyId: z.string().optional(),
  dataCapture: z
    .strictObject({
      samplingPercentage: z.number().min(0).max(100),
      destinationS3Uri: S3Uri,
      kmsKeyId: z.string().optional(),
    })
    .optional(),
  deploymentConfig: DeploymentConfig.prefault({}).describe('How it gets there, and the alarms that take it back.'),
  monitors: z
    .array(
      z.strictObject({
        type: z.enum(['DataQuality', 'ModelQuality', 'ModelBias', 'ModelExplainability']),
        baseline: S3Uri.optional(),
      }),
    )
    .default([])
    .describe('Model Monitor schedules that will watch it.'),
  artifactEncryption: z
    .enum(['SSE-S3', 'SSE-KMS', 'none'])
    .optional()
    .describe('For `portcullis check`, which reads nothing: how artifacts and their buckets are encrypted.'),
});
export type DeploymentPlan = z.infer<typeof DeploymentPlan>;
