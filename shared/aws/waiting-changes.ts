import { streamOf } from '../model/endpoint-ref.ts';
import { pageOpenRequests, type RequestPage } from './approvals.ts';
import type { With } from './services.ts';

/** So many requests are one small query; where more wait, each change is asked about by itself. */
const MOST = 300;

/** Changes that wait for people, by `<stream>#<generation>`: the request that each waits with. */
export type WaitingChanges = ReadonlyMap<string, string>;

/** Those of a first page of open requests; undefined where there are more. */
export const waitingIn = ({ requests, next }: RequestPage): WaitingChanges | undefined =>
  next === undefined
    ? new Map(requests.map(({ endpoint, generation, id }) => [`${streamOf(endpoint)}#${generation}`, id]))
    : undefined;

/**
 * All changes that wait, in one query; undefined where there are more than that reads. From an index that can lag by a
 * moment, so for showing only.
 */
export const waitingChanges = async (services: With<'dynamodb'>): Promise<WaitingChanges | undefined> =>
  waitingIn(await pageOpenRequests(services, { limit: MOST }));
