import * as z from 'zod';
import { readAlarmHistory } from '../shared/aws/alarm-history.ts';
import { closeRequest } from '../shared/aws/approvals.ts';
import { cloudwatch } from '../shared/aws/clients/cloudwatch.ts';
import { dynamodb } from '../shared/aws/clients/dynamodb.ts';
import { s3 } from '../shared/aws/clients/s3.ts';
import { sagemaker } from '../shared/aws/clients/sagemaker.ts';
import { scaling } from '../shared/aws/clients/scaling.ts';
import { sfn } from '../shared/aws/clients/sfn.ts';
import { sts } from '../shared/aws/clients/sts.ts';
import { describeEndpoint, isUnderWay, readEndpoint } from '../shared/aws/endpoint-reader.ts';
import { ExecutionInput, startExecution } from '../shared/aws/executions.ts';
import { leaveExpiryNotice } from '../shared/aws/expiry-notices.ts';
import { rememberGuards } from '../shared/aws/guard-index.ts';
import { keepSettings } from '../shared/aws/kept-settings.ts';
import { append, knownStream, readStream, type Stream } from '../shared/aws/ledger.ts';
import { settingsNow } from '../shared/aws/live-prices.ts';
import { servicesAt } from '../shared/aws/member-accounts.ts';
import { recordOutcome } from '../shared/aws/record-outcome.ts';
import type { With } from '../shared/aws/services.ts';
import { task } from '../shared/lambda.ts';
import { gateActor } from '../shared/model/actor.ts';
import { changeDigest, effectiveDeployment } from '../shared/model/effective-deployment.ts';
import type { EndpointFacts } from '../shared/model/endpoint-facts.ts';
import { type ChangeHistory, changeOf, lastOpened } from '../shared/model/endpoint-history.ts';
import { missingMonitors } from '../shared/model/plan-match.ts';
import { isToBePutBack } from '../shared/model/remediation.ts';
import { ROLLED_BACK, rollbackOf, stretchOf, withHistories } from '../shared/model/rollback.ts';
import type { RolledBack } from '../shared/model/rolled-back.ts';
import { heldWaivers } from '../shared/model/standing-waivers.ts';
import { RefusedError } from '../shared/model/way-on.ts';
import { judgeSettled } from '../shared/policies/judge.ts';
import { monitorsStillHaveTime } from '../shared/policies/prod-model-monitor.ts';

const clients = { sagemaker, cloudwatch, scaling, s3, dynamodb, sfn, sts };

/** `timedOut` is there where the wait for people ended by itself. */
const Input = z.object({ ...ExecutionInput.shape, timedOut: z.unknown().optional() });
const Output = z.strictObject({
  /** `ended`: a run before this one has put on record how. */
  state: z.enum(['verified', 'rolled-back', 'not-approved', 'superseded', 'gone', 'ended']),
});
type Output = z.infer<typeof Output>;

/** The endpoint is still moving: `Retry` in the state machine asks again. */
export class NotSettledError extends Error {
  override readonly name = 'NotSettledError';
}
/** The endpoint is young enough to be without its monitors for a while: asked again, less often. */
export class MonitorsPendingError extends Error {
  override readonly name = 'MonitorsPendingError';
}
/** The execution was woken although nobody decided. Whoever did that changed nothing. */
export class ForgedCallbackError extends Error {
  override readonly name = 'ForgedCallbackError';
}

/**
 * The approval as the ledger has it; the callback that woke us said nothing that counts. Past its time an unanswered
 * request is recorded as expired, in the same kind of conditional insert as an answer, so that only one of them wins.
 */
async function readDecision(
  services: With<'dynamodb'>,
  stream: Stream,
  generation: number,
): Promise<ChangeHistory['decided']> {
  const after = await append(services, stream, (history) => {
    const mine = changeOf(history, generation);
    if (!mine?.request || mine.decided || services.now() < mine.request.expiresAt) return undefined;
    const { request, digest, expiresAt } = mine.request;
    return {
      id: `decided#${request}`,
      body: {
        kind: 'decided',
        generation,
        digest,
        request,
        answer: 'expired',
        reason: `nobody answered until ${expiresAt}`,
      },
      actor: gateActor,
    };
  });
  const mine = changeOf(after.history, generation);
  if (mine?.request && mine.decided) {
    const { request } = mine.request;
    // Approvers are told by the sweep. First, or nobody would be if this died in between.
    if (mine.decided.answer === 'expired') {
      await leaveExpiryNotice(services, { request, endpoint: stream.ref, generation });
    }
    await closeRequest(services, request);
  }
  return mine?.decided;
}

