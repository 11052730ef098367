import * as z from 'zod';
import { dynamodb } from '../shared/aws/clients.ts';
import { ExecutionInput } from '../shared/aws/executions.ts';
import { append, knownStream, readStream, type Stream } from '../shared/aws/ledger.ts';
import type { With } from '../shared/aws/services.ts';
import { task } from '../shared/lambda.ts';
import { gateActor } from '../shared/model/actor.ts';
import { digestOf } from '../shared/model/canonical-json.ts';
import { changeOf, type EndpointHistory } from '../shared/model/endpoint-history.ts';
import type { EndpointRef } from '../shared/model/endpoint-ref.ts';
import { type Decision, decide, type Finding } from '../shared/model/finding.ts';
import type { Baseline, MatchedPlan, RecordOf } from '../shared/model/ledger-record.ts';
import { holdAgainstPlans } from '../shared/model/plan-match.ts';
import { costOf } from '../shared/policies/budget.ts';
import { evaluate } from '../shared/policies/index.ts';
import type { PolicySettings } from '../shared/policies/settings.ts';

const Output = z.strictObject({
  /** `joined` and `gone` need no decision: another execution decides, or there is nothing left to decide about. */
  decision: z.enum(['compliant', 'needs-approval', 'blocked', 'undetermined', 'joined', 'gone']),
  /** A request that this change replaced and whose execution still waits. */
  wake: z.string().optional(),
});

const asking = (findings: readonly Finding[]) =>
  findings.filter(({ outcome }) => outcome === 'needs-approval').map(({ policy }) => policy);

/** Was exactly this accepted before, with approvals for everything that asks for one now? */
function wasAccepted(
  baseline: Baseline | null,
  digest: string,
  findings: readonly Finding[],
  decision: Decision,
): boolean {
  if (baseline?.digest !== digest) return false;
  if (decision === 'compliant') return true;
  return decision === 'needs-approval' && asking(findings).every((policy) => baseline.approvedFor.includes(policy));
}

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

/** The request of an earlier change that was superseded and has not ended yet. */
function replacedRequest({ changes }: EndpointHistory, generation: number): string | undefined {
  return changes.findLast(
    ({ generation: other, decided, outcome }) => other < generation && decided?.answer === 'superseded' && !outcome,
  )?.request?.request;
}

const digests = new WeakMap<PolicySettings, { policyDigest: string; priceDigest: string }>();

/** Digests of the limits and of the prices that a decision was made under. */
function digestsOf(settings: PolicySettings) {
  let known = digests.get(settings);
  if (!known) {
    const { prices, ...limits } = settings;
    known = { policyDigest: digestOf(limits), priceDigest: digestOf(prices) };
    digests.set(settings, known);
  }
  return known;
}

/** Second task: holds the recorded facts against every policy and puts every finding on record. */
export const { handler, run } = task({
  clients: { dynamodb },
  input: ExecutionInput,
  output: Output,
  run: async ({ change, generation }, services): Promise<z.infer<typeof Output>> => {
    const stream = await knownStream(services, change.endpoint, generation);
    const mine = changeOf(stream.history, generation);
    if (mine?.joined) return { decision: 'joined' };
    if (!mine?.opened) return { decision: 'gone' };
    const { opened } = mine;
    let recorded: RecordOf<'findings'> | undefined = mine.findings;
    let plans: Stream | undefined;
    if (!recorded) {
      const { policySettings } = services.config;
      const findings = evaluate(opened.facts, policySettings);
      let plan: MatchedPlan | undefined;
      if (!change.endpoint.planned) {
        plans = await readPlans(services, change.endpoint);
        const rules = policySettings[opened.environment.name];
        const held = holdAgainstPlans(opened, asking(findings), plans.history, rules, services.now());
        findings.push(held.finding);
        plan = held.plan;
      }
      const decision = decide(findings);
      recorded = {
        kind: 'findings',
        generation,
        digest: opened.digest,
        findings,
        decision,
        unchanged: wasAccepted(opened.baseline, opened.digest, findings, decision),
        cost: costOf(opened.facts, policySettings),
        ...digestsOf(policySettings),
        // A plan carries what was asked about; it excuses no violation.
        ...(plan && decision !== 'blocked' && { plan }),
      };
      const body = recorded;
      const after = await append(services, stream, () => ({ id: `findings#${generation}`, body, actor: gateActor }));
      services.measure({
        name: 'EventToDecisionMs',
        unit: 'Milliseconds',
        value: Date.parse(services.now()) - Date.parse(change.at),
      });
      recorded = changeOf(after.history, generation)?.findings ?? recorded;
    }
    if (recorded.plan && !recorded.unchanged) {
      plans ??= await readPlans(services, change.endpoint);
      await notePlanCarriedOut(services, plans, recorded.plan, generation);
    }
    const wake = replacedRequest(stream.history, generation);
    const settled = recorded.unchanged || recorded.plan !== undefined;
    return { decision: settled ? 'compliant' : recorded.decision, ...(wake && { wake }) };
  },
});
