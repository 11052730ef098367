import { DescribeEndpointCommand } from '@aws-sdk/client-sagemaker';
import { gateActor } from '../model/actor.ts';
import type { EndpointChange } from '../model/endpoint-change.ts';
import { changeOf, coveringGeneration, isCovered } from '../model/endpoint-history.ts';
import { type EndpointRef, streamOf } from '../model/endpoint-ref.ts';
import { hasEnded } from '../model/missed-change.ts';
import { isMissing } from './endpoint-reader.ts';
import { startExecution, startedAfter } from './executions.ts';
import { append, readStream, type Stream } from './ledger.ts';
import { sagemakerAt } from './member-accounts.ts';
import type { With } from './services.ts';
import { countDropped } from './work.ts';

type Receiving = With<'sagemaker' | 'dynamodb' | 'sfn' | 'sts'>;

/** What became of a change that somebody noticed. */
export type Reception = { as: 'started' | 'joined' | 'dropped'; detail: string };

/**
 * Puts an event on record with the change it belongs to: because it says who, or because its facts are being read right
 * now. Not where those facts turn out not to hold it, nor where they were read and found to be those of another change:
 * then it belongs to the next one.
 */
function join(services: Receiving, stream: Stream, change: EndpointChange, generation: number) {
  return append(services, stream, (history) => {
    const mine = changeOf(history, generation);
    if (mine?.joined) return undefined;
    if (mine && [...mine.events, mine.opened].some((each) => each?.eventId === change.eventId)) return undefined;
    const ended = mine?.outcome?.result === 'deleted';
    if (mine?.opened && !ended && !isCovered(change, mine.opened.facts)) return undefined;
    return {
      id: `event#${change.eventId}`,
      body: { kind: 'event-joined', generation, event: change },
      actor: change.actor ?? gateActor,
    };
  });
}

async function exists(services: Receiving, ref: EndpointRef): Promise<boolean> {
  const { sagemaker } = sagemakerAt(services, ref);
  try {
    await sagemaker.send(new DescribeEndpointCommand({ EndpointName: ref.name }));
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** What this container knows without asking: streams only grow, so what covered the event once covers it for good. */
function coveredByWhatIsKnown(services: Receiving, change: EndpointChange): Stream | undefined {
  const known = services.knownStreams.get(streamOf(change.endpoint));
  return known && coveringGeneration(known.history, change) !== undefined ? known : undefined;
}

/**
 * Takes a change that an event or the sweep tells of: it is on record already, it is being read, or its execution is
 * started. Everybody comes through here, so that all who notice the same change start one execution of it. Safe to call
 * twice. Starts from `read` where the caller has just read the stream.
 */
export async function receiveChange(services: Receiving, change: EndpointChange, read?: Stream): Promise<Reception> {
  const { name } = change.endpoint;
  let stream = read ?? coveredByWhatIsKnown(services, change);
  for (;;) {
    stream ??= await readStream(services, change.endpoint);
    const covering = coveringGeneration(stream.history, change);
    if (covering !== undefined) {
      // Native events name nobody, so there is nothing to add to what was read.
      if (change.actor) await join(services, stream, change, covering);
      return { as: 'joined', detail: `change ${covering} of ${name} holds it already` };
    }
    // Alarms are often made before their endpoint, whose creation will ring for itself, and deleted after it.
    const nothingKnown = stream.records.length === 0 || hasEnded(stream.history);
    if (change.kind === 'guard' && nothingKnown && !(await exists(services, change.endpoint))) {
      await countDropped(services, 'guard-of-no-endpoint');
      return { as: 'dropped', detail: `${name} does not exist` };
    }
    const generation = stream.history.generation + 1;
    if ((await startExecution(services, change, generation)) === 'started') {
      return { as: 'started', detail: `change ${generation} of ${name}` };
    }
    // There is nothing to put on record for it.
    if (startedAfter(services, change)) {
      return { as: 'joined', detail: `change ${generation} of ${name} is being read` };
    }
    // Its facts may have been read before this event happened, so the event goes on record for it to see. Where it
    // opened in the meantime, the question is asked again with its facts known.
    const after = await join(services, stream, change, generation);
    const { opened, joined } = changeOf(after.history, generation) ?? {};
    if (opened ? isCovered(change, opened.facts) : !joined) {
      return { as: 'joined', detail: `change ${generation} of ${name} is being read` };
    }
    stream = undefined;
  }
}
