import {
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  paginateQuery,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { sha256 } from '../model/canonical-json.ts';
import { EndpointRef } from '../model/endpoint-ref.ts';
import type { With } from './services.ts';

/**
 * The work table: what is neither evidence nor authority. Quarantined events, counts of dropped ones, which endpoint a
 * monitoring schedule belongs to (so that its deletion can still be mapped), and which endpoints the sweep has seen.
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

/** Takes an event out of quarantine, after it was replayed. */
export async function releaseQuarantined(services: With<'dynamodb'>, id: string): Promise<void> {
  await services.dynamodb.send(
    new DeleteItemCommand({ TableName: tableOf(services), Key: { pk: { S: 'quarantine' }, sk: { S: id } } }),
  );
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
  return found;
}

const scheduleKey = ({ account, region }: Pick<EndpointRef, 'account' | 'region'>, schedule: string) => ({
  pk: { S: `schedule#${account}#${region}` },
  sk: { S: schedule },
});

/** Remembers which endpoint a schedule watches. Once per container and schedule is enough. */
export async function rememberSchedule(services: With<'dynamodb'>, ref: EndpointRef, schedule: string): Promise<void> {
  await services.cache.get(`remembered:${ref.account}:${ref.region}:${schedule}:${ref.name}`, async () => {
    await services.dynamodb.send(
      new PutItemCommand({
        TableName: tableOf(services),
        Item: { ...scheduleKey(ref, schedule), endpoint: { S: ref.name } },
      }),
    );
  });
}

export async function endpointOfSchedule(
  services: With<'dynamodb'>,
  place: Pick<EndpointRef, 'account' | 'region'>,
  schedule: string,
): Promise<EndpointRef | undefined> {
  const { Item } = await services.dynamodb.send(
    new GetItemCommand({ TableName: tableOf(services), Key: scheduleKey(place, schedule) }),
  );
  const parsed = EndpointRef.safeParse({ ...place, name: Item?.endpoint?.S });
  return parsed.success ? parsed.data : undefined;
}

const endpointKey = ({ account, region, name }: EndpointRef) => ({
  pk: { S: `endpoint#${account}#${region}` },
  sk: { S: name.toLowerCase() },
});

/**
 * Remembers that an endpoint is alive. The ledger has no list of its streams short of reading all of it, and without
 * one nobody could tell that an endpoint is missing.
 */
export async function rememberEndpoint(services: With<'dynamodb'>, ref: EndpointRef): Promise<void> {
  await services.dynamodb.send(
    new PutItemCommand({ TableName: tableOf(services), Item: { ...endpointKey(ref), endpoint: { S: ref.name } } }),
  );
}

/** Forgets an endpoint, once its end is on record. */
export async function forgetEndpoint(services: With<'dynamodb'>, ref: EndpointRef): Promise<void> {
  await services.dynamodb.send(new DeleteItemCommand({ TableName: tableOf(services), Key: endpointKey(ref) }));
}

export async function listRememberedEndpoints(
  services: With<'dynamodb'>,
  place: Pick<EndpointRef, 'account' | 'region'>,
): Promise<EndpointRef[]> {
  const found: EndpointRef[] = [];
  const pages = paginateQuery(
    { client: services.dynamodb },
    {
      TableName: tableOf(services),
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': endpointKey({ ...place, name: '' }).pk },
    },
  );
  for await (const page of pages) {
    for (const { endpoint } of page.Items ?? []) found.push(EndpointRef.parse({ ...place, name: endpoint?.S }));
  }
  return found;
}
