import { answerRequest, approvalRules, listOpenRequests, readRequest } from '../shared/aws/approvals.ts';
import { readStream } from '../shared/aws/ledger.ts';
import type { Services } from '../shared/aws/services.ts';
import { approvalState } from '../shared/model/approval.ts';
import { differences } from '../shared/model/effective-deployment.ts';
import { changeOf, requestersOf } from '../shared/model/endpoint-history.ts';
import type { ApprovalAnswer } from '../shared/model/ledger-record.ts';
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
  }
  return EXIT.fine;
}

async function load(services: Services, id: string) {
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

/** `approvals show ID`: what approving would accept. */
export async function approvalsShow(id: string, options: Options, output: Output): Promise<number> {
  const { change, requesters, opened, request, state } = await load(servicesFor(options), id);
  const difference = differences(opened.baseline?.deployment, opened.deployment);
  if (options.json) {
    output.out(json({ request, state, requesters, findings: change.findings, differences: difference }));
    return EXIT.fine;
  }
  const people = [...new Set(requesters.map(({ person }) => person))];
  const lines = [
    `${opened.facts.endpoint.name} (${opened.environment.name}; ${opened.environment.evidence})`,
    `changed by ${visible(people.join(', ')) || 'unknown'} at ${opened.changedAt} (${opened.cause})`,
    `state: ${state.state}${state.state === 'waiting' ? `, ${state.approvalsGiven} of ${state.approvalsNeeded} approvals, expires ${request.expiresAt}` : ''}`,
    `digest: ${request.digest}`,
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

/** `approvals approve|reject ID`: the answer of whoever has the code from the message. */
export async function approvalsAnswer(
  id: string,
  answer: ApprovalAnswer,
  options: Options & { code: string; reason: string },
  output: Output,
): Promise<number> {
  const services = servicesFor(options);
  const { request } = await load(services, id);
  const reply = await answerRequest(services, {
    request: id,
    code: options.code,
    answer,
    reason: options.reason,
    digest: request.digest,
  });
  if (options.json)
    output.out(json(reply.reply === 'refused' ? reply : { reply: reply.reply, final: reply.final ?? null }));
  switch (reply.reply) {
    case 'refused':
      if (!options.json) output.err(`Not recorded: ${reply.reason}`);
      return EXIT.violations;
    case 'already-decided':
      if (!options.json)
        output.err(
          `It was already ${reply.final.answer} by ${reply.final.approvers.join(', ') || 'nobody'}: ${visible(reply.final.reason)}`,
        );
      return EXIT.violations;
    default:
      if (!options.json) {
        output.out(
          reply.final
            ? `Recorded: ${reply.final.answer} by ${reply.final.approvers.join(', ')}.`
            : 'Recorded. It needs more approvals.',
        );
      }
      return EXIT.fine;
  }
}
