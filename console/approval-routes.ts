import { listOpenReviews, pageOpenRequests } from '../shared/aws/approvals.ts';
import { type FormName, readForm } from '../shared/model/answer-form.ts';
import { isFormToken } from '../shared/model/form-token.ts';
import { refusedPost } from '../web/form-post.ts';
import { REQUEST_ACTIONS } from '../web/links.ts';
import { pageReply, type Reply, seeOther } from '../web/reply.ts';
import { waitingPage } from '../web/waiting-page.ts';
import { showRequest } from './show-request.ts';
import { TAKE } from './take-form.ts';
import { type Answer, bodyOf, type Route, type Visit } from './visit.ts';

/** Requests on one page of the list; the next page has the next ones. */
const LISTED = 100;

async function showWaiting({ event, services }: Visit): Promise<Reply> {
  const after = new URLSearchParams(event.rawQueryString).get('after') ?? undefined;
  const [{ requests, next }, reviews] = await Promise.all([
    pageOpenRequests(services, { limit: LISTED, after }),
    listOpenReviews(services),
  ]);
  return pageReply(waitingPage({ requests, reviews, next, continued: after !== undefined, now: services.now() }));
}

const showApproval: Answer = (visit) => showRequest(visit);

const LOGIN_FIRST = 'Log in first. What you typed stands beside the login, to be sent again.';
const NOT_YOURS =
  'The form is not of your login, or is about another deployment than it was made for. Look again and send it again.';

/**
 * A route that takes a form of the page: from this site, of a session, with the token that the page of this session had
 * for this purpose, request and digest. Whatever is wrong is said on the page, with what was typed kept.
 */
const form =
  <Name extends FormName>(name: Name): Answer =>
  async (visit) => {
    const { services, event, session, parts } = visit;
    const body = bodyOf(event);
    const elsewhere = refusedPost(event.headers, body, services.config.consoleUrl);
    if (elsewhere) return elsewhere;
    const read = readForm(name, body);
    const again = (status: number, reason: string, typed = read.typed) =>
      showRequest(visit, { status, refusal: { action: name, reason, typed } });
    if (!session) return again(401, LOGIN_FIRST);
    if ('mistake' in read) return again(400, read.mistake);
    const { token, digest } = read.fields as { token: string; digest: string };
    const request = parts.id ?? '';
    if (!isFormToken(token, session.secret, name, request, digest)) return again(403, NOT_YOURS);
    const done = await TAKE[name](read.fields, { request, person: session.approver.id, services });
    return 'goTo' in done ? seeOther(done.goTo) : again(done.status, done.reason);
  };

/** Requests for approval: what waits, one of them, and everything that can be said about it. */
export const approvalRoutes: readonly Route[] = [
  { method: 'GET', path: '/approvals', answer: showWaiting },
  { method: 'GET', path: '/approvals/{id}', answer: showApproval },
  ...REQUEST_ACTIONS.map((action) => ({
    method: 'POST' as const,
    path: `/approvals/{id}/${action}`,
    answer: form(action),
  })),
];
