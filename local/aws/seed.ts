import type { Fleet, Model, Variant } from './fleet.ts';
import type { Loopback } from './loopback.ts';
import type { EndpointRow } from './sagemaker-endpoint-life.ts';
import { keyOf } from './sagemaker-resources.ts';
import { createAlarms, createMonitors } from './seed-guards.ts';
import { putObject, role, type Seeding, seedingFor } from './seeding.ts';

const modelsOf = (variant: Variant) =>
  'inferenceComponents' in variant ? variant.inferenceComponents.map(({ model }) => model) : [variant.model];
function createModel(seeding: Seeding, name: string, { image, artifact, encryption }: Model): string {
  putObject(seeding, artifact, encryption, `model of ${name}\n`);
  seeding.call('CreateModel', {
    ModelName: name,
    ExecutionRoleArn: role(seeding, 'SageMakerHosting'),
    PrimaryContainer: { Image: image, ModelDataUrl: artifact },
  });
  return name;
}

/** The variant as CreateEndpointConfig takes it; its model is made on the way. */
function configured(seeding: Seeding, variant: Variant): Record<string, unknown> {
  const model = () => ({
    ModelName: createModel(seeding, `${seeding.endpoint.name}-${variant.name}`, modelsOf(variant)[0] as Model),
  });
  const base = { VariantName: variant.name, InitialVariantWeight: variant.weight };
  if ('inferenceComponents' in variant) {
    const { min, max } = variant.managedScaling;
    const scaling = { Status: 'ENABLED', MinInstanceCount: min, MaxInstanceCount: max };
    return {
      ...base,
      InstanceType: variant.instanceType,
      InitialInstanceCount: Math.max(min, 1),
      ManagedInstanceScaling: scaling,
    };
  }
  if ('serverless' in variant) {
    const { memoryMb, maxConcurrency, provisionedConcurrency } = variant.serverless;
    const serverless = { MemorySizeInMB: memoryMb, MaxConcurrency: maxConcurrency };
    const provisioned = provisionedConcurrency === undefined ? {} : { ProvisionedConcurrency: provisionedConcurrency };
    return { ...base, ...model(), ServerlessConfig: { ...serverless, ...provisioned } };
  }
  const counted = { ...base, ...model(), InitialInstanceCount: variant.count };
  if ('instanceType' in variant) return { ...counted, InstanceType: variant.instanceType };
  const pools = variant.instancePools.map(({ instanceType, priority }) => ({
    InstanceType: instanceType,
    Priority: priority,
  }));
  return { ...counted, InstancePools: pools };
}

function deploy(seeding: Seeding): void {
  const { endpoint, call } = seeding;
  const { name, variants, dataCapture, rollbackAlarms, bakeSeconds } = endpoint;
  const config = `${name}-config-1`;
  const tags = { Tags: Object.entries(endpoint.tags).map(([Key, Value]) => ({ Key, Value })) };
  const shadows = variants.filter(({ shadow }) => shadow).map((variant) => configured(seeding, variant));
  const capture = dataCapture && {
    EnableCapture: true,
    InitialSamplingPercentage: dataCapture.samplingPercentage,
    DestinationS3Uri: `s3://example-capture/${name}`,
    CaptureOptions: dataCapture.directions.map((CaptureMode) => ({ CaptureMode })),
  };
  call('CreateEndpointConfig', {
    EndpointConfigName: config,
    ProductionVariants: variants.filter(({ shadow }) => !shadow).map((variant) => configured(seeding, variant)),
    ...(shadows.length > 0 ? { ShadowProductionVariants: shadows } : {}),
    ...(capture ? { DataCaptureConfig: capture } : {}),
    ExecutionRoleArn: role(seeding, 'SageMakerHosting'),
    ...tags,
  });
  const rollback = { Alarms: rollbackAlarms.map(({ name }) => ({ AlarmName: name })) };
  const canary = {
    Type: 'CANARY',
    WaitIntervalInSeconds: bakeSeconds,
    CanarySize: { Type: 'CAPACITY_PERCENT', Value: 50 },
  };
  const policy = bakeSeconds ? { BlueGreenUpdatePolicy: { TrafficRoutingConfiguration: canary } } : {};
  call('CreateEndpoint', {
    EndpointName: name,
    EndpointConfigName: config,
    ...(rollbackAlarms.length > 0 ? { DeploymentConfig: { ...policy, AutoRollbackConfiguration: rollback } } : {}),
    ...tags,
  });
  if (dataCapture?.status === 'Stopped') stopCapture(seeding);
}

/** No call stops it: SageMaker does, by itself. */
function stopCapture({ loopback, endpoint }: Seeding): void {
  const row = loopback.store.get<EndpointRow>('endpoint', keyOf(endpoint.name));
  if (!row) throw new Error(`Endpoint ${endpoint.name} is not stored.`);
  const capture = { ...(row.serving.settings.DataCaptureConfig as object), CaptureStatus: 'Stopped' };
  const serving = { ...row.serving, settings: { ...row.serving.settings, DataCaptureConfig: capture } };
  loopback.store.put('endpoint', keyOf(endpoint.name), { ...row, serving });
}

function createComponents(seeding: Seeding): void {
  const { endpoint, call } = seeding;
  for (const variant of endpoint.variants) {
    if (!('inferenceComponents' in variant)) continue;
    for (const { name, copies, model } of variant.inferenceComponents) {
      call('CreateInferenceComponent', {
        InferenceComponentName: name,
        EndpointName: endpoint.name,
        VariantName: variant.name,
        Specification: {
          ModelName: createModel(seeding, `${name}-model`, model),
          ComputeResourceRequirements: { MinMemoryRequiredInMb: 1024, NumberOfCpuCoresRequired: 1 },
        },
        RuntimeConfig: { CopyCount: copies },
      });
    }
  }
}

function registerScaling({ endpoint, call }: Seeding): void {
  for (const variant of endpoint.variants) {
    if (!('autoScaling' in variant) || !variant.autoScaling) continue;
    call('RegisterScalableTarget', {
      ServiceNamespace: 'sagemaker',
      ResourceId: `endpoint/${endpoint.name}/variant/${variant.name}`,
      ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
      MinCapacity: variant.autoScaling.min,
      MaxCapacity: variant.autoScaling.max,
    });
  }
}

/** Of which endpoints it was ever done, by their key: whoever deletes one does not want it back at the next start. */
const SEEDED = 'seeded';

/**
 * Puts a fleet into the account and returns the names of the endpoints that are new; one that is there already is left
 * as it is, and one that was deleted stays deleted. An endpoint is stored whole with all its events, or not at all.
 */
export function seedFleet(loopback: Loopback, fleet: Fleet): string[] {
  const { store } = loopback;
  const fresh = fleet.endpoints.filter(
    ({ name }) => !['endpoint', SEEDED].some((kind) => store.get(kind, keyOf(name))),
  );
  for (const endpoint of fresh) {
    const seeding = seedingFor(loopback, endpoint);
    store.together(() => {
      store.put(SEEDED, keyOf(endpoint.name), {});
      // The endpoint comes before what guards it, so that the first event about it says who made it.
      deploy(seeding);
      createComponents(seeding);
      registerScaling(seeding);
      createAlarms(seeding);
      createMonitors(seeding);
    });
  }
  return fresh.map(({ name }) => name);
}
