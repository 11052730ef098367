import pLimit from 'p-limit';
import * as z from 'zod';
import { listOpenRequests, readRequest, resumeIfDecided, type StoredRequest } from '../shared/aws/approvals.ts';
import { cloudwatch } from '../shared/aws/clients/cloudwatch.ts';
import { dynamodb } from '../shared/aws/clients/dynamodb.ts';
import { kms } from '../shared/aws/clients/kms.ts';
import { s3 } from '../shared/aws/clients/s3.ts';
import { sagemaker } from '../shared/aws/clients/sagemaker.ts';
import { scaling } from '../shared/aws/clients/scaling.ts';
import { secrets } from '../shared/aws/clients/secrets.ts';
import { ses } from '../shared/aws/clients/ses.ts';
import { sfn } from '../shared/aws/clients/sfn.ts';
import { sts } from '../shared/aws/clients/sts.ts';
import { judgeEndedWaivers } from '../shared/aws/ended-waivers.ts';
import { ExecutionInput } from '../shared/aws/executions.ts';
import { readStream } from '../shared/aws/ledger.ts';
import { placesOf } from '../shared/aws/member-accounts.ts';
import { receiveChange } from '../shared/aws/receive-change.ts';
import { remind, sendNotices, type Write } from '../shared/aws/remind.ts';
import { RequestBudget } from '../shared/aws/request-budget.ts';
import type { With } from '../shared/aws/services.ts';
import { type Missed, type Place, sweepPlace } from '../shared/aws/sweep-place.ts';
import { finishRemediations } from '../shared/aws/unfinished-remediations.ts';
import { task } from '../shared/lambda.ts';
import { mayBeDue } from '../shared/model/asked-people.ts';
import { requestersOf } from '../shared/model/endpoint-history.ts';
import { EndpointRef } from '../shared/model/endpoint-ref.ts';
import { replacedRequest } from '../shared/model/replaced-request.ts';
import { tellingOf } from '../web/telling.ts';

const clients = { sagemaker, cloudwatch, scaling, s3, dynamodb, sfn, kms, sts, ses, secrets };
type Sweeping = With<keyof typeof clients>;

const Places = z.object({ account: EndpointRef.shape.account.or(z.literal('')), region: EndpointRef.shape.region });
/**
 * Nothing: all of it. From the state machine of the sweep one part of it: which places there are, one of these, or what
 * is no place's. From that of a change itself, where it replaced a request whose execution is to be woken.
 */
const Input = z.object({
  superseding: ExecutionInput.pick({ change: true, generation: true }).optional(),
  part: z.enum(['places', 'unfinished']).optional(),
  place: Places.optional(),
});
type Superseding = NonNullable<z.infer<typeof Input>['superseding']>;
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
  /** Accounts and regions to be swept, where these were asked for. */
  places: z.array(Places).optional(),
});
export type Summary = z.infer<typeof Summary>;

const AT_ONCE = 8;
/** The first sweep of a large account goes in portions: its readings share quotas with everybody else there. */
const MAX_STARTS = 100;
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
  const limit = pLimit(AT_ONCE);
  const { requestsPerSecond } = services.config.file.reading;
  const clock = () => Date.parse(services.now());
  const budget = new RequestBudget(requestsPerSecond, clock, services.wait);
  // Each change that is started reads what it needs by itself, most APIs once and some twice.
  const starts = new RequestBudget(requestsPerSecond / 2, clock, services.wait);

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

  async function startMissed(missed: readonly Missed[]): Promise<void> {
    summary.postponed += Math.max(0, missed.length - MAX_STARTS);
    await each(missed.slice(0, MAX_STARTS), async ({ change, stream }) => {
      await starts.take('start');
      const { as } = await receiveChange(services, change, stream);
      if (as === 'started') summary.started += 1;
      else summary.joined += 1;
    });
  }

  async function sweepEndpoints(places: readonly Place[]): Promise<void> {
    const missed: Missed[] = [];
    for (const place of places) {
      await attempt(async () => {
        const swept = await sweepPlace(services, place, budget);
        missed.push(...swept.missed);
        errors.push(...swept.problems);
        summary.endpoints += swept.endpoints;
        summary.joined += swept.joined;
        summary.ended += swept.ended;
        summary.failed += swept.problems.length;
      });
    }
    await startMissed(missed);
  }

  async function sweepUnfinished(): Promise<void> {
    await attempt(sweepRequests);
    // Each of them is put back, or not, by an execution of its own; this only sees to it that one runs.
    await attempt(async () => {
      await finishRemediations(services);
    });
    await attempt(async () => {
      summary.started += await judgeEndedWaivers(services);
    });
    await attempt(async () => {
      summary.told += await sendNotices(services, write);
    });
  }

  function sum(fleet = true): Summary {
    const { endpoints, started, ended, resumed, postponed } = summary;
    if (fleet) services.measure({ name: 'SweptEndpoints', unit: 'Count', value: endpoints });
    services.measure({ name: 'SweepFindings', unit: 'Count', value: started + ended + resumed + postponed });
    if (errors.length > 0) throw new SweepIncompleteError(summary, errors);
    return summary;
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
      await sweepEndpoints(placesOf(services));
      await sweepUnfinished();
      return sum();
    },
    places: (): Summary => ({ ...summary, places: placesOf(services) }),
    place: async (place: Place): Promise<Summary> => {
      await sweepEndpoints([place]);
      return sum();
    },
    unfinished: async (): Promise<Summary> => {
      await sweepUnfinished();
      return sum(false);
    },
    /** Only the role of this function may wake executions, so the state machine asks it to. */
    wake: async ({ change, generation }: Superseding): Promise<Summary> => {
      const id = replacedRequest((await readStream(services, change.endpoint, generation)).history, generation);
      const request = id === undefined ? undefined : await readRequest(services, id);
      if (request) await resume(request);
      return summary;
    },
  };
}

/**
 * Called every quarter of an hour by the state machine of the sweep, part by part: on AWS one account and region each, since
 * that is what AWS's limits count; on one machine, and by hand, all of it at once. SageMaker's events and CloudTrail's are
 * best effort, so this looks for what none of them told of: endpoints and guards that appeared, changed or went,
 * executions that died, callbacks that got lost. It reads and changes nothing outside of the gate. Safe to call twice, and
 * beside events about the same changes. It also reminds people of what they were asked, since nothing else runs while a
 * request waits. Called by the state machine of a change too, where that replaced a request.
 */
export const { handler, run } = task({
  clients,
  input: Input,
  output: Summary,
  run: async ({ superseding, part, place }, services) => {
    const sweep = createSweep(services);
    if (superseding) return sweep.wake(superseding);
    if (place) return sweep.place(place);
    if (part === 'places') return sweep.places();
    return part === 'unfinished' ? sweep.unfinished() : sweep.run();
  },
});
