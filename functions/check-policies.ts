import * as z from 'zod';
import { dynamodb } from '../shared/aws/clients/dynamodb.ts';
import { ExecutionInput } from '../shared/aws/executions.ts';
import { judgeOnFleet } from '../shared/aws/fleet-budget.ts';
import { keepSettings } from '../shared/aws/kept-settings.ts';
import { append, knownStream, readStream, type Stream } from '../shared/aws/ledger.ts';
import { settingsNow } from '../shared/aws/live-prices.ts';
import type { With } from '../shared/aws/services.ts';
import { task } from '../shared/lambda.ts';
import { gateActor } from '../shared/model/actor.ts';
import type { EndpointChange } from '../shared/model/endpoint-change.ts';
import { changeOf, type EndpointHistory } from '../shared/model/endpoint-history.ts';
import type { EndpointRef } from '../shared/model/endpoint-ref.ts';
import type { FleetView } from '../shared/model/fleet-entry.ts';
import type { MatchedPlan, RecordOf } from '../shared/model/ledger-record.ts';
import { isToBePutBack } from '../shared/model/remediation.ts';
import { replacedRequest } from '../shared/model/replaced-request.ts';
import { heldWaivers } from '../shared/model/standing-waivers.ts';
import {
  ApprovalNeededError,
  BlockedError,
  GoneError,
  JoinedError,
  RefusedError,
  ReplacesRequestError,
} from '../shared/model/way-on.ts';
import { judge } from '../shared/policies/judge.ts';

/** `woken` is there where the execution that waited with a replaced request was told, or could not be. */
const Input = z.object({ ...ExecutionInput.shape, woken: z.unknown().optional() });
/** Everything else that can be found out is an error by which the execution goes another way. */
const Output = z.strictObject({ decision: z.literal('compliant') });

const HOUR_MS = 3_600_000;

/** The plans of an endpoint, read consistently and so far back that none can be valid that was not read. */
function readPlans(services: With<'dynamodb'>, ref: EndpointRef): Promise<Stream> {
  const { planValidHours } = services.config.policySettings;
  const since = new Date(Date.parse(services.now()) - planValidHours * HOUR_MS).toISOString();
  return readStream(services, { ...ref, planned: true }, undefined, since);
}

/** Notes with the plan that it was carried out, once for each change that did. */
async function notePlanCarriedOut(
  services: With<'dynamodb'>,
  plans: Stream,
  { generation, digest }: MatchedPlan,
  change: number,
): Promise<void> {
  await append(services, plans, () => ({
    id: `plan-matched#${generation}#${change}`,
    body: { kind: 'plan-matched', generation, digest, change },
    actor: gateActor,
  }));
}

/** The findings of a change, judged and put on record; and the plans that it was held against. */
async function judgeChange(
  services: With<'dynamodb'>,
  stream: Stream,
  { endpoint, at: changedAt }: EndpointChange,
  opened: RecordOf<'change-opened'>,
): Promise<{ recorded: RecordOf<'findings'> | undefined; plans: Stream | undefined }> {
  const { generation } = opened;
  let plans: Stream | undefined;
  // The fleet is read meanwhile.
  const reading = endpoint.planned ? undefined : readPlans(services, endpoint);
  reading?.catch(() => undefined);
  const settings = await settingsNow(services);
  await keepSettings(services, settings);
  const judging = (history: EndpointHistory, fleet: FleetView) => {
    const at = services.now();
    const waivers = heldWaivers(history, generation, opened.environment.name, at);
    return judge({ opened, settings, plans: plans?.history, at, waivers, fleet });
  };
  const fleet = await judgeOnFleet(services, opened, settings, async (view) => {
    plans = await reading;
    return { blocked: judging(stream.history, view).decision === 'blocked' };
  });
  // Judged at its place in the stream: a waiver that is granted or revoked in between is before it or after it.
  const after = await append(services, stream, (history) => ({
    id: `findings#${generation}`,
    body: judging(history, fleet),
    actor: gateActor,
  }));
  const value = Date.parse(services.now()) - Date.parse(changedAt);
  services.measure({ name: 'EventToDecisionMs', unit: 'Milliseconds', value });
  return { recorded: changeOf(after.history, generation)?.findings, plans };
}

/** Throws where what was found keeps a change from going on as it is; `which` names the change. */
function goOn({ decision, unchanged, plan }: RecordOf<'findings'>, which: string): void {
  // What a plan carries was asked about before, and what is unchanged was accepted.
  if (unchanged || plan !== undefined) return;
  switch (decision) {
    case 'compliant':
      return;
    case 'needs-approval':
      throw new ApprovalNeededError(`${which} needs an approval.`);
    case 'blocked':
      throw new BlockedError(`${which} may not stand, and there is nothing to put back.`);
    case 'undetermined':
      throw new Error(`${which} could not be decided.`);
  }
}

/**
 * Second task: holds the recorded facts against every policy and puts every finding on record. Returns for what may go
 * on as it is; all else fails with the name of the way that it goes.
 */
export const { handler, run } = task({
  clients: { dynamodb },
  input: Input,
  output: Output,
  run: async ({ change, generation, woken }, services): Promise<z.infer<typeof Output>> => {
    const which = `Change ${generation} of ${change.endpoint.name}`;
    const stream = await knownStream(services, change.endpoint, generation);
    const mine = changeOf(stream.history, generation);
    if (mine?.joined) throw new JoinedError(`${which} is about the same as change ${mine.joined.joined}.`);
    if (!mine?.opened) throw new GoneError(`${which}: there was no endpoint to read.`);
    // It has ended, and is still to be put back: somebody has accepted that, or an execution died over it.
    if (mine.outcome && isToBePutBack(mine, services.config.policySettings)) {
      throw new RefusedError(`${which} is still to be put back.`);
    }
    const { recorded, plans } = mine.findings
      ? { recorded: mine.findings, plans: undefined }
      : await judgeChange(services, stream, change, mine.opened);
    if (!recorded) throw new Error('The findings were not recorded.');
    if (recorded.plan && !recorded.unchanged) {
      const stated = plans ?? (await readPlans(services, change.endpoint));
      await notePlanCarriedOut(services, stated, recorded.plan, generation);
    }
    if (woken === undefined && replacedRequest(stream.history, generation) !== undefined) {
      throw new ReplacesRequestError(`${which} replaced a request that is still waited for.`);
    }
    if (isToBePutBack({ ...mine, findings: recorded }, services.config.policySettings)) {
      throw new RefusedError(`${which} may not stand.`);
    }
    goOn(recorded, which);
    return { decision: 'compliant' };
  },
});
