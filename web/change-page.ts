import type { ApprovalState } from '../shared/model/approval.ts';
import { type ChangeHistory, type EndpointHistory, requestersOf } from '../shared/model/endpoint-history.ts';
import type { EndpointRef } from '../shared/model/endpoint-ref.ts';
import type { MatchedPlan } from '../shared/model/ledger-record.ts';
import { costSection } from './cost-section.ts';
import { differencesSection } from './differences-section.ts';
import { factsSection } from './facts-section.ts';
import { findingsSection } from './findings-section.ts';
import { type Html, html, type Value } from './html.ts';
import { actorList, badge, type State } from './labels.ts';
import { page } from './layout.ts';
import { approvalPath, changePath, endpointPath } from './links.ts';
import { planSection } from './plan-section.ts';
import { type PutBackVisitor, remediationSection } from './remediation-section.ts';
import { summary } from './table.ts';
import { time } from './time.ts';
import { timeline } from './timeline.ts';

export type ChangePage = {
  endpoint: EndpointRef;
  change: ChangeHistory;
  history: EndpointHistory;
  /** Where its request for approval stands; absent where there is none. */
  approval: ApprovalState | undefined;
  /** Who looks at it, where they have logged in: they can have it put back, where that is proposed. */
  visitor?: PutBackVisitor | undefined;
};

const wordFor = ({ planned }: EndpointRef) => (planned ? 'plan' : 'change');

function stateOf({ change, approval }: ChangePage): State {
  if (change.outcome) return change.outcome.result;
  return approval?.state === 'waiting' ? 'waiting' : 'open';
}

function lead({ change, endpoint, approval }: ChangePage): Value {
  const { outcome, joined, request } = change;
  if (outcome) return outcome.reason;
  if (joined) {
    return html`It is about the same deployment as <a href="${changePath(endpoint, joined.joined)}">${wordFor(endpoint)} ${joined.joined}</a>, which goes on for both.`;
  }
  if (request && approval?.state === 'waiting') {
    return html`It waits for people to decide: <a href="${approvalPath(request.request)}">see what approving does</a>.`;
  }
  return 'It has not ended yet.';
}

function carriedOut(endpoint: EndpointRef, { generation, approvers }: MatchedPlan): Html {
  const by = approvers.length > 0 && `, approved by ${approvers.join(', ')}`;
  return html`<a href="${changePath({ ...endpoint, planned: true }, generation)}">plan ${generation}</a>${by}`;
}

/** One change: how it stands, what was found, and every record about it. */
export function changePage(model: ChangePage): Html {
  const { endpoint, change, history } = model;
  const { opened, findings, verified } = change;
  const digest = opened?.digest ?? change.joined?.digest;
  const requesters = requestersOf(history, change.generation);
  const joined = history.changes
    .filter((each) => each.joined?.joined === change.generation)
    .flatMap(({ records }) => records);
  return page({
    title: `${endpoint.name}, ${wordFor(endpoint)} ${change.generation}`,
    section: 'changes',
    body: html`<p class="crumb"><a href="${endpointPath(endpoint)}">${endpoint.planned ? 'Plans' : 'History'} of ${endpoint.name}</a></p>
<h1>${endpoint.name} <span class="muted">${wordFor(endpoint)} ${change.generation}</span></h1>
<p class="lead">${change.joined ? html`<span class="badge plain">Joined</span>` : badge(stateOf(model))} ${lead(model)}</p>
${summary([
  ['Environment', opened?.environment.name ?? change.outcome?.environment],
  ['Account', endpoint.account],
  ['Region', endpoint.region],
  ['Cause', opened?.cause ?? change.joined?.cause ?? change.outcome?.cause],
  [endpoint.planned ? 'Submitted' : 'Changed', opened && time(opened.changedAt)],
  [
    endpoint.planned ? 'Submitted by' : 'Changed by',
    requesters.length > 0 ? actorList(requesters) : 'CloudTrail has named nobody',
  ],
  ['Planned', findings?.plan && carriedOut(endpoint, findings.plan)],
  [
    'Carried out by',
    change.carriedOutBy.length > 0 &&
      html`${change.carriedOutBy.map((number) => html`<a href="${changePath({ ...endpoint, planned: undefined }, number)}">change ${number}</a> `)}`,
  ],
])}
${opened && planSection(opened)}
${remediationSection(endpoint, change, model.visitor ?? { kind: 'nobody', next: changePath(endpoint, change.generation) })}
<section><h2>Timeline</h2>
${timeline(change, joined)}</section>
${findings && html`<section><h2>Findings</h2>${findingsSection(findings.findings)}</section>`}
${
  verified &&
  html`<section><h2>Findings once it had settled</h2>
<p>Monitors, alarms and status are checked again when the deployment has ended.</p>${findingsSection(verified.findings)}</section>`
}
${opened && html`<section><h2>What is different</h2>${differencesSection(opened)}</section>`}
${findings && html`<section><h2>Cost</h2>${costSection(findings.cost)}</section>`}
${opened && html`<section><h2>Facts</h2>${factsSection(verified?.facts ?? opened.facts, endpoint.planned)}</section>`}
${
  digest &&
  html`<section><h2>Digest</h2>
<p class="digest"><code>${digest}</code></p>
<p class="muted">SHA-256 over what will run. Decisions hold for this digest and for no other.</p></section>`
}`,
  });
}
