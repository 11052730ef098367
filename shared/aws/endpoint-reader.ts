import {
  type DeploymentConfig,
  DescribeEndpointCommand,
  DescribeEndpointConfigCommand,
  type DescribeEndpointConfigOutput,
  type DescribeEndpointOutput,
  type ProductionVariant,
  paginateListTags,
} from '@aws-sdk/client-sagemaker';
import pLimit from 'p-limit';
import { type DataCapture, type Deployment, EndpointFacts, EndpointStatus } from '../model/endpoint-facts.ts';
import { type EndpointRef, endpointArn, streamOf } from '../model/endpoint-ref.ts';
import { environmentOf } from '../model/environment.ts';
import { type Bounds, effectiveBounds } from '../model/scaling-bounds.ts';
import { artifactUrisOf, type InferenceComponent, type Model, type Variant } from '../model/variant.ts';
import { alarmNamesOf, describeAlarms, readComponentAlarms, readRollbackAlarms } from './alarm-reader.ts';
import { readArtifact } from './artifact-reader.ts';
import { listActions, listTargets, scheduledBounds } from './fleet-scaling.ts';
import { readComponents, readModel } from './model-reader.ts';
import { readMonitors, readSchedule } from './monitor-reader.ts';
import { type NamedRead, ReadAhead } from './read-ahead.ts';
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
  /** Where a whole endpoint is read: what can be asked for before its names are known. */
  ahead?: ReadAhead;
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
      minInstances: Math.min(target.min ?? desired, desired),
      maxInstances: Math.max(target.max ?? desired, desired),
      scaledBy: 'application-auto-scaling' as const,
    };
  }
  return { desiredInstances: desired, minInstances: desired, maxInstances: desired, scaledBy: 'nothing' as const };
}

type VariantParts = {
  configured: ProductionVariant;
  shadow: boolean;
  /** The config says that the endpoint answers from a queue. */
  asynchronous: boolean;
  live: LiveVariant | undefined;
  target: Bounds | undefined;
  models: Model[];
  components: InferenceComponent[];
};

