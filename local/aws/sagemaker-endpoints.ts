import * as z from 'zod';
import { recordedOperations } from './cloudtrail.ts';
import { type Json, present, readInput } from './input.ts';
import { AwsError, type Loopback, type ServiceTable } from './loopback.ts';
import type { ConfigRow, ConfiguredVariant } from './sagemaker-endpoint-configs.ts';
import { type EndpointRow, laterThan, putEndpoint, type Serving } from './sagemaker-endpoint-life.ts';
import {
  arnOf,
  find,
  listResources,
  Name,
  putTags,
  refuseExisting,
  SAGEMAKER,
  seconds,
  TagList,
} from './sagemaker-resources.ts';
import { type LiveVariant, liveVariant, pendingVariant, scalingVariant, settledVariant } from './sagemaker-variants.ts';

const AlarmName = z.strictObject({ AlarmName: z.string().min(1).max(255).regex(/\S/, 'Member must not be blank') });
const DeploymentConfig = z
  .strictObject({
    BlueGreenUpdatePolicy: z.looseObject({ TrafficRoutingConfiguration: z.looseObject({}) }).optional(),
    RollingUpdatePolicy: z.looseObject({ MaximumBatchSize: z.looseObject({}) }).optional(),
    AutoRollbackConfiguration: z.strictObject({ Alarms: z.array(AlarmName).min(1).max(10).optional() }).optional(),
  })
  .refine(
    ({ BlueGreenUpdatePolicy, RollingUpdatePolicy }) => !(BlueGreenUpdatePolicy && RollingUpdatePolicy),
    'Member must not have both a BlueGreenUpdatePolicy and a RollingUpdatePolicy',
  );
const NameInput = z.strictObject({ EndpointName: Name });
const CreateInput = z.strictObject({
  EndpointName: Name,
  EndpointConfigName: Name,
  DeploymentConfig: DeploymentConfig.optional(),
  Tags: TagList.optional(),
});
const Property = z.enum(['DesiredInstanceCount', 'DesiredWeight', 'DataCaptureConfig']);
const UpdateInput = z.strictObject({
  EndpointName: Name,
  EndpointConfigName: Name,
  RetainAllVariantProperties: z.boolean().default(false),
  ExcludeRetainedVariantProperties: z
    .array(z.strictObject({ VariantPropertyType: Property }))
    .max(3)
    .default([]),
  DeploymentConfig: DeploymentConfig.optional(),
  RetainDeploymentConfig: z.boolean().default(false),
});
const ScaleInput = z.strictObject({
  EndpointName: Name,
  DesiredWeightsAndCapacities: z
    .array(
      z.strictObject({
        VariantName: Name,
        DesiredWeight: z.number().min(0).optional(),
        DesiredInstanceCount: z.number().int().min(0).optional(),
        ServerlessUpdateConfig: z
          .strictObject({
            MaxConcurrency: z.number().int().min(1).max(200),
            ProvisionedConcurrency: z.number().int().min(1),
          })
          .partial()
          .optional(),
      }),
    )
    .min(1),
});

/** What DescribeEndpoint shows of a config besides its variants. */
function settingsOf({
  DataCaptureConfig: capture,
  AsyncInferenceConfig,
  ExplainerConfig,
  MetricsConfig,
}: ConfigRow['definition']): Json {
  const enabled = capture?.EnableCapture ?? true;
  return present({
    DataCaptureConfig: capture && {
      EnableCapture: enabled,
      CaptureStatus: enabled ? 'Started' : 'Stopped',
      CurrentSamplingPercentage: capture.InitialSamplingPercentage,
      DestinationS3Uri: capture.DestinationS3Uri,
      ...present({ KmsKeyId: capture.KmsKeyId }),
    },
    AsyncInferenceConfig,
    ExplainerConfig,
    MetricsConfig,
  });
}

type Retained = (name: string) => Pick<LiveVariant, 'DesiredInstanceCount' | 'DesiredWeight'> | undefined;

