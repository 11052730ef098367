import type { Actor } from '../shared/model/actor.ts';
import type { Approver } from '../shared/model/approver.ts';
import type { ChangeHistory } from '../shared/model/endpoint-history.ts';

/** The mail to one approver. The link names the request and nothing else; the code is theirs alone. */
export function approvalMessage(
  change: ChangeHistory,
  requesters: readonly Actor[],
  approver: Approver,
  code: string,
  consoleUrl: string,
): { subject: string; text: string } {
  const { opened, request, findings } = change;
  const name = opened?.facts.endpoint.name ?? 'an endpoint';
  const environment = opened?.environment.name ?? 'unknown';
  const who = requesters[0]?.person ?? 'somebody CloudTrail has not named yet';
  const reasons = (findings?.findings ?? [])
    .filter(({ outcome }) => outcome === 'needs-approval')
    .map(({ statement }) => `  - ${statement}`);
  return {
    subject: `Approve ${name} (${environment})?`,
    text: [
      `Hello ${approver.name},`,
      '',
      `${who} changed the ${environment} endpoint ${name}, and these policies ask for a person's decision:`,
      ...reasons,
      '',
      'See what approving does, and decide:',
      `  ${consoleUrl}/approvals/${request?.request ?? ''}`,
      '',
      `Your personal code for this request: ${code}`,
      'Do not pass it on: whoever enters it decides in your name.',
      '',
      `Without an answer it is rejected at ${request?.expiresAt ?? ''}.`,
    ].join('\n'),
  };
}