/**
 * What was planned, where a plan carries the change: alarms and strategy of what settled are known only now, and its
 * monitors have as long from the change on as those of a new endpoint have.
 */
async function plannedFacts(
  services: With<'dynamodb'>,
  { opened, findings }: ChangeHistory,
  facts: EndpointFacts,
): Promise<EndpointFacts | undefined> {
  if (!opened || !findings?.plan || findings.unchanged) return undefined;
  const { policySettings } = services.config;
  const { generation } = findings.plan;
  const { history } = await readStream(services, { ...facts.endpoint, planned: true }, generation);
  const planned = changeOf(history, generation)?.opened?.facts;
  if (!planned) throw new Error(`Plan ${generation} is not on record any more.`);
  const graceEnds = Date.parse(opened.changedAt) + policySettings.monitoringGraceMinutes * 60_000;
  if (missingMonitors(planned, facts).length > 0 && Date.parse(services.now()) < graceEnds) {
    throw new MonitorsPendingError('Its planned monitors still have time.');
  }
  return planned;
}

/** What the histories of its alarms tell of a rollback: by now they may be in OK again, or gone. */
async function toldByHistories(
  services: With<keyof typeof clients>,
  change: ChangeHistory | undefined,
  facts: EndpointFacts,
  rolledBack: RolledBack,
): Promise<RolledBack> {
  const stretch = change && stretchOf(change, facts);
  if (!stretch || !facts.deployment.known) return rolledBack;
  const there = servicesAt(services, facts.endpoint);
  const histories = await Promise.all(
    facts.deployment.rollbackAlarms.map(
      async ({ name }) => [name, await readAlarmHistory(there, name, stretch)] as const,
    ),
  );
  return withHistories(rolledBack, facts, stretch, new Map(histories));
}

/** Puts on record that SageMaker took the deployment of a change back, with what is in service instead. */
async function recordRollback(
  services: With<keyof typeof clients>,
  stream: Stream,
  generation: number,
  facts: EndpointFacts,
  noticed: RolledBack,
): Promise<void> {
  const { policySettings: settings } = services.config;
  const rolledBack = await toldByHistories(services, changeOf(stream.history, generation), facts, noticed);
  await keepSettings(services, settings);
  await append(services, stream, (history) => {
    const mine = changeOf(history, generation);
    if (!mine?.opened || mine.verified || mine.outcome) return undefined;
    const body = { ...judgeSettled({ opened: mine.opened, facts, settings, planned: undefined, rolledBack }), facts };
    return { id: `verified#${generation}`, body, actor: gateActor };
  });
}

/** A later change took its place. Was that SageMaker's doing? */
async function supersededOrRolledBack(
  services: With<keyof typeof clients>,
  stream: Stream,
  generation: number,
): Promise<Output> {
  const facts = lastOpened(stream.history)?.opened?.facts;
  const rolledBack = facts && rollbackOf(stream.history, generation, facts);
  if (!facts || !rolledBack) return { state: 'superseded' };
  await recordRollback(services, stream, generation, facts, rolledBack);
  return { state: 'rolled-back' };
}

