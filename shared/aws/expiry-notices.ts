import { paginateQuery, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { EndpointRef } from '../model/endpoint-ref.ts';
import type { With } from './services.ts';

// A request that has expired is no open one any more, so the sweep would not come across it: it is put on a list of its own.

/** A request that expired, of which nobody has been told yet. */
export type ExpiryNotice = { request: string; endpoint: EndpointRef; generation: number };

const keyOf = (services: With, request: string) => ({
  TableName: services.config.tables.approvals,
  Key: { id: { S: `expired#${request}` } },
});

/** Notes that the approvers are to be told. For the workflow, which does not send messages. */
export async function leaveExpiryNotice(services: With<'dynamodb'>, notice: ExpiryNotice): Promise<void> {
  const { request, endpoint, generation } = notice;
  await services.dynamodb.send(
    new UpdateItemCommand({
      ...keyOf(services, request),
      UpdateExpression:
        'SET account = :account, #region = :region, endpoint = :endpoint, planned = :planned, generation = :generation, expiresAt = :at, #open = :open',
      ExpressionAttributeNames: { '#region': 'region', '#open': 'open' },
      ExpressionAttributeValues: {
        ':account': { S: endpoint.account },
        ':region': { S: endpoint.region },
        ':endpoint': { S: endpoint.name },
        ':planned': { BOOL: endpoint.planned === true },
        ':generation': { N: String(generation) },
        // The index sorts by this.
        ':at': { S: services.now() },
        ':open': { S: 'expired' },
      },
    }),
  );
}

export async function listExpiryNotices(services: With<'dynamodb'>): Promise<ExpiryNotice[]> {
  const found: ExpiryNotice[] = [];
  const pages = paginateQuery(
    { client: services.dynamodb },
    {
      TableName: services.config.tables.approvals,
      IndexName: 'by-open',
      KeyConditionExpression: '#open = :open',
      ExpressionAttributeNames: { '#open': 'open' },
      ExpressionAttributeValues: { ':open': { S: 'expired' } },
    },
  );
  for await (const { Items = [] } of pages) {
    for (const { id, account, region, endpoint, planned, generation } of Items) {
      found.push({
        request: (id?.S ?? '').replace(/^expired#/, ''),
        endpoint: EndpointRef.parse({
          account: account?.S,
          region: region?.S,
          name: endpoint?.S,
          ...(planned?.BOOL && { planned: true }),
        }),
        generation: Number(generation?.N ?? 0),
      });
    }
  }
  return found;
}

/** Takes it off the list, once they were told. */
export async function removeExpiryNotice(services: With<'dynamodb'>, request: string): Promise<void> {
  await services.dynamodb.send(
    new UpdateItemCommand({
      ...keyOf(services, request),
      UpdateExpression: 'REMOVE #open',
      ExpressionAttributeNames: { '#open': 'open' },
    }),
  );
}
