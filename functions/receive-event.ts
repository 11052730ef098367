import { DescribeInferenceComponentCommand, DescribeMonitoringScheduleCommand } from '@aws-sdk/client-sagemaker';
import * as z from 'zod';
import { isMissing } from '../shared/aws/endpoint-reader.ts';
import { startExecution } from '../shared/aws/executions.ts';
import { append, readStream, type Stream } from '../shared/aws/ledger.ts';
import type { Services } from '../shared/aws/services.ts';
import { countDropped, endpointOfSchedule, quarantine } from '../shared/aws/work.ts';
import { task } from '../shared/lambda.ts';
import { gateActor } from '../shared/model/actor.ts';
import { type EventReading, readEvent } from '../shared/model/aws-event.ts';
import type { EndpointChange } from '../shared/model/endpoint-change.ts';
import { changeOf, type EndpointHistory, isCovered } from '../shared/model/endpoint-history.ts';
import { EndpointRef } from '../shared/model/endpoint-ref.ts';

const Received = z.strictObject({
  as: z.enum(['started', 'joined', 'dropped', 'quarantined']),
  detail: z.string(),
});
type Received = z.infer<typeof Received>;

/** Looks up which endpoint a schedule or an inference component belongs to; undefined where nobody knows any more. */
async function endpointBehind(
  reading: Extract<EventReading, { as: 'lookup' }>,
  services: Services,
): Promise<EndpointRef | undefined> {
  const { account, region } = reading.change;
  const known =
    reading.what === 'monitoring-schedule' ? await endpointOfSchedule(services, { account, region }, reading.name) : undefined;
  if (known) return known;
  try {
    const { EndpointName } =
      reading.what === 'monitoring-schedule'
        ? await services.sagemaker.send(new DescribeMonitoringScheduleCommand({ MonitoringScheduleName: reading.name }))
        : await services.sagemaker.send(new DescribeInferenceComponentCommand({ InferenceComponentName: reading.name }));
    const parsed = EndpointRef.safeParse({ account, region, name: EndpointName });
    return parsed.success ? parsed.data : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** The earliest change whose recorded facts already hold what the event tells of. */
function coveringGeneration(history: EndpointHistory, change: EndpointChange): number | undefined {
  return history.changes.find(({ opened }) => opened && isCovered(change, opened.facts))?.generation;
}

/** Puts an event on record with the change it belongs to: because it says who, or because its facts are being read right now. */
function join(services: Services, stream: Stream, change: EndpointChange, generation: number) {
  return append(services, stream, (history) => {
    if (history.changes.some(({ events, opened }) => [...events, opened].some((each) => each?.eventId === change.eventId))) {
      return undefined;
    }
    return {
      id: `event#${change.eventId}`,
      body: { kind: 'event-joined', generation, event: change },
      actor: change.actor ?? gateActor,
    };
  });
}

async function receiveChange(change: EndpointChange, services: Services): Promise<Received> {
  for (;;) {
    const stream = await readStream(services, change.endpoint);
    const covering = coveringGeneration(stream.history, change);
    if (covering !== undefined) {
      // Native events name nobody, so there is nothing to add to what was read.
      if (change.actor) await join(services, stream, change, covering);
      return { as: 'joined', detail: `change ${covering} of ${change.endpoint.name} holds it already` };
    }
    const generation = stream.history.generation + 1;
    if ((await startExecution(services, change, generation)) === 'started') {
      return { as: 'started', detail: `change ${generation} of ${change.endpoint.name}` };
    }
    // Its facts may have been read before this event happened, so the event goes on record for it to see. Where it
    // opened in the meantime, the question is asked again with its facts known.
    const after = await join(services, stream, change, generation);
    const opened = changeOf(after.history, generation)?.opened;
    if (!opened || isCovered(change, opened.facts)) {
      return { as: 'joined', detail: `change ${generation} of ${change.endpoint.name} is being read` };
    }
  }
}

/** Called by EventBridge with any event of the default bus that the rules let through. Safe to call twice. */
export const { handler, run } = task({
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
