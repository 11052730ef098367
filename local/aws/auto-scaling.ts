import * as z from 'zod';
import { type RecordedService, recordedOperations } from './cloudtrail.ts';
import { pageOf, present, readInput } from './input.ts';
import { AwsError, type Loopback, type ServiceTable } from './loopback.ts';
import type { EndpointRow } from './sagemaker-endpoint-life.ts';
import { keyOf } from './sagemaker-resources.ts';

/** It arrives under EC2 Auto Scaling's names; only additionalEventData tells the two apart. */
const AUTO_SCALING: RecordedService = {
  source: 'aws.autoscaling',
  eventSource: 'autoscaling.amazonaws.com',
  additionalEventData: { service: 'application-autoscaling' },
};

const ROLE =
  'aws-service-role/sagemaker.application-autoscaling.amazonaws.com/' +
  'AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint';

const Namespace = z.literal('sagemaker', 'The loopback AWS scales the ServiceNamespace sagemaker only');
const Dimension = z.enum([
  'sagemaker:variant:DesiredInstanceCount',
  'sagemaker:variant:DesiredProvisionedConcurrency',
  'sagemaker:inference-component:DesiredCopyCount',
]);
const ResourceId = z.string().min(1).max(1600);
const target = { ServiceNamespace: Namespace, ResourceId, ScalableDimension: Dimension };
const RegisterInput = z.strictObject({
  ...target,
  MinCapacity: z.number().int().min(0).optional(),
  MaxCapacity: z.number().int().min(0).optional(),
  RoleARN: z.string().optional(),
  SuspendedState: z.looseObject({}).optional(),
  Tags: z.record(z.string(), z.string()).optional(),
});
const DeregisterInput = z.strictObject(target);
const DescribeInput = z.strictObject({
  ServiceNamespace: Namespace,
  ResourceIds: z.array(ResourceId).optional(),
  ScalableDimension: Dimension.optional(),
  MaxResults: z.number().int().min(1).max(50).default(50),
  NextToken: z.string().optional(),
});

const PutActionInput = z.strictObject({
  ...target,
  ScheduledActionName: z.string().min(1).max(256),
  Schedule: z.string().min(1).max(1600),
  Timezone: z.string().optional(),
  StartTime: z.number().optional(),
  EndTime: z.number().optional(),
  ScalableTargetAction: z.strictObject({
    MinCapacity: z.number().int().min(0).optional(),
    MaxCapacity: z.number().int().min(0).optional(),
  }),
});
const DeleteActionInput = z.strictObject({ ...target, ScheduledActionName: z.string().min(1).max(256) });
const DescribeActionsInput = z.strictObject({
  ServiceNamespace: Namespace,
  ScheduledActionNames: z.array(z.string()).optional(),
  ResourceId: ResourceId.optional(),
  ScalableDimension: Dimension.optional(),
  MaxResults: z.number().int().min(1).max(50).default(50),
  NextToken: z.string().optional(),
});

type ActionRow = z.infer<typeof PutActionInput> & { ScheduledActionARN: string; CreationTime: number };

type Target = z.infer<typeof DeregisterInput>;
type TargetRow = Target & {
  MinCapacity: number;
  MaxCapacity: number;
  RoleARN: string;
  CreationTime: number;
  SuspendedState: object;
  ScalableTargetARN: string;
};

const keyOfTarget = ({ ServiceNamespace, ResourceId: id, ScalableDimension }: Target) =>
  `${ServiceNamespace}/${id}/${ScalableDimension}`;

const keyOfAction = (action: Target & { ScheduledActionName: string }) =>
  `${keyOfTarget(action)}/${action.ScheduledActionName}`;

function requireTarget(loopback: Loopback, wanted: Target): void {
  if (loopback.store.get('scalable-target', keyOfTarget(wanted))) return;
  throw new AwsError('ObjectNotFoundException', `No scalable target found for ${keyOfTarget(wanted)}.`);
}

function requireVariant(loopback: Loopback, id: string): void {
  const [, endpoint, variant] = /^endpoint\/([^/]+)\/variant\/([^/]+)$/.exec(id) ?? [];
  if (!endpoint) return;
  const row = loopback.store.get<EndpointRow>('endpoint', keyOf(endpoint));
  const variants = [row?.serving, row?.pending].flatMap((each) => [
    ...(each?.variants ?? []),
    ...(each?.shadowVariants ?? []),
  ]);
  if (variants.some(({ VariantName }) => VariantName === variant)) return;
  throw new AwsError('ValidationException', `SageMaker endpoint ${endpoint} has no variant ${variant}.`);
}

