import { approvalRules, readRequest, type StoredRequest } from '../shared/aws/approvals.ts';
import { readStream } from '../shared/aws/ledger.ts';
import { settingsNow } from '../shared/aws/live-prices.ts';
import { personOfLink } from '../shared/aws/personal-link.ts';
import type { Session } from '../shared/aws/sessions.ts';
import { approvalState, isRequester, mayBreakGlass } from '../shared/model/approval.ts';
import { askingAgain } from '../shared/model/asking-again.ts';
import { deploymentCost } from '../shared/model/deployment-cost.ts';
import { changeOf, type EndpointHistory, requestersOf } from '../shared/model/endpoint-history.ts';
import { formToken } from '../shared/model/form-token.ts';
import { budgetUsdOf } from '../shared/policies/budget.ts';
import { approvalPage } from '../web/approval-page.ts';
import type { Refusal } from '../web/approval-panel.ts';
import type { Visitor } from '../web/approval-visitor.ts';
import type { Asked } from '../web/asking.ts';
import { approvalPath, REQUEST_ACTIONS, type RequestAction } from '../web/links.ts';
import { personalLink } from '../web/next-path.ts';
import { type Problem, pageReply, type Reply } from '../web/reply.ts';
import { notFound } from '../web/routing.ts';
import { loginWay } from './login-way.ts';
import type { Visit } from './visit.ts';

const NO_REQUEST = 'There is no such request.';

/** What each form of the page carries: it holds for this session, this request and the deployment that was shown. */
function tokensFor({ secret }: Session, { request, digest }: Asked['request']): Record<RequestAction, string> {
  const tokens = REQUEST_ACTIONS.map((action) => [action, formToken(secret, action, request, digest)] as const);
  return Object.fromEntries(tokens) as Record<RequestAction, string>;
}

async function visitorOn(
  { event, services, session }: Visit,
  stored: StoredRequest,
  history: EndpointHistory,
  change: Asked,
): Promise<Visitor> {
  const rules = approvalRules(services);
  if (session) {
    const { id, name } = session.approver;
    return {
      kind: 'approver',
      id,
      name,
      tokens: tokensFor(session, change.request),
      isRequester: isRequester(history, change.generation, session.approver),
      mayBreakGlass: mayBreakGlass(rules, id),
      mayAskAgain:
        askingAgain(history, stored, { request: stored.id, person: id }, rules, services.now()).reply === 'recorded',
    };
  }
  const to = new URLSearchParams(event.rawQueryString).get('to');
  const own = approvalPath(change.request.request);
  const link = to === null ? undefined : personalLink(`${own}?${new URLSearchParams({ to })}`);
  const person = link && (await personOfLink(services, link));
  const next = link ? `${own}?to=${link.personal}` : own;
  const addressee = rules.approvers.find(({ id }) => id === person)?.name;
  return { kind: 'nobody', login: loginWay(services, next), next, addressee };
}

/** The table says which stream a request belongs to; what it is about and how it stands is read from the ledger. */
export async function showRequest(
  visit: Visit,
  refused?: { status: number; refusal: Refusal },
): Promise<Reply | Problem> {
  const { services, parts } = visit;
  const { id = '' } = parts;
  const stored = await readRequest(services, id);
  if (!stored) return notFound(NO_REQUEST);
  const { endpoint, generation, notified, notifyErrors } = stored;
  const { history } = await readStream(services, endpoint, generation);
  const change = changeOf(history, generation);
  if (!change?.opened || change.request?.request !== id) return notFound(`${NO_REQUEST} The ledger does not have it.`);
  const asked = { ...change, opened: change.opened, request: change.request };
  const now = services.now();
  const settings = await settingsNow(services);
  const { prices, pricesAlsoFor } = settings;
  const { baseline, environment } = asked.opened;
  const page = approvalPage({
    change: asked,
    state: approvalState(history, asked, approvalRules(services), now),
    requesters: requestersOf(history, generation),
    names: new Map(approvalRules(services).approvers.map((approver) => [approver.id, approver.name])),
    notified,
    notifyErrors,
    now,
    visitor: await visitorOn(visit, stored, history, asked),
    earlier: history.changes.filter((each) => each.generation < generation && (each.decided ?? each.outcome)).reverse(),
    costBefore: baseline ? deploymentCost(baseline.deployment, prices, pricesAlsoFor) : undefined,
    budgetUsd: budgetUsdOf(settings, environment.name),
    counts: settings.budgetCounts,
    refusal: refused?.refusal,
  });
  return pageReply(page, refused?.status);
}
