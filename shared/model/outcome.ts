import type { ChangeHistory } from './endpoint-history.ts';
import type { Decision, Finding } from './finding.ts';
import type { Result } from './ledger-record.ts';

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

/**
 * How a change ended, from what is on record about it and from nothing else. Whatever is missing makes it
 * `undetermined`; nothing missing ever makes it compliant.
 */
export function outcomeOf(
  change: ChangeHistory | undefined,
  state: 'verified' | 'not-approved' | 'superseded' | 'gone' | 'blocked' | 'failed',
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
  if (state === 'superseded' || change?.decided?.answer === 'superseded') {
    return ended('superseded', 'undetermined', 'A later change of the endpoint took its place.');
  }
  if (!change?.findings || change.findings.decision === 'undetermined') {
    return ended('undetermined', 'undetermined', 'No findings are on record.');
  }
  const { findings, decision, unchanged } = change.findings;
  if (decision === 'blocked') {
    const violations = violationsIn(findings);
    return ended('blocked', 'blocked', `Violates ${violations.join(', ')}.`, violations);
  }
  if (decision === 'needs-approval' && !unchanged) {
    const { decided } = change;
    if (!decided) return ended('undetermined', 'undetermined', 'It needs approval and no decision is on record.');
    if (decided.answer === 'rejected') {
      return ended('rejected', 'blocked', `Rejected by ${decided.approvers.join(', ')}: ${decided.reason}`);
    }
    if (decided.answer === 'withdrawn') return ended('withdrawn', 'blocked', `Withdrawn: ${decided.reason}`);
    if (decided.answer !== 'approved') return ended('expired', 'blocked', `Not approved: ${decided.reason}.`);
  }
  const { verified } = change;
  if (!verified || verified.decision === 'undetermined')
    return ended('undetermined', 'undetermined', 'Its monitors and alarms were not verified.');
  if (verified.decision === 'blocked') {
    const violations = violationsIn(verified.findings);
    return ended('blocked', 'blocked', `Violates ${violations.join(', ')}.`, violations);
  }
  if (unchanged) return ended('unchanged', 'compliant', 'The same deployment was accepted before.');
  return decision === 'needs-approval'
    ? ended('approved', 'compliant', `Approved by ${change.decided?.approvers.join(', ')}: ${change.decided?.reason}`)
    : ended('compliant', 'compliant', 'Every policy that applies is met.');
}
