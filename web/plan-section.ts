import type { RecordOf } from '../shared/model/ledger-record.ts';
import { type Html, html } from './html.ts';
import { summary } from './table.ts';
import { time } from './time.ts';

/** A ticket is a number or a link; only what is plainly a web address becomes one. */
const ticketOf = (ticket: string) =>
  /^https:\/\/[^\s<>"']+$/.test(ticket)
    ? html`<a href="${ticket}" rel="noreferrer noopener">${ticket}</a>`
    : html`<strong>${ticket}</strong>`;

/**
 * What a plan says about itself: why, where else it is discussed, who is said to want it, and until when it holds.
 * Nothing for a change that is no plan.
 */
export function planSection({ plan }: Pick<RecordOf<'change-opened'>, 'plan'>): Html | undefined {
  if (!plan) return undefined;
  const { reason, changeTicket, requester, deploymentConfig, monitors } = plan.document;
  const { strategy, rollbackAlarms } = deploymentConfig;
  return html`<section><h2>The plan</h2>
<p>Nothing of this has been made yet. A change that is exactly this is not asked about again while the plan is valid.</p>
${summary([
  ['Reason', reason ?? html`<span class="muted">none given</span>`],
  ['Change ticket', changeTicket === undefined ? undefined : ticketOf(changeTicket)],
  [
    'Requester',
    requester === undefined
      ? html`<span class="muted">the plan names nobody</span>`
      : html`<strong>${requester}</strong> <span class="muted">(as the plan says)</span>`,
  ],
  ['Valid until', time(plan.validUntil)],
  ['Deployed', strategy],
  ['Rollback alarms', rollbackAlarms.length > 0 ? rollbackAlarms.join(', ') : 'none'],
  ['Monitors to come', monitors.length > 0 ? monitors.map(({ type }) => type).join(', ') : 'none'],
])}</section>`;
}
