import { DescribeScalableTargetsCommand, type ScalableTarget } from '@aws-sdk/client-application-auto-scaling';
import {
  DescribeEndpointCommand,
  DescribeEndpointConfigCommand,
  type DescribeEndpointConfigOutput,
  type DescribeEndpointOutput,
  type ProductionVariant,
  paginateListTags,
} from '@aws-sdk/client-sagemaker';
import pLimit from 'p-limit';
import { type Deployment, EndpointFacts, EndpointStatus } from '../model/endpoint-facts.ts';
import { type EndpointRef, endpointArn } from '../model/endpoint-ref.ts';
import { environmentOf } from '../model/environment.ts';
import { artifactUrisOf, type InferenceComponent, type Model, type Variant } from '../model/variant.ts';
import { readRollbackAlarms } from './alarm-reader.ts';
import { readArtifact } from './artifact-reader.ts';
import { readComponents, readModel } from './model-reader.ts';
import { readMonitors } from './monitor-reader.ts';
import { ReadCache } from './read-cache.ts';
import type { With } from './services.ts';

/** SageMaker is moving the endpoint to another state by itself. */
const UNDER_WAY: readonly string[] = ['Creating', 'Updating', 'RollingBack', 'SystemUpdating'];

/** What DescribeEndpoint says, and when it was asked. */
export type Described = { readAt: string; output: DescribeEndpointOutput };

