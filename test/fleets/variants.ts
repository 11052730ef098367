import { type Account, goodModel, goodVariant, type Row } from './account.ts';

const scaled = (min: number, max: number, instanceType = 'ml.m5.large', count = min) => ({
  variants: [{ ...goodVariant, instanceType, count, autoScaling: { min, max } }],
});
const host = (name: string, min: number, max: number) => ({
  instanceType: 'ml.m5.large',
  managedScaling: { min, max },
  inferenceComponents: [{ name: `${name}-a`, copies: 2, model: goodModel }],
});
const updateComponent = ({ name, call }: Account, more: Record<string, unknown>) =>
  call('UpdateInferenceComponent', { InferenceComponentName: `${name}-a`, RuntimeConfig: { CopyCount: 2 }, ...more });
const rolling = { MaximumBatchSize: { Type: 'COPY_COUNT', Value: 1 }, WaitIntervalInSeconds: 120 };
const tooFew = (what: RegExp) => ({ 'prod-min-instances': ['violation', what] as ['violation', RegExp] });
/** Such a host has an update of its component to be told of. */
const noComponentAlarms: NonNullable<Row['finds']> = {
  'rollback-alarms': ['advice', /Inference component .*-a: its last update named no alarms/],
};
const withHost = (name: string, min: number, max: number) => ({ variants: [host(name, min, max)] });

