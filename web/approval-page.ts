import type { Actor } from '../shared/model/actor.ts';
import type { ApprovalState } from '../shared/model/approval.ts';
import type { ChangeHistory } from '../shared/model/endpoint-history.ts';
import type { Measure } from '../shared/model/fleet-budget.ts';
import type { HourlyCost } from '../shared/model/hourly-cost.ts';
import { approvalGlance } from './approval-glance.ts';
import { approvalPanel, type Refusal } from './approval-panel.ts';
import type { Visitor } from './approval-visitor.ts';
import type { Asked } from './asking.ts';
import { costSection } from './cost-section.ts';
import { differencesSection } from './differences-section.ts';
import { findingsSection } from './findings-section.ts';
import { type Html, html, type Value } from './html.ts';
import { actorList, badge, type State } from './labels.ts';
import { page } from './layout.ts';
import { changePath } from './links.ts';
import { planSection } from './plan-section.ts';
import { summary } from './table.ts';
import { time } from './time.ts';
import { whatRuns } from './what-runs.ts';

/** Everything the page shows. Codes, hashes and tokens are no part of it, so they cannot end up on it. */
export type ApprovalPage = {
  change: Asked;
  state: ApprovalState;
  requesters: readonly Actor[];
  /** Names of approvers by id. */
  names: ReadonlyMap<string, string>;
  notified: boolean;
  notifyErrors: readonly string[];
  now: string;
  visitor: Visitor;
  /** Changes of the same endpoint that were settled before, newest first. */
  earlier: readonly ChangeHistory[];
  /** What the last accepted deployment costs at the prices of now, where there is one. */
  costBefore?: HourlyCost | undefined;
  /** What such an endpoint may cost an hour at most, where its environment has a limit. */
  budgetUsd?: number | undefined;
  /** Which cost is held against it. */
  counts?: Measure | undefined;
  /** Why what was just sent did not count. */
  refusal?: Refusal | undefined;
};

const question = (planned: boolean, name: string, environment: string) =>
  html`Approve ${planned && 'the plan for '}<span class="name">${name}</span> in ${environment}?`;

const TOOK_ITS_PLACE = 'The endpoint has changed since this was asked. A newer change took its place.';

function standing({ state, change }: ApprovalPage): { badge: State; text: Value } {
  switch (state.state) {
    case 'waiting':
      return { badge: 'waiting', text: html`<a class="jump" href="#decide">Go to the decision</a>` };
    case 'decided':
      return {
        badge: state.decided.answer,
        text:
          state.decided.answer === 'superseded'
            ? TOOK_ITS_PLACE
            : html`This request is closed. <a class="jump" href="#decide">See how</a>`,
      };
    case 'superseded':
      return {
        badge: 'superseded',
        text: TOOK_ITS_PLACE,
      };
    case 'expired':
      return {
        badge: 'expired',
        text: html`Nobody decided until ${time(change.request.expiresAt)}; unanswered means no.`,
      };
  }
}

const doing = (planned: boolean, environment: string) => html`<section><h2>What your answer does</h2>
<dl class="answers">
<div><dt>Approving</dt><dd>lets exactly this deployment ${planned ? 'be made' : 'stand'} in ${environment}. Its monitors and alarms are then verified, and a violation found there still blocks it.
The same deployment is not asked about again for the same policies; any difference asks anew.</dd></div>
<div><dt>Rejecting</dt><dd>ends the change as rejected; one rejection is enough. ${planned ? 'Nothing is deployed yet that would have to be put back.' : 'The page of the change then says how the endpoint can be put back to what was accepted last, or that it is being put back, as the settings have it.'}</dd></div>
</dl></section>`;

/** The endpoint, or its plans where the request is about one. */
export const linkedEndpoint = ({ facts, plan }: Asked['opened']) =>
  plan ? { ...facts.endpoint, planned: true as const } : facts.endpoint;

/** What somebody is asked to approve, everything they need to decide it, and the form to do so. */
export function approvalPage(model: ApprovalPage): Html {
  const { change, requesters, refusal, state } = model;
  const { opened, findings } = change;
  const { endpoint, underWay } = opened.facts;
  const environment = opened.environment.name;
  const planned = opened.plan !== undefined;
  const { badge: label, text } = standing(model);
  const title = `Approve ${planned ? 'the plan for ' : ''}${endpoint.name} in ${environment}?`;
  return page({
    title: refusal ? `Not recorded: ${title}` : title,
    section: 'waiting',
    body: html`${
      refusal &&
      html`<div class="alert" role="alert"><p><strong>Nothing was recorded.</strong> ${refusal.reason}</p></div>`
    }
<h1>${question(planned, endpoint.name, environment)}</h1>
<p class="lead">${badge(label)} ${text}</p>
${state.state === 'waiting' && html`<p class="gist">Approving lets exactly this ${planned ? 'be made' : 'stand'}, and nothing that differs.</p>`}
<div class="columns"><div>
${approvalGlance(model)}
${state.state === 'waiting' && doing(planned, environment)}
${planSection(opened)}
<section id="differences"><h2>What is different</h2>${differencesSection(opened)}
${opened.baseline && html`<details><summary>Everything that will run</summary>${whatRuns(opened.facts)}</details>`}</section>
${findings && html`<section><h2>Cost</h2>${costSection(findings.cost)}</section>`}
<section id="findings"><h2>Findings</h2>${findingsSection(findings?.findings ?? [])}</section>
<section><h2>About this request</h2>
${summary([
  [
    'Endpoint',
    html`<strong>${endpoint.name}</strong><br><span class="muted">${endpoint.account} · ${endpoint.region}</span>`,
  ],
  ['Environment', html`<strong>${environment}</strong><br><span class="muted">${opened.environment.evidence}</span>`],
  [
    planned ? 'Planned by' : 'Changed by',
    requesters.length > 0
      ? actorList(requesters)
      : html`<strong>nobody named yet</strong><br><span class="muted">CloudTrail has not said who it was</span>`,
  ],
  [
    planned ? 'Submitted' : 'Changed',
    html`${time(opened.changedAt)}<br><span class="muted">${opened.cause}${underWay && ', deployment under way'}</span>`,
  ],
  [
    planned ? 'Plan' : 'Change',
    html`<a href="${changePath(linkedEndpoint(opened), change.generation)}">${planned ? 'plan' : 'change'} ${change.generation}</a>`,
  ],
])}
<p class="digest"><code>${change.request.digest}</code></p>
<p class="muted">SHA-256 over what will run. The answer holds for this digest and for no other.</p></section>
</div>
${approvalPanel(model)}
</div>`,
  });
}
