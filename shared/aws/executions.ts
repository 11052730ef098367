import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { sha256 } from '../model/canonical-json.ts';
import { EndpointChange } from '../model/endpoint-change.ts';
import { streamOf } from '../model/endpoint-ref.ts';
import type { With } from './services.ts';

/** The input of one execution of the state machine. Tasks get it with what earlier states added, which is not theirs to read. */
export const ExecutionInput = z.object({
  change: EndpointChange,
  generation: z.int().positive(),
  /** How long approvers have, for the state machine's TimeoutSecondsPath. */
  approvalTimeoutSeconds: z.int().positive(),
});
export type ExecutionInput = z.infer<typeof ExecutionInput>;

/** Names are at most 80 characters of a small alphabet, and must be the same for everybody who sees the same change. */
export function executionName(change: Pick<EndpointChange, 'endpoint'>, generation: number, attempt: number): string {
  const stream = sha256(streamOf(change.endpoint)).slice(0, 32);
  return `chg-${stream}-${generation}${attempt === 0 ? '' : `-${attempt}`}`;
}

/** Endpoints whose last executions this container knows the start of; an endpoint's facts are read after that. */
const MAX_STARTED = 1_000;

function rememberStart(services: With<'sfn'>, change: EndpointChange, at: string): void {
  const { startedAt } = services;
  startedAt.delete(streamOf(change.endpoint));
  startedAt.set(streamOf(change.endpoint), at);
  if (startedAt.size > MAX_STARTED) {
    const oldest = startedAt.keys().next();
    if (!oldest.done) startedAt.delete(oldest.value);
  }
}

/**
 * Does this container know of an execution for the endpoint that started after the modification that an event tells of?
 * Its reading will show all there is to the event. Only for those with SageMaker's own modification time, which is exact to
 * the millisecond, and that name nobody: who made a change is not read, but told.
 */
export function startedAfter(services: With<'sfn'>, { actor, endpoint, sighting, kind }: EndpointChange): boolean {
  const startedAt = services.startedAt.get(streamOf(endpoint));
  return (
    kind === 'endpoint' &&
    actor === undefined &&
    startedAt !== undefined &&
    sighting.lastModifiedAt !== undefined &&
    sighting.lastModifiedAt <= startedAt
  );
}

/**
 * Starts the execution for an endpoint's change number `generation`, unless one runs already. Everybody who notices
 * the same change computes the same name, so only one execution starts. Where an execution of that name has ended
 * without a record (somebody stopped it), the next name is tried, so that a change is never stuck behind a dead one.
 */
export async function startExecution(
  services: With<'sfn'>,
  change: EndpointChange,
  generation: number,
): Promise<'started' | 'running'> {
  const { stateMachineArn, file } = services.config;
  const input: ExecutionInput = {
    change,
    generation,
    approvalTimeoutSeconds: Math.round(file.approvals.timeoutHours * 3600),
  };
  for (let attempt = 0; ; attempt += 1) {
    const name = executionName(change, generation, attempt);
    const at = services.now();
    try {
      const { startDate } = await services.sfn.send(
        new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }),
      );
      // The same event delivered again is told of the execution that it had started.
      rememberStart(services, change, startDate?.toISOString() ?? at);
      return 'started';
    } catch (error) {
      if ((error as Error).name !== 'ExecutionAlreadyExists') throw error;
    }
    const { status, startDate } = await describe(services, name);
    if (status !== 'RUNNING') continue;
    if (startDate) rememberStart(services, change, startDate.toISOString());
    return 'running';
  }
}

async function describe(services: With<'sfn'>, name: string): Promise<DescribeExecutionCommandOutput> {
  const executionArn = `${services.config.stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;
  // Without the encrypted input, whoever asks does not need its key.
  const asked = new DescribeExecutionCommand({ executionArn, includedData: 'METADATA_ONLY' });
  return services.sfn.send(asked);
}

/** What an execution of ours was started with, and why it ended; undefined where its input is not one of ours. */
export async function readExecution(
  services: With<'sfn'>,
  executionArn: string,
): Promise<{ input: ExecutionInput; cause: string } | undefined> {
  const { input = '', error, cause } = await services.sfn.send(new DescribeExecutionCommand({ executionArn }));
  try {
    const { data } = ExecutionInput.safeParse(JSON.parse(input));
    return data && { input: data, cause: [error, cause].filter(Boolean).join(': ') || 'no cause is given' };
  } catch {
    return undefined;
  }
}

/**
 * `RUNNING` where an execution of the change runs, else how the last one ended (`FAILED`, `ABORTED`, ...); undefined
 * where Step Functions knows of none.
 */
export async function executionStatus(
  services: With<'sfn'>,
  change: Pick<EndpointChange, 'endpoint'>,
  generation: number,
): Promise<string | undefined> {
  let last: string | undefined;
  for (let attempt = 0; last !== 'RUNNING'; attempt += 1) {
    try {
      last = (await describe(services, executionName(change, generation, attempt))).status;
    } catch (error) {
      if ((error as Error).name === 'ExecutionDoesNotExist') break;
      throw error;
    }
  }
  return last;
}
