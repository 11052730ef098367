import * as z from 'zod';
import { Endpoint } from './endpoint-ref.ts';
import { EnvironmentFact } from './environment.ts';
import { type HostedVariant, isHosted, type ServerlessVariant, Variant } from './variant.ts';

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

/** A Model Monitor schedule of this endpoint. */
export const Monitor = z.strictObject({
  name: z.string(),
  type: z.enum(['DataQuality', 'ModelQuality', 'ModelBias', 'ModelExplainability', 'unknown']),
  status: z.enum(['Pending', 'Failed', 'Scheduled', 'Stopped']),
  /** S3 URIs of the constraints and statistics it compares with; empty means it has no baseline. */
  baselineUris: z.array(z.string()),
  createdAt: Timestamp.nullable(),
});
export type Monitor = z.infer<typeof Monitor>;

/** An alarm named by the deployment's AutoRollbackConfiguration. */
export const RollbackAlarm = z.discriminatedUnion('exists', [
  z.strictObject({ name: z.string(), exists: z.literal(false) }),
  z.strictObject({
    name: z.string(),
    exists: z.literal(true),
    type: z.enum(['metric', 'composite', 'log']),
    state: z.enum(['OK', 'ALARM', 'INSUFFICIENT_DATA']),
    actionsEnabled: z.boolean(),
    /** Whether its dimensions (or, for a composite, those of the alarms in its rule) name this endpoint; null: cannot be told. */
    watchesEndpoint: z.boolean().nullable(),
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
  }),
]);
export type Deployment = z.infer<typeof Deployment>;

/**
 * Everything the policies may look at, read once. Facts are total: whatever is in here was read, and what could not
 * be read failed the whole reading. "There is no monitor" is a fact; "the monitors could not be listed" is an error.
 */
export const EndpointFacts = z.strictObject({
  schema: z.literal(1),
  endpoint: Endpoint,
  environment: EnvironmentFact,
  status: EndpointStatus,
  /** The config that is, or while a deployment is under way will be, in service. */
  configName: z.string(),
  /** True while SageMaker is moving the endpoint to `configName`. */
  underWay: z.boolean(),
  createdAt: Timestamp,
  lastModifiedAt: Timestamp,
  readAt: Timestamp,
  /** When the oldest part was read that was not read anew (a minute ago at most); null where all of it was. */
  reusedSince: Timestamp.nullable(),
  variants: z.array(Variant).min(1),
  volumeKmsKeyId: z.string().nullable(),
  dataCapture: z
    .strictObject({
      enabled: z.boolean(),
      samplingPercentage: z.number(),
      destinationS3Uri: z.string(),
      kmsKeyId: z.string().nullable(),
    })
    .nullable(),
  deployment: Deployment,
  monitors: z.array(Monitor),
  artifacts: z.array(Artifact),
});
export type EndpointFacts = z.infer<typeof EndpointFacts>;

/** Whatever came in before this moment is in the facts, reused parts included. */
export function readSince({ readAt, reusedSince }: EndpointFacts): string {
  return reusedSince !== null && reusedSince < readAt ? reusedSince : readAt;
}

/** Variants that run on instances, shadow ones too. */
export function hostedVariants(facts: EndpointFacts): HostedVariant[] {
  return facts.variants.filter(isHosted);
}

export function serverlessVariants(facts: EndpointFacts): ServerlessVariant[] {
  return facts.variants.filter((variant): variant is ServerlessVariant => !isHosted(variant));
}
