import { AssumeRoleCommand, type STSClientConfig } from '@aws-sdk/client-sts';
import type { EndpointRef } from '../model/endpoint-ref.ts';
import { cloudwatch } from './clients/cloudwatch.ts';
import { s3 } from './clients/s3.ts';
import { sagemaker } from './clients/sagemaker.ts';
import { scaling } from './clients/scaling.ts';
import type { Readable } from './endpoint-reader.ts';
import { ReadCache } from './read-cache.ts';
import type { With } from './services.ts';

/** An event names an account that the gate was not told to read. */
export class UnknownAccountError extends Error {
  override readonly name = 'UnknownAccountError';
}

type Credentials = Extract<STSClientConfig['credentials'], (...input: never[]) => unknown>;

/** Credentials of the read role in a member account; the SDK asks again when they are about to expire. */
function readRole(services: With<'sts'>, account: string): Credentials {
  const { readRole: role, externalId } = services.config.file.members;
  return async () => {
    const { Credentials: given } = await services.sts.send(
      new AssumeRoleCommand({
        RoleArn: `arn:aws:iam::${account}:role/${role}`,
        RoleSessionName: 'portcullis-read',
        ...(externalId !== undefined && { ExternalId: externalId }),
      }),
    );
    const { AccessKeyId = '', SecretAccessKey = '', SessionToken, Expiration } = given ?? {};
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      ...(SessionToken !== undefined && { sessionToken: SessionToken }),
      ...(Expiration !== undefined && { expiration: Expiration }),
    };
  };
}

type Place = Pick<EndpointRef, 'account' | 'region'>;

/** The gate's own account. The state machine's ARN says it; without one nothing is deployed. */
const homeOf = ({ config }: With) => config.stateMachineArn.split(':')[4];

/** Is it an endpoint of the gate's own account? Elsewhere its role can only read. */
export const isOwnAccount = (services: With, { account }: Place): boolean => account === (homeOf(services) || account);

/** Region and credentials for another place; undefined where the gate itself is. */
function elsewhere(services: With<'sts'>, { account, region }: Place) {
  const { config } = services;
  // Whoever asks without a deployed gate reads their own account.
  const home = homeOf(services) || account;
  if (account === home && region === config.region) return undefined;
  if (account !== home && !config.file.members.accounts.includes(account)) {
    throw new UnknownAccountError(
      `Account ${account} is not in members.accounts of portcullis.yaml, so its endpoints cannot be read.`,
    );
  }
  return { region, ...(account !== home && { credentials: readRole(services, account) }) };
}

// What was made for a place is kept with the services that it was made from: as long as the container.
const made = new WeakMap<object, Map<string, object>>();

function madeOnce<T extends object>(services: object, key: string, make: () => T): T {
  const known = made.get(services) ?? new Map<string, object>();
  made.set(services, known);
  const there = (known.get(key) as T | undefined) ?? make();
  known.set(key, there);
  return there;
}

/**
 * Services that read an endpoint where it is: in the gate's own account and region those that are given, elsewhere
 * clients for that region with the read role of that account, and a cache of their own. Throws UnknownAccountError for
 * an account that is not in `members.accounts`.
 */
export function servicesAt(services: Readable & With<'sts'>, place: Place): Readable {
  const { config } = services;
  const at = elsewhere(services, place);
  if (!at) return services;
  return madeOnce(services, `${place.account}/${place.region}`, () => ({
    ...services,
    sagemaker: sagemaker(config, at),
    cloudwatch: cloudwatch(config, at),
    scaling: scaling(config, at),
    s3: s3(config, at),
    cache: new ReadCache(config.file.reading.cacheSeconds * 1000, () => Date.parse(services.now())),
  }));
}

/** The same for whoever asks SageMaker only. */
export function sagemakerAt(services: With<'sagemaker' | 'sts'>, place: Place): With<'sagemaker'> {
  const at = elsewhere(services, place);
  if (!at) return services;
  return madeOnce(services, `sagemaker ${place.account}/${place.region}`, () => ({
    ...services,
    sagemaker: sagemaker(services.config, at),
  }));
}

/** Every account and region whose endpoints the gate looks after; its own comes first. */
export function placesOf(services: With): Place[] {
  const { region, file } = services.config;
  const accounts = [homeOf(services) ?? '', ...file.members.accounts];
  const regions = [region, ...file.members.regions.filter((other) => other !== region)];
  return accounts.flatMap((account) => regions.map((each) => ({ account, region: each })));
}
