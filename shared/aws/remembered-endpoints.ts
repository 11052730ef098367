import {
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  paginateQuery,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { EndpointFacts } from '../model/endpoint-facts.ts';
import type { EndpointHistory } from '../model/endpoint-history.ts';
import { EndpointRef } from '../model/endpoint-ref.ts';
import { type Fingerprint, watchedAlarms } from '../model/shown-endpoint.ts';
import { guardItems } from './guard-index.ts';
import { putTogether } from './put-together.ts';
import type { With } from './services.ts';

type Place = Pick<EndpointRef, 'account' | 'region'>;

/**
 * What the sweep remembers of an endpoint in the work table. It decides nothing: whatever is not remembered is looked at.
 * `seen` is there only where nothing was open and the ledger held what was shown.
 */
export type RememberedEndpoint = {
  ref: EndpointRef;
  seen?: Fingerprint;
  /** Names of the alarms that its last deployment rolls back on. */
  alarms: string[];
  /** The newest change that was about to be opened; a sweep that looked before that must not call the endpoint seen. */
  touched?: string;
};

const tableOf = (services: With<'dynamodb'>) => services.config.tables.work;
const keyOf = ({ account, region, name }: EndpointRef) => ({
  pk: { S: `endpoint#${account}#${region}` },
  sk: { S: name.toLowerCase() },
});

/**
 * The item that says that an endpoint is alive, and that the next sweep has to look at it, because this change of it is
 * being opened. The ledger has no list of its streams short of reading all of it, and without one nobody could tell that
 * an endpoint is missing, or that a change of it never ended.
 */
const touchedItem = (ref: EndpointRef, touched: string, alarms: string[]) => ({
  ...keyOf(ref),
  endpoint: { S: ref.name },
  touched: { S: touched },
  alarms: { S: JSON.stringify(alarms) },
});

/** Remembers an endpoint that the gate has read nothing of. */
export async function rememberEndpoint(services: With<'dynamodb'>, ref: EndpointRef): Promise<RememberedEndpoint> {
  const touched = '0';
  await services.dynamodb.send(
    new PutItemCommand({ TableName: tableOf(services), Item: touchedItem(ref, touched, []) }),
  );
  return { ref, alarms: [], touched };
}

/**
 * Remembers what was read of an endpoint for a change: that the sweep has to look at it until the change has ended, and
 * what guards it, as far as no reading on record (`history`) has put that there. It may go beside the append that puts
 * the reading on record: the sweep calls nothing seen before the change is on record (hasSeenAll), and a
 * task that finds its reading on record writes all of it again.
 */
export const rememberReading = (
  services: With<'dynamodb'>,
  ref: EndpointRef,
  { generation, facts }: { generation: number; facts: EndpointFacts },
  history?: EndpointHistory,
): Promise<void> =>
  putTogether(services, [
    touchedItem(ref, String(generation), watchedAlarms(facts)),
    ...guardItems(ref, facts, history),
  ]);

/** Does a stream as it was read hold the newest change that was remembered with the endpoint? */
export const hasSeenAll = ({ touched }: RememberedEndpoint, { generation }: EndpointHistory): boolean =>
  generation >= Number(touched ?? 0);

/** Remembers how an endpoint was seen, unless something was put on record since it was listed. */
export async function rememberSeen(
  services: With<'dynamodb'>,
  { ref, touched }: RememberedEndpoint,
  { seen, alarms }: { seen: Fingerprint; alarms: string[] },
): Promise<void> {
  try {
    await services.dynamodb.send(
      new UpdateItemCommand({
        TableName: tableOf(services),
        Key: keyOf(ref),
        UpdateExpression: 'SET #seen = :seen, #alarms = :alarms',
        ConditionExpression: touched === undefined ? 'attribute_not_exists(#touched)' : '#touched = :touched',
        ExpressionAttributeNames: { '#seen': 'seen', '#alarms': 'alarms', '#touched': 'touched' },
        ExpressionAttributeValues: {
          ':seen': { S: JSON.stringify(seen) },
          ':alarms': { S: JSON.stringify(alarms) },
          ...(touched !== undefined && { ':touched': { S: touched } }),
        },
      }),
    );
  } catch (error) {
    if ((error as Error).name !== 'ConditionalCheckFailedException') throw error;
  }
}

/** Forgets an endpoint, once its end is on record. */
export async function forgetEndpoint(services: With<'dynamodb'>, ref: EndpointRef): Promise<void> {
  await services.dynamodb.send(new DeleteItemCommand({ TableName: tableOf(services), Key: keyOf(ref) }));
}

/** Every endpoint of a place that is remembered: about two thousand for each call. */
export async function listRememberedEndpoints(services: With<'dynamodb'>, place: Place): Promise<RememberedEndpoint[]> {
  const found: RememberedEndpoint[] = [];
  const pages = paginateQuery(
    { client: services.dynamodb },
    {
      TableName: tableOf(services),
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': keyOf({ ...place, name: '' }).pk },
    },
  );
  for await (const page of pages) {
    for (const { endpoint, seen, alarms, touched } of page.Items ?? []) {
      found.push({
        ref: EndpointRef.parse({ ...place, name: endpoint?.S }),
        alarms: JSON.parse(alarms?.S ?? '[]') as string[],
        ...(seen?.S !== undefined && { seen: JSON.parse(seen.S) as Fingerprint }),
        ...(touched?.S !== undefined && { touched: touched.S }),
      });
    }
  }
  return found;
}

const sweepKey = ({ account, region }: Place) => ({ pk: { S: 'sweep' }, sk: { S: `${account}#${region}` } });

/** When a place was last swept to its end; undefined where it never was. */
export async function lastSweptAt(services: With<'dynamodb'>, place: Place): Promise<string | undefined> {
  const { Item } = await services.dynamodb.send(
    new GetItemCommand({ TableName: tableOf(services), Key: sweepKey(place) }),
  );
  return Item?.at?.S;
}

export async function rememberSweep(services: With<'dynamodb'>, place: Place, at: string): Promise<void> {
  await services.dynamodb.send(
    new PutItemCommand({ TableName: tableOf(services), Item: { ...sweepKey(place), at: { S: at } } }),
  );
}
