import { pageStream, streamCursor, streamPlace } from '../shared/aws/stream-pages.ts';
import { EndpointRef } from '../shared/model/endpoint-ref.ts';
import { endpointPage } from '../web/endpoint-page.ts';
import { type Problem, pageReply, type Reply } from '../web/reply.ts';
import { notFound } from '../web/routing.ts';
import { recordReading } from './record-reading.ts';
import type { Route, Showing, Visit } from './visit.ts';

async function showEndpoint(visit: Visit<Showing>): Promise<Reply | Problem> {
  const { parts, event, services } = visit;
  const { account, region, endpoint: name } = parts;
  const query = new URLSearchParams(event.rawQueryString);
  const planned = query.get('plans') === 'yes';
  const ref = EndpointRef.safeParse({ account, region, name, ...(planned && { planned }) });
  if (!ref.success) return notFound('There is no such endpoint.');
  const before = query.get('before') ?? '';
  const from = streamPlace(before);
  if (before !== '' && !from) return notFound('There is no such page of its history.');
  const { changes, records, older } = await pageStream(services, ref.data, from);
  if (records.length === 0)
    return notFound(`The ledger holds ${planned ? 'no plan for' : 'nothing about'} ${ref.data.name}.`);
  recordReading(visit, 'history read', ref.data);
  // The path may spell the name in another case; the record has it as AWS does.
  const spelt = records.at(-1)?.endpoint.name ?? ref.data.name;
  const endpoint = { ...ref.data, name: spelt };
  return pageReply(
    endpointPage({ endpoint, changes, older: older && streamCursor(older), continued: from !== undefined }),
  );
}

/** An endpoint, and everything that happened to it. */
export const endpointRoutes: readonly Route<Showing>[] = [
  { method: 'GET', path: '/endpoints/{account}/{region}/{endpoint}', answer: showEndpoint },
];
