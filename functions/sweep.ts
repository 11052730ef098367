import { DescribeEndpointCommand, type DescribeEndpointOutput } from '@aws-sdk/client-sagemaker';
import pLimit from 'p-limit';
import * as z from 'zod';
import { listOpenRequests, readRequest, resumeIfDecided, type StoredRequest } from '../shared/aws/approvals.ts';
import { dynamodb, kms, sagemaker, secrets, ses, sfn, sts } from '../shared/aws/clients.ts';
import { type ListedEndpoint, listEndpoints } from '../shared/aws/endpoint-list.ts';
import { isMissing } from '../shared/aws/endpoint-reader.ts';
import { readStream, type Stream } from '../shared/aws/ledger.ts';
import { placesOf, sagemakerAt } from '../shared/aws/member-accounts.ts';
import { receiveChange } from '../shared/aws/receive-change.ts';
import { remind, sendNotices, type Write } from '../shared/aws/remind.ts';
import type { With } from '../shared/aws/services.ts';
import { endStuckChanges } from '../shared/aws/stuck-changes.ts';
import { forgetEndpoint, listRememberedEndpoints, rememberEndpoint } from '../shared/aws/work.ts';
import { task } from '../shared/lambda.ts';
import { mayBeDue } from '../shared/model/asked-people.ts';
import type { EndpointChange } from '../shared/model/endpoint-change.ts';
import { coveringGeneration, requestersOf } from '../shared/model/endpoint-history.ts';
import type { EndpointRef } from '../shared/model/endpoint-ref.ts';
import { hasEnded, isResting, reasonToLook, sweptChange, sweptEnd } from '../shared/model/missed-change.ts';
import { tellingOf } from '../web/telling.ts';

const clients = { sagemaker, dynamodb, sfn, kms, sts, ses, secrets };
type Sweeping = With<keyof typeof clients>;

/** From the scheduler nothing that matters; from the state machine the one request whose execution is to be woken. */
const Input = z.object({ wake: z.string().optional() });
const Count = z.int().nonnegative();
const Summary = z.strictObject({
  /** Endpoints that SageMaker lists. */
  endpoints: Count,
  /** Changes that no event told of. */
  started: Count,
  /** Endpoints modified after the readings on record, of which an event or a reading under way knows already. */
  joined: Count,
  /** Changes whose execution had died in silence. */
  ended: Count,
  /** Decisions whose callback had not got through. */
  resumed: Count,
  /** Rounds of messages that went out: reminders, escalations, expiries, approvals in an emergency. */
  told: Count,
  /** Changes that wait for the next sweep. */
  postponed: Count,
  /** What could not be looked at. */
  failed: Count,
});
export type Summary = z.infer<typeof Summary>;

const AT_ONCE = 8;
/** The first sweep of a large account goes in portions: its readings share quotas with everybody else there. */
const MAX_STARTS = 100;
/** AWS's own maintenance changes nothing, and what is going is recorded when it is gone. */
const PASSED_OVER = ['SystemUpdating', 'Deleting'];

/** Some of it could not be looked at. All the rest was; the next sweep, or this one run again, does what is left. */
export class SweepIncompleteError extends Error {
  override readonly name = 'SweepIncompleteError';
  readonly summary: Summary;
  constructor(summary: Summary, errors: readonly Error[]) {
    const names = [...new Set(errors.map(({ name }) => name))].sort().join(', ');
    super(`${summary.failed} could not be looked at (${names}): ${JSON.stringify(summary)}`, { cause: errors[0] });
    this.summary = summary;
  }
}

type Missed = { change: EndpointChange; stream: Stream };

