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

/** Two monitoring schedules for an endpoint, with their job definitions. Their baseline is in the bucket `artifacts`. */
export async function putMonitors(awsUrl: string, endpoint: string): Promise<void> {
  for (const type of ['DataQuality', 'ModelQuality']) {
    const ground = type === 'ModelQuality';
    await call(awsUrl, `SageMaker.Create${type}JobDefinition`, {
      JobDefinitionName: `${endpoint}-${type}`,
      [`${type}AppSpecification`]: { ImageUri: 'monitor:1', ...(ground && { ProblemType: 'Regression' }) },
      [`${type}BaselineConfig`]: { ConstraintsResource: { S3Uri: 's3://artifacts/constraints.json' } },
      [`${type}JobInput`]: {
        EndpointInput: { EndpointName: endpoint, LocalPath: '/opt/ml' },
        ...(ground && { GroundTruthS3Input: { S3Uri: 's3://artifacts/truth' } }),
      },
      [`${type}JobOutputConfig`]: {
        MonitoringOutputs: [{ S3Output: { S3Uri: 's3://artifacts/out', LocalPath: '/opt/out' } }],
      },
      JobResources: { ClusterConfig: { InstanceCount: 1, InstanceType: 'ml.m5.large', VolumeSizeInGB: 20 } },
      RoleArn: `arn:aws:iam::${ACCOUNT}:role/monitor`,
    });
    await call(awsUrl, 'SageMaker.CreateMonitoringSchedule', {
      MonitoringScheduleName: `${endpoint}-${type}`,
      MonitoringScheduleConfig: {
        MonitoringJobDefinitionName: `${endpoint}-${type}`,
        MonitoringType: type,
        ScheduleConfig: { ScheduleExpression: 'cron(0 * ? * * *)' },
      },
    });
  }
}
