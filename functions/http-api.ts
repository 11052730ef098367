import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import * as z from 'zod';
import { answerRequest, approvalRules, listOpenRequests, readRequest } from '../shared/aws/approvals.ts';
import { listChanges } from '../shared/aws/change-index.ts';
import { dynamodb, kms, sfn } from '../shared/aws/clients.ts';
import { readStream } from '../shared/aws/ledger.ts';
import type { With } from '../shared/aws/services.ts';
import { listDropped, listQuarantined } from '../shared/aws/work.ts';
import { lambda } from '../shared/lambda.ts';
import { readAnswerForm } from '../shared/model/answer-form.ts';
import { approvalState } from '../shared/model/approval.ts';
import { changeOf, requestersOf } from '../shared/model/endpoint-history.ts';
import { EndpointRef, streamOf } from '../shared/model/endpoint-ref.ts';
import { Environment } from '../shared/model/environment.ts';
import { Result } from '../shared/model/ledger-record.ts';
import { approvalPage } from '../web/approval-page.ts';
import { changePage } from '../web/change-page.ts';
import { changesPage, waitingKey } from '../web/changes-page.ts';
import { refusedPost } from '../web/form-post.ts';
import { approvalPath } from '../web/links.ts';
import { messagePage } from '../web/message-page.ts';
import { quarantinePage } from '../web/quarantine-page.ts';
import { jsonReply, type Problem, pageReply, type Reply, seeOther, styleReply } from '../web/reply.ts';
import { notFound, type Route, routeFor } from '../web/routing.ts';
import { waitingPage } from '../web/waiting-page.ts';

const LISTED = 100;
const NO_REQUEST = 'There is no such request.';

const clients = { dynamodb, kms, sfn };
type Answering = With<keyof typeof clients>;

/** What answers a route is given: the parts of its path, and the event for the rest. */
type Visit = { parts: Record<string, string>; event: APIGatewayProxyEventV2; services: Answering };
type Answer = (visit: Visit) => Promise<Reply | Problem>;

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

async function showChange({ parts, services }: Visit): Promise<Reply | Problem> {
  const ref = EndpointRef.safeParse({ account: parts.account, region: parts.region, name: parts.endpoint });
  const generation = /^[1-9]\d{0,8}$/.test(parts.generation ?? '') ? Number(parts.generation) : undefined;
  if (!ref.success || generation === undefined) return notFound('There is no such change.');
  const { history, records } = await readStream(services, ref.data, generation);
  const change = changeOf(history, generation);
  if (!change) return notFound(`The ledger holds no change ${generation} of ${ref.data.name}.`);
  const { request } = change;
  const approval = request && approvalState(history, { ...change, request }, approvalRules(services), services.now());
  // The path may spell the name in another case; the record has it as AWS does.
  return pageReply(changePage({ endpoint: records.at(-1)?.endpoint ?? ref.data, change, history, approval }));
}

async function showWaiting({ services }: Visit): Promise<Reply> {
  return pageReply(waitingPage({ requests: await listOpenRequests(services), now: services.now() }));
}

type Refused = { status: number; reason: string; typedReason: string };

/** The table says which stream a request belongs to; what it is about and how it stands is read from the ledger. */
async function showRequest(id: string, services: Answering, refused?: Refused): Promise<Reply | Problem> {
  const stored = await readRequest(services, id);
  if (!stored) return notFound(NO_REQUEST);
  const { endpoint, generation, notified, notifyErrors } = stored;
  const { history } = await readStream(services, endpoint, generation);
  const change = changeOf(history, generation);
  if (!change?.opened || change.request?.request !== id) return notFound(`${NO_REQUEST} The ledger does not have it.`);
  const asked = { ...change, opened: change.opened, request: change.request };
  const now = services.now();
  const page = approvalPage({
    change: asked,
    state: approvalState(history, asked, approvalRules(services), now),
    requesters: requestersOf(history, generation),
    names: new Map(services.config.file.approvals.approvers.map((approver) => [approver.id, approver.name])),
    notified,
    notifyErrors,
    now,
    ...(refused && { refusal: refused }),
  });
  return pageReply(page, refused?.status);
}

