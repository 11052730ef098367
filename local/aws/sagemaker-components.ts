import * as z from 'zod';
import { recordedOperations } from './cloudtrail.ts';
import { type Json, present, readInput } from './input.ts';
import { AwsError, type Loopback, type ServiceTable } from './loopback.ts';
import { type EndpointRow, laterThan } from './sagemaker-endpoint-life.ts';
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
import { deployedImage } from './sagemaker-variants.ts';

const Container = z.looseObject({
  Image: z.string().max(255).optional(),
  ArtifactUrl: z
    .string()
    .regex(/^(https|s3):\/\//, 'Member must be an S3 address')
    .optional(),
  Environment: z.record(z.string(), z.string()).optional(),
});
const Specification = z
  .looseObject({
    ModelName: Name.optional(),
    Container: Container.optional(),
    BaseInferenceComponentName: Name.optional(),
    ComputeResourceRequirements: z.looseObject({}).optional(),
  })
  .refine(
    (specification) => specification.ModelName ?? specification.Container ?? specification.BaseInferenceComponentName,
    'Member must have a ModelName, a Container or a BaseInferenceComponentName',
  );
const Copies = z.strictObject({ CopyCount: z.number().int().min(0) });
const CreateInput = z.strictObject({
  InferenceComponentName: Name,
  EndpointName: Name,
  VariantName: Name.optional(),
  Specification,
  RuntimeConfig: Copies.optional(),
  Tags: TagList.optional(),
});
const UpdateInput = z.strictObject({
  InferenceComponentName: Name,
  Specification: Specification.optional(),
  RuntimeConfig: Copies.optional(),
  DeploymentConfig: z.looseObject({}).optional(),
});
const RuntimeInput = z.strictObject({ InferenceComponentName: Name, DesiredRuntimeConfig: Copies });
const NameInput = z.strictObject({ InferenceComponentName: Name });
const Filters = z.looseObject({ EndpointNameEquals: z.string().optional(), VariantNameEquals: z.string().optional() });

type ComponentRow = ResourceRow & {
  endpointName: string;
  variantName: string;
  specification: z.infer<typeof Specification>;
  copies: number;
  lastDeploymentConfig?: Json;
};

/** The variant that hosts components: the one named, or the only one without a model of its own. */
function hostOf(loopback: Loopback, endpoint: EndpointRow, wanted: string | undefined): string {
  if (endpoint.status !== 'InService') {
    throw new AwsError(
      'ValidationException',
      `Endpoint "${endpoint.arn}" must be InService, but is ${endpoint.status}.`,
    );
  }
  const { variants } = endpoint.serving;
  const found = variants.find(({ VariantName }) => VariantName === (wanted ?? variants[0]?.VariantName));
  if (!found)
    throw new AwsError('ValidationException', `Could not find variant "${wanted}" of endpoint "${endpoint.arn}".`);
  const config = loopback.store.get<{
    definition: { ProductionVariants: { VariantName: string; ModelName?: string }[] };
  }>('endpoint-config', keyOf(endpoint.serving.configName));
  const configured = config?.definition.ProductionVariants.find(({ VariantName }) => VariantName === found.VariantName);
  if (configured?.ModelName) {
    throw new AwsError(
      'ValidationException',
      `Variant "${found.VariantName}" has a model, so it cannot host inference components.`,
    );
  }
  return found.VariantName;
}

function checkReferences(
  loopback: Loopback,
  { ModelName, BaseInferenceComponentName: base }: ComponentRow['specification'],
): void {
  if (ModelName) find(loopback, 'model', ModelName);
  if (base) find(loopback, 'inference-component', base);
}

const require = (loopback: Loopback, name: string) => find<ComponentRow>(loopback, 'inference-component', name);
const put = (loopback: Loopback, row: ComponentRow) => loopback.store.put('inference-component', keyOf(row.name), row);

/** What is described says which image was deployed, where what was asked for named one. */
function specificationSummary({ specification, modifiedAt }: ComponentRow): Json {
  const { Container: container, ...rest } = specification;
  if (!container) return rest;
  const { Image: image, ...more } = container;
  return { ...rest, Container: { ...more, ...(image ? { DeployedImage: deployedImage(image, modifiedAt) } : {}) } };
}

const shared = (loopback: Loopback, row: ComponentRow) => ({
  InferenceComponentName: row.name,
  InferenceComponentArn: row.arn,
  EndpointName: row.endpointName,
  EndpointArn: arnOf(loopback, 'endpoint', row.endpointName),
  VariantName: row.variantName,
  InferenceComponentStatus: 'InService',
  CreationTime: seconds(row.createdAt),
  LastModifiedTime: seconds(row.modifiedAt),
});

export function inferenceComponents(loopback: Loopback): ServiceTable {
  return {
    ...recordedOperations(loopback, SAGEMAKER, {
      CreateInferenceComponent: (loopback, input) => {
        const wanted = readInput(CreateInput, input);
        const name = wanted.InferenceComponentName;
        refuseExisting(loopback, 'inference-component', name);
        const endpoint = find<EndpointRow>(loopback, 'endpoint', wanted.EndpointName);
        const variantName = hostOf(loopback, endpoint, wanted.VariantName);
        checkReferences(loopback, wanted.Specification);
        const arn = arnOf(loopback, 'inference-component', name);
        const at = loopback.now().getTime();
        put(loopback, {
          name,
          arn,
          status: 'InService',
          createdAt: at,
          modifiedAt: at,
          endpointName: endpoint.name,
          variantName,
          specification: wanted.Specification,
          copies: wanted.RuntimeConfig?.CopyCount ?? 1,
        });
        putTags(loopback, arn, wanted.Tags);
        return { InferenceComponentArn: arn };
      },
      UpdateInferenceComponent: (loopback, input) => {
        const wanted = readInput(UpdateInput, input);
        const row = require(loopback, wanted.InferenceComponentName);
        if (wanted.Specification) checkReferences(loopback, wanted.Specification);
        put(loopback, {
          ...row,
          modifiedAt: laterThan(row.modifiedAt, loopback),
          specification: wanted.Specification ?? row.specification,
          copies: wanted.RuntimeConfig?.CopyCount ?? row.copies,
          ...present({ lastDeploymentConfig: wanted.DeploymentConfig }),
        });
        return { InferenceComponentArn: row.arn };
      },
      UpdateInferenceComponentRuntimeConfig: (loopback, input) => {
        const { InferenceComponentName, DesiredRuntimeConfig } = readInput(RuntimeInput, input);
        const row = require(loopback, InferenceComponentName);
        put(loopback, {
          ...row,
          modifiedAt: laterThan(row.modifiedAt, loopback),
          copies: DesiredRuntimeConfig.CopyCount,
        });
        return { InferenceComponentArn: row.arn };
      },
      DeleteInferenceComponent: (loopback, input) => {
        removeResource(
          loopback,
          'inference-component',
          require(loopback, readInput(NameInput, input).InferenceComponentName),
        );
        return {};
      },
    }),
    DescribeInferenceComponent: (input) => {
      const row = require(loopback, readInput(NameInput, input).InferenceComponentName);
      return present({
        ...shared(loopback, row),
        Specification: specificationSummary(row),
        RuntimeConfig: { DesiredCopyCount: row.copies, CurrentCopyCount: row.copies },
        LastDeploymentConfig: row.lastDeploymentConfig,
      });
    },
    ListInferenceComponents: (input) => {
      const { EndpointNameEquals: endpoint, VariantNameEquals: variant } = readInput(Filters, input);
      const rows = loopback.store
        .list<ComponentRow>('inference-component')
        .filter(
          ({ endpointName, variantName }) =>
            (endpoint === undefined || keyOf(endpointName) === keyOf(endpoint)) &&
            (variant === undefined || variantName === variant),
        );
      const { items, next } = listResources(rows, input);
      return present({ InferenceComponents: items.map((row) => shared(loopback, row)), NextToken: next });
    },
  };
}
