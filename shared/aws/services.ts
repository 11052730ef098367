import { randomInt } from 'node:crypto';
import { ApplicationAutoScalingClient } from '@aws-sdk/client-application-auto-scaling';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { SESv2Client } from '@aws-sdk/client-sesv2';
import { SFNClient } from '@aws-sdk/client-sfn';
import { type Config, loadConfig } from '../config.ts';
import type { Stream } from './ledger.ts';
import { ReadCache } from './read-cache.ts';

/** What handlers are given: clients, configuration, and the only sources of time and chance. Built once per container. */
export type Services = {
  sagemaker: SageMakerClient;
  cloudwatch: CloudWatchClient;
  scaling: ApplicationAutoScalingClient;
  s3: S3Client;
  dynamodb: DynamoDBClient;
  sfn: SFNClient;
  kms: KMSClient;
  ses: SESv2Client;
  config: Config;
  /** Reads that may be reused for a while. */
  cache: ReadCache;
  /** Ends of streams, by key, oldest use first; see knownStream in ledger.ts. */
  knownStreams: Map<string, Stream>;
  /** When executions were last started here, by stream; see startedAfter in executions.ts. */
  startedAt: Map<string, string>;
  /** The time now, ISO 8601 UTC. */
  now: () => string;
  /** An unguessable id of 26 lower-case letters and digits (130 bits). */
  newId: () => string;
  /** A code for people to type, 80 bits: `K7QM-2XVA-9RTB-4HNC`. */
  newCode: () => string;
};

const LETTERS = '0123456789abcdefghjkmnpqrstvwxyz';
const pick = (count: number) => Array.from({ length: count }, () => LETTERS[randomInt(32)]).join('');

type Logger = NonNullable<NonNullable<ConstructorParameters<typeof DynamoDBClient>[0]>['logger']>;
const nothing = () => undefined;
// The SDK redacts every input and output for its logger's `info` and `error` before calling them, even where they do
// nothing; where they do not exist it skips that.
const quietLogger = { trace: nothing, debug: nothing, warn: nothing } as unknown as Logger;

/** Builds the clients. Where they send their calls is the SDK's business: AWS_ENDPOINT_URL points them elsewhere. */
export function createServices(config: Config, overrides: Partial<Services> = {}): Services {
  const { maxAttempts, cacheSeconds } = config.file.reading;
  const plain = { region: config.region, logger: quietLogger };
  const reader = { ...plain, retryMode: 'adaptive', maxAttempts };
  const now = () => new Date().toISOString();
  return {
    sagemaker: new SageMakerClient(reader),
    cloudwatch: new CloudWatchClient(reader),
    scaling: new ApplicationAutoScalingClient(reader),
    s3: new S3Client({ ...reader, forcePathStyle: Boolean(process.env.AWS_ENDPOINT_URL) }),
    dynamodb: new DynamoDBClient(plain),
    sfn: new SFNClient(plain),
    kms: new KMSClient(plain),
    ses: new SESv2Client(plain),
    config,
    cache: new ReadCache(cacheSeconds * 1000, () => Date.parse((overrides.now ?? now)())),
    knownStreams: new Map(),
    startedAt: new Map(),
    now,
    newId: () => pick(26),
    newCode: () => (pick(16).toUpperCase().match(/.{4}/g) ?? []).join('-'),
    ...overrides,
  };
}

let services: Services | undefined;

/** The container's services. Runs on cold start only; throws ConfigError with every mistake. */
export function coldStartServices(): Services {
  services ??= createServices(loadConfig(process.env));
  return services;
}