function variantFrom({ configured, shadow, asynchronous, live, target, models, components }: VariantParts): Variant {
  const name = configured.VariantName ?? '';
  const weight = live?.DesiredWeight ?? live?.CurrentWeight ?? configured.InitialVariantWeight ?? 1;
  const resolvedImages = (live?.DeployedImages ?? []).flatMap(
    ({ SpecifiedImage: specified, ResolvedImage: resolved }) =>
      specified !== undefined && resolved !== undefined ? [{ specified, resolved }] : [],
  );
  const common = { name, shadow, weight, models, ...(resolvedImages.length > 0 && { resolvedImages }) };
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
  const range = { ...rangeOf(configured, live, target), ...(asynchronous && { asynchronous }) };
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

/** Application Auto Scaling bounds by variant: one call for all variants, and one for each that is scaled. */
async function readScaling({ services, ref, cache, call }: Reading, variants: string[]): Promise<Map<string, Bounds>> {
  if (variants.length === 0) return new Map();
  const resourceIds = variants.map((variant) => `endpoint/${ref.name}/variant/${variant}`);
  const bounds = await cache.get(`scaling:${ref.region}:${resourceIds.join(',')}`, async () => {
    const targets = await call(() => listTargets(services, resourceIds));
    return Promise.all(
      targets.map(async ({ ResourceId = '', MinCapacity: min, MaxCapacity: max }) => {
        const actions = await call(() => listActions(services, ResourceId));
        return {
          variant: ResourceId.split('/').at(-1) ?? '',
          target: { min, max },
          actions: actions.map(scheduledBounds),
        };
      }),
    );
  });
  return new Map(
    bounds.map(({ variant, target, actions }) => [variant, effectiveBounds(target, actions, services.now())]),
  );
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

/**
 * How long both fleets are there at least: the wait after the first step of a canary, linear or rolling update, and
 * before the old fleet ends. With all traffic at once there are no steps to wait between.
 */
function bakeSecondsOf(last: DeploymentConfig | undefined): number {
  const { TrafficRoutingConfiguration: routing, TerminationWaitInSeconds: end = 0 } = last?.BlueGreenUpdatePolicy ?? {};
  const step = routing && routing.Type !== 'ALL_AT_ONCE' ? (routing.WaitIntervalInSeconds ?? 0) : 0;
  return last?.RollingUpdatePolicy?.WaitIntervalInSeconds ?? step + end;
}

async function readDeployment(
  reading: Reading,
  described: DescribeEndpointOutput,
  underWay: boolean,
): Promise<Deployment> {
  if (underWay) return { known: false, reason: 'A deployment is under way.' };
  const last = described.LastDeploymentConfig;
  return {
    known: true,
    strategy: last?.RollingUpdatePolicy ? 'rolling' : last?.BlueGreenUpdatePolicy ? 'blue-green' : 'none',
    rollbackAlarms: await readRollbackAlarms(reading, alarmNamesOf(last?.AutoRollbackConfiguration)),
    bakeSeconds: bakeSecondsOf(last),
    // Without the members that the SDK has as undefined.
    deploymentConfig: last ? JSON.parse(JSON.stringify(last)) : null,
  };
}

/** Capture as configured; what it does in fact is shown of the config in service only, so not while another is coming. */
function dataCaptureFrom(
  { DataCaptureConfig: capture }: DescribeEndpointConfigOutput,
  { DataCaptureConfig: live }: DescribeEndpointOutput,
  underWay: boolean,
): DataCapture | null {
  if (!capture) return null;
  const modes = (capture.CaptureOptions ?? []).map(({ CaptureMode }) => CaptureMode);
  const both = modes.includes('InputAndOutput');
  return {
    // EnableCapture defaults to true in the API.
    enabled: capture.EnableCapture ?? true,
    samplingPercentage: capture.InitialSamplingPercentage ?? 0,
    destinationS3Uri: capture.DestinationS3Uri ?? '',
    kmsKeyId: capture.KmsKeyId ?? null,
    directions: (['Input', 'Output'] as const).filter((direction) => both || modes.includes(direction)),
    ...(underWay
      ? {}
      : {
          live: live
            ? { status: live.CaptureStatus ?? 'Stopped', samplingPercentage: live.CurrentSamplingPercentage ?? 0 }
            : null,
        }),
  };
}

/** A model, while its artifacts are looked at already. They are waited for later, and read once. */
async function readModelAndArtifacts(reading: Reading, name: string): Promise<Model> {
  const model = await readModel(reading, name);
  for (const uri of model.containers.flatMap(({ artifactUris }) => artifactUris)) {
    readArtifact(reading, uri).catch(() => undefined);
  }
  return model;
}

const readNamed = (reading: Reading, { what, names }: NamedRead): Promise<unknown> =>
  what === 'alarms' ? describeAlarms(reading, names) : readSchedule(reading, names[0] ?? '');

const iso = (date: Date | undefined) => (date ?? new Date(0)).toISOString();

/**
 * Reads everything the policies may look at. Returns undefined where the endpoint does not exist. Throws
 * UnreadableFactsError, or the SDK's error, where any part cannot be read: facts are whole or not there.
 *
 * Reads go out as soon as what they need is known, four deep (five with model packages, six with
 * inference components): endpoint, tags and
 * schedules; config, alarms, scaling and job definitions; models; artifacts. With `fresh`, nothing read before is reused.
 * With `described`, the endpoint is not asked for again. `expectedConfig` is what an event says that it runs, which is looked
 * up at once; so is what the reading before asked for by name (ReadAhead).
 */
export async function readEndpoint(
  services: Readable,
  ref: EndpointRef,
  {
    fresh = false,
    described: given,
    expectedConfig,
  }: { fresh?: boolean; described?: Described | undefined; expectedConfig?: string | undefined } = {},
): Promise<EndpointFacts | undefined> {
  const reuse = !fresh && services.config.file.reading.cacheSeconds > 0;
  const limit = pLimit(services.config.file.reading.concurrency);
  let reusedSince: number | undefined;
  const cache = reuse ? services.cache : new ReadCache(Number.POSITIVE_INFINITY, () => 0);
  const startedAt = Date.parse(services.now());
  // What this reading itself has asked for is not reused, whoever gets it first.
  const noteReuse = (at: number) => {
    if (at < startedAt) reusedSince = Math.min(at, reusedSince ?? at);
  };
  const reading: Reading = {
    services,
    ref,
    cache: { get: (key, read) => cache.get(key, read, reuse ? noteReuse : undefined) },
    call: (run) => limit(run),
    ahead: new ReadAhead(services.cache, streamOf(ref)),
  };
  const asked = given ?? reading.call(() => describeEndpoint(services, ref));
  // First what most of the others wait for.
  if (expectedConfig !== undefined) readConfig(reading, expectedConfig).catch(() => undefined);
  const tags = readTags(reading);
  const monitors = readMonitors(reading);
  reading.ahead?.start((named) => readNamed(reading, named));
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
        Promise.all([...modelNames].map((model) => readModelAndArtifacts(reading, model))),
        variant.ModelName || variant.ServerlessConfig ? [] : readComponents(reading, name),
        targetsRead,
      ]);
      return variantFrom({
        configured: variant,
        shadow,
        asynchronous: config.AsyncInferenceConfig !== undefined,
        live: live.get(name),
        target: targets.get(name),
        models,
        components,
      });
    }),
  );

  const [artifacts, tagged, schedules, deployed, componentAlarms] = await Promise.all([
    Promise.all(artifactUrisOf(variants).map((uri) => readArtifact(reading, uri))),
    tags,
    monitors,
    deployment,
    readComponentAlarms(reading, variants),
  ]);
  const facts = EndpointFacts.safeParse({
    schema: 1,
    endpoint: ref,
    environment: environmentOf(ref.name, tagged, services.config.file.environments),
    status: status.data,
    configName,
    underWay,
    ...(underWay &&
      pending &&
      described.EndpointConfigName !== configName && { replacesConfig: described.EndpointConfigName }),
    ...(described.FailureReason && { failureReason: described.FailureReason.slice(0, 1_000) }),
    createdAt: iso(described.CreationTime),
    lastModifiedAt: iso(described.LastModifiedTime),
    readAt,
    reusedSince: reusedSince === undefined ? null : new Date(reusedSince).toISOString(),
    variants,
    volumeKmsKeyId: config.KmsKeyId ?? null,
    dataCapture: dataCaptureFrom(config, described, underWay),
    deployment: deployed,
    componentAlarms,
    monitors: schedules,
    artifacts,
  } satisfies Record<Exclude<keyof EndpointFacts, 'replacesConfig' | 'failureReason'>, unknown>);
  if (facts.success) {
    reading.ahead?.keep();
    return facts.data;
  }
  throw new UnreadableFactsError(
    `What AWS answered about ${ref.name} is not understood: ${facts.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`,
  );
}
