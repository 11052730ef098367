import * as z from 'zod';
import { approvalRules, listOpenRequests } from '../shared/aws/approvals.ts';
import { listChanges } from '../shared/aws/change-index.ts';
import { readStream } from '../shared/aws/ledger.ts';
import { listDropped, listQuarantined } from '../shared/aws/work.ts';
import { approvalState } from '../shared/model/approval.ts';
import { changeOf } from '../shared/model/endpoint-history.ts';
import { EndpointRef, streamOf } from '../shared/model/endpoint-ref.ts';
import { Environment } from '../shared/model/environment.ts';
import { Result } from '../shared/model/ledger-record.ts';
import { changePage } from '../web/change-page.ts';
import { changesPage, waitingKey } from '../web/changes-page.ts';
import { quarantinePage } from '../web/quarantine-page.ts';
import { type Problem, pageReply, type Reply } from '../web/reply.ts';
import { notFound } from '../web/routing.ts';
import type { Route, Visit } from './visit.ts';

const LISTED = 100;

// A GET form sends every field, empty where nothing is chosen.
const chosen = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (value === '' ? undefined : value), schema.optional());
const Filter = z.object({
  environment: chosen(Environment),
  result: chosen(Result.or(z.literal('open'))),
  month: chosen(z.string().regex(/^20\d{2}-(0[1-9]|1[0-2])$/)),
});

async function showChanges({ event, services }: Visit): Promise<Reply | Problem> {
  const parsed = Filter.safeParse(Object.fromEntries(new URLSearchParams(event.rawQueryString)));
  if (!parsed.success) {
    const why = `Not understood: ${parsed.error.issues.map(({ path }) => path.join('.')).join(', ')}.`;
    const todo = 'Choose the filter on the page; a month is written like 2026-11.';
    return { status: 400, happened: 'This filter cannot be used', why, todo };
  }
  const { environment, result, month } = parsed.data;
  const [rows, requests] = await Promise.all([
    listChanges(services, {
      ...(environment && { environments: [environment] }),
      ...(month && { month }),
      ...(result && { state: result }),
      limit: LISTED,
    }),
    listOpenRequests(services),
  ]);
  const waiting = new Map(
    requests.map(({ id, endpoint, generation }) => [waitingKey(streamOf(endpoint), generation), id]),
  );
  const filter = { ...(environment && { environment }), ...(result && { result }), ...(month && { month }) };
  return pageReply(changesPage({ rows, filter, limit: LISTED, waiting }));
}

/** The page of a change, or of a plan. */
export async function showChangeOf({ parts, services }: Visit, planned: boolean): Promise<Reply | Problem> {
  const what = planned ? 'plan' : 'change';
  const { account, region, endpoint } = parts;
  const ref = EndpointRef.safeParse({ account, region, name: endpoint, ...(planned && { planned: true }) });
  const generation = /^[1-9]\d{0,8}$/.test(parts.generation ?? '') ? Number(parts.generation) : undefined;
  if (!ref.success || generation === undefined) return notFound(`There is no such ${what}.`);
  const { history, records } = await readStream(services, ref.data, generation);
  const change = changeOf(history, generation);
  if (!change) return notFound(`The ledger holds no ${what} ${generation} of ${ref.data.name}.`);
  const { request } = change;
  const approval = request && approvalState(history, { ...change, request }, approvalRules(services), services.now());
  // The path may spell the name in another case; the record has it as AWS does.
  return pageReply(changePage({ endpoint: records.at(-1)?.endpoint ?? ref.data, change, history, approval }));
}

async function showQuarantine({ services }: Visit): Promise<Reply> {
  const [events, dropped] = await Promise.all([listQuarantined(services), listDropped(services)]);
  return pageReply(quarantinePage({ events, dropped }));
}

/** What anybody who may read the console can look around in. */
export const changeRoutes: readonly Route[] = [
  { method: 'GET', path: '/', answer: showChanges },
  {
    method: 'GET',
    path: '/changes/{account}/{region}/{endpoint}/{generation}',
    answer: (visit) => showChangeOf(visit, false),
  },
  { method: 'GET', path: '/quarantine', answer: showQuarantine },
];
