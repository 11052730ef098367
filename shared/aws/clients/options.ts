import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { STSClientConfig } from '@aws-sdk/client-sts';
import type { Config } from '../../config.ts';
import { readOnly } from '../read-only.ts';

// What clients are made with. Where they send their calls is the SDK's business: AWS_ENDPOINT_URL points them elsewhere.

type Logger = NonNullable<NonNullable<ConstructorParameters<typeof DynamoDBClient>[0]>['logger']>;
const nothing = () => undefined;
// The SDK redacts every input and output for its logger's `info` and `error` before calling them, even where they do
// nothing; where they do not exist it skips that.
const quietLogger = { trace: nothing, debug: nothing, warn: nothing } as unknown as Logger;

export const plain = ({ region }: Config) => ({ region, logger: quietLogger });

/** Of the gate itself. They are where its account is, unless it only watches another. */
export const own = (config: Config) => {
  const { endpoint, accessKeyId } = config.ownServices ?? {};
  if (endpoint === undefined || accessKeyId === undefined) return plain(config);
  return { ...plain(config), endpoint, credentials: { accessKeyId, secretAccessKey: accessKeyId } };
};

/** For reads of the customer's account, whose quotas are shared with everybody there. */
export const reader = (config: Config) => ({
  ...plain(config),
  retryMode: 'adaptive',
  maxAttempts: config.file.reading.maxAttempts,
});

export const watching = <Client extends object>(client: Client, { ownServices }: Config): Client =>
  ownServices ? readOnly(client) : client;

/** Another region, and the role to read it with, for endpoints that are not where the gate is. */
export type Place = Pick<STSClientConfig, 'region' | 'credentials'>;
