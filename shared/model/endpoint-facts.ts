import * as z from 'zod';
import { Endpoint } from './endpoint-ref.ts';
import { EnvironmentFact } from './environment.ts';
import { JsonValue } from './json-value.ts';
import { often } from './often.ts';
import { type HostedVariant, isHosted, Variant } from './variant.ts';

const Timestamp = z.iso.datetime();

/** EndpointStatus of DescribeEndpoint (SageMaker API model, nine values). */
export const EndpointStatus = z.enum([
  'OutOfService',
  'Creating',
  'Updating',
  'SystemUpdating',
  'RollingBack',
  'InService',
  'Deleting',
  'Failed',
  'UpdateRollbackFailed',
]);
export type EndpointStatus = z.infer<typeof EndpointStatus>;

/** How one stored object (or every object below a prefix) is encrypted, or why we cannot tell. */
export const ObjectEncryption = z.discriminatedUnion('status', [
  z.strictObject({
    status: z.literal('encrypted'),
    algorithm: z.enum(['SSE-S3', 'SSE-KMS', 'DSSE-KMS', 'SSE-C', 'other']),
    keyId: z.string().nullable(),
  }),
  z.strictObject({ status: z.literal('unencrypted') }),
  z.strictObject({ status: z.literal('missing') }),
  z.strictObject({ status: z.literal('unverifiable'), reason: z.string() }),
]);
export type ObjectEncryption = z.infer<typeof ObjectEncryption>;

export const Artifact = z.strictObject({
  uri: z.string(),
  /** VersionId where the bucket keeps versions, else `etag:<ETag>`; for a prefix a digest over its listing; null where unreadable. */
  version: z.string().nullable(),
  encryption: ObjectEncryption,
  bucket: z.strictObject({ name: z.string(), encryption: ObjectEncryption }),
});
export type Artifact = z.infer<typeof Artifact>;

/** How a run of a monitoring schedule stands (ExecutionStatus of the SageMaker API). */
export const RunStatus = z.enum([
  'Pending',
  'InProgress',
  'Completed',
  'CompletedWithViolations',
  'Failed',
  'Stopping',
  'Stopped',
]);

/** A Model Monitor schedule of this endpoint. What is optional is not known of a planned one. */
export const Monitor = z.strictObject({
  name: z.string(),
  type: z.enum(['DataQuality', 'ModelQuality', 'ModelBias', 'ModelExplainability', 'unknown']),
  status: z.enum(['Pending', 'Failed', 'Scheduled', 'Stopped']),
  /** S3 URIs of the constraints and statistics it compares with; empty means it has no baseline. */
  baselineUris: z.array(z.string()),
  /** Those of them that S3 does not show: not there, or not for the gate to see. */
  unseenBaselines: z.array(z.strictObject({ uri: z.string(), why: z.enum(['missing', 'unverifiable']) })).optional(),
  /** Null where the definition stands in the schedule itself. */
  jobDefinition: z.string().nullable().optional(),
  /** ScheduleExpression: `cron(...)`, or `NOW` for a single run. */
  expression: z.string().nullable().optional(),
  createdAt: Timestamp.nullable(),
  /** When it was last updated, started or stopped. */
  modifiedAt: Timestamp.nullable().optional(),
  /** LastMonitoringExecutionSummary; null where it never ran. */
  lastRun: z
    .strictObject({ status: RunStatus, scheduledAt: Timestamp, failureReason: z.string().nullable() })
    .nullable()
    .optional(),
  /** The instances that a run takes; they are paid for besides the endpoint's own. */
  runsOn: z.strictObject({ instanceType: z.string(), instances: z.int().positive() }).nullable().optional(),
});
export type Monitor = z.infer<typeof Monitor>;

/** DataCaptureConfig. What is optional is not known of a plan. */
export const DataCapture = z.strictObject({
  enabled: z.boolean(),
  samplingPercentage: z.number(),
  destinationS3Uri: z.string(),
  kmsKeyId: z.string().nullable(),
  /** CaptureOptions of the config. */
  directions: z.array(z.enum(['Input', 'Output'])).optional(),
  /** What the endpoint does in fact, known once it has settled; null where DescribeEndpoint shows no capture. */
  live: z
    .strictObject({ status: z.enum(['Started', 'Stopped']), samplingPercentage: z.number() })
    .nullable()
    .optional(),
});
export type DataCapture = z.infer<typeof DataCapture>;

