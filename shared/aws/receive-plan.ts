import { unknownActor } from '../model/actor.ts';
import { digestOf } from '../model/canonical-json.ts';
import type { EndpointChange } from '../model/endpoint-change.ts';
import type { ChangeHistory, EndpointHistory } from '../model/endpoint-history.ts';
import { startExecution } from './executions.ts';
import { append, readStream } from './ledger.ts';
import type { With } from './services.ts';
import { endStuckChanges } from './stuck-changes.ts';

/** What became of a submitted plan, and its number in the stream of the endpoint's plans. */
export type PlanReception = { as: 'started' | 'joined'; detail: string; generation: number };

/** Another plan for the endpoint is being read at this moment. Whoever submits this one tries again. */
export class PlanBeingReadError extends Error {
  override readonly name = 'PlanBeingReadError';
}

/** Was this very submission received before? */
function isSame({ opened, joined, events }: ChangeHistory, eventId: string): boolean {
  return [opened, joined, ...events].some((each) => each?.eventId === eventId);
}

/** A plan that is being decided about, word for word the same. */
function openTwin({ changes }: EndpointHistory, { plan }: EndpointChange): ChangeHistory | undefined {
  const wanted = digestOf(plan);
  const last = changes.findLast(({ opened }) => opened);
  return last?.opened?.plan && !last.outcome && digestOf(last.opened.plan.document) === wanted ? last : undefined;
}

/**
 * Takes a submitted plan and starts its execution. The same submission delivered again, or the same words while they are
 * being decided about, start nothing. Safe to call twice. Throws PlanBeingReadError where it has to wait its turn.
 */
export async function receivePlan(services: With<'dynamodb' | 'sfn'>, change: EndpointChange): Promise<PlanReception> {
  const { name } = change.endpoint;
  let stream = await readStream(services, change.endpoint);
  // No sweep comes by here; a plan whose execution died unnoticed must not hold up those after it.
  if ((await endStuckChanges(services, stream)) > 0) stream = await readStream(services, change.endpoint);
  const before = stream.history.changes.find((each) => isSame(each, change.eventId));
  if (before) {
    const generation = before.joined?.joined ?? before.generation;
    return { as: 'joined', detail: `plan ${generation} of ${name} holds it already`, generation };
  }
  const twin = openTwin(stream.history, change);
  if (twin) {
    const { generation } = twin;
    // Whoever submits it, too, counts as a requester.
    await append(services, stream, () => ({
      id: `event#${change.eventId}`,
      body: { kind: 'event-joined', generation, event: change },
      actor: change.actor ?? unknownActor,
    }));
    return { as: 'joined', detail: `plan ${generation} of ${name} is the same and still open`, generation };
  }
  const generation = stream.history.generation + 1;
  if ((await startExecution(services, change, generation)) === 'started') {
    return { as: 'started', detail: `plan ${generation} of ${name}`, generation };
  }
  throw new PlanBeingReadError(`Another plan of ${name} is being read; submit this one again in a moment.`);
}
