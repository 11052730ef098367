import * as z from 'zod';
import { listOpenRequests, readRequest, resumeIfDecided } from '../shared/aws/approvals.ts';
import { dynamodb } from '../shared/aws/clients/dynamodb.ts';
import { kms } from '../shared/aws/clients/kms.ts';
import { secrets } from '../shared/aws/clients/secrets.ts';
import { ses } from '../shared/aws/clients/ses.ts';
import { sfn } from '../shared/aws/clients/sfn.ts';
import { judgeEndedWaivers } from '../shared/aws/ended-waivers.ts';
import { readStream } from '../shared/aws/ledger.ts';
import { remind, sendNotices, type Write } from '../shared/aws/remind.ts';
import type { With } from '../shared/aws/services.ts';
import { startTally } from '../shared/aws/sweep-tally.ts';
import { finishRemediations } from '../shared/aws/unfinished-remediations.ts';
import { task } from '../shared/lambda.ts';
import { mayBeDue } from '../shared/model/asked-people.ts';
import { requestersOf } from '../shared/model/endpoint-history.ts';
import { EndpointRef } from '../shared/model/endpoint-ref.ts';
import { replacedRequest } from '../shared/model/replaced-request.ts';
import { nothingFound, SweepSummary } from '../shared/model/sweep-summary.ts';
import { tellingOf } from '../web/telling.ts';

const clients = { dynamodb, sfn, kms, ses, secrets };
type Tending = With<keyof typeof clients>;

/** A change that replaced a request whose execution is to be woken. */
const Superseding = z.object({ change: z.object({ endpoint: EndpointRef }), generation: z.int().positive() });
type Superseding = z.infer<typeof Superseding>;
/** Nothing: everything that is open. From the state machine of a change that change itself. */
const Input = z.object({ superseding: Superseding.optional() });

/** What is said in every round of messages. */
function writeFor(services: Tending): Write {
  return ({ history, change, occasion }) => {
    const { opened } = change;
    if (!opened) throw new Error(`Request ${change.request.request} is about a change that was never opened.`);
    const requesters = requestersOf(history, change.generation);
    const { consoleUrl } = services.config;
    const { approvers } = services.readApprovals();
    return tellingOf({ change: { ...change, opened }, requesters, approvers, occasion, consoleUrl });
  };
}

async function tendAll(services: Tending): Promise<SweepSummary> {
  const { summary, attempt, each, total } = startTally(services);
  const write = writeFor(services);

  async function tendRequests(): Promise<void> {
    const waiting: string[] = [];
    await each(await listOpenRequests(services), async (request) => {
      const state = await resumeIfDecided(services, request);
      if (state.resumed) {
        summary.resumed += 1;
        return;
      }
      waiting.push(state.since);
      if (mayBeDue(state.since, services.readApprovals(), services.now())) {
        summary.told += await remind(services, request, write);
      }
    });
    const now = Date.parse(services.now());
    const ages = waiting.map((since) => Math.max(0, (now - Date.parse(since)) / 1000));
    services.measure({ name: 'WaitingApprovals', unit: 'Count', value: waiting.length });
    services.measure({ name: 'WaitingApprovalAgeSeconds', unit: 'Seconds', value: Math.max(0, ...ages) });
  }

  await attempt(tendRequests);
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
  return total();
}

async function wake(services: Tending, { change, generation }: Superseding): Promise<SweepSummary> {
  const id = replacedRequest((await readStream(services, change.endpoint, generation)).history, generation);
  const request = id === undefined ? undefined : await readRequest(services, id);
  const state = request && (await resumeIfDecided(services, request));
  return { ...nothingFound(), resumed: state?.resumed ? 1 : 0 };
}

/**
 * The part of a sweep that is no place's: callbacks that got lost, people to be reminded of what they were asked (nothing
 * else runs while a request waits), putting back that broke off, waivers that have ended. Called by the state machine of
 * the sweep after all places, and by that of a change where that replaced a request: besides who takes answers, only this
 * may wake executions. It reads nothing of SageMaker. Safe to call twice.
 */
export const { handler, run } = task({
  clients,
  input: Input,
  output: SweepSummary,
  run: ({ superseding }, services) => (superseding ? wake(services, superseding) : tendAll(services)),
});