async function verify(
  { change, generation, timedOut }: z.infer<typeof Input>,
  services: With<keyof typeof clients>,
): Promise<Output> {
  let stream = await knownStream(services, change.endpoint, generation);
  // Where people were asked, only what is in the ledger now counts.
  const asked = changeOf(stream.history, generation)?.findings;
  if (asked?.decision === 'needs-approval' && !asked.unchanged) {
    stream = await readStream(services, change.endpoint, generation);
  }
  const mine = changeOf(stream.history, generation);
  if (!mine?.opened || !mine.findings) throw new Error('There are no findings to verify.');
  if (mine.outcome) return { state: 'ended' };
  if (mine.verified) return { state: mine.verified.rolledBack ? 'rolled-back' : 'verified' };

  if (mine.request) {
    const decided = await readDecision(services, stream, generation);
    // The state machine's clock started a moment before the request was recorded, so it rings a moment early.
    if (!decided && timedOut !== undefined) throw new NotSettledError('The request is about to expire.');
    if (!decided) throw new ForgedCallbackError('The execution was resumed, but the ledger holds no decision.');
    if (decided.answer === 'superseded') return supersededOrRolledBack(services, stream, generation);
    if (decided.answer !== 'approved') return { state: 'not-approved' };
  }
  const newest = lastOpened(stream.history);
  if (newest && newest.generation > generation && newest.opened?.digest !== mine.opened.digest) {
    return supersededOrRolledBack(services, stream, generation);
  }
  // Of a plan there is nothing yet that could be verified. What carries it out will be, when it is there.
  if (mine.opened.plan) return { state: 'verified' };

  const recorded = mine.opened.facts;
  const there = servicesAt(services, change.endpoint);
  // Until it has settled, that is all there is to find out.
  const described = recorded.underWay ? await describeEndpoint(there, change.endpoint) : undefined;
  if (described && isUnderWay(described.output)) {
    throw new NotSettledError(`${change.endpoint.name} is still being deployed.`);
  }
  // Facts from a moment ago are good enough for an endpoint that had settled and was not waited for.
  const policySettings = await settingsNow(services);
  const reread =
    mine.request !== undefined ||
    mine.findings.plan !== undefined ||
    recorded.underWay ||
    monitorsStillHaveTime(recorded, policySettings);
  let facts: EndpointFacts | undefined = recorded;
  if (reread) facts = await readEndpoint(there, change.endpoint, { fresh: mine.request !== undefined, described });
  if (!facts) return { state: 'gone' };
  if (changeDigest(effectiveDeployment(facts)) !== mine.opened.digest) {
    const rolledBack = rollbackOf(stream.history, generation, facts);
    // No event may ever tell of it, so the new state starts its own change here.
    const next = {
      ...change,
      cause: rolledBack ? ROLLED_BACK : 'digest changed while waiting',
      at: facts.readAt,
      eventId: `drift-${mine.opened.digest.slice(0, 32)}`,
    };
    const { actor: _nobody, ...unattributed } = next;
    await startExecution(services, { ...unattributed, sighting: {} }, stream.history.generation + 1);
    if (rolledBack) await recordRollback(services, stream, generation, facts, rolledBack);
    return { state: rolledBack ? 'rolled-back' : 'superseded' };
  }
  if (facts.underWay) throw new NotSettledError(`${change.endpoint.name} is ${facts.status}.`);
  const rolledBack = rollbackOf(stream.history, generation, facts);
  if (rolledBack) {
    await recordRollback(services, stream, generation, facts, rolledBack);
    return { state: 'rolled-back' };
  }
  if (facts.status === 'UpdateRollbackFailed') services.measure({ name: 'MixedFleets', unit: 'Count', value: 1 });

  if (monitorsStillHaveTime(facts, policySettings)) throw new MonitorsPendingError('Its monitors still have time.');
  const planned = await plannedFacts(services, mine, facts);
  await keepSettings(services, policySettings);
  const { opened, findings: checked } = mine;
  const judging = { opened, facts, settings: policySettings, planned, found: checked.findings };
  if (reread) await rememberGuards(services, change.endpoint, facts, stream.history);
  await append(services, stream, (history) => {
    const waivers = heldWaivers(history, generation, opened.environment.name, services.now());
    const body = { ...judgeSettled({ ...judging, waivers }), facts: reread ? judging.facts : null };
    return { id: `verified#${generation}`, body, actor: gateActor };
  });
  return { state: 'verified' };
}

/**
 * Reads what people decided, waits for the deployment to settle, verifies what watches it, and puts on record how the
 * change ended. What was refused and is to be put back, `Remediate` puts on record.
 */
export const { handler, run } = task({
  clients,
  input: Input,
  output: Output,
  run: async (input, services) => {
    const { state } = await verify(input, services);
    if (state === 'verified' || state === 'not-approved' || state === 'ended') {
      const { history } = await knownStream(services, input.change.endpoint, input.generation);
      if (isToBePutBack(changeOf(history, input.generation), services.config.policySettings)) {
        throw new RefusedError(`Change ${input.generation} of ${input.change.endpoint.name} may not stand.`);
      }
    }
    // What has ended is on record; what follows from that may be still to do.
    await recordOutcome(services, input, state === 'ended' ? 'failed' : state);
    return { state };
  },
});