/** An alarm named by an AutoRollbackConfiguration. What is optional is not known of a planned one. */
export const RollbackAlarm = z.discriminatedUnion('exists', [
  z.strictObject({ name: z.string(), exists: z.literal(false) }),
  z.strictObject({
    name: z.string(),
    exists: z.literal(true),
    type: z.enum(['metric', 'composite', 'log']),
    state: z.enum(['OK', 'ALARM', 'INSUFFICIENT_DATA']),
    /** StateTransitionedTimestamp. */
    stateSince: Timestamp.nullable().optional(),
    /** EvaluationState, where CloudWatch says that it cannot evaluate the alarm, or not all of it. */
    evaluation: z.string().optional(),
    actionsEnabled: z.boolean(),
    /** Whether its dimensions (or, for a composite, those of the alarms in its rule) name this endpoint; null: cannot be told. */
    watchesEndpoint: z.boolean().nullable(),
    /** Alarm mute rules whose window is open. */
    mutedBy: z.array(z.string()).optional(),
    /** A composite's ActionsSuppressor, while it suppresses. */
    suppressedBy: z.string().nullable().optional(),
    /** Alarms that a composite's rule and suppressor name: a change of one of them is a change of this one. */
    dependsOn: z.array(z.string()).optional(),
    /** Variants and monitoring schedules of this endpoint that its dimensions name. */
    variants: z.array(z.string()).optional(),
    schedules: z.array(z.string()).optional(),
    /** How soon its quickest metric of the endpoint's own traffic (namespace AWS/SageMaker) could trip it; null: it has none. */
    tripsAfterSeconds: z.number().nonnegative().nullable().optional(),
  }),
]);
export type RollbackAlarm = z.infer<typeof RollbackAlarm>;

/**
 * The DeploymentConfig of the last deployment. While a deployment is under way AWS does not say which one
 * DescribeEndpoint shows, so it is unknown until the endpoint has settled.
 */
export const Deployment = z.discriminatedUnion('known', [
  z.strictObject({ known: z.literal(false), reason: z.string() }),
  z.strictObject({
    known: z.literal(true),
    strategy: z.enum(['blue-green', 'rolling', 'none']),
    rollbackAlarms: z.array(RollbackAlarm),
    /** For so long at least the old fleet is kept while alarms are looked at. */
    bakeSeconds: z.number().nonnegative().optional(),
    /** LastDeploymentConfig as DescribeEndpoint has it, for doing the same again; null where there is none. */
    deploymentConfig: z.record(z.string(), JsonValue).nullable().optional(),
  }),
]);
export type Deployment = z.infer<typeof Deployment>;

/**
 * Everything the policies may look at, read once. Facts are total: whatever is in here was read, and what could not
 * be read failed the whole reading. "There is no monitor" is a fact; "the monitors could not be listed" is an error.
 */
export const EndpointFacts = often(
  z.strictObject({
    schema: z.literal(1),
    endpoint: Endpoint,
    environment: EnvironmentFact,
    status: EndpointStatus,
    /** The config that is, or while a deployment is under way will be, in service. */
    configName: z.string(),
    /** True while SageMaker is moving the endpoint to `configName`. */
    underWay: z.boolean(),
    /** The config that is in service until then; not there where nothing else was in service. */
    replacesConfig: z.string().optional(),
    /** FailureReason of DescribeEndpoint, where there is one. */
    failureReason: z.string().optional(),
    createdAt: Timestamp,
    lastModifiedAt: Timestamp,
    readAt: Timestamp,
    /** When the oldest part was read that was not read anew (a minute ago at most); null where all of it was. */
    reusedSince: Timestamp.nullable(),
    variants: z.array(Variant).min(1),
    volumeKmsKeyId: z.string().nullable(),
    dataCapture: DataCapture.nullable(),
    deployment: Deployment,
    /** Inference components are updated by themselves, so their rollback alarms hang on them; null: on none so far. */
    componentAlarms: z
      .array(z.strictObject({ component: z.string(), rollbackAlarms: z.array(RollbackAlarm).nullable() }))
      .optional(),
    monitors: z.array(Monitor),
    artifacts: z.array(Artifact),
  }),
);
export type EndpointFacts = z.infer<typeof EndpointFacts>;

/** Whatever came in before this moment is in the facts, reused parts included. */
export function readSince({ readAt, reusedSince }: EndpointFacts): string {
  return reusedSince !== null && reusedSince < readAt ? reusedSince : readAt;
}

/** Does anything of it run on instances? Else it is serverless altogether. */
export const runsOnInstances = ({ variants }: Pick<EndpointFacts, 'variants'>): boolean => variants.some(isHosted);

/** Variants that run on instances, shadow ones too. */
export function hostedVariants(facts: EndpointFacts): HostedVariant[] {
  return facts.variants.filter(isHosted);
}
