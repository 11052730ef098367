import { ACCOUNT, call, putGroupAlarms } from './driver.ts';
import { putMonitors, putObject } from './typical-parts.ts';

const target = (operation: string) => `SageMaker.${operation}`;

/** Two models with an artifact each, in one bucket, and a config of two variants that run them. Returns the config's name. */
async function putConfig(awsUrl: string, name: string): Promise<string> {
  for (const model of ['a', 'b']) {
    await putObject(awsUrl, `/artifacts/${name}/${model}.tar.gz`, 'weights');
    await call(awsUrl, target('CreateModel'), {
      ModelName: `${name}-${model}`,
      ExecutionRoleArn: `arn:aws:iam::${ACCOUNT}:role/hosting`,
      PrimaryContainer: { Image: 'model:1', ModelDataUrl: `s3://artifacts/${name}/${model}.tar.gz` },
    });
  }
  await call(awsUrl, target('CreateEndpointConfig'), {
    EndpointConfigName: `${name}-config`,
    ProductionVariants: ['a', 'b'].map((model) => ({
      VariantName: model,
      ModelName: `${name}-${model}`,
      InstanceType: 'ml.m5.large',
      InitialInstanceCount: 1,
    })),
  });
  return `${name}-config`;
}

const deploymentOf = (name: string) => ({
  BlueGreenUpdatePolicy: { TrafficRoutingConfiguration: { Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 0 } },
  AutoRollbackConfiguration: {
    Alarms: [{ AlarmName: `${name}-ModelMonitorAlarm` }, { AlarmName: `${name}-DataDriftAlarm` }],
  },
});

/** An endpoint with two variants (two models, two artifacts in one bucket), two alarms and two schedules, with job definitions by default. */
export async function typicalEndpoint(awsUrl: string, name: string, putSchedules = putMonitors): Promise<void> {
  await putObject(awsUrl, '/artifacts');
  await putObject(awsUrl, '/artifacts/constraints.json', '{}');
  const config = await putConfig(awsUrl, name);
  await putGroupAlarms(awsUrl, name, [name]);
  await call(awsUrl, target('CreateEndpoint'), {
    EndpointName: name,
    EndpointConfigName: config,
    Tags: [{ Key: 'environment', Value: 'dev' }],
    DeploymentConfig: deploymentOf(name),
  });
  await putSchedules(awsUrl, name);
}

/** Begins the next deployment of it: other models by another config, with the same alarms. Returns the config's name. */
export async function deployNext(awsUrl: string, name: string): Promise<string> {
  const config = await putConfig(awsUrl, `${name}-next`);
  await call(awsUrl, target('UpdateEndpoint'), {
    EndpointName: name,
    EndpointConfigName: config,
    DeploymentConfig: deploymentOf(name),
  });
  return config;
}