const showApproval: Answer = ({ parts: { id = '' }, services }) => showRequest(id, services);

async function postAnswer({ parts: { id = '' }, event, services }: Visit): Promise<Reply | Problem> {
  const body = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8').toString('utf8');
  const refused = refusedPost(event.headers, body, services.config.consoleUrl);
  if (refused) return refused;
  const form = readAnswerForm(body);
  const again = (status: number, reason: string) =>
    showRequest(id, services, { status, reason, typedReason: form.typedReason });
  if ('mistake' in form) return again(400, form.mistake);
  const reply = await answerRequest(services, { request: id, ...form.fields });
  switch (reply.reply) {
    case 'recorded':
    case 'already-recorded':
      return seeOther(approvalPath(id));
    case 'already-decided':
      return again(409, `The request was ${reply.final.answer} before your answer came.`);
    case 'refused':
      return again(reply.code === 'wrong-code' ? 403 : 409, reply.reason);
  }
}

async function showQuarantine({ services }: Visit): Promise<Reply> {
  const [events, dropped] = await Promise.all([listQuarantined(services), listDropped(services)]);
  return pageReply(quarantinePage({ events, dropped }));
}

/** Every address there is. What answers GET only reads; HEAD goes with it. */
export const ROUTES: readonly Route<Answer>[] = [
  { method: 'GET', path: '/', answer: showChanges },
  { method: 'GET', path: '/changes/{account}/{region}/{endpoint}/{generation}', answer: showChange },
  { method: 'GET', path: '/approvals', answer: showWaiting },
  { method: 'GET', path: '/approvals/{id}', answer: showApproval },
  { method: 'POST', path: '/approvals/{id}', answer: postAnswer },
  { method: 'GET', path: '/quarantine', answer: showQuarantine },
  { method: 'GET', path: '/style.css', answer: async () => styleReply() },
  { method: 'GET', path: '/health', answer: async () => jsonReply({ status: 'ok' }) },
];

const FAILED: Problem = {
  status: 500,
  happened: 'Something went wrong',
  why: 'The page could not be made. What is on record stays on record.',
  todo: 'Try again in a moment. If it stays like this, give the error id to whoever runs Portcullis.',
};

/** The page for what went wrong, and one line in the log with the same id: no query strings, no bodies, no messages. */
function problemReply(problem: Problem, route: string, services: Answering, error?: unknown): Reply {
  const errorId = services.newId();
  const line = { level: error ? 'ERROR' : 'WARN', message: problem.happened, errorId, status: problem.status, route };
  console.error(JSON.stringify(error ? { ...line, error: (error as Error).name } : line));
  return pageReply(messagePage(problem, errorId), problem.status, problem.headers);
}

/** Answers one request of an API Gateway HTTP API (payload format 2.0). Whatever fails inside becomes a page. */
export async function respond(
  event: APIGatewayProxyEventV2,
  services: Answering,
): Promise<APIGatewayProxyStructuredResultV2> {
  const { method } = event.requestContext.http;
  const found = routeFor(ROUTES, method, event.rawPath);
  const name = 'route' in found ? `${found.route.method} ${found.route.path}` : 'none';
  let reply: Reply;
  try {
    const answer = 'route' in found ? await found.route.answer({ parts: found.parts, event, services }) : found;
    reply = 'happened' in answer ? problemReply(answer, name, services) : answer;
  } catch (error) {
    reply = problemReply(FAILED, name, services, error);
  }
  return { statusCode: reply.status, headers: reply.headers, body: method === 'HEAD' ? '' : reply.body };
}

/** Called by AWS. */
export const handler = lambda(clients, respond);
