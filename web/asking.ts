import type { Actor } from '../shared/model/actor.ts';
import type { AskedChange } from '../shared/model/approval.ts';
import { differences } from '../shared/model/effective-deployment.ts';
import { formatUsd } from '../shared/model/hourly-cost.ts';
import type { RecordOf } from '../shared/model/ledger-record.ts';
import { plainField } from './differences-section.ts';

/** A change that people were asked about. */
export type Asked = AskedChange & { opened: RecordOf<'change-opened'> };

/** Why somebody is written to. */
export type Occasion = 'asked' | 'reminder' | 'escalation' | 'expired' | 'break-glass';

/** What a message says about a request, line by line and as plain text: each kind of message escapes it in its own way. */
export type Asking = {
  name: string;
  environment: string;
  place: string;
  /** For a plan: it is about what is to come. */
  planned: boolean;
  who: string;
  /** Where somebody has said why they want it. */
  why: string | undefined;
  what: string[];
  cost: string;
  /** Sentences of the policies that ask. */
  reasons: string[];
  expiresAt: string;
};

const MAX_LINES = 12;

// Characters that move a line's end or turn its direction are not for a message that people decide by.
const clean = (text: string) => text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069\u2028\u2029]+/gu, ' ').trim();

const shortened = (lines: string[]) =>
  lines.length <= MAX_LINES
    ? lines
    : [...lines.slice(0, MAX_LINES), `and ${lines.length - MAX_LINES} more, which are on the page`];

function whatChanges({ opened, findings }: Asked): string[] {
  const { baseline, deployment } = opened;
  if (!baseline) {
    const variants = findings?.cost.variants ?? [];
    return [
      'The first deployment on record for this endpoint; all of it is new.',
      ...variants.map(({ variant, explanation }) => `Variant ${variant}: ${explanation}`),
    ];
  }
  const list = differences(baseline.deployment, deployment);
  if (list.length === 0) return ['Nothing: it is the same as the last accepted deployment.'];
  return list.map(
    ({ field, before, after }) =>
      `${plainField(field).join(' \u203a ')}: ${before ?? 'not there'} \u2192 ${after ?? 'not there'}`,
  );
}

function costWords({ findings }: Asked): string {
  if (!findings) return 'unknown';
  const { floorUsd, ceilingUsd, unknown } = findings.cost;
  const range = floorUsd === ceilingUsd ? formatUsd(floorUsd) : `${formatUsd(floorUsd)} to ${formatUsd(ceilingUsd)}`;
  return `${range} an hour${unknown.length > 0 ? ', without what has no known price' : ''}`;
}

/** What the plan gives as its reason; a change that was simply made comes without one. */
function whyOf({ opened: { plan } }: Asked): string | undefined {
  const { reason, changeTicket } = plan?.document ?? {};
  const parts = [reason, changeTicket && `Ticket: ${changeTicket}`].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : clean(parts.join(' '));
}

/** Everything that a message about a request says. */
export function askingOf(change: Asked, requesters: readonly Actor[]): Asking {
  const { opened, request, findings } = change;
  const { endpoint } = opened.facts;
  const people = [...new Set(requesters.map(({ person }) => clean(person)))];
  const asking = (findings?.findings ?? []).filter(({ outcome }) => outcome === 'needs-approval');
  return {
    name: clean(endpoint.name),
    environment: opened.environment.name,
    place: `${endpoint.account}, ${endpoint.region}`,
    planned: opened.plan !== undefined,
    who: people.join(', ') || 'somebody whom CloudTrail has not named yet',
    why: whyOf(change),
    what: shortened(whatChanges(change).map(clean)),
    cost: costWords(change),
    reasons: asking.map(({ statement }) => clean(statement.replaceAll('`', ''))),
    expiresAt: request.expiresAt,
  };
}

/** Everything that has been answered so far, a line each: `Approved by Asha: looks right`. */
export function answersOf({ approvals }: Asked, names: ReadonlyMap<string, string>): string[] {
  return approvals.map(
    ({ approver, answer, reason, breakGlass }) =>
      `${answer === 'approved' ? 'Approved' : 'Rejected'} by ${clean(names.get(approver) ?? approver)}${breakGlass ? ', who broke the glass' : ''}: ${clean(reason)}`,
  );
}