/** A config as it will serve, and as it looks while it is being deployed. */
function deploymentOf(loopback: Loopback, config: ConfigRow, startedAt: number, retained: Retained = () => undefined) {
  const { ProductionVariants, ShadowProductionVariants = [], ...rest } = config.definition;
  const settings = settingsOf({ ProductionVariants, ...rest });
  const live = (configured: ConfiguredVariant) => liveVariant(loopback, configured, retained(configured.VariantName));
  const pending = (configured: ConfiguredVariant) => pendingVariant(live(configured), configured, startedAt);
  const serving = (show: (configured: ConfiguredVariant) => LiveVariant): Serving => ({
    configName: config.name,
    variants: ProductionVariants.map(show),
    shadowVariants: ShadowProductionVariants.map(show),
    settings,
  });
  return { to: serving(live), pending: { ...serving(pending), startedAt } };
}

const findConfig = (loopback: Loopback, name: string) => find<ConfigRow>(loopback, 'endpoint-config', name);

function findSettled(loopback: Loopback, name: string): EndpointRow {
  const row = find<EndpointRow>(loopback, 'endpoint', name);
  if (row.status === 'InService') return row;
  throw new AwsError('ValidationException', `Cannot update in-progress endpoint "${row.arn}".`);
}

/** When a status change that begins now will end. */
const dueAt = (loopback: Loopback) => loopback.now().getTime() + loopback.transitionMs;

function createEndpoint(loopback: Loopback, input: Json, createdAt: number): { EndpointArn: string } {
  const { EndpointName: name, EndpointConfigName, DeploymentConfig, Tags } = readInput(CreateInput, input);
  refuseExisting(loopback, 'endpoint', name);
  const now = loopback.now().getTime();
  const { to, pending } = deploymentOf(loopback, findConfig(loopback, EndpointConfigName), now);
  const arn = arnOf(loopback, 'endpoint', name);
  putTags(loopback, arn, Tags);
  putEndpoint(loopback, {
    name,
    arn,
    status: 'Creating',
    createdAt,
    modifiedAt: now,
    serving: { ...to, variants: [], shadowVariants: [] },
    pending,
    transition: { dueAt: dueAt(loopback), to },
    ...present({ lastDeploymentConfig: DeploymentConfig }),
  });
  return { EndpointArn: arn };
}

function updateEndpoint(loopback: Loopback, input: Json): { EndpointArn: string } {
  const wanted = readInput(UpdateInput, input);
  const { lastDeploymentConfig, ...row } = findSettled(loopback, wanted.EndpointName);
  const config = findConfig(loopback, wanted.EndpointConfigName);
  // AWS compares the two, so it refuses where the one in use has been deleted.
  findConfig(loopback, row.serving.configName);
  const excluded = wanted.ExcludeRetainedVariantProperties.map(({ VariantPropertyType }) => VariantPropertyType);
  const retained: Retained = (name) => {
    const live = [...row.serving.variants, ...row.serving.shadowVariants].find(
      ({ VariantName }) => VariantName === name,
    );
    if (!live || !wanted.RetainAllVariantProperties) return undefined;
    const { DesiredInstanceCount, DesiredWeight } = live;
    const kept = Object.entries({ DesiredInstanceCount, DesiredWeight }).filter(
      ([key]) => !excluded.some((name) => name === key),
    );
    return Object.fromEntries(kept) as ReturnType<Retained>;
  };
  const modifiedAt = laterThan(row.modifiedAt, loopback);
  const { to, pending } = deploymentOf(loopback, config, modifiedAt, retained);
  const deployment = wanted.DeploymentConfig ?? (wanted.RetainDeploymentConfig ? lastDeploymentConfig : undefined);
  // For demonstrations: AWS says nothing either when a deployment was rolled back.
  const rollsBack = /rollback/i.test(config.name);
  putEndpoint(loopback, {
    ...row,
    status: 'Updating',
    modifiedAt,
    pending,
    transition: { dueAt: dueAt(loopback), to: rollsBack ? row.serving : to },
    ...present({ lastDeploymentConfig: deployment }),
  });
  return { EndpointArn: row.arn };
}

