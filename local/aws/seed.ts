import * as z from 'zod';
import { autoScaling } from './auto-scaling.ts';
import { cloudwatch } from './cloudwatch.ts';
import type { Caller, Loopback } from './loopback.ts';
import { handleS3 } from './s3.ts';
import { type ObjectRow, objectKey } from './s3-buckets.ts';
import { sagemaker } from './sagemaker.ts';
import { endpoints } from './sagemaker-endpoints.ts';
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
type Model = z.infer<typeof Model>;
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
type Variant = z.infer<typeof Variant>;

const Monitor = z.strictObject({
  type: z.enum(['DataQuality', 'ModelQuality', 'ModelBias', 'ModelExplainability']),
  baseline: z.boolean().default(true),
  status: z.enum(['Scheduled', 'Stopped']).default('Scheduled'),
});

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
  variants: z.array(Variant).min(1),
  dataCapture: z.strictObject({ samplingPercentage: z.int().min(0).max(100).default(100) }).optional(),
  rollbackAlarms: z.array(z.string().min(1)).max(10).default([]).describe('Named in AutoRollbackConfiguration.'),
  alarms: z.enum(['create', 'none']).default('none').describe('Whether those alarms are made, watching this endpoint.'),
  monitors: z.array(Monitor).default([]),
});
type FleetEndpoint = z.infer<typeof FleetEndpoint>;

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

const DAY_MS = 24 * 60 * 60 * 1000;
const modelsOf = (variant: Variant) =>
  'inferenceComponents' in variant ? variant.inferenceComponents.map(({ model }) => model) : [variant.model];
const bucketOf = (uri: string) => uri.slice('s3://'.length).split('/', 1)[0] ?? '';
const keyIn = (uri: string) => uri.slice(`s3://${bucketOf(uri)}/`.length);

/** What puts one endpoint into the account: the calls that a person would make, in that person's name. */
type Seeding = {
  loopback: Loopback;
  endpoint: FleetEndpoint;
  caller: Caller;
  call: (operation: string, input: Record<string, unknown>) => void;
};

function seedingFor(loopback: Loopback, endpoint: FleetEndpoint): Seeding {
  // The fleet has been there for a while: nothing of it is still being deployed.
  const settled = { ...loopback, transitionMs: 0 };
  const createdAt = new Date(loopback.now().getTime() - endpoint.createdDaysAgo * DAY_MS);
  const operations = {
    ...sagemaker(settled),
    ...endpoints(settled, () => createdAt),
    ...cloudwatch(settled),
    ...autoScaling(settled),
  };
  const caller = { accessKeyId: endpoint.changedBy, account: loopback.account, region: loopback.region };
  const call: Seeding['call'] = (name, input) => {
    const operation = operations[name];
    if (!operation) throw new Error(`The loopback AWS has no operation ${name}.`);
    operation(input, caller);
  };
  return { loopback, endpoint, caller, call };
}

const role = ({ loopback }: Seeding, name: string) => `arn:aws:iam::${loopback.account}:role/${name}`;

function putObject({ loopback, caller }: Seeding, uri: string, encryption: Model['encryption'], body: string): void {
  const key = objectKey(bucketOf(uri), keyIn(uri));
  if (loopback.store.get('object', key)) return;
  const put = (path: string, headers: Record<string, string>, content = '') =>
    handleS3(
      loopback,
      { method: 'PUT', path, query: new URLSearchParams(), headers, body: Buffer.from(content) },
      caller,
    );
  put(`/${bucketOf(uri)}`, {});
  const algorithm = encryption === 'sse-kms' ? 'aws:kms' : 'AES256';
  put(`/${bucketOf(uri)}/${encodeURI(keyIn(uri))}`, { 'x-amz-server-side-encryption': algorithm }, body);
  const row = loopback.store.get<ObjectRow>('object', key);
  if (row && encryption === 'none') loopback.store.put('object', key, { ...row, encryption: 'none' });
}

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
  const { name, variants, dataCapture, rollbackAlarms } = endpoint;
  const config = `${name}-config-1`;
  const tags = { Tags: Object.entries(endpoint.tags).map(([Key, Value]) => ({ Key, Value })) };
  const shadows = variants.filter(({ shadow }) => shadow).map((variant) => configured(seeding, variant));
  const capture = dataCapture && {
    EnableCapture: true,
    InitialSamplingPercentage: dataCapture.samplingPercentage,
    DestinationS3Uri: `s3://example-capture/${name}`,
    CaptureOptions: [{ CaptureMode: 'Input' }, { CaptureMode: 'Output' }],
  };
  call('CreateEndpointConfig', {
    EndpointConfigName: config,
    ProductionVariants: variants.filter(({ shadow }) => !shadow).map((variant) => configured(seeding, variant)),
    ...(shadows.length > 0 ? { ShadowProductionVariants: shadows } : {}),
    ...(capture ? { DataCaptureConfig: capture } : {}),
    ExecutionRoleArn: role(seeding, 'SageMakerHosting'),
    ...tags,
  });
  const rollback = { Alarms: rollbackAlarms.map((alarm) => ({ AlarmName: alarm })) };
  call('CreateEndpoint', {
    EndpointName: name,
    EndpointConfigName: config,
    ...(rollbackAlarms.length > 0 ? { DeploymentConfig: { AutoRollbackConfiguration: rollback } } : {}),
    ...tags,
  });
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

