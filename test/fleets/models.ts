import { type Account, goodVariant, type Row } from './account.ts';

const FRAUD = 's3://example-models/fraud/model.tar.gz';
const OLD = 's3://example-models-2022/old/model.tar.gz';

/** Deploys a config with another model, in the same way as before. */
function deploy({ name, call }: Account, model: Record<string, unknown>, variant: Record<string, unknown> = {}): void {
  call('CreateModel', { ModelName: `${name}-other`, ExecutionRoleArn: 'arn:aws:iam::111122223333:role/x', ...model });
  call('CreateEndpointConfig', {
    EndpointConfigName: `${name}-config-2`,
    ProductionVariants: [
      {
        VariantName: 'AllTraffic',
        ModelName: `${name}-other`,
        InstanceType: 'ml.m5.large',
        InitialInstanceCount: 2,
        ...variant,
      },
    ],
    DataCaptureConfig: {
      InitialSamplingPercentage: 20,
      DestinationS3Uri: 's3://example-capture/x',
      CaptureOptions: [{ CaptureMode: 'Input' }, { CaptureMode: 'Output' }],
    },
  });
  call('UpdateEndpoint', {
    EndpointName: name,
    EndpointConfigName: `${name}-config-2`,
    RetainDeploymentConfig: true,
  });
}
const unencrypted = (what: RegExp) => ({ 'encrypted-artifacts': ['violation', what] as ['violation', RegExp] });
const image = 'fraud:3.4.1';
const prefix = (S3Uri: string) => ({ S3DataSource: { S3Uri, S3DataType: 'S3Prefix', CompressionType: 'None' } });

/** Artifacts where one does not look for them (aws-facts 2.4, 5). */
export const modelRows: Row[] = [
  {
    name: 'an artifact from before S3 encrypted everything',
    endpoint: { variants: [{ ...goodVariant, model: { image, artifact: OLD, encryption: 'none' } }] },
    finds: unencrypted(/old\/model\.tar\.gz/),
  },
  {
    name: 'an artifact that is gone',
    endpoint: (name) => ({
      variants: [{ ...goodVariant, model: { image, artifact: `s3://example-models/${name}/m` } }],
    }),
    after: ({ deleteObject, name }) => deleteObject(`s3://example-models/${name}/m`),
    finds: unencrypted(/\/m/),
  },
  {
    name: 'the second container of a pipeline loads an old artifact',
    after: (account) => {
      account.putObject(OLD, 'none');
      deploy(account, {
        Containers: [
          { Image: image, ModelDataUrl: FRAUD },
          { Image: image, ModelDataUrl: OLD },
        ],
      });
    },
    finds: unencrypted(/old\/model/),
  },
  {
    name: 'an additional data source is an old artifact',
    after: (account) => {
      account.putObject(OLD, 'none');
      const more = { ChannelName: 'draft', ...prefix('s3://example-models-2022/old/') };
      deploy(account, { PrimaryContainer: { Image: image, ModelDataUrl: FRAUD, AdditionalModelDataSources: [more] } });
    },
    finds: unencrypted(/old/),
  },
  {
    name: 'one old object below a prefix of many',
    after: (account) => {
      const folder = `s3://example-models/${account.name}/weights/`;
      account.putObject(`${folder}part-1`);
      account.putObject(`${folder}part-2`, 'none');
      deploy(account, { PrimaryContainer: { Image: image, ModelDataSource: prefix(folder) } });
    },
    finds: unencrypted(/weights/),
  },
  {
    name: 'a prefix with nothing below it',
    after: (account) =>
      deploy(account, { PrimaryContainer: { Image: image, ModelDataSource: prefix('s3://example-models/empty/') } }),
    finds: unencrypted(/empty/),
  },
  {
    name: 'an artifact that a model package names',
    after: (account) => {
      account.putObject(OLD, 'none');
      account.call('CreateModelPackage', {
        ModelPackageName: `${account.name}-package`,
        InferenceSpecification: {
          Containers: [{ Image: image, ModelDataUrl: OLD }],
          SupportedContentTypes: ['text/csv'],
          SupportedResponseMIMETypes: ['text/csv'],
        },
      });
      const ModelPackageName = `arn:aws:sagemaker:us-east-1:111122223333:model-package/${account.name}-package`;
      deploy(account, { PrimaryContainer: { ModelPackageName } });
    },
    finds: unencrypted(/old\/model/),
  },
  {
    name: 'weights in the image and no artifact at all',
    after: (account) => deploy(account, { PrimaryContainer: { Image: image } }),
    finds: { 'encrypted-artifacts': 'not-applicable' },
  },
  {
    name: 'a multi-model endpoint, whose artifact is a folder and which SageMaker cannot monitor',
    endpoint: { monitors: [] },
    after: (account) => {
      account.putObject('s3://example-models/many/a.tar.gz');
      deploy(account, {
        PrimaryContainer: { Image: image, Mode: 'MultiModel', ModelDataUrl: 's3://example-models/many/' },
      });
    },
    finds: { 'prod-model-monitor': ['not-applicable', /multi-model variant AllTraffic/] },
  },
  {
    name: 'a model that only one type of a pool loads',
    after: (account) => {
      account.putObject(OLD, 'none');
      account.call('CreateModel', {
        ModelName: `${account.name}-neuron`,
        ExecutionRoleArn: 'arn:aws:iam::111122223333:role/x',
        PrimaryContainer: { Image: image, ModelDataUrl: OLD },
      });
      const InstancePools = [
        { InstanceType: 'ml.m5.large', Priority: 1 },
        { InstanceType: 'ml.m5.xlarge', Priority: 2, ModelNameOverride: `${account.name}-neuron` },
      ];
      deploy(
        account,
        { PrimaryContainer: { Image: image, ModelDataUrl: FRAUD } },
        { InstancePools, InstanceType: undefined },
      );
    },
    finds: unencrypted(/old\/model/),
  },
  {
    name: 'a bucket with S3 keys, where the settings want KMS',
    settings: { encryption: ['SSE-KMS'] },
    finds: unencrypted(/SSE-S3/),
  },
];
