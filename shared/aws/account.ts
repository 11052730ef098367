import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { ListEndpointsCommand } from '@aws-sdk/client-sagemaker';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { type Actor, actorFrom } from '../model/actor.ts';
import { listEndpoints } from './endpoint-list.ts';
import type { With } from './services.ts';

/** The account that the credentials belong to; undefined where AWS does not say. */
export async function readAccountId({ config }: With): Promise<string | undefined> {
  const { Account } = await new STSClient({ region: config.region }).send(new GetCallerIdentityCommand({}));
  return Account;
}

/** Whose credentials these are, as far as AWS says. */
export async function readCaller({ config }: With): Promise<Actor> {
  const { Arn } = await new STSClient({ region: config.region }).send(new GetCallerIdentityCommand({}));
  const userName = /:user\/(?:.+\/)?([^/]+)$/.exec(Arn ?? '')?.[1];
  const type = userName ? 'IAMUser' : /:root$/.test(Arn ?? '') ? 'Root' : 'AssumedRole';
  return actorFrom({ type, arn: Arn, userName });
}

/** Names of all endpoints of the account and region. */
export async function listEndpointNames(services: With<'sagemaker'>): Promise<string[]> {
  return (await listEndpoints(services)).map(({ name }) => name);
}

/** Throws where endpoints may not be listed. */
export async function tryListing({ sagemaker }: With<'sagemaker'>): Promise<void> {
  await sagemaker.send(new ListEndpointsCommand({ MaxResults: 1 }));
}

/** ACTIVE, CREATING, ...; throws ResourceNotFoundException where there is no such table. */
export async function readTableStatus({ dynamodb }: With<'dynamodb'>, table: string): Promise<string> {
  const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName: table }));
  return Table?.TableStatus ?? 'unknown';
}
