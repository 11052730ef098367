import type { Actor } from '../shared/model/actor.ts';
import type { ApprovalState } from '../shared/model/approval.ts';
import type { ChangeHistory } from '../shared/model/endpoint-history.ts';
import type { RecordOf } from '../shared/model/ledger-record.ts';
import { approvalPanel, type Refusal } from './approval-panel.ts';
import { costSection } from './cost-section.ts';
import { differencesSection } from './differences-section.ts';
import { findingsSection } from './findings-section.ts';
import { type Html, html, type Value } from './html.ts';
import { actorList, badge, type State } from './labels.ts';
import { page } from './layout.ts';
import { changePath } from './links.ts';
import { summary } from './table.ts';
import { time } from './time.ts';
import { whatRuns } from './what-runs.ts';

/** Everything the page shows. Codes, hashes and tokens are no part of it, so they cannot end up on it. */
export type ApprovalPage = {
  change: ChangeHistory & { opened: RecordOf<'change-opened'>; request: RecordOf<'approval-requested'> };
  state: ApprovalState;
  requesters: readonly Actor[];
  /** Names of approvers by id. */
  names: ReadonlyMap<string, string>;
  notified: boolean;
  notifyErrors: readonly string[];
  now: string;
  /** Why an answer that was just sent did not count. */
  refusal?: Refusal;
};

const question = (name: string, environment: string) =>
  html`Approve <span class="name">${name}</span> in ${environment}?`;

function standing({ state, change }: ApprovalPage): { badge: State; text: Value } {
  switch (state.state) {
    case 'waiting':
      return { badge: 'waiting', text: html`for your decision. <a class="jump" href="#decide">Go to the decision</a>` };
    case 'decided':
      return { badge: state.decided.answer, text: 'This request is closed.' };
    case 'superseded':
      return {
        badge: 'superseded',
        text: 'The endpoint has changed since this was asked. A newer change took its place.',
      };
    case 'expired':
      return {
        badge: 'expired',
        text: html`Nobody decided until ${time(change.request.expiresAt)}; unanswered means no.`,
      };
  }
}

const doing = (environment: string) => html`<section><h2>What your answer does</h2>
<dl class="answers">
<div><dt>Approving</dt><dd>lets exactly this deployment stand in ${environment}. Its monitors and alarms are then verified, and a violation found there still blocks it.
The same deployment is not asked about again for the same policies; any difference asks anew.</dd></div>
<div><dt>Rejecting</dt><dd>ends the change as rejected; one rejection is enough. Portcullis does not take the endpoint back by itself: its owners must.</dd></div>
</dl></section>`;

/** What somebody is asked to approve, everything they need to decide it, and the form to do so. */
export function approvalPage(model: ApprovalPage): Html {
  const { change, requesters, refusal, state } = model;
  const { opened, findings } = change;
  const { endpoint, underWay } = opened.facts;
  const environment = opened.environment.name;
  const { badge: label, text } = standing(model);
  const title = `Approve ${endpoint.name} in ${environment}?`;
  return page({
    title: refusal ? `Not recorded: ${title}` : title,
    section: 'waiting',
    // Under no-referrer browsers send `Origin: null` with a form, and the form's origin is what protects it.
    referrer: 'same-origin',
    body: html`${
      refusal &&
      html`<div class="alert" role="alert"><p><strong>Your answer was not recorded.</strong> ${refusal.reason}</p></div>`
    }
<p class="crumb"><a href="/approvals">Waiting</a></p>
<h1>${question(endpoint.name, environment)}</h1>
<p class="lead">${badge(label)} ${text}</p>
<div class="columns"><div>
${summary([
  [
    'Endpoint',
    html`<strong>${endpoint.name}</strong><br><span class="muted">${endpoint.account} · ${endpoint.region}</span>`,
  ],
  ['Environment', html`<strong>${environment}</strong><br><span class="muted">${opened.environment.evidence}</span>`],
  [
    'Changed by',
    requesters.length > 0
      ? actorList(requesters)
      : html`<strong>nobody named yet</strong><br><span class="muted">CloudTrail has not said who it was</span>`,
  ],
  [
    'Changed',
    html`${time(opened.changedAt)}<br><span class="muted">${opened.cause}${underWay && ', deployment under way'}</span>`,
  ],
  ['Change', html`<a href="${changePath(endpoint, change.generation)}">change ${change.generation}</a>`],
])}
${state.state === 'waiting' && doing(environment)}
<section><h2>What is different</h2>${differencesSection(opened)}
${opened.baseline && html`<details><summary>Everything that will run</summary>${whatRuns(opened.facts)}</details>`}</section>
${findings && html`<section><h2>Cost</h2>${costSection(findings.cost)}</section>`}
<section><h2>Findings</h2>${findingsSection(findings?.findings ?? [])}</section>
<section><h2>Digest</h2><p class="digest"><code>${change.request.digest}</code></p>
<p class="muted">SHA-256 over what will run. The answer holds for this digest and for no other.</p></section>
</div>
${approvalPanel(model)}
</div>`,
  });
}
