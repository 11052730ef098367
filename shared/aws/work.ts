import {
  DeleteItemCommand,
  PutItemCommand,
  paginateQuery,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { sha256 } from '../model/canonical-json.ts';
import type { With } from './services.ts';

/**
 * The work table: what is neither evidence nor authority. Here quarantined events and counts of dropped ones; see also
 * remembered-endpoints.ts and guard-index.ts. Its sort keys have no order where the store of one machine is encrypted.
 */
const tableOf = (services: With<'dynamodb'>) => services.config.tables.work;

/** An event that is not what its type promises, kept whole until somebody looks at it. */
export type QuarantinedEvent = { id: string; reason: string; at: string; event: string };

const MAX_EVENT_BYTES = 300_000;

/** Keeps a poison event with its reason. The same bytes are kept once. */
export async function quarantine(
  services: With<'dynamodb'>,
  event: unknown,
  reason: string,
): Promise<QuarantinedEvent> {
  const whole = JSON.stringify(event) ?? String(event);
  const kept = {
    id: sha256(whole).slice(0, 32),
    reason,
    at: services.now(),
    event: Buffer.from(whole).subarray(0, MAX_EVENT_BYTES).toString(),
  };
  await services.dynamodb.send(
    new PutItemCommand({
      TableName: tableOf(services),
      Item: {
        pk: { S: 'quarantine' },
        sk: { S: kept.id },
        reason: { S: reason.slice(0, 2_000) },
        at: { S: kept.at },
        event: { S: kept.event },
      },
    }),
  );
  return kept;
}

export async function listQuarantined(services: With<'dynamodb'>): Promise<QuarantinedEvent[]> {
  const found: QuarantinedEvent[] = [];
  const pages = paginateQuery(
    { client: services.dynamodb },
    {
      TableName: tableOf(services),
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': { S: 'quarantine' } },
    },
  );
  for await (const page of pages) {
    for (const { sk, reason, at, event } of page.Items ?? []) {
      found.push({ id: sk?.S ?? '', reason: reason?.S ?? '', at: at?.S ?? '', event: event?.S ?? '' });
    }
  }
  return found.sort((a, b) => (a.at < b.at ? 1 : -1));
}

/** How many events are in quarantine, and whether there are more than were counted. */
export async function countQuarantined(
  services: With<'dynamodb'>,
  most: number,
): Promise<{ count: number; more: boolean }> {
  const { Count = 0, LastEvaluatedKey } = await services.dynamodb.send(
    new QueryCommand({
      TableName: tableOf(services),
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': { S: 'quarantine' } },
      Select: 'COUNT',
      Limit: most,
    }),
  );
  return { count: Count, more: LastEvaluatedKey !== undefined };
}

/** Takes an event out of quarantine, after it was replayed. */
export async function releaseQuarantined(services: With<'dynamodb'>, id: string): Promise<void> {
  await services.dynamodb.send(
    new DeleteItemCommand({ TableName: tableOf(services), Key: { pk: { S: 'quarantine' }, sk: { S: id } } }),
  );
  services.note({ event: 'delete', actor: 'portcullis', subject: 'quarantine', detail: id });
}

/** Counts an event that is about nothing we gate. */
export async function countDropped(services: With<'dynamodb'>, reason: string): Promise<void> {
  await services.dynamodb.send(
    new UpdateItemCommand({
      TableName: tableOf(services),
      Key: { pk: { S: 'dropped' }, sk: { S: reason } },
      UpdateExpression: 'ADD #count :one',
      ExpressionAttributeNames: { '#count': 'count' },
      ExpressionAttributeValues: { ':one': { N: '1' } },
    }),
  );
}

export async function listDropped(services: With<'dynamodb'>): Promise<{ reason: string; count: number }[]> {
  const found: { reason: string; count: number }[] = [];
  const pages = paginateQuery(
    { client: services.dynamodb },
    {
      TableName: tableOf(services),
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': { S: 'dropped' } },
    },
  );
  for await (const page of pages) {
    for (const { sk, count } of page.Items ?? []) found.push({ reason: sk?.S ?? '', count: Number(count?.N ?? 0) });
  }
  return found.sort((a, b) => (a.reason < b.reason ? -1 : 1));
}
