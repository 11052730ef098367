import * as z from 'zod';
import { closeRequest } from '../shared/aws/approvals.ts';
import { cloudwatch, dynamodb, s3, sagemaker, scaling, sfn, sts } from '../shared/aws/clients.ts';
import { describeEndpoint, isUnderWay, readEndpoint } from '../shared/aws/endpoint-reader.ts';
import { ExecutionInput, startExecution } from '../shared/aws/executions.ts';
import { leaveExpiryNotice } from '../shared/aws/expiry-notices.ts';
import { append, knownStream, readStream, type Stream } from '../shared/aws/ledger.ts';
import { servicesAt } from '../shared/aws/member-accounts.ts';
import type { With } from '../shared/aws/services.ts';
import { task } from '../shared/lambda.ts';
import { gateActor } from '../shared/model/actor.ts';
import { changeDigest, effectiveDeployment } from '../shared/model/effective-deployment.ts';
import type { EndpointFacts } from '../shared/model/endpoint-facts.ts';
import { type ChangeHistory, changeOf, lastOpened } from '../shared/model/endpoint-history.ts';
import { decide, type Finding } from '../shared/model/finding.ts';
import { missingMonitors, verifyPlan } from '../shared/model/plan-match.ts';
import { evaluateGuards } from '../shared/policies/index.ts';

const clients = { sagemaker, cloudwatch, scaling, s3, dynamodb, sfn, sts };

/** `timedOut` is there where the wait for people ended by itself. */
const Input = z.object({ ...ExecutionInput.shape, timedOut: z.unknown().optional() });
const Output = z.strictObject({
  state: z.enum(['verified', 'not-approved', 'superseded', 'gone']),
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

/** Findings that say "not yet": the grace period is for asking again, not for passing. */
const isWaiting = ({ outcome, policy }: Finding) => policy === 'prod-model-monitor' && outcome === 'advice';

/**
 * Where a plan carries the change: was it also carried out in the planned way? Alarms and strategy are known only now;
 * monitors have as long from the change on as those of a new endpoint have.
 */
async function heldAgainstPlan(
  services: With<'dynamodb'>,
  { opened, findings }: ChangeHistory,
  facts: EndpointFacts,
): Promise<Finding | undefined> {
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
  return verifyPlan(planned, facts, policySettings[opened.environment.name]);
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
  if (mine.verified ?? mine.outcome) return { state: 'verified' };

  if (mine.request) {
    const decided = await readDecision(services, stream, generation);
    // The state machine's clock started a moment before the request was recorded, so it rings a moment early.
    if (!decided && timedOut !== undefined) throw new NotSettledError('The request is about to expire.');
    if (!decided) throw new ForgedCallbackError('The execution was resumed, but the ledger holds no decision.');
    if (decided.answer !== 'approved')
      return { state: decided.answer === 'superseded' ? 'superseded' : 'not-approved' };
  }
  const newest = lastOpened(stream.history);
  if (newest && newest.generation > generation && newest.opened?.digest !== mine.opened.digest) {
    return { state: 'superseded' };
  }
  // Of a plan there is nothing yet that could be verified. What carries it out will be, when it is there.
  if (mine.opened.plan) return { state: 'verified' };

  // Facts from a moment ago are good enough for an endpoint that had settled and was not waited for.
  const { policySettings } = services.config;
  const recorded = mine.opened.facts;
  const reread =
    mine.request !== undefined ||
    mine.findings.plan !== undefined ||
    recorded.underWay ||
    evaluateGuards(recorded, policySettings).some(isWaiting);
  const there = servicesAt(services, change.endpoint);
  // Until it has settled, that is all there is to find out.
  const described = recorded.underWay ? await describeEndpoint(there, change.endpoint) : undefined;
  if (described && isUnderWay(described.output)) {
    throw new NotSettledError(`${change.endpoint.name} is still being deployed.`);
  }
  let facts: EndpointFacts | undefined = recorded;
  if (reread) facts = await readEndpoint(there, change.endpoint, { fresh: mine.request !== undefined, described });
  if (!facts) return { state: 'gone' };
  if (changeDigest(effectiveDeployment(facts)) !== mine.opened.digest) {
    // No event may ever tell of it, so the new state starts its own change here.
    const next = {
      ...change,
      cause: 'digest changed while waiting',
      at: facts.readAt,
      eventId: `drift-${mine.opened.digest.slice(0, 32)}`,
    };
    const { actor: _nobody, ...unattributed } = next;
    await startExecution(services, { ...unattributed, sighting: {} }, stream.history.generation + 1);
    return { state: 'superseded' };
  }
  if (facts.underWay) throw new NotSettledError(`${change.endpoint.name} is ${facts.status}.`);

  const findings = evaluateGuards(facts, policySettings);
  if (findings.some(isWaiting)) throw new MonitorsPendingError('Its monitors still have time.');
  const healthy = facts.status === 'InService';
  const status: Finding = {
    policy: 'in-service',
    statement: 'The deployment must reach InService on the config that was checked.',
    outcome: healthy ? 'pass' : 'violation',
    messages: healthy ? [] : [`The endpoint is ${facts.status}.`],
  };
  const planned = await heldAgainstPlan(services, mine, facts);
  const all = [status, ...findings, ...(planned ? [planned] : [])];
  await append(services, stream, () => ({
    id: `verified#${generation}`,
    body: {
      kind: 'monitoring-verified',
      generation,
      digest: mine.opened?.digest ?? '',
      findings: all,
      decision: decide(all),
      facts: reread ? (facts ?? null) : null,
    },
    actor: gateActor,
  }));
  return { state: 'verified' };
}

/** Reads what people decided, waits for the deployment to settle, and verifies what watches it. */
export const { handler, run } = task({ clients, input: Input, output: Output, run: verify });
