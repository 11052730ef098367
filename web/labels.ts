import type { Actor } from '../shared/model/actor.ts';
import type { Decision, Outcome } from '../shared/model/finding.ts';
import type { Result } from '../shared/model/ledger-record.ts';
import { type Html, html } from './html.ts';

/** Everything that has a colour. The word always stands beside it. */
export type State = Outcome | Decision | Result | 'open' | 'waiting';

const LABELS: Record<State, readonly [tone: 'good' | 'bad' | 'ask' | 'note' | 'plain', label: string]> = {
  violation: ['bad', 'Violation'],
  'needs-approval': ['ask', 'Needs approval'],
  advice: ['note', 'Advice'],
  pass: ['good', 'Pass'],
  waived: ['plain', 'Waived'],
  'not-applicable': ['plain', 'Does not apply'],
  compliant: ['good', 'Compliant'],
  blocked: ['bad', 'Blocked'],
  undetermined: ['ask', 'Undetermined'],
  approved: ['good', 'Approved'],
  unchanged: ['good', 'Unchanged'],
  rejected: ['bad', 'Rejected'],
  expired: ['bad', 'Expired'],
  withdrawn: ['plain', 'Withdrawn'],
  'rolled-back': ['bad', 'Rolled back by SageMaker'],
  superseded: ['plain', 'Superseded'],
  deleted: ['plain', 'Deleted'],
  open: ['note', 'Open'],
  waiting: ['ask', 'Waiting'],
};

export const labelOf = (state: State): string => LABELS[state][1];

/** The outcome as a coloured word. */
export function badge(state: State): Html {
  const [tone, label] = LABELS[state];
  return html`<span class="badge ${tone}">${label}</span>`;
}

const EVIDENCE: Record<Actor['via'], string> = {
  'source-identity': 'source identity, from CloudTrail',
  'identity-center': 'IAM Identity Center user, from CloudTrail',
  'session-name': 'role session name, from CloudTrail; the caller chooses it',
  'user-name': 'IAM user, from CloudTrail',
  service: 'an AWS service, from CloudTrail',
  root: 'the account root, from CloudTrail',
  approver: 'an approver, whom the gate made sure of',
  claim: 'named in the plan, without proof',
  none: 'CloudTrail names nobody',
};

/** Who it was and how we know. The gate itself needs no evidence. */
export function actorLine({ kind, person, via }: Actor): Html {
  if (kind === 'gate') return html`Portcullis`;
  return html`<strong>${person}</strong> <span class="muted">(${EVIDENCE[via]})</span>`;
}

/** Everybody once, one a line. */
export function actorList(actors: readonly Actor[]): Html {
  const lines = new Map(actors.map((actor) => [`${actor.via}:${actor.person}`, actor]));
  return html`<ul class="plain">${[...lines.values()].map((actor) => html`<li>${actorLine(actor)}</li>`)}</ul>`;
}

/** Text with \`code\` in it, as the policies' sentences have. */
export function inlineCode(text: string): Html {
  return html`${text.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))}`;
}

/** `UpdateEndpointWeightsAndCapacities`, which may be broken where a word of it ends. */
export function camelWords(text: string): Html {
  return html`${text.split(/(?<=[a-z])(?=[A-Z])/).map((word, index) => html`${index > 0 && html`<wbr>`}${word}`)}`;
}
