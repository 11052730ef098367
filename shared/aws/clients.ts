import { ApplicationAutoScalingClient } from '@aws-sdk/client-application-auto-scaling';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SESv2Client } from '@aws-sdk/client-sesv2';
import { SFNClient } from '@aws-sdk/client-sfn';
import { STSClient, type STSClientConfig } from '@aws-sdk/client-sts';
import type { Config } from '../config.ts';

// One maker for each AWS service. A Lambda names those it calls and is bundled with those only. Where they send their
// calls is the SDK's business: AWS_ENDPOINT_URL points them elsewhere.

type Logger = NonNullable<NonNullable<ConstructorParameters<typeof DynamoDBClient>[0]>['logger']>;
const nothing = () => undefined;
// The SDK redacts every input and output for its logger's `info` and `error` before calling them, even where they do
// nothing; where they do not exist it skips that.
const quietLogger = { trace: nothing, debug: nothing, warn: nothing } as unknown as Logger;

const plain = ({ region }: Config) => ({ region, logger: quietLogger });
/** For reads of the customer's account, whose quotas are shared with everybody there. */
const reader = (config: Config) => ({
  ...plain(config),
  retryMode: 'adaptive',
  maxAttempts: config.file.reading.maxAttempts,
});

/** Another region, and the role to read it with, for endpoints that are not where the gate is. */
type Place = Pick<STSClientConfig, 'region' | 'credentials'>;

export const sagemaker = (config: Config, at: Place = {}) => new SageMakerClient({ ...reader(config), ...at });
export const cloudwatch = (config: Config, at: Place = {}) => new CloudWatchClient({ ...reader(config), ...at });
export const scaling = (config: Config, at: Place = {}) =>
  new ApplicationAutoScalingClient({ ...reader(config), ...at });
export const s3 = (config: Config, at: Place = {}) =>
  new S3Client({ ...reader(config), forcePathStyle: Boolean(process.env.AWS_ENDPOINT_URL), ...at });
export const dynamodb = (config: Config) => new DynamoDBClient(plain(config));
export const sfn = (config: Config) => new SFNClient(plain(config));
export const kms = (config: Config) => new KMSClient(plain(config));
export const ses = (config: Config) => new SESv2Client(plain(config));
export const secrets = (config: Config) => new SecretsManagerClient(plain(config));
export const sts = (config: Config) => new STSClient(plain(config));

export const allClients = { sagemaker, cloudwatch, scaling, s3, dynamodb, sfn, kms, ses, secrets, sts };
