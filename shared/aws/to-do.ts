import { paginateQuery, UpdateItemCommand, type UpdateItemCommandInput } from '@aws-sdk/client-dynamodb';
import { EndpointRef } from '../model/endpoint-ref.ts';
import type { With } from './services.ts';

// What the sweep would not come across otherwise is on a list in the approvals table until it is done: the index `by-open`
// finds the items of each list, oldest first. A list is for finding what there is to do; what that is says the ledger.

/** Approvals by broken glass to review, expiries to tell of, changes that are being put back. */
export type ToDoList = 'review' | 'expired' | 'remediation';

/** The change that there is something to do about. `id` is the item's, and says which it is on its list. */
export type ToDo = { id: string; endpoint: EndpointRef; generation: number; since: string };

async function update(
  { dynamodb, config }: With<'dynamodb'>,
  id: string,
  change: Omit<UpdateItemCommandInput, 'TableName' | 'Key'>,
): Promise<void> {
  await dynamodb.send(new UpdateItemCommand({ TableName: config.tables.approvals, Key: { id: { S: id } }, ...change }));
}

/** Puts something on a list, or has it there anew. */
export async function putToDo(
  services: With<'dynamodb'>,
  list: ToDoList,
  { id, endpoint, generation }: Omit<ToDo, 'since'>,
): Promise<void> {
  await update(services, id, {
    UpdateExpression:
      'SET account = :account, #region = :region, endpoint = :endpoint, planned = :planned, generation = :generation, expiresAt = :since, #open = :open',
    ExpressionAttributeNames: { '#region': 'region', '#open': 'open' },
    ExpressionAttributeValues: {
      ':account': { S: endpoint.account },
      ':region': { S: endpoint.region },
      ':endpoint': { S: endpoint.name },
      ':planned': { BOOL: endpoint.planned === true },
      ':generation': { N: String(generation) },
      // The index sorts by this. Nothing of the kind expires: here it is since when it has been on the list.
      ':since': { S: services.now() },
      ':open': { S: list },
    },
  });
}

/** Everything on a list, longest there first. */
export async function listToDo({ dynamodb, config }: With<'dynamodb'>, list: ToDoList): Promise<ToDo[]> {
  const found: ToDo[] = [];
  const pages = paginateQuery(
    { client: dynamodb },
    {
      TableName: config.tables.approvals,
      IndexName: 'by-open',
      KeyConditionExpression: '#open = :open',
      ExpressionAttributeNames: { '#open': 'open' },
      ExpressionAttributeValues: { ':open': { S: list } },
    },
  );
  for await (const { Items = [] } of pages) {
    for (const { id, account, region, endpoint, planned, generation, expiresAt } of Items) {
      const place = { account: account?.S, region: region?.S, name: endpoint?.S };
      found.push({
        id: id?.S ?? '',
        endpoint: EndpointRef.parse({ ...place, ...(planned?.BOOL && { planned: true }) }),
        generation: Number(generation?.N ?? 0),
        since: expiresAt?.S ?? '',
      });
    }
  }
  return found;
}

/** Takes something off its list, once it is done. */
export async function removeToDo(services: With<'dynamodb'>, id: string): Promise<void> {
  await update(services, id, { UpdateExpression: 'REMOVE #open', ExpressionAttributeNames: { '#open': 'open' } });
}
