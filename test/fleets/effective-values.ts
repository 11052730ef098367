import { type Account, goodVariant, type Row } from './account.ts';

const scaled = (min: number, max: number, instanceType = 'ml.m5.large') => ({
  variants: [{ ...goodVariant, instanceType, count: min, autoScaling: { min, max } }],
});
const schedule =
  (Schedule: string, bounds: { MinCapacity?: number; MaxCapacity?: number }, more: object = {}) =>
  ({ name, call }: Account) =>
    call('PutScheduledAction', {
      ...{ ServiceNamespace: 'sagemaker', ScalableDimension: 'sagemaker:variant:DesiredInstanceCount' },
      ...{ ResourceId: `endpoint/${name}/variant/AllTraffic`, ScheduledActionName: 'planned', Schedule },
      ...{ ScalableTargetAction: bounds, ...more },
    });
const NIGHTLY = 'cron(0 22 * * ? *)';

/** What will run although nothing shows it at the moment (aws-facts 2.8): bounds that scheduled actions set, retained counts. */
export const effectiveRows: Row[] = [
  {
    name: 'a scheduled action that lowers the floor to one at night',
    endpoint: scaled(2, 3),
    after: schedule(NIGHTLY, { MinCapacity: 1 }),
    finds: { 'prod-min-instances': ['violation', /AllTraffic can run on 1, needs 2/] },
  },
  {
    name: 'a scheduled action that raises the ceiling beyond the budget',
    endpoint: scaled(2, 2, 'ml.g5.12xlarge'),
    after: schedule('at(2027-01-01T08:00:00)', { MaxCapacity: 20 }),
    finds: { 'prod-budget': ['violation', /./], 'approved-instance-types': 'needs-approval' },
  },
  {
    name: 'a scheduled action that ran once, long ago',
    endpoint: scaled(2, 3),
    after: schedule('at(2026-01-01T08:00:00)', { MinCapacity: 0 }),
  },
  {
    name: 'a scheduled action whose time is over',
    endpoint: scaled(2, 3),
    after: schedule(NIGHTLY, { MinCapacity: 0 }, { EndTime: Date.parse('2026-11-01T00:00:00Z') / 1000 }),
  },
  {
    name: 'an endpoint that answers from a queue: instances have a price of their own for that, and nobody has read it',
    after: ({ name, call }) => {
      call('CreateEndpointConfig', {
        EndpointConfigName: `${name}-queue`,
        ProductionVariants: [
          {
            ...{ VariantName: 'AllTraffic', ModelName: `${name}-AllTraffic` },
            ...{ InstanceType: 'ml.m5.large', InitialInstanceCount: 2 },
          },
        ],
        AsyncInferenceConfig: { OutputConfig: { S3OutputPath: 's3://example-capture/answers' } },
        DataCaptureConfig: {
          ...{ InitialSamplingPercentage: 20, DestinationS3Uri: 's3://example-capture/x' },
          CaptureOptions: [{ CaptureMode: 'InputAndOutput' }],
        },
      });
      call('UpdateEndpoint', {
        ...{ EndpointName: name, EndpointConfigName: `${name}-queue`, RetainDeploymentConfig: true },
      });
    },
    finds: { 'prod-budget': ['violation', /no price of asynchronous inference \(AsyncInf\) for ml\.m5\.large/] },
  },
  {
    name: 'an update that retains what runs, but for the counts, which are those of its config again',
    after: ({ name, call }) => {
      const EndpointName = name;
      call('UpdateEndpointWeightsAndCapacities', {
        EndpointName,
        DesiredWeightsAndCapacities: [{ VariantName: 'AllTraffic', DesiredInstanceCount: 1 }],
      });
      call('UpdateEndpoint', {
        EndpointName,
        EndpointConfigName: `${name}-config-1`,
        ...{ RetainAllVariantProperties: true, RetainDeploymentConfig: true },
        ExcludeRetainedVariantProperties: [{ VariantPropertyType: 'DesiredInstanceCount' }],
      });
    },
  },
];
