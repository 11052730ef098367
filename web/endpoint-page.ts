import type { ChangeHistory } from '../shared/model/endpoint-history.ts';
import type { EndpointRef } from '../shared/model/endpoint-ref.ts';
import { formatUsd } from '../shared/model/hourly-cost.ts';
import { ACCEPTED } from '../shared/model/ledger-record.ts';
import { changesPath } from './changes-page.ts';
import { barChart } from './charts.ts';
import { differencesSection } from './differences-section.ts';
import { type Html, html, type Value } from './html.ts';
import { actorList, badge, type State } from './labels.ts';
import { page } from './layout.ts';
import { changePath, endpointPath } from './links.ts';
import { summary } from './table.ts';
import { elapsed, time } from './time.ts';

export type EndpointPage = {
  endpoint: EndpointRef;
  /** Some of its changes, newest first. */
  changes: readonly ChangeHistory[];
  /** Where its history goes on, if it does, and whether this page is not its newest. */
  older: string | undefined;
  continued: boolean;
};

const stateOf = ({ outcome, request, decided }: ChangeHistory): State =>
  outcome?.result ?? (request && !decided ? 'waiting' : 'open');
const isAccepted = ({ outcome }: ChangeHistory) => outcome !== undefined && ACCEPTED.includes(outcome.result);
const word = ({ planned }: EndpointRef) => (planned ? 'plan' : 'change');

/** What was different: open where it was accepted, since then it is what ran from there on. */
function whatChanged(change: ChangeHistory): Value {
  const { opened } = change;
  if (!opened) return undefined;
  const accepted = isAccepted(change);
  const label = opened.baseline ? 'What is different from the deployment accepted before' : 'All of it is new';
  return html`<details class="what-changed"${accepted && opened.baseline && html` open`}><summary>${label}</summary>${differencesSection(opened)}</details>`;
}

function entry(endpoint: EndpointRef, change: ChangeHistory): Html {
  const { generation, opened, joined, outcome, requesters, records } = change;
  const at = opened?.changedAt ?? joined?.changedAt ?? outcome?.changedAt ?? records[0]?.at ?? '';
  const end = outcome && records.findLast(({ body }) => body.kind === 'outcome')?.at;
  const link = html`<a href="${changePath(endpoint, generation)}">${word(endpoint)} ${generation}</a>`;
  return html`<li>
<p class="timeline-time">${time(at, 'seconds')}${end && html`<br><small>ended after ${elapsed(at, end)}</small>`}</p>
<div><p class="timeline-title">${joined ? html`<span class="badge plain">Joined</span>` : badge(stateOf(change))} ${link}: ${opened?.cause ?? joined?.cause ?? outcome?.cause ?? 'seen, and not read yet'}</p>
<p>${joined ? html`The same deployment as <a href="${changePath(endpoint, joined.joined)}">${word(endpoint)} ${joined.joined}</a>.` : (outcome?.reason ?? 'It has not ended yet.')}</p>
${requesters.length > 0 ? actorList(requesters) : html`<p class="muted">CloudTrail has named nobody.</p>`}
${whatChanged(change)}</div>
</li>
`;
}

/** What the deployments that were accepted may cost an hour, oldest first. */
function costs({ endpoint, changes }: EndpointPage): Value {
  const priced = changes
    .filter(isAccepted)
    .flatMap(({ generation, findings, opened }) => (findings && opened ? [{ generation, findings, opened }] : []))
    .reverse();
  const [first, last] = [priced[0], priced.at(-1)];
  if (!first || !last || priced.length < 2) return undefined;
  const [from, to] = [first, last].map(({ findings }) => formatUsd(findings.cost.ceilingUsd));
  return html`<section><h2>Cost</h2>${barChart({
    id: 'costs',
    title: 'Cost an hour of each deployment that was accepted',
    summary: `${from === to ? from : `From ${from} to ${to}`} an hour, scaled as far as it may be.`,
    series: [{ name: 'USD an hour', tone: 'note' }],
    format: formatUsd,
    bars: priced.map(({ generation, findings, opened }) => ({
      label: `${opened.changedAt.slice(0, 10)} #${generation}`,
      href: changePath(endpoint, generation),
      values: [findings.cost.ceilingUsd],
    })),
  })}</section>`;
}

function stands({ changes, continued }: EndpointPage): Value {
  const [newest] = changes;
  if (!newest || continued) return undefined;
  return html`${badge(stateOf(newest))} ${newest.outcome?.reason ?? 'Its newest change has not ended yet.'}`;
}

/** One endpoint: how it stands, and everything that happened to it, newest first, with what each change altered. */
export function endpointPage(model: EndpointPage): Html {
  const { endpoint, changes, older, continued } = model;
  const { account, region, name, planned } = endpoint;
  const accepted = continued ? undefined : changes.find(isAccepted);
  const newest = changes[0];
  const other = { ...endpoint, planned: planned ? undefined : (true as const) };
  const path = endpointPath(endpoint);
  const olderPath = older && `${path}${path.includes('?') ? '&' : '?'}before=${older}`;
  return page({
    title: `${name}, history`,
    section: 'changes',
    body: html`<p class="crumb"><a href="/changes">Changes</a></p>
<h1><span class="name">${name}</span> <span class="muted">${planned ? 'plans' : 'history'}</span></h1>
<p class="lead">${stands(model)}</p>
${summary([
  ['Environment', newest?.opened?.environment.name ?? newest?.outcome?.environment],
  ['Account', account],
  ['Region', region],
  [
    'Accepted last',
    accepted &&
      html`<a href="${changePath(endpoint, accepted.generation)}">${word(endpoint)} ${accepted.generation}</a>, ${time(accepted.records.at(-1)?.at ?? '')}`,
  ],
  ['Cost an hour', accepted?.findings && formatUsd(accepted.findings.cost.ceilingUsd)],
  ['Digest', accepted?.opened && html`<code>${accepted.opened.digest.slice(0, 16)}…</code>`],
  [
    'See also',
    html`<a href="${endpointPath(other)}">${planned ? 'its history' : 'its plans'}</a>, <a href="${changesPath({ endpoint: name })}">in the list</a>`,
  ],
])}
${costs(model)}
<section><h2>${planned ? 'Plans' : 'Changes'}${continued && ', continued'}</h2>
${changes.length > 0 ? html`<ol class="timeline" reversed>${changes.map((change) => entry(endpoint, change))}</ol>` : html`<p class="empty">Something was seen of it, and no change has been opened yet.</p>`}
${(continued || older) && html`<nav class="paging" aria-label="Pages">${continued && html`<a href="${path}">Newest</a>`}${olderPath && html`<a class="button" rel="next" href="${olderPath}">Older</a>`}</nav>`}</section>`,
  });
}
