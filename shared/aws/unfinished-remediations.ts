import { sha256 } from '../model/canonical-json.ts';
import { changeOf } from '../model/endpoint-history.ts';
import { type EndpointRef, streamOf } from '../model/endpoint-ref.ts';
import { startExecution } from './executions.ts';
import { readStream } from './ledger.ts';
import type { With } from './services.ts';
import { listToDo, putToDo, removeToDo } from './to-do.ts';

// A change that is being put back has ended already, so the sweep would not come across it where its execution dies: it
// is on a list of its own until all is done and told. The list is for finding it; what there is to do says the ledger.

/** Also the name under which it is noted who was told. */
export const remediationId = (ref: EndpointRef, generation: number): string =>
  `remediation-${sha256(`${streamOf(ref)}#${generation}`).slice(0, 32)}`;

export const noteUnfinished = (services: With<'dynamodb'>, endpoint: EndpointRef, generation: number): Promise<void> =>
  putToDo(services, 'remediation', { id: remediationId(endpoint, generation), endpoint, generation });

export const forgetUnfinished = (services: With<'dynamodb'>, ref: EndpointRef, generation: number): Promise<void> =>
  removeToDo(services, remediationId(ref, generation));

/**
 * Starts the execution of a change that is to be put back, unless it runs: it goes by what is on record straight to
 * putting back.
 */
export async function startRemediation(
  services: With<'dynamodb' | 'sfn'>,
  ref: EndpointRef,
  generation: number,
): Promise<void> {
  const { history } = await readStream(services, ref, generation);
  const opened = changeOf(history, generation)?.opened;
  if (!opened) return;
  const { cause, eventId, changedAt: at } = opened;
  const change = { endpoint: opened.facts.endpoint, kind: 'endpoint' as const, cause, eventId, at, sighting: {} };
  await startExecution(services, change, generation);
}

/**
 * For the sweep: whatever is being put back and is not at its end goes on, also where its execution has died. Returns how
 * many there are. It writes nothing to SageMaker; the execution does.
 */
export async function finishRemediations(services: With<'dynamodb' | 'sfn'>): Promise<number> {
  const unfinished = await listToDo(services, 'remediation');
  for (const { endpoint, generation } of unfinished) await startRemediation(services, endpoint, generation);
  return unfinished.length;
}
