import { type AttributeValue, paginateQuery } from '@aws-sdk/client-dynamodb';
import type { EndpointFacts } from '../model/endpoint-facts.ts';
import type { EndpointHistory } from '../model/endpoint-history.ts';
import { EndpointRef } from '../model/endpoint-ref.ts';
import { type GuardKey, guardKeysOf } from '../model/guard-key.ts';
import { putTogether } from './put-together.ts';
import type { With } from './services.ts';

type Place = Pick<EndpointRef, 'account' | 'region'>;

/**
 * Which endpoints an alarm, a mute rule, a schedule, a job definition or a bucket belongs to, in the work table. It
 * decides nothing: at worst an endpoint is looked at for nothing, or the sweep notices what an event would have told.
 * Nothing is taken out, so that the deletion of a guard can still be mapped.
 */
function pkOf({ account, region }: Place, { kind, name }: GuardKey): string {
  // Names of buckets are unique in all of AWS, and a bucket may serve endpoints of any account and region.
  return kind === 'bucket' ? `guard#bucket#${name}` : `guard#${kind}#${account}#${region}#${name}`;
}

const skOf = ({ account, region, name }: EndpointRef) => `${account}#${region}#${name.toLowerCase()}`;

/** What an earlier reading of the endpoint that is on record has put into the index already. */
function remembered({ changes }: EndpointHistory): Set<string> {
  const readings = changes.flatMap(({ opened, verified }) => [opened?.facts, verified?.facts]);
  return new Set(
    readings.flatMap((facts) => (facts ? guardKeysOf(facts).map(({ kind, name }) => `${kind} ${name}`) : [])),
  );
}

/** The items of what guards an endpoint, without those that a reading on record (`history`) has put there already. */
export function guardItems(
  ref: EndpointRef,
  facts: EndpointFacts,
  history?: EndpointHistory,
): Record<string, AttributeValue>[] {
  const known = history ? remembered(history) : new Set<string>();
  const fresh = guardKeysOf(facts).filter(({ kind, name }) => !known.has(`${kind} ${name}`));
  return fresh.map((key) => ({ pk: { S: pkOf(ref, key) }, sk: { S: skOf(ref) }, endpoint: { S: ref.name } }));
}

/**
 * Remembers what guards an endpoint. To be called before the facts go on record: then whatever is on record is in the
 * index, and only what is new has to be written.
 */
export const rememberGuards = (
  services: With<'dynamodb'>,
  ref: EndpointRef,
  facts: EndpointFacts,
  history?: EndpointHistory,
): Promise<void> => putTogether(services, guardItems(ref, facts, history));

/** The endpoints that one of these guards, by their names. */
export async function guardedEndpoints(
  services: With<'dynamodb'>,
  place: Place,
  keys: readonly GuardKey[],
): Promise<EndpointRef[]> {
  const found = new Map<string, EndpointRef>();
  for (const pk of new Set(keys.map((key) => pkOf(place, key)))) {
    const pages = paginateQuery(
      { client: services.dynamodb },
      {
        TableName: services.config.tables.work,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: pk } },
      },
    );
    for await (const { Items = [] } of pages) {
      for (const { sk, endpoint } of Items) {
        const [account, region] = (sk?.S ?? '').split('#');
        found.set(sk?.S ?? '', EndpointRef.parse({ account, region, name: endpoint?.S }));
      }
    }
  }
  return [...found.values()];
}
