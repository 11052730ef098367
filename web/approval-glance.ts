import type { ChangeHistory } from '../shared/model/endpoint-history.ts';
import type { FleetView } from '../shared/model/fleet-entry.ts';
import { formatCents, formatUsd, type HourlyCost } from '../shared/model/hourly-cost.ts';
import { type ApprovalPage, linkedEndpoint } from './approval-page.ts';
import { askingOf } from './asking.ts';
import { type Html, html, type Value } from './html.ts';
import { actorLine, badge, inlineCode, labelOf } from './labels.ts';
import { changePath } from './links.ts';
import { duration, time } from './time.ts';

const SHOWN_CHANGES = 3;

function whatChanges({ change, requesters }: ApprovalPage): Value {
  const lines = askingOf(change, requesters).what;
  const more = lines.length - SHOWN_CHANGES;
  return html`<ul class="plain tight">${lines.slice(0, SHOWN_CHANGES).map((line) => html`<li>${line}</li>`)}${
    more > 0 && html`<li><a href="#differences">${more} more</a></li>`
  }</ul>`;
}

function whoAsked({ requesters }: ApprovalPage): Value {
  // One person may turn up in several events.
  const people = [...new Map(requesters.map((each) => [`${each.via}:${each.person}`, each])).values()];
  const [first, ...others] = people;
  if (!first) return html`<strong>nobody named yet</strong> <span class="muted">by CloudTrail</span>`;
  return html`${actorLine(first)}${others.length > 0 && html` <span class="muted">and ${others.length} more</span>`}`;
}

function why({ change: { opened } }: ApprovalPage): Value {
  const document = opened.plan?.document;
  if (!document)
    return html`${opened.cause}, ${time(opened.changedAt)}${opened.facts.underWay && ', deployment under way'}`;
  const { reason, changeTicket } = document;
  if (reason === undefined && changeTicket === undefined)
    return html`<span class="muted">The plan does not say.</span>`;
  return html`${reason}${changeTicket !== undefined && html` <span class="muted">(${changeTicket})</span>`}`;
}

const range = ({ floorUsd, ceilingUsd }: HourlyCost) =>
  floorUsd === ceilingUsd ? formatUsd(floorUsd) : `${formatUsd(floorUsd)} to ${formatUsd(ceilingUsd)}`;

/** `; prod now $40.30 of $50.00, after $40.76`: with everything else that runs there. */
function fleetLine({ change, costBefore, budgetUsd, counts = 'ceiling' }: ApprovalPage, fleet: FleetView): Value {
  const { cost: mine } = change.findings ?? {};
  if (!mine) return undefined;
  const before = counts === 'steady' ? (costBefore?.floorUsd ?? 0) : (costBefore?.ceilingUsd ?? 0);
  const costs = {
    steady: mine.steadyUsd ?? mine.ceilingUsd,
    ceiling: mine.ceilingUsd,
    peak: mine.peakUsd ?? mine.ceilingUsd,
  };
  const after = fleet.others.running[counts] + costs[counts];
  return html`; <a href="/cost">${change.opened.environment.name}</a> now ${formatCents(fleet.others.running[counts] + before)}${
    budgetUsd !== undefined && html` of ${formatCents(budgetUsd)}`
  }, after <strong>${formatCents(after)}${budgetUsd !== undefined && after > budgetUsd && ' (over)'}</strong>`;
}

/** `$0.23 → $0.69 an hour; the budget is $50.00` */
function cost(model: ApprovalPage): Value {
  const { change, costBefore, budgetUsd } = model;
  const { findings } = change;
  if (!findings) return undefined;
  const now = findings.cost;
  const over = budgetUsd !== undefined && now.ceilingUsd > budgetUsd;
  return html`${costBefore && html`${range(costBefore)} \u2192 `}<strong>${range(now)}</strong> an hour${
    findings.fleet
      ? fleetLine(model, findings.fleet)
      : budgetUsd !== undefined &&
        html`, ${over ? html`<strong>over</strong>` : 'within'} the budget of ${formatUsd(budgetUsd)}`
  }${now.unknown.length > 0 && html`; <strong>not all of it has a known price</strong>`}`;
}

function policies({ change: { findings } }: ApprovalPage): Value {
  const list = findings?.findings ?? [];
  if (list.length === 0) return undefined;
  const of = (outcome: string) => list.filter((each) => each.outcome === outcome);
  const met = of('pass').length;
  const open = [...of('violation'), ...of('needs-approval')];
  return html`<ul class="plain tight">${open
    .slice(0, 3)
    .map(
      ({ outcome, statement }) => html`<li>${badge(outcome)} ${inlineCode(statement)}</li>`,
    )}<li><a href="#findings">${met} met${open.length > 3 && `, ${open.length - 3} more ask`}</a></li></ul>`;
}

/** What was decided about this endpoint before, newest first, as far as the stream was read. */
function earlier({ earlier, names, change }: ApprovalPage): Value {
  const word = ({ generation, decided, outcome, records }: ChangeHistory) => {
    const who = (decided?.approvers ?? []).map((id) => names.get(id) ?? id).join(', ');
    const answer = decided ? labelOf(decided.answer) : outcome && labelOf(outcome.result);
    return html`<li><a href="${changePath(linkedEndpoint(change.opened), generation)}">${answer}</a>${who && ` by ${who}`}, ${time(records.at(-1)?.at ?? '')}</li>`;
  };
  if (earlier.length === 0) return html`<span class="muted">nothing decided lately</span>`;
  return html`<ul class="plain tight">${earlier.slice(0, 2).map(word)}</ul>`;
}

function approvals({ state }: ApprovalPage): Value {
  if (state.state !== 'waiting') return undefined;
  return html`<ul class="plain tight">${state.needs.map(
    ({ group, because, needed, given }) =>
      html`<li><strong>${given} of ${needed}</strong> ${group ? html`from ${group}, because ${because}` : because === 'whoever they come from' ? 'given' : html`given, because ${because}`}</li>`,
  )}</ul>`;
}

/** Everything that one has to know before deciding, on the first screen of a phone. */
export function approvalGlance(model: ApprovalPage): Html {
  const { state, change, now } = model;
  const { expiresAt } = change.request;
  const rows: [string, Value][] = [
    ['Changes', whatChanges(model)],
    ['Asked by', whoAsked(model)],
    ['Why', why(model)],
    ['Cost', cost(model)],
    ['Policies', policies(model)],
    ['Before', earlier(model)],
    ['Approvals', approvals(model)],
    ['Expires', state.state === 'waiting' && html`in <strong>${duration(now, expiresAt)}</strong>, ${time(expiresAt)}`],
  ];
  return html`<dl class="glance">
${rows.flatMap(([name, value]) =>
  value
    ? [
        html`<div><dt>${name}</dt><dd>${value}</dd></div>
`,
      ]
    : [],
)}</dl>`;
}