/** Application Auto Scaling's targets. Nothing scales by itself: they are the bounds that the gate reads. */
export function autoScaling(loopback: Loopback): ServiceTable {
  return {
    ...recordedOperations(loopback, AUTO_SCALING, {
      RegisterScalableTarget: (loopback, input) => {
        const { Tags: _tags, ...wanted } = readInput(RegisterInput, input);
        const before = loopback.store.get<TargetRow>('scalable-target', keyOfTarget(wanted));
        const { MinCapacity = before?.MinCapacity, MaxCapacity = before?.MaxCapacity } = wanted;
        if (MinCapacity === undefined || MaxCapacity === undefined) {
          throw new AwsError(
            'ValidationException',
            'Minimum and maximum capacity are required to register a scalable target.',
          );
        }
        if (MinCapacity > MaxCapacity) {
          throw new AwsError('ValidationException', 'Maximum capacity cannot be less than minimum capacity.');
        }
        requireVariant(loopback, wanted.ResourceId);
        const { account, region } = loopback;
        const row: TargetRow = {
          RoleARN: `arn:aws:iam::${account}:role/${ROLE}`,
          CreationTime: loopback.now().getTime() / 1000,
          SuspendedState: {
            DynamicScalingInSuspended: false,
            DynamicScalingOutSuspended: false,
            ScheduledScalingSuspended: false,
          },
          ScalableTargetARN: `arn:aws:application-autoscaling:${region}:${account}:scalable-target/${loopback.newId()}`,
          ...before,
          ...present(wanted),
          ServiceNamespace: wanted.ServiceNamespace,
          ResourceId: wanted.ResourceId,
          ScalableDimension: wanted.ScalableDimension,
          MinCapacity,
          MaxCapacity,
        };
        loopback.store.put('scalable-target', keyOfTarget(row), row);
        return { ScalableTargetARN: row.ScalableTargetARN };
      },
      DeregisterScalableTarget: (loopback, input) => {
        const wanted = readInput(DeregisterInput, input);
        requireTarget(loopback, wanted);
        loopback.store.delete('scalable-target', keyOfTarget(wanted));
        // Its scheduled actions go with it (DeregisterScalableTarget in the API reference).
        for (const key of loopback.store.keys('scheduled-action')) {
          if (key.startsWith(`${keyOfTarget(wanted)}/`)) loopback.store.delete('scheduled-action', key);
        }
        return {};
      },
      PutScheduledAction: (loopback, input) => {
        const wanted = readInput(PutActionInput, input);
        requireTarget(loopback, wanted);
        const { account, region } = loopback;
        loopback.store.put('scheduled-action', keyOfAction(wanted), {
          ...wanted,
          ScheduledActionARN: `arn:aws:autoscaling:${region}:${account}:scheduledAction:${loopback.newId()}`,
          CreationTime: loopback.now().getTime() / 1000,
        } satisfies ActionRow);
        return {};
      },
      DeleteScheduledAction: (loopback, input) => {
        const wanted = readInput(DeleteActionInput, input);
        if (!loopback.store.get('scheduled-action', keyOfAction(wanted))) {
          throw new AwsError('ObjectNotFoundException', `No scheduled action ${wanted.ScheduledActionName}.`);
        }
        loopback.store.delete('scheduled-action', keyOfAction(wanted));
        return {};
      },
    }),
    DescribeScalableTargets: (input) => {
      const { ResourceIds, ScalableDimension, MaxResults, NextToken } = readInput(DescribeInput, input);
      const rows = loopback.store
        .list<TargetRow>('scalable-target')
        .filter(
          (row) =>
            (ResourceIds?.includes(row.ResourceId) ?? true) &&
            (ScalableDimension ?? row.ScalableDimension) === row.ScalableDimension,
        );
      const { items, next } = pageOf(rows, keyOfTarget, { token: NextToken, limit: MaxResults });
      return present({ ScalableTargets: items, NextToken: next });
    },
    DescribeScheduledActions: (input) => {
      const wanted = readInput(DescribeActionsInput, input);
      const rows = loopback.store
        .list<ActionRow>('scheduled-action')
        .filter(
          (row) =>
            (wanted.ResourceId ?? row.ResourceId) === row.ResourceId &&
            (wanted.ScalableDimension ?? row.ScalableDimension) === row.ScalableDimension &&
            (wanted.ScheduledActionNames?.includes(row.ScheduledActionName) ?? true),
        );
      const { items, next } = pageOf(rows, keyOfAction, { token: wanted.NextToken, limit: wanted.MaxResults });
      return present({ ScheduledActions: items, NextToken: next });
    },
  };
}
