import * as z from 'zod';

/** The result of one policy for one change, worst first. */
export const Outcome = z.enum(['violation', 'needs-approval', 'advice', 'pass', 'waived', 'not-applicable']);
export type Outcome = z.infer<typeof Outcome>;

/** What a policy's check reports. No problem means `pass`. */
export type Problem = { outcome: 'violation' | 'needs-approval' | 'advice'; message: string };

export const violation = (message: string): Problem => ({ outcome: 'violation', message });
export const needsApproval = (message: string): Problem => ({ outcome: 'needs-approval', message });
export const advice = (message: string): Problem => ({ outcome: 'advice', message });

/** The recorded result of one policy: every policy answers for every change, so an auditor sees what was checked. */
export const Finding = z.strictObject({
  policy: z.string(),
  /** The policy's sentence with the limits that were enforced. */
  statement: z.string(),
  outcome: Outcome,
  /** What was found, or for `not-applicable` why it does not apply. Empty for `pass`. */
  messages: z.array(z.string()),
});
export type Finding = z.infer<typeof Finding>;

/** What the gate concluded. */
export const Decision = z.enum(['compliant', 'needs-approval', 'blocked', 'undetermined']);
export type Decision = z.infer<typeof Decision>;

/**
 * Any violation blocks; else anything that needs approval asks; else it is compliant. No findings at all is
 * `undetermined`: a check that examined nothing must not look green.
 */
export function decide(findings: readonly Finding[]): Decision {
  if (findings.length === 0) return 'undetermined';
  if (findings.some(({ outcome }) => outcome === 'violation')) return 'blocked';
  return findings.some(({ outcome }) => outcome === 'needs-approval') ? 'needs-approval' : 'compliant';
}
