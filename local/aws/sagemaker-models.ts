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

const S3OrHttps = z
  .string()
  .max(1024)
  .regex(/^(https|s3):\/\/([^/]+)\/?(.*)$/, 'Member must be an S3 address');
const Container = z
  .looseObject({
    Image: z.string().max(255).optional(),
    ModelPackageName: z.string().optional(),
    Mode: z.enum(['SingleModel', 'MultiModel']).default('SingleModel'),
    ModelDataUrl: S3OrHttps.optional(),
    Environment: z.record(z.string(), z.string()).optional(),
  })
  .refine(
    ({ Image, ModelPackageName }) => Image ?? ModelPackageName,
    'Member must have an Image or a ModelPackageName',
  );
const CreateInput = z
  .strictObject({
    ModelName: Name,
    PrimaryContainer: Container.optional(),
    Containers: z.array(Container).min(1).max(15).optional(),
    InferenceExecutionConfig: z.looseObject({ Mode: z.enum(['Serial', 'Direct']) }).optional(),
    ExecutionRoleArn: z.string().optional(),
    Tags: TagList.optional(),
    VpcConfig: z.looseObject({}).optional(),
    EnableNetworkIsolation: z.boolean().optional(),
  })
  .refine(
    ({ PrimaryContainer, Containers }) => (PrimaryContainer === undefined) !== (Containers === undefined),
    'Exactly one of PrimaryContainer and Containers must be given',
  );
const NameInput = z.strictObject({ ModelName: Name });

export type ModelRow = ResourceRow & { definition: Json };

/** The images a model was created with, for the `DeployedImages` of its variants. */
export function imagesOf({ definition }: ModelRow): string[] {
  const containers = (definition.Containers ?? [definition.PrimaryContainer]) as { Image?: string }[];
  return containers.flatMap((container) => (container?.Image ? [container.Image] : []));
}

function announce(loopback: Loopback, { name, arn, createdAt, definition }: ModelRow): void {
  loopback.emit({
    source: SAGEMAKER.source,
    'detail-type': 'SageMaker Model State Change',
    time: wholeSeconds(loopback.now()),
    resources: [arn],
    detail: { ModelName: name, ModelArn: arn, ...definition, CreationTime: createdAt, Tags: [] },
  });
}

export function models(loopback: Loopback): ServiceTable {
  return {
    ...recordedOperations(loopback, SAGEMAKER, {
      CreateModel: (loopback, input) => {
        const { ModelName: name, Tags, ...definition } = readInput(CreateInput, input);
        refuseExisting(loopback, 'model', name);
        const arn = arnOf(loopback, 'model', name);
        const at = loopback.now().getTime();
        const row: ModelRow = { name, arn, createdAt: at, modifiedAt: at, definition };
        loopback.store.put('model', keyOf(name), row);
        putTags(loopback, arn, Tags);
        announce(loopback, row);
        return { ModelArn: arn };
      },
      // A model may be deleted while endpoints run it (CreateEndpoint API); they go on with what they have loaded.
      DeleteModel: (loopback, input) => {
        const row = find<ModelRow>(loopback, 'model', readInput(NameInput, input).ModelName);
        removeResource(loopback, 'model', row);
        announce(loopback, row);
        return {};
      },
      CreateModelPackage: createModelPackage,
    }),
    DescribeModel: (input) => {
      const row = find<ModelRow>(loopback, 'model', readInput(NameInput, input).ModelName);
      return { ModelName: row.name, ModelArn: row.arn, ...row.definition, CreationTime: seconds(row.createdAt) };
    },
    ListModels: (input) => {
      const { items, next } = listResources(loopback.store.list<ModelRow>('model'), input);
      const summaries = items.map(({ name, arn, createdAt }) => ({
        ModelName: name,
        ModelArn: arn,
        CreationTime: seconds(createdAt),
      }));
      return present({ Models: summaries, NextToken: next });
    },
    DescribeModelPackage: (input) => {
      const { ModelPackageName: wanted } = readInput(z.strictObject({ ModelPackageName: z.string().min(1) }), input);
      const row = find<ModelRow>(loopback, 'model-package', wanted.replace(/^arn:[^/]*:model-package\//, ''));
      return {
        ModelPackageArn: row.arn,
        ModelPackageStatus: 'Completed',
        ModelPackageStatusDetails: { ValidationStatuses: [] },
        ...row.definition,
        CreationTime: seconds(row.createdAt),
      };
    },
  };
}

const PackageInput = z.looseObject({
  ModelPackageName: Name.optional(),
  ModelPackageGroupName: Name.optional(),
  InferenceSpecification: z
    .looseObject({ Containers: z.array(z.looseObject({ Image: z.string() })).min(1) })
    .optional(),
  ModelApprovalStatus: z.enum(['Approved', 'Rejected', 'PendingManualApproval']).optional(),
  Tags: TagList.optional(),
});

/** A package is on its own, or version 1, 2, ... of its group; groups come into being with their first package. */
function createModelPackage(loopback: Loopback, input: Json): { ModelPackageArn: string } {
  const { Tags, ClientToken: _ignored, ...definition } = readInput(PackageInput, input);
  const { ModelPackageName, ModelPackageGroupName: group } = definition;
  if ((ModelPackageName === undefined) === (group === undefined)) {
    throw new AwsError(
      'ValidationException',
      'Exactly one of ModelPackageName and ModelPackageGroupName must be given.',
    );
  }
  const inGroup = loopback.store.keys('model-package').filter((key) => group && key.startsWith(`${keyOf(group)}/`));
  const version = inGroup.length + 1;
  const name = ModelPackageName ?? `${group}/${version}`;
  refuseExisting(loopback, 'model-package', name);
  const arn = arnOf(loopback, 'model-package', name);
  const at = loopback.now().getTime();
  const row: ModelRow = {
    name,
    arn,
    createdAt: at,
    modifiedAt: at,
    definition: group ? { ...definition, ModelPackageVersion: version } : definition,
  };
  loopback.store.put('model-package', keyOf(name), row);
  putTags(loopback, arn, Tags);
  return { ModelPackageArn: arn };
}