function scaleEndpoint(loopback: Loopback, input: Json): { EndpointArn: string } {
  const { EndpointName, DesiredWeightsAndCapacities: wanted } = readInput(ScaleInput, input);
  const row = findSettled(loopback, EndpointName);
  for (const { VariantName } of wanted) {
    if (row.serving.variants.some((live) => live.VariantName === VariantName)) continue;
    const where = `endpoint configuration "${row.serving.configName}"`;
    throw new AwsError(
      'ValidationException',
      `The variant name(s) "${VariantName}" is/are not present within ${where}.`,
    );
  }
  const modifiedAt = laterThan(row.modifiedAt, loopback);
  const variants = row.serving.variants.map((live) => {
    const change = wanted.find(({ VariantName }) => VariantName === live.VariantName);
    return change ? scalingVariant(live, change, modifiedAt) : live;
  });
  const serving = { ...row.serving, variants };
  const to = { ...serving, variants: variants.map(settledVariant) };
  putEndpoint(loopback, {
    ...row,
    status: 'Updating',
    modifiedAt,
    serving,
    transition: { dueAt: dueAt(loopback), to },
  });
  return { EndpointArn: row.arn };
}

function deleteEndpoint(loopback: Loopback, input: Json): object {
  const row = findSettled(loopback, readInput(NameInput, input).EndpointName);
  const hosted = loopback.store.list<{ endpointName: string }>('inference-component');
  if (hosted.some(({ endpointName }) => endpointName === row.name)) {
    throw new AwsError(
      'ValidationException',
      `Cannot delete endpoint "${row.arn}": delete its inference components first.`,
    );
  }
  const modifiedAt = laterThan(row.modifiedAt, loopback);
  putEndpoint(loopback, { ...row, status: 'Deleting', modifiedAt, transition: { dueAt: dueAt(loopback), to: null } });
  return {};
}

function variantLists({ variants, shadowVariants }: Serving): Json {
  return present({
    ProductionVariants: variants.length > 0 ? variants : undefined,
    ShadowProductionVariants: shadowVariants.length > 0 ? shadowVariants : undefined,
  });
}

/** What DescribeEndpoint answers. */
export function describeRow({
  name,
  arn,
  status,
  serving,
  pending,
  createdAt,
  modifiedAt,
  lastDeploymentConfig,
}: EndpointRow): Json {
  return present({
    EndpointName: name,
    EndpointArn: arn,
    EndpointConfigName: serving.configName,
    ...variantLists(serving),
    ...serving.settings,
    EndpointStatus: status,
    CreationTime: seconds(createdAt),
    LastModifiedTime: seconds(modifiedAt),
    LastDeploymentConfig: lastDeploymentConfig,
    PendingDeploymentSummary: pending && {
      EndpointConfigName: pending.configName,
      StartTime: seconds(pending.startedAt),
      ...variantLists(pending),
    },
  });
}

/** `createdAt` is for the seed, whose endpoints have been there for a while. */
export function endpoints(loopback: Loopback, createdAt: () => Date = loopback.now): ServiceTable {
  return {
    ...recordedOperations(loopback, SAGEMAKER, {
      CreateEndpoint: (loopback, input) => createEndpoint(loopback, input, createdAt().getTime()),
      UpdateEndpoint: updateEndpoint,
      UpdateEndpointWeightsAndCapacities: scaleEndpoint,
      DeleteEndpoint: deleteEndpoint,
    }),
    DescribeEndpoint: (input) =>
      describeRow(find<EndpointRow>(loopback, 'endpoint', readInput(NameInput, input).EndpointName)),
    ListEndpoints: (input) => {
      const { items, next } = listResources(loopback.store.list<EndpointRow>('endpoint'), input);
      const summaries = items.map(({ name, arn, status, createdAt, modifiedAt }) => ({
        EndpointName: name,
        EndpointArn: arn,
        CreationTime: seconds(createdAt),
        LastModifiedTime: seconds(modifiedAt),
        EndpointStatus: status,
      }));
      return present({ Endpoints: summaries, NextToken: next });
    },
  };
}
