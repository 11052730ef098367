import { DescribeInferenceComponentCommand, DescribeMonitoringScheduleCommand } from '@aws-sdk/client-sagemaker';
import * as z from 'zod';
import { dynamodb } from '../shared/aws/clients/dynamodb.ts';
import { sagemaker } from '../shared/aws/clients/sagemaker.ts';
import { sfn } from '../shared/aws/clients/sfn.ts';
import { sts } from '../shared/aws/clients/sts.ts';
import { isMissing } from '../shared/aws/endpoint-reader.ts';
import { readExecution, startedAfter } from '../shared/aws/executions.ts';
import { guardedEndpoints } from '../shared/aws/guard-index.ts';
import { sagemakerAt } from '../shared/aws/member-accounts.ts';
import { receiveChange } from '../shared/aws/receive-change.ts';
import { receivePlan } from '../shared/aws/receive-plan.ts';
import { recordOutcome } from '../shared/aws/record-outcome.ts';
import type { With } from '../shared/aws/services.ts';
import { countDropped, quarantine } from '../shared/aws/work.ts';
import { task } from '../shared/lambda.ts';
import { type EventReading, type PlacedChange, readEvent } from '../shared/model/aws-event.ts';
import type { EndpointChange } from '../shared/model/endpoint-change.ts';
import { EndpointRef, streamOf } from '../shared/model/endpoint-ref.ts';

const clients = { sagemaker, dynamodb, sfn, sts };
type Receiving = With<keyof typeof clients>;

const Received = z.strictObject({
  as: z.enum(['started', 'joined', 'recorded', 'dropped', 'quarantined']),
  detail: z.string(),
});
type Received = z.infer<typeof Received>;

type Looked = { what: 'monitoring-schedule' | 'inference-component'; name: string };

/** Asks SageMaker which endpoint a schedule or an inference component belongs to; undefined where that is gone. */
async function endpointBehind(
  { what, name }: Looked,
  { account, region }: PlacedChange,
  services: Receiving,
): Promise<EndpointRef | undefined> {
  const { sagemaker } = sagemakerAt(services, { account, region });
  try {
    const { EndpointName } =
      what === 'monitoring-schedule'
        ? await sagemaker.send(new DescribeMonitoringScheduleCommand({ MonitoringScheduleName: name }))
        : await sagemaker.send(new DescribeInferenceComponentCommand({ InferenceComponentName: name }));
    const parsed = EndpointRef.safeParse({ account, region, name: EndpointName });
    return parsed.success ? parsed.data : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function receive(change: EndpointChange, services: Receiving): Promise<Received> {
  if (change.kind === 'plan') {
    const { as, detail } = await receivePlan(services, change);
    return { as, detail };
  }
  if (startedAfter(services, change)) {
    return { as: 'joined', detail: `a change of ${change.endpoint.name} is about to be read` };
  }
  return receiveChange(services, change);
}

const at = (
  { account: _account, region: _region, ...change }: PlacedChange,
  endpoint: EndpointRef,
): EndpointChange => ({
  ...change,
  endpoint,
});

/**
 * One change for each endpoint that is guarded by what changed: as the event names them, or as the index knows them. A
 * schedule that nobody has read yet is asked for. Run again, each endpoint finds the event on record.
 */
async function receiveGuards(
  { keys, endpoints, change }: Extract<EventReading, { as: 'guard' }>,
  services: Receiving,
): Promise<Received> {
  const known = await guardedEndpoints(services, change, keys);
  const all = new Map([...known, ...endpoints].map((ref) => [streamOf(ref), ref]));
  const [schedule] = keys.filter(({ kind }) => kind === 'schedule');
  if (all.size === 0 && schedule) {
    const asked = await endpointBehind({ what: 'monitoring-schedule', name: schedule.name }, change, services);
    if (asked) all.set(streamOf(asked), asked);
  }
  if (all.size === 0) {
    await countDropped(services, 'guard-of-something-else');
    return {
      as: 'dropped',
      detail: `${keys.map(({ kind, name }) => `${kind} ${name}`).join(', ')} guards no endpoint`,
    };
  }
  const received: Received[] = [];
  for (const endpoint of all.values()) received.push(await receive(at(change, endpoint), services));
  const as = (['started', 'joined', 'dropped'] as const).find((each) => received.some((one) => one.as === each));
  return { as: as ?? 'dropped', detail: received.map(({ detail }) => detail).join('; ') };
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
  // With a key of our own, Step Functions leaves input, error and cause out of its events.
  const ended = await readExecution(services, reading.executionArn);
  if (!ended) {
    const { id } = await quarantine(services, reading, 'its input is not that of an execution of ours');
    return { as: 'quarantined', detail: id };
  }
  const { input, cause } = ended;
  const failure = { error: `Execution${reading.status}`, cause };
  const result = await recordOutcome(services, input, 'failed', failure);
  return {
    as: 'recorded',
    detail: `change ${input.generation} of ${input.change.endpoint.name} is ${result}`,
  };
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
        return receive(reading.change, services);
      case 'guard':
        return receiveGuards(reading, services);
      case 'execution-ended':
        return receiveExecutionEnd(reading, services);
      case 'lookup': {
        const { what, name, change } = reading;
        const there = await endpointBehind(reading, change, services);
        // It may be gone already, and was remembered when the endpoint was read.
        const [endpoint] = there ? [there] : await guardedEndpoints(services, change, [{ kind: what, name }]);
        if (!endpoint) {
          await countDropped(services, `unknown-${what}`);
          return { as: 'dropped', detail: `no endpoint is known for ${what} ${name}` };
        }
        return receive(at(change, endpoint), services);
      }
    }
  },
});
