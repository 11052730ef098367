import { type EndpointHistory, lastOpened } from '../model/endpoint-history.ts';
import { type EndpointRef, streamOf } from '../model/endpoint-ref.ts';
import { Environment } from '../model/environment.ts';
import { placeKey } from '../model/fleet-budget.ts';
import { hasEnded } from '../model/missed-change.ts';
import { putBack, settleOnFleet, takeOut } from './fleet-budget.ts';
import { appendToFleet, readFleet } from './fleet-stream.ts';
import { readStream } from './ledger.ts';
import type { With } from './services.ts';

type Place = Pick<EndpointRef, 'account' | 'region'>;
/** An endpoint as a list shows it; without an environment where the list has no tags. */
export type Listed = { name: string; environment: Environment | undefined; lastModifiedAt: string | undefined };

/** The first count of a large account goes in portions, like the reading of its endpoints. */
const MAX_LOOKS = 100;
/** What was modified so lately is being read at this moment. */
const YOUNG_MS = 600_000;

/** The entry of an endpoint as its own stream tells it: of its newest change, and of the last one that was accepted. */
async function restore(services: With<'dynamodb'>, history: EndpointHistory): Promise<boolean> {
  const newest = lastOpened(history);
  if (!newest?.opened || !newest.findings) return false;
  if (newest.outcome) await settleOnFleet(services, newest, history, true);
  else await putBack(services, newest);
  return newest.outcome?.result !== 'superseded';
}

/** Endpoints whose entries stand in two fleets: the older entry goes, since the tag says something else by now. */
async function removeDoubles(services: With<'dynamodb'>): Promise<void> {
  const seen = new Map<string, { environment: Environment; generation: number }>();
  for (const environment of Environment.options) {
    for (const [key, { generation, endpoint }] of [...(await readFleet(services, environment)).fleet.entries]) {
      const other = seen.get(key);
      const older = other && other.generation < generation ? other.environment : environment;
      if (other)
        await takeOut(services, older, endpoint, {
          generation: Math.max(generation, other.generation),
          because: 'moved',
        });
      if (!other || older !== environment) seen.set(key, { environment, generation });
    }
  }
}

/**
 * Holds the fleets against the list of a place's endpoints, and puts on record how many nobody has read so far: as long
 * as there are some, nobody knows what their environment costs. Endpoints that are missing in a fleet although they were
 * judged are put back into it, and what is gone is taken out: whatever a crash left undone.
 */
export async function countFleets(services: With<'dynamodb'>, place: Place, listed: readonly Listed[]): Promise<void> {
  const known = new Set<string>();
  const ours: EndpointRef[] = [];
  for (const environment of Environment.options) {
    for (const [key, { endpoint, runs, accepted }] of (await readFleet(services, environment)).fleet.entries) {
      // What only a plan speaks of need not be there.
      if (runs || accepted) known.add(key);
      if ((runs || accepted) && placeKey(endpoint) === placeKey(place)) ours.push(endpoint);
    }
  }
  const missing = listed.filter(({ name }) => !known.has(streamOf({ ...place, name })));
  const unread: Listed[] = missing.slice(MAX_LOOKS);
  for (const each of missing.slice(0, MAX_LOOKS)) {
    const ref = { ...place, name: each.name };
    if (!(await restore(services, (await readStream(services, ref)).history))) unread.push(each);
  }
  const there = new Set(listed.map(({ name }) => name.toLowerCase()));
  for (const ref of ours.filter(({ name }) => !there.has(name.toLowerCase())).slice(0, MAX_LOOKS)) {
    const { history } = await readStream(services, ref);
    const last = history.changes.at(-1);
    if (last && hasEnded(history)) await settleOnFleet(services, last, history, true);
  }
  await removeDoubles(services);

  const now = services.now();
  const isYoung = ({ lastModifiedAt }: Listed) =>
    lastModifiedAt !== undefined && Date.parse(now) - Date.parse(lastModifiedAt) < YOUNG_MS;
  for (const environment of Environment.options) {
    const mine = unread.filter((each) => each.environment === undefined || each.environment === environment);
    await appendToFleet(services, environment, ({ fleet, sequence }) => {
      const before = fleet.unread[placeKey(place)];
      const count = before === undefined ? mine.length : mine.filter((each) => !isYoung(each)).length;
      if (before === count) return undefined;
      const body = { kind: 'fleet-counted' as const, generation: sequence + 1, unread: { [placeKey(place)]: count } };
      return { id: `counted#${placeKey(place)}#${sequence + 1}`, body };
    });
  }
}