function createAlarms({ endpoint, call }: Seeding): void {
  if (endpoint.alarms === 'none') return;
  for (const alarm of endpoint.rollbackAlarms) {
    call('PutMetricAlarm', {
      AlarmName: alarm,
      AlarmDescription: `Rolls back deployments of ${endpoint.name}.`,
      Namespace: 'aws/sagemaker/Endpoints/data-metrics',
      MetricName: 'feature_baseline_drift_amount',
      Dimensions: [{ Name: 'Endpoint', Value: endpoint.name }],
      Statistic: 'Maximum',
      Period: 3600,
      EvaluationPeriods: 1,
      Threshold: 0.2,
      ComparisonOperator: 'GreaterThanThreshold',
    });
    call('SetAlarmState', { AlarmName: alarm, StateValue: 'OK', StateReason: 'Threshold not crossed' });
  }
}

/** `ModelBias` -> `model-bias` */
const dashed = (type: string) => type.replace(/(?<=.)[A-Z]/, '-$&').toLowerCase();

function createMonitors(seeding: Seeding): void {
  const { endpoint, call } = seeding;
  for (const { type, baseline, status } of endpoint.monitors) {
    const name = `${endpoint.name}-${dashed(type)}`;
    const constraints = `s3://example-baselines/${endpoint.name}/${dashed(type)}/constraints.json`;
    if (baseline) putObject(seeding, constraints, 'sse-s3', '{}\n');
    call(`Create${type}JobDefinition`, {
      JobDefinitionName: name,
      ...(baseline ? { [`${type}BaselineConfig`]: { ConstraintsResource: { S3Uri: constraints } } } : {}),
      [`${type}AppSpecification`]: { ImageUri: 'sagemaker-model-monitor-analyzer' },
      [`${type}JobInput`]: {
        EndpointInput: { EndpointName: endpoint.name, LocalPath: '/opt/ml/processing/input/endpoint' },
      },
      [`${type}JobOutputConfig`]: { MonitoringOutputs: [] },
      JobResources: { ClusterConfig: { InstanceCount: 1, InstanceType: 'ml.m5.large', VolumeSizeInGB: 20 } },
      RoleArn: role(seeding, 'SageMakerMonitor'),
    });
    call('CreateMonitoringSchedule', {
      MonitoringScheduleName: name,
      MonitoringScheduleConfig: {
        ScheduleConfig: { ScheduleExpression: 'cron(0 * ? * * *)' },
        MonitoringJobDefinitionName: name,
        MonitoringType: type,
      },
    });
    if (status === 'Stopped') call('StopMonitoringSchedule', { MonitoringScheduleName: name });
  }
}

/**
 * Puts a fleet into the account and returns the names of the endpoints that are new; one that is there already is left
 * as it is. An endpoint is stored whole with all its events, or not at all.
 */
export function seedFleet(loopback: Loopback, fleet: Fleet): string[] {
  const fresh = fleet.endpoints.filter(({ name }) => !loopback.store.get('endpoint', keyOf(name)));
  for (const endpoint of fresh) {
    const seeding = seedingFor(loopback, endpoint);
    loopback.store.together(() => {
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
