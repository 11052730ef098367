import type { EndpointRef } from '../model/endpoint-ref.ts';
import type { With } from './services.ts';
import { listToDo, putToDo, removeToDo } from './to-do.ts';

// A request that has expired is no open one any more, so the sweep would not come across it: it is put on a list of its own.

/** A request that expired, of which nobody has been told yet. */
export type ExpiryNotice = { request: string; endpoint: EndpointRef; generation: number };

const PREFIX = 'expired#';

/** Notes that the approvers are to be told. For the workflow, which does not send messages. */
export const leaveExpiryNotice = (services: With<'dynamodb'>, { request, ...about }: ExpiryNotice): Promise<void> =>
  putToDo(services, 'expired', { id: `${PREFIX}${request}`, ...about });

export async function listExpiryNotices(services: With<'dynamodb'>): Promise<ExpiryNotice[]> {
  const listed = await listToDo(services, 'expired');
  return listed.map(({ id, endpoint, generation }) => ({ request: id.slice(PREFIX.length), endpoint, generation }));
}

/** Takes it off the list, once they were told. */
export const removeExpiryNotice = (services: With<'dynamodb'>, request: string): Promise<void> =>
  removeToDo(services, `${PREFIX}${request}`);
