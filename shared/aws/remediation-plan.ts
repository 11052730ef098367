import type { ChangeHistory } from '../model/endpoint-history.ts';
import type { Finding } from '../model/finding.ts';
import { guardRepairs } from '../model/guard-repairs.ts';
import type { Baseline } from '../model/ledger-record.ts';
import type { RemediationPlan } from '../model/remediation.ts';
import { evaluateGuards } from '../policies/index.ts';
import { isOwnAccount } from './member-accounts.ts';
import { GUARDS, type Looking, planDeployment, told, violated } from './remediation-way.ts';

const saying = (findings: readonly Finding[]) => violated(findings).flatMap(({ messages }) => messages);

/** Guards alone, where switching them on again is all that is needed, or where what runs is what was accepted. */
function planGuards(
  { there, facts, waivers }: Looking,
  baseline: Baseline | null,
  same: boolean,
): RemediationPlan | undefined {
  const { calls, others, notes, repaired } = guardRepairs(facts, baseline);
  const left = saying(evaluateGuards(repaired, there.config.policySettings, waivers));
  if (!same && (left.length > 0 || calls.length === 0)) return undefined;
  const unmet = left.length > 0 ? [`Then there is still: ${left.join(' ')}`] : [];
  return { of: 'guards', to: null, calls, others, notes: [...notes, ...unmet] };
}

const NEVER_DELETED =
  'The gate never deletes an endpoint. Somebody can delete it (DeleteEndpoint), or deploy what the policies allow, which is a change of its own.';

/** How a refused change could be put back, from the endpoint as it is now. Reads, and changes nothing. */
export async function planRemediation(
  looking: Looking,
  change: ChangeHistory,
  refusal: 'blocked' | 'rejected',
): Promise<RemediationPlan> {
  const { facts, there } = looking;
  const { status, endpoint } = facts;
  const baseline = change.opened?.baseline ?? null;
  const same = baseline?.digest === change.opened?.digest;
  const wrong = violated([...(change.findings?.findings ?? []), ...(change.verified?.findings ?? [])]);
  const onlyGuards = refusal === 'blocked' && wrong.length > 0 && wrong.every(({ policy }) => GUARDS.includes(policy));
  if (status === 'Failed') {
    return told(
      'deployment',
      'SageMaker lets nobody update an endpoint that is Failed: it can only be deleted and created again.',
      NEVER_DELETED,
    );
  }
  let plan = onlyGuards ? planGuards(looking, baseline, same) : undefined;
  if (!plan && !baseline) {
    plan = told(
      'deployment',
      `No deployment of ${endpoint.name} was ever accepted, so there is nothing to go back to.`,
      NEVER_DELETED,
    );
  }
  if (!plan && same) {
    plan = told(
      'deployment',
      `What runs is what was accepted last (change ${baseline?.generation}), so there is nothing to go back to. The policies or the prices have changed, or something beside the deployment has.`,
    );
  }
  plan ??= baseline ? await planDeployment(looking, baseline) : told('deployment');
  if (plan.calls.length === 0) return plan;
  if (status !== 'InService' && !facts.underWay)
    return onlyPeople(plan, `The endpoint is ${status}; the gate updates only one that is InService.`);
  if (!isOwnAccount(there, endpoint)) return onlyPeople(plan, `The gate may only read in account ${endpoint.account}.`);
  if (!there.config.putsBack)
    return onlyPeople(
      plan,
      'This gate was not given the right to change endpoints (PORTCULLIS_REMEDIATION; on AWS remediation of the stage).',
    );
  return plan;
}

const onlyPeople = ({ calls, others, notes, ...rest }: RemediationPlan, why: string): RemediationPlan => ({
  ...rest,
  calls: [],
  others: [...calls, ...others],
  notes: [...notes, why],
});
