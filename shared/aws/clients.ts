import { ApplicationAutoScalingClient } from '@aws-sdk/client-application-auto-scaling';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { PricingClient } from '@aws-sdk/client-pricing';
import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SESv2Client } from '@aws-sdk/client-sesv2';
import { SFNClient } from '@aws-sdk/client-sfn';
import { STSClient, type STSClientConfig } from '@aws-sdk/client-sts';
import type { Config } from '../config.ts';
import { readOnly } from './read-only.ts';

// One maker for each AWS service. A Lambda names those it calls and is bundled with those only. Where they send their
// calls is the SDK's business: AWS_ENDPOINT_URL points them elsewhere.

type Logger = NonNullable<NonNullable<ConstructorParameters<typeof DynamoDBClient>[0]>['logger']>;
const nothing = () => undefined;
// The SDK redacts every input and output for its logger's `info` and `error` before calling them, even where they do
// nothing; where they do not exist it skips that.
const quietLogger = { trace: nothing, debug: nothing, warn: nothing } as unknown as Logger;

const plain = ({ region }: Config) => ({ region, logger: quietLogger });
/** Of the gate itself. They are where its account is, unless it only watches another. */
const own = (config: Config) => {
  const { endpoint, accessKeyId } = config.ownServices ?? {};
  if (endpoint === undefined || accessKeyId === undefined) return plain(config);
  return { ...plain(config), endpoint, credentials: { accessKeyId, secretAccessKey: accessKeyId } };
};
/** For reads of the customer's account, whose quotas are shared with everybody there. */
const reader = (config: Config) => ({
  ...plain(config),
  retryMode: 'adaptive',
  maxAttempts: config.file.reading.maxAttempts,
});
const watching = <Client extends object>(client: Client, { ownServices }: Config): Client =>
  ownServices ? readOnly(client) : client;

/** Another region, and the role to read it with, for endpoints that are not where the gate is. */
type Place = Pick<STSClientConfig, 'region' | 'credentials'>;

const pathStyle = () => Boolean(process.env.AWS_ENDPOINT_URL ?? process.env.AWS_ENDPOINT_URL_S3);

export const sagemaker = (config: Config, at: Place = {}) =>
  watching(new SageMakerClient({ ...reader(config), ...at }), config);
export const cloudwatch = (config: Config, at: Place = {}) =>
  watching(new CloudWatchClient({ ...reader(config), ...at }), config);
export const scaling = (config: Config, at: Place = {}) =>
  watching(new ApplicationAutoScalingClient({ ...reader(config), ...at }), config);
export const s3 = (config: Config, at: Place = {}) =>
  watching(new S3Client({ ...reader(config), forcePathStyle: pathStyle(), ...at }), config);
/** The Price List answers in three regions, for all of them (AWS Price List Query API endpoints). */
const pricingRegion = (region: string) =>
  region.startsWith('eu-') ? 'eu-central-1' : region.startsWith('ap-') ? 'ap-south-1' : 'us-east-1';
export const pricing = (config: Config) =>
  watching(new PricingClient({ ...reader(config), region: pricingRegion(config.region) }), config);
export const sts = (config: Config) => watching(new STSClient(plain(config)), config);
export const dynamodb = (config: Config) => new DynamoDBClient(own(config));
export const sfn = (config: Config) => new SFNClient(own(config));
export const kms = (config: Config) => new KMSClient(own(config));
export const ses = (config: Config) => new SESv2Client(own(config));
export const secrets = (config: Config) => new SecretsManagerClient(own(config));

export const allClients = { sagemaker, cloudwatch, scaling, s3, dynamodb, sfn, kms, ses, secrets, sts, pricing };
