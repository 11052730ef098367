import { approvalRules } from '../shared/aws/approvals.ts';
import { daysOf, pageChanges, placeOf } from '../shared/aws/change-pages.ts';
import { readStream } from '../shared/aws/ledger.ts';
import { waitingChanges } from '../shared/aws/waiting-changes.ts';
import { listDropped, listQuarantined } from '../shared/aws/work.ts';
import type { Typed } from '../shared/model/answer-form.ts';
import { approvalState } from '../shared/model/approval.ts';
import { changesCsv } from '../shared/model/change-csv.ts';
import { readChangeFilter } from '../shared/model/change-filter.ts';
import { type ChangeHistory, changeOf } from '../shared/model/endpoint-history.ts';
import { EndpointRef } from '../shared/model/endpoint-ref.ts';
import { changePage } from '../web/change-page.ts';
import { changesPage, ROWS } from '../web/changes-page.ts';
import { quarantinePage } from '../web/quarantine-page.ts';
import type { PutBackVisitor } from '../web/remediation-section.ts';
import { csvReply, type Problem, pageReply, type Reply } from '../web/reply.ts';
import { notFound } from '../web/routing.ts';
import { putBackToken } from './put-back-token.ts';
import { recordReading } from './record-reading.ts';
import type { Route, Showing, Visit } from './visit.ts';

/** The rows on a page that was not asked for more. */
const LISTED = ROWS[0];

const badFilter = (why: string): Problem => ({
  status: 400,
  happened: 'This filter cannot be used',
  why,
  todo: 'Choose the filter on the page; a day is written like 2026-11-20, a month like 2026-11.',
});

/** What the address asks for: the filter, how many rows, and from where on. */
function askedFor({ event }: Visit<Showing>) {
  const { after = '', rows = '', ...query } = Object.fromEntries(new URLSearchParams(event.rawQueryString));
  const parsed = readChangeFilter(new URLSearchParams(query));
  if (!parsed.success) {
    const wrong = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    return badFilter(`Not understood: ${wrong.join('; ')}.`);
  }
  const place = after === '' ? undefined : placeOf(after);
  if (after !== '' && !place) return badFilter('after: is no place in a list of ours.');
  const limit = ROWS.find((each) => String(each) === rows) ?? LISTED;
  return { filter: parsed.data, limit, ...(place && { after, place }) };
}

async function showChanges(visit: Visit<Showing>): Promise<Reply | Problem> {
  const asked = askedFor(visit);
  if ('happened' in asked) return asked;
  const { services } = visit;
  const { filter, limit, place, after } = asked;
  const waiting = () => waitingChanges(services);
  const list = await pageChanges(services, filter, { limit, after: place, waiting });
  return pageReply(changesPage({ ...list, filter, limit, after, days: daysOf(filter, services.now()) }));
}

async function showChangesCsv(visit: Visit<Showing>): Promise<Reply | Problem> {
  const asked = askedFor(visit);
  if ('happened' in asked) return asked;
  const { filter, limit, place } = asked;
  const waiting = () => waitingChanges(visit.services);
  const { rows } = await pageChanges(visit.services, filter, { limit, after: place, waiting });
  recordReading(visit, 'changes exported', { filter, rows: rows.length });
  return csvReply(changesCsv(rows), `portcullis-changes-${visit.services.now().slice(0, 10)}.csv`);
}

type PutBackRefusal = { reason: string; typed: Typed };

function visitorOn(
  { session }: Visit<Showing>,
  endpoint: EndpointRef,
  { generation, remediation }: ChangeHistory,
  refusal?: PutBackRefusal,
): PutBackVisitor | undefined {
  if (!session) return undefined;
  const token = putBackToken(session.secret, endpoint, generation, remediation.proposed?.digest ?? '');
  return { kind: 'approver', name: session.approver.name, token, refusal };
}

/** The page of a change, or of a plan. */
export async function showChangeOf(
  visit: Visit<Showing>,
  planned: boolean,
  refused?: { status: number; refusal: PutBackRefusal },
): Promise<Reply | Problem> {
  const { parts, services } = visit;
  const what = planned ? 'plan' : 'change';
  const { account, region, endpoint } = parts;
  const ref = EndpointRef.safeParse({ account, region, name: endpoint, ...(planned && { planned: true }) });
  const generation = /^[1-9]\d{0,8}$/.test(parts.generation ?? '') ? Number(parts.generation) : undefined;
  if (!ref.success || generation === undefined) return notFound(`There is no such ${what}.`);
  const { history, records } = await readStream(services, ref.data, generation);
  const change = changeOf(history, generation);
  if (!change) return notFound(`The ledger holds no ${what} ${generation} of ${ref.data.name}.`);
  recordReading(visit, `${what} read`, { ...ref.data, generation });
  const { request } = change;
  const approval = request && approvalState(history, { ...change, request }, approvalRules(services), services.now());
  // The path may spell the name in another case; the record has it as AWS does.
  const there = records.at(-1)?.endpoint ?? ref.data;
  const visitor = visitorOn(visit, there, change, refused?.refusal);
  return pageReply(changePage({ endpoint: there, change, history, approval, visitor }), refused?.status);
}

async function showQuarantine({ services }: Visit<Showing>): Promise<Reply> {
  const [events, dropped] = await Promise.all([listQuarantined(services), listDropped(services)]);
  return pageReply(quarantinePage({ events, dropped }));
}

/** What anybody who may read the console can look around in. */
export const changeRoutes: readonly Route<Showing>[] = [
  { method: 'GET', path: '/changes', answer: showChanges },
  { method: 'GET', path: '/changes.csv', answer: showChangesCsv },
  {
    method: 'GET',
    path: '/changes/{account}/{region}/{endpoint}/{generation}',
    answer: (visit) => showChangeOf(visit, false),
  },
  {
    method: 'GET',
    path: '/plans/{account}/{region}/{endpoint}/{generation}',
    answer: (visit) => showChangeOf(visit, true),
  },
  { method: 'GET', path: '/quarantine', answer: showQuarantine },
];