async function describe(services: Sweeping, ref: EndpointRef): Promise<DescribeEndpointOutput | undefined> {
  const { sagemaker } = sagemakerAt(services, ref);
  try {
    return await sagemaker.send(new DescribeEndpointCommand({ EndpointName: ref.name }));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** One sweep: counts what it finds, and goes on where something fails. */
function createSweep(services: Sweeping) {
  const summary: Summary = {
    endpoints: 0,
    started: 0,
    joined: 0,
    ended: 0,
    resumed: 0,
    told: 0,
    postponed: 0,
    failed: 0,
  };
  const errors: Error[] = [];
  const missed: Missed[] = [];
  const limit = pLimit(AT_ONCE);

  async function attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      errors.push(error as Error);
      summary.failed += 1;
    }
  }
  const each = <T>(items: readonly T[], work: (item: T) => Promise<void>) =>
    Promise.all(items.map((item) => limit(() => attempt(() => work(item)))));

  async function read(ref: EndpointRef): Promise<Stream> {
    const stream = await readStream(services, ref);
    summary.ended += await endStuckChanges(services, stream);
    return stream;
  }

  /** An endpoint with nothing new costs the reading of its stream's end, and no call of SageMaker. */
  async function lookAt(ref: EndpointRef, lastModifiedAt: string | undefined): Promise<void> {
    const stream = await read(ref);
    const reason = reasonToLook(stream.history, lastModifiedAt, services.now());
    const shown = reason && (await describe(services, ref));
    if (!shown) return;
    const change = sweptChange(ref, shown, reason, stream.history.generation + 1, services.now());
    if (change?.kind !== 'endpoint') return;
    // The end of a deployment, and scaling within its range, modify an endpoint without being a change of it.
    if (coveringGeneration(stream.history, change) === undefined) missed.push({ change, stream });
    else summary.joined += 1;
  }

  async function lookForEnd(ref: EndpointRef): Promise<void> {
    const stream = await read(ref);
    const { history } = stream;
    if (!hasEnded(history)) {
      if (isResting(history, services.now())) return;
      missed.push({ change: sweptEnd(ref, history.generation + 1, services.now()), stream });
    } else if (history.changes.every(({ opened, outcome }) => !opened || outcome)) {
      await forgetEndpoint(services, ref);
    }
  }

  async function sweepEndpoints(place: Pick<EndpointRef, 'account' | 'region'>): Promise<void> {
    const remembered = new Map(
      (await listRememberedEndpoints(services, place)).map((ref) => [ref.name.toLowerCase(), ref]),
    );
    const listed = await listEndpoints(sagemakerAt(services, place));
    summary.endpoints += listed.length;
    await each(listed, async ({ name, status, lastModifiedAt }: ListedEndpoint) => {
      const known = remembered.delete(name.toLowerCase());
      if (PASSED_OVER.includes(status)) return;
      const ref = { ...place, name };
      if (!known) await rememberEndpoint(services, ref);
      await lookAt(ref, lastModifiedAt);
    });
    await each([...remembered.values()], lookForEnd);
  }

  async function startMissed(): Promise<void> {
    summary.postponed = Math.max(0, missed.length - MAX_STARTS);
    await each(missed.slice(0, MAX_STARTS), async ({ change, stream }) => {
      const { as } = await receiveChange(services, change, stream);
      if (as === 'started') summary.started += 1;
      else summary.joined += 1;
    });
  }

  /** Returns since when a request waits that goes on waiting. */
  async function resume(request: StoredRequest): Promise<string | undefined> {
    const state = await resumeIfDecided(services, request);
    if (!state.resumed) return state.since;
    summary.resumed += 1;
    return undefined;
  }

  /** What is said in every round of messages. */
  const write: Write = ({ history, change, occasion }) => {
    const { opened } = change;
    if (!opened) throw new Error(`Request ${change.request.request} is about a change that was never opened.`);
    const requesters = requestersOf(history, change.generation);
    const { consoleUrl } = services.config;
    const { approvers } = services.readApprovals();
    return tellingOf({ change: { ...change, opened }, requesters, approvers, occasion, consoleUrl });
  };

  async function sweepRequests(): Promise<void> {
    const waiting: string[] = [];
    await each(await listOpenRequests(services), async (request) => {
      const since = await resume(request);
      if (since === undefined) return;
      waiting.push(since);
      if (mayBeDue(since, services.readApprovals(), services.now())) {
        summary.told += await remind(services, request, write);
      }
    });
    const now = Date.parse(services.now());
    const ages = waiting.map((since) => Math.max(0, (now - Date.parse(since)) / 1000));
    services.measure({ name: 'WaitingApprovals', unit: 'Count', value: waiting.length });
    services.measure({ name: 'WaitingApprovalAgeSeconds', unit: 'Seconds', value: Math.max(0, ...ages) });
  }

  return {
    run: async (): Promise<Summary> => {
      for (const place of placesOf(services)) await attempt(() => sweepEndpoints(place));
      await startMissed();
      await attempt(sweepRequests);
      await attempt(async () => {
        summary.told += await sendNotices(services, write);
      });
      const { endpoints, started, ended, resumed, postponed } = summary;
      services.measure({ name: 'SweptEndpoints', unit: 'Count', value: endpoints });
      services.measure({ name: 'SweepFindings', unit: 'Count', value: started + ended + resumed + postponed });
      if (errors.length > 0) throw new SweepIncompleteError(summary, errors);
      return summary;
    },
    /** Only the role of this function may wake executions, so the state machine asks it to. */
    wake: async (id: string): Promise<Summary> => {
      const request = await readRequest(services, id);
      if (request) await resume(request);
      return summary;
    },
  };
}

/**
 * Called by EventBridge Scheduler every quarter of an hour. SageMaker's events and CloudTrail's are best effort, so this
 * looks for what none of them told of: endpoints that appeared, changed or went, executions that died, callbacks that
 * got lost. It reads SageMaker and changes nothing there. Safe to call twice, and beside events about the same changes.
 * It also reminds people of what they were asked, since nothing else runs while a request waits.
 * Called by the state machine too, with a request that was superseded.
 */
export const { handler, run } = task({
  clients,
  input: Input,
  output: Summary,
  run: ({ wake }, services) => {
    const sweep = createSweep(services);
    return wake === undefined ? sweep.run() : sweep.wake(wake);
  },
});
