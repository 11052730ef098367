import {
  DescribeEndpointCommand,
  DescribeInferenceComponentCommand,
  DescribeMonitoringScheduleCommand,
} from '@aws-sdk/client-sagemaker';
import * as z from 'zod';
import { dynamodb, sagemaker, sfn } from '../shared/aws/clients.ts';
import { isMissing } from '../shared/aws/endpoint-reader.ts';
import { ExecutionInput, startExecution, startedAfter } from '../shared/aws/executions.ts';
import { append, readStream, type Stream } from '../shared/aws/ledger.ts';
import { recordOutcome } from '../shared/aws/record-outcome.ts';
import type { With } from '../shared/aws/services.ts';
import { countDropped, endpointOfSchedule, quarantine } from '../shared/aws/work.ts';
import { task } from '../shared/lambda.ts';
import { gateActor } from '../shared/model/actor.ts';
import { type EventReading, readEvent } from '../shared/model/aws-event.ts';
import type { EndpointChange } from '../shared/model/endpoint-change.ts';
import { readSince } from '../shared/model/endpoint-facts.ts';
import { type ChangeHistory, changeOf, type EndpointHistory, isCovered } from '../shared/model/endpoint-history.ts';
import { EndpointRef, streamOf } from '../shared/model/endpoint-ref.ts';

const clients = { sagemaker, dynamodb, sfn };
type Receiving = With<keyof typeof clients>;

const Received = z.strictObject({
  as: z.enum(['started', 'joined', 'recorded', 'dropped', 'quarantined']),
  detail: z.string(),
});
type Received = z.infer<typeof Received>;

