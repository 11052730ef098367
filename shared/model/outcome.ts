import type { ChangeHistory } from './endpoint-history.ts';
import type { Decision, Finding } from './finding.ts';
import type { MatchedPlan, Result } from './ledger-record.ts';
import { rollbackLine } from './rolled-back.ts';

/** Why an execution could not go on: the error's name and message, as Step Functions' `Catch` passes them. */
export type Failure = { error: string; cause: string };

export type OutcomeOfChange = { result: Result; decision: Decision; reason: string; violations: string[] };

const violationsIn = (findings: readonly Finding[]) =>
  findings.filter(({ outcome }) => outcome === 'violation').map(({ policy }) => policy);

const ended = (result: Result, decision: Decision, reason: string, violations: string[] = []): OutcomeOfChange => ({
  result,
  decision,
  reason,
  violations,
});

/** What is waived is not met, and whoever reads how it ended is told. */
function whatIsMet(findings: readonly Finding[]): string {
  const waived = [...new Set(findings.flatMap(({ outcome, policy }) => (outcome === 'waived' ? [policy] : [])))];
  const but = waived.length > 0 ? ` but ${waived.join(', ')}, which ${waived.length > 1 ? 'are' : 'is'} waived` : '';
  return `Every policy that applies is met${but}`;
}

/** It was accepted before it was made. */
function asPlanned(
  { generation, approvers, reason }: MatchedPlan,
  decision: Decision,
  findings: readonly Finding[],
): OutcomeOfChange {
  if (decision === 'compliant') {
    return ended('compliant', 'compliant', `${whatIsMet(findings)}, as planned (plan ${generation}).`);
  }
  const by = approvers.length > 0 ? `approved by ${approvers.join(', ')}: ${reason}` : reason;
  return ended('approved', 'compliant', `As planned: plan ${generation}, ${by}`);
}

/** `Approved by asha, ben`, and loudly where somebody did it alone in an emergency. */
function approvedBy({ decided, breakGlass }: ChangeHistory): string {
  const people = decided?.approvers.join(', ');
  return breakGlass ? `Approved by breaking the glass, by ${people} alone` : `Approved by ${people}`;
}

/**
 * How a change ended, from what is on record about it and from nothing else. Whatever is missing makes it
 * `undetermined`; nothing missing ever makes it compliant.
 */
export function outcomeOf(
  change: ChangeHistory | undefined,
  state: 'verified' | 'rolled-back' | 'not-approved' | 'superseded' | 'gone' | 'blocked' | 'failed',
  failure?: Failure,
): OutcomeOfChange {
  if (failure || state === 'failed') {
    return ended(
      'undetermined',
      'undetermined',
      failure ? `${failure.error}: ${failure.cause}` : 'The cause is unknown.',
    );
  }
  if (state === 'gone') return ended('deleted', 'undetermined', 'The endpoint does not exist any more.');
  if (state === 'rolled-back' && change?.verified?.rolledBack) {
    return ended('rolled-back', 'undetermined', rollbackLine(change.verified.rolledBack));
  }
  if (state === 'superseded' || change?.decided?.answer === 'superseded') {
    return ended('superseded', 'undetermined', 'A later change of the endpoint took its place.');
  }
  if (!change?.findings || change.findings.decision === 'undetermined') {
    return ended('undetermined', 'undetermined', 'No findings are on record.');
  }
  const { findings, decision, unchanged, plan } = change.findings;
  if (decision === 'blocked') {
    const violations = violationsIn(findings);
    return ended('blocked', 'blocked', `Violates ${violations.join(', ')}.`, violations);
  }
  if (decision === 'needs-approval' && !unchanged && !plan) {
    const { decided } = change;
    if (!decided) return ended('undetermined', 'undetermined', 'It needs approval and no decision is on record.');
    if (decided.answer === 'rejected') {
      return ended('rejected', 'blocked', `Rejected by ${decided.approvers.join(', ')}: ${decided.reason}`);
    }
    if (decided.answer === 'withdrawn') return ended('withdrawn', 'blocked', `Withdrawn: ${decided.reason}`);
    if (decided.answer !== 'approved') return ended('expired', 'blocked', `Not approved: ${decided.reason}.`);
  }
  const { verified } = change;
  // Of a plan nothing is there yet that could be verified; what carries it out will be.
  const isPlan = change.opened?.plan !== undefined;
  if (!isPlan && (!verified || verified.decision === 'undetermined'))
    return ended('undetermined', 'undetermined', 'Its monitors and alarms were not verified.');
  if (verified?.decision === 'blocked') {
    const violations = violationsIn(verified.findings);
    return ended('blocked', 'blocked', `Violates ${violations.join(', ')}.`, violations);
  }
  if (unchanged) return ended('unchanged', 'compliant', 'The same deployment was accepted before.');
  const found = [...findings, ...(verified?.findings ?? [])];
  if (plan) return asPlanned(plan, decision, found);
  return decision === 'needs-approval'
    ? ended('approved', 'compliant', `${approvedBy(change)}: ${change.decided?.reason}`)
    : ended('compliant', 'compliant', `${whatIsMet(found)}.`);
}
