import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { ListEndpointsCommand } from '@aws-sdk/client-sagemaker';
import { listEndpoints } from './endpoint-list.ts';
import type { With } from './services.ts';

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
