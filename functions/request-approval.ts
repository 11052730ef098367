import * as z from 'zod';
import { readRequest, storeToken } from '../shared/aws/approvals.ts';
import { dynamodb } from '../shared/aws/clients/dynamodb.ts';
import { kms } from '../shared/aws/clients/kms.ts';
import { secrets } from '../shared/aws/clients/secrets.ts';
import { ses } from '../shared/aws/clients/ses.ts';
import { ExecutionInput } from '../shared/aws/executions.ts';
import { append, readStream } from '../shared/aws/ledger.ts';
import { notify } from '../shared/aws/notify.ts';
import { storePersonalIds } from '../shared/aws/told.ts';
import { task } from '../shared/lambda.ts';
import { gateActor } from '../shared/model/actor.ts';
import { needsOf } from '../shared/model/approval.ts';
import { askedFirst } from '../shared/model/asked-people.ts';
import { changeOf, requestersOf } from '../shared/model/endpoint-history.ts';
import { tellingOf } from '../web/telling.ts';

const Input = z.object({ ...ExecutionInput.shape, taskToken: z.string().min(1).max(2048) });

/** People had decided before this task was run (again): the state machine goes on without waiting. */
export class AlreadyDecidedError extends Error {
  override readonly name = 'AlreadyDecidedError';
}

/**
 * Asks for approval and leaves; Step Functions waits for the token. Run again (a retry, a restart) it finds the request
 * on record, exchanges the token for the new one, and tells only those who have not been told.
 */
export const { handler, run } = task({
  clients: { dynamodb, kms, secrets, ses },
  input: Input,
  output: z.strictObject({ request: z.string() }),
  run: async ({ change, generation, approvalTimeoutSeconds, taskToken }, services) => {
    const settings = services.readApprovals();
    const expiresAt = new Date(Date.parse(services.now()) + approvalTimeoutSeconds * 1000).toISOString();
    const stream = await append(services, await readStream(services, change.endpoint, generation), (history) => {
      const mine = changeOf(history, generation);
      if (!mine?.opened || !mine.findings) throw new Error('There are no findings to ask about.');
      if (mine.request) return undefined;
      const asking = mine.findings.findings.filter(({ outcome }) => outcome === 'needs-approval');
      const needs = needsOf(history, generation, settings);
      return {
        id: `request#${generation}`,
        body: {
          kind: 'approval-requested',
          generation,
          digest: mine.opened.digest,
          request: services.newId(),
          expiresAt,
          approvers: askedFirst(requestersOf(history, generation), needs, settings).map(({ id }) => id),
          reasons: asking.map(({ policy }) => policy),
          needs,
        },
        actor: gateActor,
      };
    });
    const mine = changeOf(stream.history, generation);
    if (!mine?.opened || !mine.request) throw new Error('The request was not recorded.');
    const { request, approvers } = mine.request;
    await storeToken(
      services,
      { id: request, endpoint: change.endpoint, generation, expiresAt: mine.request.expiresAt },
      taskToken,
    );
    const stored = await readRequest(services, request);
    if (!stored?.notified) {
      const ids = settings.approvers.map(({ id }) => id);
      await storePersonalIds(services, request, ids);
      const asked = { ...mine, opened: mine.opened, request: mine.request };
      const people = settings.approvers.filter(({ id }) => approvers.includes(id));
      const requesters = requestersOf(stream.history, generation);
      const { consoleUrl } = services.config;
      await notify(services, {
        ...tellingOf({ change: asked, requesters, approvers: settings.approvers, occasion: 'asked', consoleUrl }),
        round: 'asked',
        people,
      });
    }
    // Decided before this token was stored: nobody will use it.
    const latest = await readStream(services, change.endpoint, generation);
    if (changeOf(latest.history, generation)?.decided) throw new AlreadyDecidedError(`Request ${request} is decided.`);
    return { request };
  },
});
