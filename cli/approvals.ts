import { approvalRules, listOpenRequests, listOpenReviews, readRequest } from '../shared/aws/approvals.ts';
import { readStream } from '../shared/aws/ledger.ts';
import type { Services } from '../shared/aws/services.ts';
import { type ApprovalState, approvalState } from '../shared/model/approval.ts';
import { differences } from '../shared/model/effective-deployment.ts';
import { changeOf, requestersOf } from '../shared/model/endpoint-history.ts';
import { type AwsOptions, servicesFor } from './context.ts';
import { CliError, EXIT, json, type Output, table, visible } from './output.ts';

type Options = AwsOptions & { json?: boolean };

/** `approvals list`: what waits for people, soonest expiry first. */
export async function approvalsList(options: Options, output: Output): Promise<number> {
  const services = servicesFor(options);
  const open = (await listOpenRequests(services)).map(({ id, endpoint, generation, expiresAt, notifyErrors }) => ({
    id,
    endpoint: endpoint.name,
    generation,
    expiresAt,
    link: `${services.config.consoleUrl}/approvals/${id}`,
    notifyErrors,
  }));
  if (options.json) output.out(json(open));
  else if (open.length === 0) output.out('Nothing waits for approval.');
  else {
    output.out(
      table(
        ['REQUEST', 'ENDPOINT', 'CHANGE', 'EXPIRES', 'LINK'],
        open.map((each) => [each.id, each.endpoint, String(each.generation), each.expiresAt, each.link]),
      ),
    );
    for (const { id, notifyErrors } of open.filter(({ notifyErrors }) => notifyErrors.length > 0)) {
      output.out(`Not everybody was told of ${id}: ${notifyErrors.map(visible).join('; ')}`);
    }
  }
  return EXIT.fine;
}

/** `approvals reviews`: approvals by broken glass that nobody has reviewed yet, longest open first. */
export async function approvalsReviews(options: Options, output: Output): Promise<number> {
  const open = await listOpenReviews(servicesFor(options));
  if (options.json) output.out(json(open));
  else if (open.length === 0) output.out('Nothing waits for a review.');
  else {
    const rows = open.map(({ request, endpoint, generation, since }) => [
      request,
      endpoint.name,
      String(generation),
      since,
    ]);
    output.out(table(['REQUEST', 'ENDPOINT', 'CHANGE', 'SINCE'], rows));
  }
  return EXIT.fine;
}

/** What a request is about and how it stands, from the ledger. */
export async function loadRequest(services: Services, id: string) {
  const stored = await readRequest(services, id);
  if (!stored) throw new CliError(`There is no request ${id}. "portcullis approvals list" shows what waits.`);
  const { history } = await readStream(services, stored.endpoint, stored.generation);
  const change = changeOf(history, stored.generation);
  if (!change?.request || !change.opened)
    throw new CliError(`Request ${id} is not in the ledger, so it cannot be decided.`);
  const state = approvalState(history, { ...change, request: change.request }, approvalRules(services), services.now());
  const requesters = requestersOf(history, stored.generation);
  return { stored, change, requesters, opened: change.opened, request: change.request, state };
}

function stateLine(state: ApprovalState, expiresAt: string): string {
  switch (state.state) {
    case 'waiting':
      return `waiting, ${state.approvalsGiven} of ${state.approvalsNeeded} approvals, expires ${expiresAt}`;
    case 'decided':
      return `${state.decided.answer}${state.decided.approvers.length > 0 ? ` by ${state.decided.approvers.join(', ')}` : ''}: ${visible(state.decided.reason)}`;
    default:
      return state.state;
  }
}

/** `approvals show ID`: what approving would accept. */
export async function approvalsShow(id: string, options: Options, output: Output): Promise<number> {
  const { change, requesters, opened, request, state } = await loadRequest(servicesFor(options), id);
  const difference = differences(opened.baseline?.deployment, opened.deployment);
  if (options.json) {
    output.out(json({ request, state, requesters, findings: change.findings, differences: difference }));
    return EXIT.fine;
  }
  const needs = state.state === 'waiting' ? state.needs : [];
  const people = [...new Set(requesters.map(({ person }) => person))];
  const lines = [
    `${opened.facts.endpoint.name} (${opened.environment.name}; ${opened.environment.evidence})`,
    `changed by ${visible(people.join(', ')) || 'unknown'} at ${opened.changedAt} (${opened.cause})`,
    `state: ${stateLine(state, request.expiresAt)}`,
    ...needs.map(
      ({ group, needed, given, because }) => `  ${given} of ${needed} from ${group ?? 'anybody'} (${because})`,
    ),
    `digest: ${request.digest}`,
    ...change.approvals.map(
      ({ approver, answer, reason, breakGlass }) =>
        `${approver} ${answer}${breakGlass ? ' by breaking the glass' : ''}: ${visible(reason)}`,
    ),
    ...change.comments.map(({ person, text }) => `${person} says: ${visible(text)}`),
    '',
    opened.baseline ? 'Against the last accepted deployment:' : 'First deployment; this is what will run:',
    table(
      ['FIELD', 'BEFORE', 'AFTER'],
      difference.map(({ field, before = '-', after = '-' }) => [field, before, after]),
    ),
    '',
    table(
      ['OUTCOME', 'POLICY', 'WHAT'],
      (change.findings?.findings ?? []).map(({ outcome, policy, messages, statement }) => [
        outcome,
        policy,
        messages.join(' ') || statement,
      ]),
    ),
  ];
  output.out(lines.join('\n'));
  return EXIT.fine;
}
