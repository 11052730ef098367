import * as z from 'zod';
import { Run } from './sagemaker-monitoring.ts';
import { keyOf } from './sagemaker-resources.ts';

const InstanceType = z.string().regex(/^ml\.[a-z0-9-]+\.[a-z0-9-]+$/, 'must be an instance type such as ml.m5.large');
const Count = z.int().positive();
const Bounds = z.strictObject({ min: z.int().nonnegative(), max: Count });

const Model = z.strictObject({
  image: z.string().min(1).describe('Container image, as it would be in ECR.'),
  artifact: z
    .string()
    .regex(/^s3:\/\/[a-z0-9][a-z0-9.-]+\/.+[^/]$/, 'must be s3://bucket/key')
    .describe('Bucket and object are made.'),
  encryption: z.enum(['sse-s3', 'sse-kms', 'none']).default('sse-s3').describe('`none` is an object from before 2023.'),
});
export type Model = z.infer<typeof Model>;
const Component = z.strictObject({ name: z.string().min(1), copies: z.int().nonnegative().default(1), model: Model });
const common = {
  name: z.string().default('AllTraffic'),
  shadow: z.boolean().default(false).describe('Gets copies of the traffic and answers nobody.'),
  weight: z.number().nonnegative().default(1),
};
const scaled = { autoScaling: Bounds.optional().describe('Application Auto Scaling bounds of its instance count.') };
const Pool = z.strictObject({ instanceType: InstanceType, priority: z.int().min(1).max(5) });
const InstanceVariant = z.strictObject({
  ...common,
  ...scaled,
  model: Model,
  instanceType: InstanceType,
  count: Count,
});
const PoolVariant = z.strictObject({
  ...common,
  ...scaled,
  model: Model,
  instancePools: z.array(Pool).min(1).max(5),
  count: Count,
});
const ServerlessVariant = z.strictObject({
  ...common,
  model: Model,
  serverless: z.strictObject({ memoryMb: Count, maxConcurrency: Count, provisionedConcurrency: Count.optional() }),
});
const HostVariant = z.strictObject({
  ...common,
  instanceType: InstanceType,
  managedScaling: Bounds.describe('SageMaker keeps the instance count between these.'),
  inferenceComponents: z.array(Component).min(1),
});
const Variant = z.union([InstanceVariant, PoolVariant, ServerlessVariant, HostVariant], {
  error:
    'must be of one kind: model + instanceType + count, model + instancePools + count, model + serverless, ' +
    'or instanceType + managedScaling + inferenceComponents',
});
export type Variant = z.infer<typeof Variant>;

const Monitor = z.strictObject({
  type: z.enum(['DataQuality', 'ModelQuality', 'ModelBias', 'ModelExplainability']),
  baseline: z
    .union([z.boolean(), z.literal('missing')])
    .default(true)
    .describe('Whether it names one; `missing` names one that is not in S3.'),
  status: z.enum(['Scheduled', 'Stopped']).default('Scheduled'),
  expression: z.string().default('cron(0 * ? * * *)').describe('`NOW` runs once.'),
  runs: Run.default('Completed').describe('How each of its runs ends.'),
});

const SpelledAlarm = z.strictObject({
  name: z.string().min(1),
  metric: z.enum(['Invocation5XXErrors', 'ModelLatency', 'drift']).default('drift'),
  state: z.enum(['OK', 'ALARM', 'INSUFFICIENT_DATA']).default('OK'),
  actionsEnabled: z.boolean().default(true),
  muted: z.boolean().default(false).describe('By a mute rule that is open for a day.'),
  suppressed: z.boolean().default(false).describe('It is a composite, and what suppresses it is in ALARM.'),
});
export type SpelledAlarm = z.infer<typeof SpelledAlarm>;
/** An alarm that the deployment names; as text one on the drift of the data, as monitoring jobs measure it every hour. */
const Alarm = z.union([
  z
    .string()
    .min(1)
    .transform((name) => SpelledAlarm.parse({ name })),
  SpelledAlarm,
]);

const FleetEndpoint = z.strictObject({
  name: z
    .string()
    .max(63)
    .regex(/^[a-zA-Z0-9](-*[a-zA-Z0-9])*$/, 'must be an endpoint name: letters, digits and inner hyphens'),
  ends: z.enum(['compliant', 'waiting', 'blocked']).describe('What the gate concludes under the default settings.'),
  because: z.array(z.string()).default([]).describe('The policies that are violated, or that ask for approval.'),
  tags: z.record(z.string(), z.string()).default({}),
  changedBy: z
    .string()
    .regex(/^[\w+=,.@-]{1,128}$/, 'must be an access key id')
    .describe('Access key id of whoever made it.'),
  createdDaysAgo: z.number().nonnegative().default(30),
  deployedLast: z
    .boolean()
    .default(false)
    .describe('It comes when all others have been decided about, since what it costs counts for all that come later.'),
  variants: z.array(Variant).min(1),
  dataCapture: z
    .strictObject({
      samplingPercentage: z.int().min(0).max(100).default(100),
      directions: z
        .array(z.enum(['Input', 'Output']))
        .min(1)
        .default(['Input', 'Output']),
      status: z
        .enum(['Started', 'Stopped'])
        .default('Started')
        .describe('SageMaker stops it where the disk runs full.'),
    })
    .optional(),
  rollbackAlarms: z.array(Alarm).max(10).default([]).describe('Named in AutoRollbackConfiguration.'),
  bakeSeconds: z
    .int()
    .min(0)
    .max(3600)
    .optional()
    .describe('A canary, and so long until all traffic moves; else all of it moves at once.'),
  alarms: z.enum(['create', 'none']).default('none').describe('Whether those alarms are made, watching this endpoint.'),
  monitors: z.array(Monitor).default([]),
});
export type FleetEndpoint = z.infer<typeof FleetEndpoint>;

/** A file of endpoints to start with, such as examples/fleet.yaml. */
export const Fleet = z.strictObject({
  endpoints: z
    .array(FleetEndpoint)
    .min(1)
    .refine(
      (list) => new Set(list.map(({ name }) => keyOf(name))).size === list.length,
      'two endpoints have the same name',
    ),
});
export type Fleet = z.infer<typeof Fleet>;
