import { type Refusal, refused } from '../model/approval.ts';
import { askingAgain } from '../model/asking-again.ts';
import type { EndpointRef } from '../model/endpoint-ref.ts';
import { readRequest, unlessUnreadable } from './approvals.ts';
import { startExecution } from './executions.ts';
import { readStream } from './ledger.ts';
import type { With } from './services.ts';

/** What was started, by number in its stream: a change of the endpoint, or (`endpoint.planned`) the same plan again. */
export type AgainReply = { reply: 'recorded'; endpoint: EndpointRef; generation: number } | Refusal;

/**
 * Asks people again after a request expired, was superseded or taken back. `person` is the id of an approver, and the
 * caller has made sure that it is them. Whoever asks twice at once starts one change.
 */
export async function askAgain(
  services: With<'dynamodb' | 'sfn'>,
  given: { request: string; person: string },
): Promise<AgainReply> {
  const request = await readRequest(services, given.request);
  if (!request) return refused('no-request', 'There is no such request.');
  const { history } = await readStream(services, request.endpoint, request.generation);
  return unlessUnreadable(async () => {
    const again = askingAgain(history, request, given, services.readApprovals(), services.now());
    if (again.reply === 'refused') return again;
    const generation = history.generation + 1;
    // Where it runs already, somebody else asked, or an event tells of a change: either way people are going to be asked.
    await startExecution(services, again.change, generation);
    return { reply: 'recorded' as const, endpoint: request.endpoint, generation };
  });
}
