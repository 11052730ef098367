import { type ChangeGroup, environmentOf } from '../shared/model/change-groups.ts';
import { differences } from '../shared/model/effective-deployment.ts';
import type { Finding, Outcome } from '../shared/model/finding.ts';
import { formatUsd, type HourlyCost } from '../shared/model/hourly-cost.ts';
import type { LedgerRecord, RecordBody, RecordOf } from '../shared/model/ledger-record.ts';
import { findingsSection } from './findings-section.ts';
import { type Html, html, type Value } from './html.ts';
import { actorLine, actorList, badge } from './labels.ts';
import { summary, table } from './table.ts';
import { time } from './time.ts';

/** What a record says, in one line of text. */
export type Says = (body: RecordBody) => string;

const entry = ({ sequence, at, actor, body }: LedgerRecord, says: Says) => html`<li>
<p class="timeline-time">${time(at, 'seconds')}</p>
<div><p class="timeline-title">${body.kind} <span class="muted">record ${sequence}</span></p>
<p>${says(body)}</p>
<p class="muted">${actorLine(actor)}</p></div>
</li>
`;

function difference({ baseline, deployment }: RecordOf<'change-opened'>): Html {
  if (!baseline) return html`<p>It is the first deployment on record: there was none before to compare it with.</p>`;
  const list = differences(baseline.deployment, deployment);
  const before = html`change ${baseline.generation} of ${time(baseline.at)}`;
  if (list.length === 0) return html`<p>Nothing is different from ${before}, the last that was accepted.</p>`;
  return html`<p>Compared with ${before}, the last that was accepted:</p>
<div class="dense">${table(
    'What is different',
    [
      { head: 'What', cell: ({ field }) => field },
      { head: 'Before', cell: ({ before: value }) => value ?? 'not there' },
      { head: 'Now', cell: ({ after }) => after ?? 'not there' },
    ],
    list,
  )}</div>`;
}

const costWords = ({ floorUsd, ceilingUsd, unknown }: HourlyCost) =>
  `${formatUsd(floorUsd)}${ceilingUsd === floorUsd ? '' : ` to ${formatUsd(ceilingUsd)}`} an hour${unknown.length > 0 ? ', and what has no known price' : ''}`;

const QUIET: readonly Outcome[] = ['pass', 'not-applicable'];

/** What objects, asks or advises, in full; of the rest which they are: their sentences are in findings.csv. */
function findingsOf(findings: readonly Finding[]): Html {
  const named = (wanted: Outcome) => findings.filter(({ outcome }) => outcome === wanted).map(({ policy }) => policy);
  const told = findings.filter(({ outcome }) => !QUIET.includes(outcome));
  const [met, aside] = [named('pass'), named('not-applicable')];
  return html`${told.length > 0 ? findingsSection(told) : html`<p>No policy objects, asks or advises.</p>`}
${met.length > 0 && html`<p>Met: ${met.join(', ')}.</p>`}${aside.length > 0 && html`<p>Do not apply: ${aside.join(', ')}.</p>`}`;
}

function state({ change }: ChangeGroup): Value {
  if (change.outcome) return html`${badge(change.outcome.result)} ${change.outcome.reason}`;
  if (change.joined) return html`<span class="badge plain">Joined</span> change ${change.joined.joined}`;
  return html`${badge('open')} It had not ended when this was made.`;
}

/** One change, from its event to its outcome: what was found, who decided, and every record about it. */
export function bundledChange(group: ChangeGroup, says: Says): Html {
  const { change, endpoint, continued } = group;
  const { opened, findings, verified, decided, requesters } = change;
  const cost = findings?.cost;
  return html`<section class="bundled" id="change-${change.generation}${continued && `-${change.records[0]?.sequence}`}">
<h2>${endpoint.planned ? 'Plan' : 'Change'} ${change.generation}${continued && ', recorded later'}</h2>
<p class="lead">${state(group)}</p>
${summary([
  ['Environment', environmentOf(change)],
  ['Cause', opened?.cause ?? change.joined?.cause ?? change.outcome?.cause],
  ['Happened', opened && time(opened.changedAt, 'seconds')],
  ['Made by', requesters.length > 0 && actorList(requesters)],
  ['Decided by', decided && (decided.approvers.join(', ') || `nobody: ${decided.answer}`)],
  ['Cost', cost && costWords(cost)],
])}
${findings && html`<h3>Findings</h3>${findingsOf(findings.findings)}`}
${verified && html`<h3>Findings once it had settled</h3>${findingsOf(verified.findings)}`}
${opened && html`<h3>What is different</h3>${difference(opened)}`}
<h3>Records</h3>
<ol class="timeline">${change.records.map((record) => entry(record, says))}</ol>
${
  (opened ?? findings) &&
  html`<p class="under muted">${opened && html`Deployment <code>${opened.digest}</code><br>`}${
    findings &&
    html`Limits <code>${findings.policyDigest}</code><br>Prices <code>${findings.priceDigest}</code><br>Decided by version ${findings.version ?? 'unknown'}`
  }</p>`
}
</section>
`;
}
