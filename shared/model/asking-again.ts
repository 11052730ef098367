import { type ApprovalRules, type Refusal, refused } from './approval.ts';
import type { EndpointChange } from './endpoint-change.ts';
import { changeOf, type EndpointHistory, requestersOf, standingChange } from './endpoint-history.ts';
import type { EndpointRef } from './endpoint-ref.ts';
import type { Result } from './ledger-record.ts';

/** The cause of a change that somebody started by asking again. */
export const ASKED_AGAIN = 'asked again';

/** Ends of a change after which nobody has said no. */
const UNANSWERED: readonly Result[] = ['expired', 'superseded', 'withdrawn', 'undetermined'];

/**
 * The change that asks people again about the same deployment, or about what has become of it; of a plan, the same
 * document submitted again. Any approver may ask: whoever made the change stays who made it. Refused while anything is
 * still open, since two questions about one deployment would be two chances to say yes.
 */
export function askingAgain(
  history: EndpointHistory,
  { endpoint, generation }: { endpoint: EndpointRef; generation: number },
  { request, person }: { request: string; person: string },
  rules: ApprovalRules,
  now: string,
): { reply: 'recorded'; change: EndpointChange } | Refusal {
  const old = changeOf(history, generation);
  if (old?.request?.request !== request) return refused('no-request', 'There is no such request.');
  if (!rules.approvers.some(({ id }) => id === person)) {
    return refused('not-an-approver', `${person} is not on the list of approvers.`);
  }
  if (!old.outcome) {
    return old.decided || now >= old.request.expiresAt
      ? refused('still-open', 'This change is just ending; ask again in a moment.')
      : refused('still-open', 'This request is still waiting for an answer.');
  }
  if (!UNANSWERED.includes(old.outcome.result)) {
    return refused('ended', `This change has ended: ${old.outcome.reason}`);
  }
  const standing = standingChange(history);
  if (standing && standing.generation > generation && !standing.outcome) {
    return refused('still-open', `Change ${standing.generation} took its place and is still open.`);
  }
  const document = old.opened?.plan?.document;
  if (document?.validUntil !== undefined && Date.parse(document.validUntil) <= Date.parse(now)) {
    return refused('ended', `The plan was valid until ${document.validUntil}; submit it with another date.`);
  }
  const { digest } = old.request;
  return {
    reply: 'recorded',
    change: {
      endpoint,
      kind: document ? 'plan' : 'endpoint',
      cause: ASKED_AGAIN,
      // Whoever asks twice at once starts one change; whoever asks after the next one has ended starts another.
      eventId: `again-${request}-${history.generation}`,
      at: now,
      sighting: {},
      ...(document && { plan: document }),
      again: { request, person, digest, requesters: requestersOf(history, generation) },
    },
  };
}