/** Looks up which endpoint a schedule or an inference component belongs to; undefined where nobody knows any more. */
async function endpointBehind(
  reading: Extract<EventReading, { as: 'lookup' }>,
  services: Receiving,
): Promise<EndpointRef | undefined> {
  const { account, region } = reading.change;
  const known =
    reading.what === 'monitoring-schedule'
      ? await endpointOfSchedule(services, { account, region }, reading.name)
      : undefined;
  if (known) return known;
  try {
    const { EndpointName } =
      reading.what === 'monitoring-schedule'
        ? await services.sagemaker.send(new DescribeMonitoringScheduleCommand({ MonitoringScheduleName: reading.name }))
        : await services.sagemaker.send(
            new DescribeInferenceComponentCommand({ InferenceComponentName: reading.name }),
          );
    const parsed = EndpointRef.safeParse({ account, region, name: EndpointName });
    return parsed.success ? parsed.data : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Is the event on record with this change, and was the endpoint read (or is it still to be read) after it came in? */
function wasSeen({ opened, records }: ChangeHistory, { eventId }: EndpointChange): boolean {
  if (opened?.eventId === eventId) return true;
  const joined = records.find(({ body }) => body.kind === 'event-joined' && body.event.eventId === eventId);
  return joined !== undefined && (opened === undefined || joined.at <= readSince(opened.facts));
}

/**
 * The earliest change that the event adds nothing to: it is on record there, or the facts or the end of the endpoint
 * that were read there already hold what it tells of. A change that ended undetermined covers nothing, so that a later
 * event makes the gate look again.
 */
function coveringGeneration(history: EndpointHistory, event: EndpointChange): number | undefined {
  return history.changes.find((change) => {
    const { opened, outcome, records } = change;
    if (wasSeen(change, event)) return true;
    if (outcome?.result === 'undetermined') return false;
    if (outcome?.result === 'deleted' && event.at <= (records.at(-1)?.at ?? '')) return true;
    return opened !== undefined && isCovered(event, opened.facts);
  })?.generation;
}

/**
 * Puts an event on record with the change it belongs to: because it says who, or because its facts are being read right
 * now. Not where those facts turn out not to hold it: then it belongs to the next change.
 */
function join(services: Receiving, stream: Stream, change: EndpointChange, generation: number) {
  return append(services, stream, (history) => {
    const mine = changeOf(history, generation);
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

async function exists(services: Receiving, { name }: EndpointRef): Promise<boolean> {
  try {
    await services.sagemaker.send(new DescribeEndpointCommand({ EndpointName: name }));
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

async function receiveChange(change: EndpointChange, services: Receiving): Promise<Received> {
  const { name } = change.endpoint;
  if (!change.actor && startedAfter(services, change))
    return { as: 'joined', detail: `a change of ${name} is about to be read` };
  let stream = coveredByWhatIsKnown(services, change);
  for (;;) {
    stream ??= await readStream(services, change.endpoint);
    const covering = coveringGeneration(stream.history, change);
    if (covering !== undefined) {
      // Native events name nobody, so there is nothing to add to what was read.
      if (change.actor) await join(services, stream, change, covering);
      return { as: 'joined', detail: `change ${covering} of ${name} holds it already` };
    }
    // Alarms are often made before their endpoint. Its creation will ring for itself.
    if (change.kind === 'guard' && stream.records.length === 0 && !(await exists(services, change.endpoint))) {
      await countDropped(services, 'guard-of-no-endpoint');
      return { as: 'dropped', detail: `${name} does not exist` };
    }
    const generation = stream.history.generation + 1;
    if ((await startExecution(services, change, generation)) === 'started') {
      return { as: 'started', detail: `change ${generation} of ${name}` };
    }
    // Its facts may have been read before this event happened, so the event goes on record for it to see. Where it
    // opened in the meantime, the question is asked again with its facts known.
    const after = await join(services, stream, change, generation);
    const opened = changeOf(after.history, generation)?.opened;
    if (!opened || isCovered(change, opened.facts)) {
      return { as: 'joined', detail: `change ${generation} of ${name} is being read` };
    }
    stream = undefined;
  }
}

/**
 * An execution that failed outright, timed out or was stopped by somebody recorded nothing, so it is recorded here:
 * no change ends in silence.
 */
async function receiveExecutionEnd(
  reading: Extract<EventReading, { as: 'execution-ended' }>,
  services: Receiving,
): Promise<Received> {
  if (reading.stateMachineArn !== services.config.stateMachineArn) {
    await countDropped(services, 'execution-of-something-else');
    return { as: 'dropped', detail: 'an execution of another state machine' };
  }
  const input = ExecutionInput.safeParse(parseJson(reading.input));
  if (!input.success) {
    const { id } = await quarantine(services, reading, 'its input is not that of an execution of ours');
    return { as: 'quarantined', detail: id };
  }
  const failure = { error: `Execution${reading.status}`, cause: reading.cause };
  const result = await recordOutcome(services, input.data, 'failed', failure);
  return {
    as: 'recorded',
    detail: `change ${input.data.generation} of ${input.data.change.endpoint.name} is ${result}`,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Called by EventBridge with any event of the default bus that the rules let through. Safe to call twice. */
export const { handler, run } = task({
  clients,
  input: z.unknown(),
  output: Received,
  run: async (event, services): Promise<Received> => {
    const reading = readEvent(event);
    switch (reading.as) {
      case 'poison': {
        const { id } = await quarantine(services, event, reading.reason);
        return { as: 'quarantined', detail: `${id}: ${reading.reason}` };
      }
      case 'dropped':
        await countDropped(services, reading.reason);
        return { as: 'dropped', detail: reading.reason };
      case 'change':
        return receiveChange(reading.change, services);
      case 'execution-ended':
        return receiveExecutionEnd(reading, services);
      case 'lookup': {
        const endpoint = await endpointBehind(reading, services);
        if (!endpoint) {
          await countDropped(services, `unknown-${reading.what}`);
          return { as: 'dropped', detail: `no endpoint is known for ${reading.what} ${reading.name}` };
        }
        const { account: _account, region: _region, ...change } = reading.change;
        return receiveChange({ ...change, endpoint }, services);
      }
    }
  },
});
