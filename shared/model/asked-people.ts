import type { Actor } from './actor.ts';
import { type AskedChange, approvalState } from './approval.ts';
import type { ApprovalSettings } from './approval-settings.ts';
import { type Approver, isOneOf } from './approver.ts';
import { type EndpointHistory, requestersOf } from './endpoint-history.ts';
import type { ApprovalNeed } from './ledger-record.ts';

/** How often somebody is reminded of one request, at most. */
export const MAX_REMINDERS = 3;

const HOUR_MS = 3_600_000;
const membersOf = ({ groups }: ApprovalSettings, group: string): readonly string[] =>
  Object.hasOwn(groups, group) ? (groups[group] ?? []) : [];

/**
 * Whom to ask at first: everybody who may answer, but not the second group, whose turn comes if nobody does; unless
 * its members are wanted by name of another group, or there are too few without them.
 */
export function askedFirst(
  requesters: readonly Actor[],
  needs: readonly ApprovalNeed[],
  settings: ApprovalSettings,
): Approver[] {
  const others = settings.approvers.filter((approver) => !isOneOf(requesters, approver));
  const second = settings.escalation ? membersOf(settings, settings.escalation.group) : [];
  const wanted = needs.flatMap(({ group }) => (group === null ? [] : membersOf(settings, group)));
  const first = others.filter(({ id }) => wanted.includes(id) || !second.includes(id));
  const most = Math.max(1, ...needs.filter(({ group }) => group === null).map(({ count }) => count));
  return first.length >= most ? first : others;
}

/** Approvers who have not answered, did not make the change, and whose answer is still wanted. */
function stillWanted(
  history: EndpointHistory,
  change: AskedChange,
  settings: ApprovalSettings,
  now: string,
): Approver[] {
  const state = approvalState(history, change, settings, now);
  if (state.state !== 'waiting') return [];
  const open = state.needs.filter(({ needed, given }) => given < needed);
  const answered = change.approvals.map(({ approver }) => approver);
  const requesters = requestersOf(history, change.generation);
  return settings.approvers.filter(
    (approver) =>
      !answered.includes(approver.id) &&
      !isOneOf(requesters, approver) &&
      open.some(({ group }) => group === null || membersOf(settings, group).includes(approver.id)),
  );
}

/** Whom to write to about a request that waits, and as which round: a round is told once. */
export type Round = { round: string; occasion: 'reminder' | 'escalation'; people: Approver[] };

/** Has a request that has been waiting since then been waiting long enough for any round? */
export function mayBeDue(since: string, { reminderHours, escalation }: ApprovalSettings, now: string): boolean {
  const hours = (Date.parse(now) - Date.parse(since)) / HOUR_MS;
  return (reminderHours > 0 && hours >= reminderHours) || (escalation !== undefined && hours >= escalation.afterHours);
}

/**
 * What is due about a request at `now`: a reminder of those who were asked and have not answered, once every
 * `reminderHours` and three times at most; and once, after `escalation.afterHours`, a word to the second group.
 */
export function roundsDue(
  history: EndpointHistory,
  change: AskedChange,
  settings: ApprovalSettings,
  now: string,
): Round[] {
  const askedAt = change.records.find(({ body }) => body.kind === 'approval-requested')?.at ?? now;
  const hours = (Date.parse(now) - Date.parse(askedAt)) / HOUR_MS;
  const wanted = stillWanted(history, change, settings, now);
  const { reminderHours, escalation } = settings;
  const second = escalation && hours >= escalation.afterHours ? membersOf(settings, escalation.group) : [];
  const reminders = reminderHours > 0 ? Math.min(MAX_REMINDERS, Math.floor(hours / reminderHours)) : 0;
  const asked = wanted.filter(({ id }) => change.request.approvers.includes(id));
  const told = wanted.filter(({ id }) => second.includes(id));
  const rounds: Round[] = [
    { round: 'escalation', occasion: 'escalation', people: told },
    ...(reminders > 0 ? [{ round: `reminder-${reminders}`, occasion: 'reminder' as const, people: asked }] : []),
  ];
  return rounds.filter(({ people }) => people.length > 0);
}