/** Describes an endpoint; undefined where there is none. */
export async function describeEndpoint(
  { sagemaker, now }: With<'sagemaker'>,
  { name }: EndpointRef,
): Promise<Described | undefined> {
  // Stamped before the call: everything that happened earlier is in what we read.
  const readAt = now();
  try {
    return { readAt, output: await sagemaker.send(new DescribeEndpointCommand({ EndpointName: name })) };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Is SageMaker still moving it? */
export const isUnderWay = ({ EndpointStatus }: DescribeEndpointOutput): boolean =>
  UNDER_WAY.includes(EndpointStatus ?? '');

/** AWS services that an endpoint is read from. */
export type Readable = With<'sagemaker' | 'cloudwatch' | 'scaling' | 's3'>;

/** Facts could not be read whole; the name is what `Retry` and `Catch` in the state machine match. */
export class UnreadableFactsError extends Error {
  override readonly name = 'UnreadableFactsError';
}

/** What every part of a reading shares: the clients, one limit on calls under way, and one cache. */
export type Reading = {
  services: Readable;
  ref: EndpointRef;
  cache: Pick<ReadCache, 'get'>;
  /** Runs a call when fewer than `reading.concurrency` are under way. */
  call: <T>(run: () => Promise<T>) => Promise<T>;
};

/** SageMaker says that an endpoint, config or model is missing with a ValidationException (the API declares no other). */
export function isMissing(error: unknown): boolean {
  const { name, message } = error as Error;
  return name === 'ResourceNotFound' || (name === 'ValidationException' && /could not find/i.test(message));
}

/** A pending variant is a live one plus InstanceType; both hide behind one shape here. */
type LiveVariant = NonNullable<DescribeEndpointOutput['ProductionVariants']>[number];

type Bounds = { MinCapacity?: number | undefined; MaxCapacity?: number | undefined };

/** What is asked for right now counts even outside the bounds: that is what runs until scaling has caught up. */
function rangeOf(configured: ProductionVariant, live: LiveVariant | undefined, target: Bounds | undefined) {
  const desired = live?.DesiredInstanceCount ?? live?.CurrentInstanceCount ?? configured.InitialInstanceCount ?? 0;
  const managed = live?.ManagedInstanceScaling ?? configured.ManagedInstanceScaling;
  if (managed?.Status === 'ENABLED') {
    return {
      desiredInstances: desired,
      minInstances: Math.min(managed.MinInstanceCount ?? desired, desired),
      maxInstances: Math.max(managed.MaxInstanceCount ?? desired, desired),
      scaledBy: 'managed-instance-scaling' as const,
    };
  }
  if (target) {
    return {
      desiredInstances: desired,
      minInstances: Math.min(target.MinCapacity ?? desired, desired),
      maxInstances: Math.max(target.MaxCapacity ?? desired, desired),
      scaledBy: 'application-auto-scaling' as const,
    };
  }
  return { desiredInstances: desired, minInstances: desired, maxInstances: desired, scaledBy: 'nothing' as const };
}

type VariantParts = {
  configured: ProductionVariant;
  shadow: boolean;
  live: LiveVariant | undefined;
  target: Bounds | undefined;
  models: Model[];
  components: InferenceComponent[];
};

function variantFrom({ configured, shadow, live, target, models, components }: VariantParts): Variant {
  const name = configured.VariantName ?? '';
  const weight = live?.DesiredWeight ?? live?.CurrentWeight ?? configured.InitialVariantWeight ?? 1;
  const common = { name, shadow, weight, models };
  const serverless = live?.DesiredServerlessConfig ?? live?.CurrentServerlessConfig ?? configured.ServerlessConfig;
  if (serverless) {
    return {
      kind: 'serverless',
      ...common,
      memorySizeMb: serverless.MemorySizeInMB ?? 0,
      maxConcurrency: serverless.MaxConcurrency ?? 0,
      provisionedConcurrency: serverless.ProvisionedConcurrency ?? null,
    };
  }
  const range = rangeOf(configured, live, target);
  const pools = (configured.InstancePools ?? []).map(({ InstanceType, Priority }) => ({
    instanceType: InstanceType ?? '',
    priority: Priority ?? 1,
  }));
  if (!configured.ModelName && pools.length === 0 && !configured.InstanceType) {
    throw new UnreadableFactsError(
      `Variant ${name} has no model, instance type, pool or serverless setting: an unknown kind.`,
    );
  }
  if (!configured.ModelName) {
    const instanceTypes =
      pools.length > 0 ? pools.map(({ instanceType }) => instanceType) : [configured.InstanceType ?? ''];
    return { kind: 'inference-component-host', ...common, ...range, instanceTypes, components };
  }
  if (pools.length > 0) return { kind: 'instance-pool', ...common, ...range, pools };
  if (!configured.InstanceType) throw new UnreadableFactsError(`Variant ${name} has no instance type.`);
  return { kind: 'instance', ...common, ...range, instanceType: configured.InstanceType };
}

async function readTags({ services, ref, cache, call }: Reading): Promise<Record<string, string>> {
  return cache.get(`tags:${endpointArn(ref)}`, () =>
    call(async () => {
      const tags: Record<string, string> = {};
      const pages = paginateListTags({ client: services.sagemaker, pageSize: 100 }, { ResourceArn: endpointArn(ref) });
      for await (const page of pages) for (const { Key, Value } of page.Tags ?? []) tags[Key ?? ''] = Value ?? '';
      return tags;
    }),
  );
}

/** Application Auto Scaling bounds by variant, in one call for all variants. */
async function readScaling(
  { services, ref, cache, call }: Reading,
  variants: string[],
): Promise<Map<string, ScalableTarget>> {
  if (variants.length === 0) return new Map();
  const resourceIds = variants.map((variant) => `endpoint/${ref.name}/variant/${variant}`);
  const targets = await cache.get(`scaling:${ref.region}:${resourceIds.join(',')}`, () =>
    call(async () => {
      const found: ScalableTarget[] = [];
      let nextToken: string | undefined;
      do {
        const page = await services.scaling.send(
          new DescribeScalableTargetsCommand({
            ServiceNamespace: 'sagemaker',
            ResourceIds: resourceIds,
            ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
            NextToken: nextToken,
          }),
        );
        found.push(...(page.ScalableTargets ?? []));
        nextToken = page.NextToken;
      } while (nextToken);
      return found;
    }),
  );
  return new Map(targets.map((target) => [target.ResourceId?.split('/').at(-1) ?? '', target]));
}

async function readConfig(
  { services, ref, cache, call }: Reading,
  name: string,
): Promise<DescribeEndpointConfigOutput> {
  try {
    return await cache.get(`config:${ref.region}:${name}`, () =>
      call(() => services.sagemaker.send(new DescribeEndpointConfigCommand({ EndpointConfigName: name }))),
    );
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new UnreadableFactsError(
      `Endpoint config ${name} was deleted while in use, so what the endpoint runs cannot be read any more.`,
    );
  }
}

async function readDeployment(
  reading: Reading,
  described: DescribeEndpointOutput,
  underWay: boolean,
): Promise<Deployment> {
  if (underWay) return { known: false, reason: 'A deployment is under way.' };
  const last = described.LastDeploymentConfig;
  const names = (last?.AutoRollbackConfiguration?.Alarms ?? []).flatMap(({ AlarmName }) =>
    AlarmName ? [AlarmName] : [],
  );
  return {
    known: true,
    strategy: last?.RollingUpdatePolicy ? 'rolling' : last?.BlueGreenUpdatePolicy ? 'blue-green' : 'none',
    rollbackAlarms: await readRollbackAlarms(reading, names),
  };
}

const iso = (date: Date | undefined) => (date ?? new Date(0)).toISOString();

/**
 * Reads everything the policies may look at. Returns undefined where the endpoint does not exist. Throws
 * UnreadableFactsError, or the SDK's error, where any part cannot be read: facts are whole or not there.
 *
 * Reads go out as soon as what they need is known, four deep (five with model packages, six with
 * inference components): endpoint, tags and
 * schedules; config, alarms, scaling and job definitions; models; artifacts. With `fresh`, nothing read before is reused.
 * With `described`, the endpoint is not asked for again.
 */
export async function readEndpoint(
  services: Readable,
  ref: EndpointRef,
  { fresh = false, described: given }: { fresh?: boolean; described?: Described | undefined } = {},
): Promise<EndpointFacts | undefined> {
  const reuse = !fresh && services.config.file.reading.cacheSeconds > 0;
  const limit = pLimit(services.config.file.reading.concurrency);
  let reusedSince: number | undefined;
  const cache = reuse ? services.cache : new ReadCache(Number.POSITIVE_INFINITY, () => 0);
  const noteReuse = (at: number) => {
    reusedSince = Math.min(at, reusedSince ?? at);
  };
  const reading: Reading = {
    services,
    ref,
    cache: { get: (key, read) => cache.get(key, read, reuse ? noteReuse : undefined) },
    call: (run) => limit(run),
  };
  const asked = given ?? reading.call(() => describeEndpoint(services, ref));
  const tags = readTags(reading);
  const monitors = readMonitors(reading);
  // Awaited below, but the endpoint may turn out to be gone first.
  tags.catch(() => undefined);
  monitors.catch(() => undefined);

  const found = await asked;
  if (!found) return undefined;
  const { readAt, output: described } = found;
  const status = EndpointStatus.safeParse(described.EndpointStatus);
  if (!status.success) throw new UnreadableFactsError(`Endpoint status ${described.EndpointStatus} is unknown.`);
  if (status.data === 'Deleting') return undefined;
  const pending = described.PendingDeploymentSummary;
  const underWay = isUnderWay(described);
  const configName = pending?.EndpointConfigName ?? described.EndpointConfigName ?? '';
  const deployment = readDeployment(reading, described, underWay);
  deployment.catch(() => undefined);
  const config = await readConfig(reading, configName);

  const configured = [
    ...(config.ProductionVariants ?? []).map((variant) => ({ variant, shadow: false })),
    ...(config.ShadowProductionVariants ?? []).map((variant) => ({ variant, shadow: true })),
  ];
  const live = new Map<string, LiveVariant>();
  for (const list of pending
    ? [pending.ProductionVariants, pending.ShadowProductionVariants]
    : [described.ProductionVariants, described.ShadowProductionVariants]) {
    for (const variant of list ?? []) live.set(variant.VariantName ?? '', variant);
  }
  const scalable = configured.flatMap(({ variant }) => (variant.ServerlessConfig ? [] : [variant.VariantName ?? '']));
  // Resource ids are case-sensitive, and the event that brought us here may have written the name small.
  const exact = { ...reading, ref: { ...ref, name: described.EndpointName ?? ref.name } };
  const targetsRead = readScaling(exact, scalable);
  targetsRead.catch(() => undefined);

  const variants = await Promise.all(
    configured.map(async ({ variant, shadow }): Promise<Variant> => {
      const name = variant.VariantName ?? '';
      const modelNames = new Set([
        ...(variant.ModelName ? [variant.ModelName] : []),
        ...(variant.InstancePools ?? []).flatMap(({ ModelNameOverride }) =>
          ModelNameOverride ? [ModelNameOverride] : [],
        ),
      ]);
      const [models, components, targets] = await Promise.all([
        Promise.all([...modelNames].map((model) => readModel(reading, model))),
        variant.ModelName || variant.ServerlessConfig ? [] : readComponents(reading, name),
        targetsRead,
      ]);
      return variantFrom({
        configured: variant,
        shadow,
        live: live.get(name),
        target: targets.get(name),
        models,
        components,
      });
    }),
  );

  const [artifacts, tagged, schedules, deployed] = await Promise.all([
    Promise.all(artifactUrisOf(variants).map((uri) => readArtifact(reading, uri))),
    tags,
    monitors,
    deployment,
  ]);
  const capture = config.DataCaptureConfig;
  const facts = EndpointFacts.safeParse({
    schema: 1,
    endpoint: ref,
    environment: environmentOf(ref.name, tagged, services.config.file.environments),
    status: status.data,
    configName,
    underWay,
    createdAt: iso(described.CreationTime),
    lastModifiedAt: iso(described.LastModifiedTime),
    readAt,
    reusedSince: reusedSince === undefined ? null : new Date(reusedSince).toISOString(),
    variants,
    volumeKmsKeyId: config.KmsKeyId ?? null,
    dataCapture: capture
      ? {
          // EnableCapture defaults to true in the API.
          enabled: capture.EnableCapture ?? true,
          samplingPercentage: capture.InitialSamplingPercentage ?? 0,
          destinationS3Uri: capture.DestinationS3Uri ?? '',
          kmsKeyId: capture.KmsKeyId ?? null,
        }
      : null,
    deployment: deployed,
    monitors: schedules,
    artifacts,
  } satisfies Record<keyof EndpointFacts, unknown>);
  if (facts.success) return facts.data;
  throw new UnreadableFactsError(
    `What AWS answered about ${ref.name} is not understood: ${facts.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`,
  );
}