/** Counts and prices that are other than they look, and tags that are not where one looks (aws-facts 2.5, 2.7, 2.8). */
export const variantRows: Row[] = [
  {
    name: 'auto scaling whose floor is one: the count of the moment says nothing',
    endpoint: scaled(1, 2, 'ml.m5.large', 2),
    finds: tooFew(/AllTraffic can run on 1, needs 2/),
  },
  { name: 'auto scaling between two and three', endpoint: scaled(2, 3) },
  {
    name: 'auto scaling whose ceiling is beyond the budget',
    endpoint: scaled(2, 4, 'ml.g5.48xlarge'),
    finds: { 'prod-budget': ['violation', /./], 'approved-instance-types': 'needs-approval' },
  },
  {
    name: 'managed instance scaling whose floor is one',
    endpoint: (name) => withHost(name, 1, 2),
    finds: { ...tooFew(/can run on 1/), ...noComponentAlarms },
  },
  {
    name: 'inference components that scale to zero',
    endpoint: (name) => withHost(name, 0, 2),
    finds: { ...tooFew(/can run on [01]/), ...noComponentAlarms },
  },
  {
    name: 'inference components on two instances, of whose updates nobody could take one back',
    endpoint: (name) => withHost(name, 2, 2),
    finds: { ...noComponentAlarms },
  },
  {
    name: 'an inference component whose update names alarms of its own',
    endpoint: (name) => withHost(name, 2, 2),
    after: (account) => {
      const Alarms = [{ AlarmName: `${account.name}-5xx` }];
      updateComponent(account, {
        DeploymentConfig: { RollingUpdatePolicy: rolling, AutoRollbackConfiguration: { Alarms } },
      });
    },
  },
  {
    name: 'an inference component whose own alarm was deleted',
    endpoint: (name) => withHost(name, 2, 2),
    after: (account) => {
      const Alarms = [{ AlarmName: 'deleted-since' }];
      updateComponent(account, {
        DeploymentConfig: { RollingUpdatePolicy: rolling, AutoRollbackConfiguration: { Alarms } },
      });
    },
    finds: {
      'rollback-alarms': ['violation', /Inference component .*-a: Alarm deleted-since does not exist/],
    },
  },
  {
    name: 'two variants, one of them on a single instance',
    endpoint: {
      variants: [
        { ...goodVariant, name: 'a' },
        { ...goodVariant, name: 'b', count: 1 },
      ],
      rollbackAlarms: [],
      alarms: 'none',
    },
    finds: { ...tooFew(/Variant b can run on 1/), 'rollback-alarms': 'violation' },
  },
  {
    name: 'a variant of weight nought on a single instance answers nobody',
    endpoint: { variants: [goodVariant, { ...goodVariant, name: 'idle', weight: 0, count: 1 }] },
  },
  {
    name: 'a shadow variant on a single instance answers nobody',
    endpoint: { variants: [goodVariant, { ...goodVariant, name: 'shadow', shadow: true, count: 1 }] },
  },
  {
    name: 'a shadow variant is paid for in full',
    endpoint: {
      variants: [
        goodVariant,
        { ...goodVariant, name: 'shadow', shadow: true, instanceType: 'ml.p4d.24xlarge', count: 2 },
      ],
    },
    finds: { 'prod-budget': ['violation', /./], 'approved-instance-types': 'needs-approval' },
  },
  {
    name: 'a pool whose dearest type is beyond the budget',
    endpoint: {
      variants: [
        {
          instancePools: [
            { instanceType: 'ml.m5.large', priority: 1 },
            { instanceType: 'ml.p4d.24xlarge', priority: 2 },
          ],
          count: 2,
          model: goodModel,
        },
      ],
    },
    finds: { 'prod-budget': ['violation', /./], 'approved-instance-types': 'needs-approval' },
  },
  {
    name: 'a pool in staging with one type that is not approved there',
    endpoint: {
      tags: { environment: 'staging' },
      monitors: [],
      dataCapture: undefined,
      variants: [
        {
          instancePools: [
            { instanceType: 'ml.m5.large', priority: 1 },
            { instanceType: 'ml.g5.xlarge', priority: 2 },
          ],
          count: 1,
          model: goodModel,
        },
      ],
    },
    finds: {
      'staging-instance-type': ['violation', /ml\.g5\.xlarge/],
      'approved-instance-types': 'violation',
      'minimal-instance-counts': 'pass',
      'staging-budget': 'pass',
      'prod-budget': 'not-applicable',
      'prod-min-instances': 'not-applicable',
      'prod-human-approval': 'not-applicable',
      'prod-model-monitor': 'not-applicable',
    },
  },
  {
    name: 'a type of which nobody knows the price',
    endpoint: { variants: [{ ...goodVariant, instanceType: 'ml.p6-b200.48xlarge' }] },
    finds: { 'prod-budget': ['violation', /ml\.p6-b200\.48xlarge/] },
  },
  {
    name: 'a price between what needs approval and the budget',
    endpoint: { variants: [{ ...goodVariant, instanceType: 'ml.g5.48xlarge' }] },
    finds: { 'approved-instance-types': ['needs-approval', /./] },
  },
  {
    name: 'provisioned concurrency, of which nobody knows the price',
    endpoint: {
      variants: [{ serverless: { memoryMb: 2048, maxConcurrency: 5, provisionedConcurrency: 2 }, model: goodModel }],
      dataCapture: undefined,
      monitors: [],
    },
    finds: {
      'prod-budget': ['violation', /./],
      'prod-model-monitor': 'not-applicable',
      'prod-min-instances': 'not-applicable',
      'approved-instance-types': 'not-applicable',
    },
  },
  {
    name: 'a tag on the config is none on the endpoint: the name says that it is prod',
    endpoint: { tags: {} },
    after: ({ call, name }) =>
      call('AddTags', {
        ResourceArn: `arn:aws:sagemaker:us-east-1:111122223333:endpoint-config/${name}-config-1`,
        Tags: [{ Key: 'environment', Value: 'dev' }],
      }),
  },
  {
    name: 'an environment tag that was taken away',
    after: ({ call, name }) =>
      call('DeleteTags', {
        ResourceArn: `arn:aws:sagemaker:us-east-1:111122223333:endpoint/${name}`,
        TagKeys: ['environment'],
      }),
  },
  {
    name: 'an environment tag behind forty-nine others',
    endpoint: {
      tags: {
        ...Object.fromEntries(Array.from({ length: 49 }, (_, index) => [`a${index}`, 'x'])),
        environment: 'prod',
      },
    },
  },
  {
    name: 'an environment that nobody has heard of is held to the strictest rules',
    endpoint: { tags: { environment: 'qa' } },
  },
];
