import { setTimeout as sleep } from 'node:timers/promises';
import { ACCOUNT, call } from '../bench/driver.ts';
import { putMonitors, putObject } from '../bench/typical-parts.ts';
import type { Kind } from './mix.ts';
import { until } from './until.ts';

export const INSTANCES = { dev: 1, staging: 1, prod: 2 };

const sagemaker = (awsUrl: string, operation: string, input: object) => call(awsUrl, `SageMaker.${operation}`, input);

/** Puts an object into the one bucket there is; with '' as its path, makes the bucket. */
const putArtifact = (awsUrl: string, path: string) => putObject(awsUrl, `/artifacts${path}`, path && 'weights');

/** Two models with an artifact each. Returns their names. */
export async function makeModels(awsUrl: string, version: string): Promise<string[]> {
  const models = [`${version}-a`, `${version}-b`];
  for (const model of models) {
    await putArtifact(awsUrl, `/${model}.tar.gz`);
    await sagemaker(awsUrl, 'CreateModel', {
      ModelName: model,
      ExecutionRoleArn: `arn:aws:iam::${ACCOUNT}:role/hosting`,
      PrimaryContainer: { Image: 'model:1', ModelDataUrl: `s3://artifacts/${model}.tar.gz` },
    });
  }
  return models;
}

export const makeConfig = (awsUrl: string, name: string, models: string[], type: string, instances: number) =>
  sagemaker(awsUrl, 'CreateEndpointConfig', {
    EndpointConfigName: name,
    ProductionVariants: models.map((model, index) => ({
      VariantName: `variant-${index}`,
      ModelName: model,
      InstanceType: type,
      InitialInstanceCount: instances,
    })),
    // Its monitors read what is captured.
    DataCaptureConfig: {
      EnableCapture: true,
      InitialSamplingPercentage: 100,
      DestinationS3Uri: 's3://artifacts/captured',
      CaptureOptions: [{ CaptureMode: 'Input' }, { CaptureMode: 'Output' }],
    },
  });

const deploymentOf = (endpoint: string) => ({
  BlueGreenUpdatePolicy: { TrafficRoutingConfiguration: { Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 0 } },
  AutoRollbackConfiguration: {
    Alarms: ['ModelMonitorAlarm', 'DataDriftAlarm'].map((role) => ({ AlarmName: `${endpoint}-${role}` })),
  },
});

/** Deploys a config that is there already. */
export const deploy = (awsUrl: string, endpoint: string, config: string) =>
  sagemaker(awsUrl, 'UpdateEndpoint', {
    EndpointName: endpoint,
    EndpointConfigName: config,
    DeploymentConfig: deploymentOf(endpoint),
  });

/** A typical endpoint: two variants, two alarms, two monitoring schedules. */
export async function makeEndpoint(awsUrl: string, name: string, environment: Kind['environment']): Promise<string[]> {
  await putArtifact(awsUrl, '');
  // The baseline of its monitors.
  await putArtifact(awsUrl, '/constraints.json');
  const models = await makeModels(awsUrl, `${name}-0`);
  await makeConfig(awsUrl, `${name}-0`, models, 'ml.m5.large', INSTANCES[environment]);
  for (const { AlarmName } of deploymentOf(name).AutoRollbackConfiguration.Alarms) {
    await call(awsUrl, 'GraniteServiceVersion20100801.PutMetricAlarm', {
      AlarmName,
      Namespace: 'aws/sagemaker/Endpoints/data-metrics',
      MetricName: 'drift',
      Dimensions: [{ Name: 'Endpoint', Value: name }],
      Statistic: 'Maximum',
      Period: 3600,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanThreshold',
    });
  }
  await sagemaker(awsUrl, 'CreateEndpoint', {
    EndpointName: name,
    EndpointConfigName: `${name}-0`,
    Tags: [{ Key: 'environment', Value: environment }],
    DeploymentConfig: deploymentOf(name),
  });
  await putMonitors(awsUrl, name);
  return models;
}

export async function untilInService(awsUrl: string, endpoint: string): Promise<void> {
  await until(`${endpoint} is not in service`, async () => {
    const { EndpointStatus } = await sagemaker(awsUrl, 'DescribeEndpoint', { EndpointName: endpoint });
    return EndpointStatus === 'InService' || undefined;
  });
  // Its last event is on its way.
  await sleep(100);
}
