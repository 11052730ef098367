import { ACCOUNT, call } from './driver.ts';

// What benchmarks and the cost run make of a typical endpoint alike, in the loopback AWS.

/** Puts an object at `/<bucket>/<key>` of the loopback S3; without a key and a body, makes the bucket. */
export const putObject = (awsUrl: string, path: string, body = '') =>
  fetch(`${awsUrl}${path}`, {
    method: 'PUT',
    body,
    headers: {
      authorization:
        'AWS4-HMAC-SHA256 Credential=bench/20261120/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0',
    },
  });

const QUALITY = ['DataQuality', 'ModelQuality'];
const HOURLY = { ScheduleExpression: 'cron(0 * ? * * *)' };
const BASELINE = { ConstraintsResource: { S3Uri: 's3://artifacts/constraints.json' } };
const OUTPUT = { MonitoringOutputs: [{ S3Output: { S3Uri: 's3://artifacts/out', LocalPath: '/opt/out' } }] };
const RESOURCES = { ClusterConfig: { InstanceCount: 1, InstanceType: 'ml.m5.large', VolumeSizeInGB: 20 } };
const ROLE = `arn:aws:iam::${ACCOUNT}:role/monitor`;
const inputOf = (endpoint: string) => ({ EndpointName: endpoint, LocalPath: '/opt/ml' });

const putSchedule = (awsUrl: string, name: string, config: object) =>
  call(awsUrl, 'SageMaker.CreateMonitoringSchedule', {
    MonitoringScheduleName: name,
    MonitoringScheduleConfig: { ...config, ScheduleConfig: HOURLY },
  });

/** Two monitoring schedules for an endpoint, with their job definitions. Their baseline is in the bucket `artifacts`. */
export async function putMonitors(awsUrl: string, endpoint: string): Promise<void> {
  for (const type of QUALITY) {
    const ground = type === 'ModelQuality';
    await call(awsUrl, `SageMaker.Create${type}JobDefinition`, {
      JobDefinitionName: `${endpoint}-${type}`,
      [`${type}AppSpecification`]: { ImageUri: 'monitor:1', ...(ground && { ProblemType: 'Regression' }) },
      [`${type}BaselineConfig`]: BASELINE,
      [`${type}JobInput`]: {
        EndpointInput: inputOf(endpoint),
        ...(ground && { GroundTruthS3Input: { S3Uri: 's3://artifacts/truth' } }),
      },
      [`${type}JobOutputConfig`]: OUTPUT,
      JobResources: RESOURCES,
      RoleArn: ROLE,
    });
    await putSchedule(awsUrl, `${endpoint}-${type}`, {
      MonitoringJobDefinitionName: `${endpoint}-${type}`,
      MonitoringType: type,
    });
  }
}

/** The same with the definitions in the schedules. Both are of data quality: in a schedule there is no ground truth. */
export async function putInlineMonitors(awsUrl: string, endpoint: string): Promise<void> {
  for (const name of ['inputs', 'outputs']) {
    await putSchedule(awsUrl, `${endpoint}-${name}`, {
      MonitoringType: 'DataQuality',
      MonitoringJobDefinition: {
        BaselineConfig: BASELINE,
        MonitoringInputs: [{ EndpointInput: inputOf(endpoint) }],
        MonitoringOutputConfig: OUTPUT,
        MonitoringResources: RESOURCES,
        MonitoringAppSpecification: { ImageUri: 'monitor:1' },
        RoleArn: ROLE,
      },
    });
  }
}
