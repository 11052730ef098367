import type { EndpointFacts } from '../model/endpoint-facts.ts';
import type { Finding } from '../model/finding.ts';
import type { HeldWaiver } from '../model/waiver.ts';
import { approvedInstanceTypes } from './approved-instance-types.ts';
import { devInstanceType } from './dev-instance-type.ts';
import { encryptedArtifacts } from './encrypted-artifacts.ts';
import { minimalInstanceCounts } from './minimal-instance-counts.ts';
import { type Around, evaluatePolicy, type Policy } from './policy.ts';
import { prodBudget } from './prod-budget.ts';
import { prodHumanApproval } from './prod-human-approval.ts';
import { prodMinInstances } from './prod-min-instances.ts';
import { prodModelMonitor } from './prod-model-monitor.ts';
import { rollbackAlarms } from './rollback-alarms.ts';
import type { PolicySettings } from './settings.ts';
import { stagingBudget } from './staging-budget.ts';
import { stagingInstanceType } from './staging-instance-type.ts';

/** Every policy that is checked against facts, in the order of the policy document. */
export const policies: readonly Policy[] = [
  devInstanceType,
  stagingInstanceType,
  prodMinInstances,
  stagingBudget,
  prodBudget,
  prodHumanApproval,
  rollbackAlarms,
  prodModelMonitor,
  minimalInstanceCounts,
  approvedInstanceTypes,
  encryptedArtifacts,
];

/** Which policies an approver can excuse an endpoint from for a time. */
export const waivability: readonly { id: string; waivable: boolean }[] = policies.map(({ id, waivable, asks }) => ({
  id,
  waivable: waivable && !asks,
}));

/**
 * The one sentence that no check on facts can enforce: the ledger does, by being the only way to a decision.
 * No task decides without appending its record first, and what cannot be appended is not decided.
 */
export const auditPolicy = {
  id: 'audited',
  statement: 'All deployment plans must be audited and logged to DynamoDB.',
  rationale: 'Compliance and audit trail requirements',
  enforcedBy: 'shared/aws/ledger.ts',
} as const;

const sentences = new WeakMap<PolicySettings, ReadonlyMap<string, string>>();

/** What each policy says under these settings, by its id. Settings live as long as the process, so it is made once. */
export function statementsOf(settings: PolicySettings): ReadonlyMap<string, string> {
  const known = sentences.get(settings) ?? new Map(policies.map(({ id, statement }) => [id, statement(settings)]));
  sentences.set(settings, known);
  return known;
}

/**
 * Holds an endpoint against every policy. One finding for each, in document order. `waivers` are those of the endpoint
 * that are in force at the moment, `around` what the ledger knows besides it.
 */
export function evaluate(
  facts: EndpointFacts,
  settings: PolicySettings,
  waivers: readonly HeldWaiver[] = [],
  around: Around = {},
): Finding[] {
  const statements = statementsOf(settings);
  return policies.map((policy) => evaluatePolicy(policy, facts, settings, statements.get(policy.id), waivers, around));
}

/** The same for the policies whose answer can change while the deployment stays as it is. */
export function evaluateGuards(
  facts: EndpointFacts,
  settings: PolicySettings,
  waivers: readonly HeldWaiver[] = [],
): Finding[] {
  const statements = statementsOf(settings);
  return policies
    .filter(({ guard }) => guard)
    .map((policy) => evaluatePolicy(policy, facts, settings, statements.get(policy.id), waivers));
}
