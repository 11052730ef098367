import * as z from 'zod';
import { dynamodb } from '../shared/aws/clients.ts';
import { ExecutionInput } from '../shared/aws/executions.ts';
import { append, knownStream } from '../shared/aws/ledger.ts';
import { task } from '../shared/lambda.ts';
import { gateActor } from '../shared/model/actor.ts';
import { digestOf } from '../shared/model/canonical-json.ts';
import { changeOf, type EndpointHistory } from '../shared/model/endpoint-history.ts';
import { type Decision, decide, type Finding } from '../shared/model/finding.ts';
import type { Baseline, RecordOf } from '../shared/model/ledger-record.ts';
import { costOf } from '../shared/policies/budget.ts';
import { evaluate } from '../shared/policies/index.ts';
import type { PolicySettings } from '../shared/policies/settings.ts';

const Output = z.strictObject({
  /** `joined` and `gone` need no decision: another execution decides, or there is nothing left to decide about. */
  decision: z.enum(['compliant', 'needs-approval', 'blocked', 'undetermined', 'joined', 'gone']),
  /** A request that this change replaced and whose execution still waits. */
  wake: z.string().optional(),
});

/** Was exactly this accepted before, with approvals for everything that asks for one now? */
function wasAccepted(
  baseline: Baseline | null,
  digest: string,
  findings: readonly Finding[],
  decision: Decision,
): boolean {
  if (baseline?.digest !== digest) return false;
  if (decision === 'compliant') return true;
  const asking = findings.filter(({ outcome }) => outcome === 'needs-approval').map(({ policy }) => policy);
  return decision === 'needs-approval' && asking.every((policy) => baseline.approvedFor.includes(policy));
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
    if (!recorded) {
      const { policySettings } = services.config;
      const findings = evaluate(opened.facts, policySettings);
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
    const wake = replacedRequest(stream.history, generation);
    return { decision: recorded.unchanged ? 'compliant' : recorded.decision, ...(wake && { wake }) };
  },
});
