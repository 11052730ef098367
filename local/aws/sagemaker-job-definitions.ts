import * as z from 'zod';
import { type Mutation, recordedOperations } from './cloudtrail.ts';
import { type Json, readInput } from './input.ts';
import { AwsError, type Loopback, type Operation, type ServiceTable } from './loopback.ts';
import { arnOf, keyOf, Name, putTags, type ResourceRow, SAGEMAKER, seconds, TagList } from './sagemaker-resources.ts';

export const MonitoringType = z.enum(['DataQuality', 'ModelQuality', 'ModelBias', 'ModelExplainability']);
export type MonitoringType = z.infer<typeof MonitoringType>;

/** Four APIs with one shape: members carry the type as a prefix. */
const createInput = (type: MonitoringType) =>
  z.strictObject({
    JobDefinitionName: Name,
    [`${type}BaselineConfig`]: z.looseObject({}).optional(),
    [`${type}AppSpecification`]: z.looseObject({}),
    [`${type}JobInput`]: z.looseObject({ EndpointInput: z.looseObject({ EndpointName: Name }).optional() }),
    [`${type}JobOutputConfig`]: z.looseObject({}),
    JobResources: z.looseObject({}),
    NetworkConfig: z.looseObject({}).optional(),
    RoleArn: z.string().min(20),
    StoppingCondition: z.looseObject({}).optional(),
    Tags: TagList.optional(),
  });
const NameInput = z.strictObject({ JobDefinitionName: Name });

type JobDefinitionRow = ResourceRow & { type: MonitoringType; definition: Json };

/** `ModelBias` -> `model-bias-job-definition`, as in the ARN. */
const arnKind = (type: MonitoringType) => `${type.replace(/(?<=.)[A-Z]/, '-$&').toLowerCase()}-job-definition`;
const storeKey = (type: MonitoringType, name: string) => `${arnKind(type)}/${keyOf(name)}`;

export function requireJobDefinition(loopback: Loopback, type: MonitoringType, name: string): JobDefinitionRow {
  const row = loopback.store.get<JobDefinitionRow>('job-definition', storeKey(type, name));
  if (row) return row;
  throw new AwsError('ResourceNotFound', `Job definition ${arnOf(loopback, arnKind(type), name)} not found.`);
}

export function jobDefinitionEndpoint({ type, definition }: JobDefinitionRow): string | undefined {
  return (definition[`${type}JobInput`] as { EndpointInput?: { EndpointName?: string } }).EndpointInput?.EndpointName;
}

const create =
  (type: MonitoringType): Mutation =>
  (loopback, input) => {
    const { JobDefinitionName, Tags, ...definition } = readInput(createInput(type), input);
    const name = JobDefinitionName as string;
    const arn = arnOf(loopback, arnKind(type), name);
    if (loopback.store.get('job-definition', storeKey(type, name))) {
      throw new AwsError('ResourceInUse', `Job definition ${arn} already exists.`);
    }
    const at = loopback.now().getTime();
    const row: JobDefinitionRow = { name, arn, createdAt: at, modifiedAt: at, type, definition };
    loopback.store.put('job-definition', storeKey(type, name), row);
    putTags(loopback, arn, Tags as z.infer<typeof TagList> | undefined);
    return { JobDefinitionArn: arn };
  };

const remove =
  (type: MonitoringType): Mutation =>
  (loopback, input) => {
    const row = requireJobDefinition(loopback, type, readInput(NameInput, input).JobDefinitionName);
    loopback.store.delete('job-definition', storeKey(type, row.name));
    loopback.store.delete('tags', row.arn);
    return {};
  };

const describe =
  (loopback: Loopback, type: MonitoringType): Operation =>
  (input) => {
    const row = requireJobDefinition(loopback, type, readInput(NameInput, input).JobDefinitionName);
    return {
      JobDefinitionArn: row.arn,
      JobDefinitionName: row.name,
      CreationTime: seconds(row.createdAt),
      ...row.definition,
    };
  };

export function jobDefinitions(loopback: Loopback): ServiceTable {
  const forEach = <T>(verb: string, operation: (type: MonitoringType) => T) =>
    Object.fromEntries(MonitoringType.options.map((type) => [`${verb}${type}JobDefinition`, operation(type)]));
  return {
    ...recordedOperations(loopback, SAGEMAKER, { ...forEach('Create', create), ...forEach('Delete', remove) }),
    ...forEach('Describe', (type) => describe(loopback, type)),
  };
}
