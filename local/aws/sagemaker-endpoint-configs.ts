import * as z from 'zod';
import { recordedOperations, wholeSeconds } from './cloudtrail.ts';
import { type Json, present, readInput } from './input.ts';
import { AwsError, type Loopback, type ServiceTable } from './loopback.ts';
import {
  arnOf,
  find,
  keyOf,
  listResources,
  Name,
  putTags,
  type ResourceRow,
  refuseExisting,
  removeResource,
  SAGEMAKER,
  seconds,
  TagList,
} from './sagemaker-resources.ts';

const InstanceType = z
  .string()
  .regex(/^ml\.[a-z0-9-]+\.[a-z0-9-]+$/, 'Member must be an instance type such as ml.m5.large');
const ServerlessConfig = z.strictObject({
  MemorySizeInMB: z.number().int().min(1024).max(6144).multipleOf(1024),
  MaxConcurrency: z.number().int().min(1).max(200),
  ProvisionedConcurrency: z.number().int().min(1).max(200).optional(),
});
const ManagedInstanceScaling = z.looseObject({
  Status: z.enum(['ENABLED', 'DISABLED']).optional(),
  MinInstanceCount: z.number().int().min(0).optional(),
  MaxInstanceCount: z.number().int().min(1).optional(),
});
const Pool = z.looseObject({
  InstanceType,
  Priority: z.number().int().min(1).max(5).optional(),
  ModelNameOverride: Name.optional(),
});
const Variant = z.looseObject({
  VariantName: Name,
  ModelName: Name.optional(),
  InitialInstanceCount: z.number().int().min(1, 'Member must have value greater than or equal to 1').optional(),
  InstanceType: InstanceType.optional(),
  InstancePools: z.array(Pool).min(1).max(5).optional(),
  ServerlessConfig: ServerlessConfig.optional(),
  ManagedInstanceScaling: ManagedInstanceScaling.optional(),
  InitialVariantWeight: z.number().min(0).default(1),
});
export type ConfiguredVariant = z.infer<typeof Variant>;
const Capture = z.looseObject({
  EnableCapture: z.boolean().optional(),
  InitialSamplingPercentage: z.number().int().min(0).max(100),
  DestinationS3Uri: z.string().regex(/^s3:\/\//, 'Member must be an S3 URI'),
  KmsKeyId: z.string().optional(),
  CaptureOptions: z.array(z.strictObject({ CaptureMode: z.enum(['Input', 'Output', 'InputAndOutput']) })).min(1),
});
const CreateInput = z.strictObject({
  EndpointConfigName: Name,
  ProductionVariants: z.array(Variant).min(1).max(10),
  ShadowProductionVariants: z.array(Variant).max(10).optional(),
  DataCaptureConfig: Capture.optional(),
  Tags: TagList.optional(),
  KmsKeyId: z.string().max(2048).optional(),
  AsyncInferenceConfig: z.looseObject({}).optional(),
  ExplainerConfig: z.looseObject({}).optional(),
  ExecutionRoleArn: z.string().optional(),
  VpcConfig: z.looseObject({}).optional(),
  EnableNetworkIsolation: z.boolean().optional(),
  MetricsConfig: z.looseObject({}).optional(),
});
type Definition = Omit<z.infer<typeof CreateInput>, 'EndpointConfigName' | 'Tags'>;
const NameInput = z.strictObject({ EndpointConfigName: Name });

/** Immutable once made; the members are those of DescribeEndpointConfig. */
export type ConfigRow = ResourceRow & { definition: Definition };

const invalid = (message: string) => new AwsError('ValidationException', message);

function checkVariant(variant: ConfiguredVariant, { ExecutionRoleArn }: Definition): void {
  const { VariantName: name, ServerlessConfig, InstanceType, InstancePools, ManagedInstanceScaling: managed } = variant;
  const runsOn = [ServerlessConfig, InstanceType, InstancePools].filter((each) => each !== undefined);
  if (runsOn.length !== 1) {
    throw invalid(
      `Exactly one of InstanceType, InstancePools and ServerlessConfig must be given for variant "${name}".`,
    );
  }
  if (ServerlessConfig) {
    if (!variant.ModelName) throw invalid(`ModelName is required for serverless variant "${name}".`);
    if (variant.InitialInstanceCount !== undefined) {
      throw invalid(`InitialInstanceCount must not be given for serverless variant "${name}".`);
    }
    return;
  }
  if (variant.InitialInstanceCount === undefined && managed?.Status !== 'ENABLED') {
    throw invalid(`InitialInstanceCount is required for variant "${name}".`);
  }
  if (!variant.ModelName && !ExecutionRoleArn) {
    throw invalid(`ExecutionRoleArn is required because variant "${name}" has no ModelName.`);
  }
}

function check(loopback: Loopback, definition: Definition): void {
  const { ProductionVariants: production, ShadowProductionVariants: shadow = [] } = definition;
  if (shadow.length > 0 && (shadow.length > 1 || production.length > 1)) {
    throw invalid('With ShadowProductionVariants there must be exactly one production and one shadow variant.');
  }
  const variants = [...production, ...shadow];
  const names = variants.map(({ VariantName }) => VariantName);
  if (new Set(names).size < names.length)
    throw invalid('Variant names must be unique within an endpoint configuration.');
  for (const variant of variants) {
    checkVariant(variant, definition);
    const overrides = (variant.InstancePools ?? []).map(({ ModelNameOverride }) => ModelNameOverride);
    for (const model of [variant.ModelName, ...overrides]) if (model) find(loopback, 'model', model);
  }
}

function announce(loopback: Loopback, row: ConfigRow, tags: z.infer<typeof TagList>): void {
  loopback.emit({
    source: SAGEMAKER.source,
    'detail-type': 'SageMaker Endpoint Config State Change',
    time: wholeSeconds(loopback.now()),
    resources: [row.arn],
    detail: {
      EndpointConfigName: row.name,
      EndpointConfigArn: row.arn,
      ProductionVariants: row.definition.ProductionVariants,
      CreationTime: row.createdAt,
      Tags: tags,
    },
  });
}

const describe = ({ name, arn, createdAt, definition }: ConfigRow): Json => ({
  EndpointConfigName: name,
  EndpointConfigArn: arn,
  ...definition,
  CreationTime: seconds(createdAt),
});

export function endpointConfigs(loopback: Loopback): ServiceTable {
  return {
    ...recordedOperations(loopback, SAGEMAKER, {
      CreateEndpointConfig: (loopback, input) => {
        const { EndpointConfigName: name, Tags, ...definition } = readInput(CreateInput, input);
        refuseExisting(loopback, 'endpoint-config', name);
        check(loopback, definition);
        const arn = arnOf(loopback, 'endpoint-config', name);
        const at = loopback.now().getTime();
        const row: ConfigRow = { name, arn, createdAt: at, modifiedAt: at, definition };
        loopback.store.put('endpoint-config', keyOf(name), row);
        putTags(loopback, arn, Tags);
        announce(loopback, row, Tags ?? []);
        return { EndpointConfigArn: arn };
      },
      // AWS advises against deleting a config that is in use, and lets you.
      DeleteEndpointConfig: (loopback, input) => {
        const row = find<ConfigRow>(loopback, 'endpoint-config', readInput(NameInput, input).EndpointConfigName);
        removeResource(loopback, 'endpoint-config', row);
        return {};
      },
    }),
    DescribeEndpointConfig: (input) =>
      describe(find<ConfigRow>(loopback, 'endpoint-config', readInput(NameInput, input).EndpointConfigName)),
    ListEndpointConfigs: (input) => {
      const { items, next } = listResources(loopback.store.list<ConfigRow>('endpoint-config'), input);
      const summaries = items.map(({ name, arn, createdAt }) => ({
        EndpointConfigName: name,
        EndpointConfigArn: arn,
        CreationTime: seconds(createdAt),
      }));
      return present({ EndpointConfigs: summaries, NextToken: next });
    },
  };
}
