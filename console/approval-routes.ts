import { answerRequest, approvalRules, listOpenRequests, readRequest } from '../shared/aws/approvals.ts';
import { readStream } from '../shared/aws/ledger.ts';
import { readAnswerForm } from '../shared/model/answer-form.ts';
import { approvalState } from '../shared/model/approval.ts';
import { changeOf, requestersOf } from '../shared/model/endpoint-history.ts';
import { approvalPage } from '../web/approval-page.ts';
import { refusedPost } from '../web/form-post.ts';
import { approvalPath } from '../web/links.ts';
import { type Problem, pageReply, type Reply, seeOther } from '../web/reply.ts';
import { notFound } from '../web/routing.ts';
import { waitingPage } from '../web/waiting-page.ts';
import { type Answer, type Answering, bodyOf, type Route, type Visit } from './visit.ts';

const NO_REQUEST = 'There is no such request.';

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
  const body = bodyOf(event);
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

/** Requests for approval: what waits, one of them, and the answer to it. */
export const approvalRoutes: readonly Route[] = [
  { method: 'GET', path: '/approvals', answer: showWaiting },
  { method: 'GET', path: '/approvals/{id}', answer: showApproval },
  { method: 'POST', path: '/approvals/{id}', answer: postAnswer },
];
