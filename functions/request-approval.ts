import { SendEmailCommand } from '@aws-sdk/client-sesv2';
import * as z from 'zod';
import { markNotified, readRequest, storeCodes, storeToken } from '../shared/aws/approvals.ts';
import { dynamodb, kms, ses } from '../shared/aws/clients.ts';
import { ExecutionInput } from '../shared/aws/executions.ts';
import { append, readStream } from '../shared/aws/ledger.ts';
import type { With } from '../shared/aws/services.ts';
import { task } from '../shared/lambda.ts';
import { type Actor, gateActor, sharesPerson } from '../shared/model/actor.ts';
import { type Approver, namesOf } from '../shared/model/approver.ts';
import { type ChangeHistory, changeOf, requestersOf } from '../shared/model/endpoint-history.ts';
import { approvalMessage } from '../web/approval-message.ts';

const Input = z.object({ ...ExecutionInput.shape, taskToken: z.string().min(1).max(2048) });

/** People had decided before this task was run (again): the state machine goes on without waiting. */
export class AlreadyDecidedError extends Error {
  override readonly name = 'AlreadyDecidedError';
}

/** Approvers who did not make the change themselves. */
function othersThan(requesters: readonly Actor[], approvers: readonly Approver[]): Approver[] {
  const names = requesters.flatMap((requester) => [requester.person, ...requester.names]);
  return approvers.filter((approver) => !sharesPerson(names, namesOf(approver)));
}

async function notify(
  services: With<'dynamodb' | 'ses'>,
  change: ChangeHistory,
  requesters: readonly Actor[],
  request: string,
  approvers: readonly Approver[],
): Promise<void> {
  const codes = new Map(approvers.map(({ id }) => [id, services.newCode()]));
  // Hashes first: a code that nobody could check would be worse than a code that nobody got.
  await storeCodes(services, request, codes);
  const errors: string[] = [];
  for (const approver of approvers) {
    const { subject, text } = approvalMessage(
      change,
      requesters,
      approver,
      codes.get(approver.id) ?? '',
      services.config.consoleUrl,
    );
    try {
      await services.ses.send(
        new SendEmailCommand({
          FromEmailAddress: services.config.mailFrom,
          Destination: { ToAddresses: [approver.email] },
          Content: { Simple: { Subject: { Data: subject }, Body: { Text: { Data: text } } } },
        }),
      );
    } catch (error) {
      // A message that does not go out must not lose the wait: the request is listed, and the page shows this.
      errors.push(`${approver.id}: ${(error as Error).name}`);
    }
  }
  await markNotified(services, request, errors);
}

/**
 * Asks for approval and leaves; Step Functions waits for the token. Run again (a retry, a restart) it finds the request
 * on record, exchanges the token for the new one, and asks nobody twice.
 */
export const { handler, run } = task({
  clients: { dynamodb, kms, ses },
  input: Input,
  output: z.strictObject({ request: z.string() }),
  run: async ({ change, generation, approvalTimeoutSeconds, taskToken }, services) => {
    const { approvers } = services.config.file.approvals;
    const expiresAt = new Date(Date.parse(services.now()) + approvalTimeoutSeconds * 1000).toISOString();
    const stream = await append(services, await readStream(services, change.endpoint, generation), (history) => {
      const mine = changeOf(history, generation);
      if (!mine?.opened || !mine.findings) throw new Error('There are no findings to ask about.');
      if (mine.request) return undefined;
      const asking = mine.findings.findings.filter(({ outcome }) => outcome === 'needs-approval');
      return {
        id: `request#${generation}`,
        body: {
          kind: 'approval-requested',
          generation,
          digest: mine.opened.digest,
          request: services.newId(),
          expiresAt,
          approvers: othersThan(requestersOf(history, generation), approvers).map(({ id }) => id),
          reasons: asking.map(({ policy }) => policy),
        },
        actor: gateActor,
      };
    });
    const mine = changeOf(stream.history, generation);
    if (!mine?.request) throw new Error('The request was not recorded.');
    const { request } = mine.request;
    await storeToken(
      services,
      { id: request, endpoint: change.endpoint, generation, expiresAt: mine.request.expiresAt },
      taskToken,
    );
    const stored = await readRequest(services, request);
    if (!stored?.notified) {
      const requesters = requestersOf(stream.history, generation);
      await notify(services, mine, requesters, request, othersThan(requesters, approvers));
    }
    // Decided before this token was stored: nobody will use it.
    const latest = await readStream(services, change.endpoint, generation);
    if (changeOf(latest.history, generation)?.decided) throw new AlreadyDecidedError(`Request ${request} is decided.`);
    return { request };
  },
});
