import type { ChangeHistory } from '../shared/model/endpoint-history.ts';
import type { LedgerRecord, RecordBody } from '../shared/model/ledger-record.ts';
import { type Html, html, type Value } from './html.ts';
import { actorLine, badge } from './labels.ts';
import { approvalPath, changePath } from './links.ts';
import { time } from './time.ts';

/** Answers of a Lambda are at most 6 MB; records are at most 380 KB, but there can be many. */
const MAX_RAW_CHARACTERS = 60_000;
const MAX_RAW_RECORDS = 40;

/** What a record says, in words: a headline and what belongs to it. */
function inWords({ body, endpoint }: LedgerRecord): { title: Value; more?: Value } {
  switch (body.kind) {
    case 'change-opened':
      return body.plan
        ? { title: 'Opened: the plan was read', more: html`Valid until ${time(body.plan.validUntil)}.` }
        : { title: 'Opened: the endpoint was read', more: html`Its facts and its digest were put on record.` };
    case 'change-joined':
      return {
        title: html`Joined <a href="${changePath(endpoint, body.joined)}">change ${body.joined}</a>`,
        more: html`${body.cause} at ${time(body.changedAt, 'seconds')} is about the same deployment, so that change goes on for both.`,
      };
    case 'event-joined':
      return {
        title: html`Another event about it: ${body.event.cause}`,
        more: html`It happened at ${time(body.event.at, 'seconds')}.`,
      };
    case 'findings':
      return {
        title: html`Policies checked: ${badge(body.unchanged ? 'unchanged' : body.decision)}`,
        more: body.unchanged && html`The same deployment was accepted before.`,
      };
    case 'approval-requested':
      return {
        title: html`<a href="${approvalPath(body.request)}">Approval requested</a>`,
        more: html`Asked: ${body.approvers.join(', ') || 'nobody, because the list of approvers is empty'}. Asking: ${body.reasons.join(', ')}. Unanswered at ${time(body.expiresAt)} means no.`,
      };
    case 'approval-given':
      return {
        title: html`Answered: ${badge(body.answer)}${!body.decides && ' (more approvals needed)'}`,
        more: html`<q>${body.reason}</q>`,
      };
    case 'decided':
      return { title: html`Request ended: ${badge(body.answer)}`, more: body.reason };
    case 'commented':
      return { title: html`<strong>${body.person}</strong> commented`, more: html`<q>${body.text}</q>` };
    case 'break-glass-reviewed':
      return {
        title: html`<strong>${body.reviewer}</strong> reviewed the broken glass: ${body.finding === 'justified' ? 'justified' : 'not justified'}`,
        more: html`<q>${body.reason}</q>`,
      };
    case 'plan-matched':
      return {
        title: html`Carried out by <a href="${changePath({ ...endpoint, planned: undefined }, body.change)}">change ${body.change}</a>`,
      };
    case 'monitoring-verified':
      return { title: html`Monitors and alarms verified: ${badge(body.decision)}` };
    case 'outcome':
      return { title: html`Ended: ${badge(body.result)}`, more: body.reason };
  }
  // A newer version of Portcullis may have written kinds that this one does not know; they are still shown.
  return { title: (body as RecordBody).kind };
}

function raw(record: LedgerRecord): Html {
  const text = JSON.stringify(record, null, 2);
  const cut = text.length - MAX_RAW_CHARACTERS;
  return html`<details class="raw"><summary>Record ${record.sequence}</summary><pre tabindex="0">${text.slice(0, MAX_RAW_CHARACTERS)}${cut > 0 && `\n... ${cut} more characters are not shown here`}</pre></details>`;
}

const entry = (at: string, who: Value, title: Value, more: Value, rest?: Value) => html`<li>
<p class="timeline-time">${time(at, 'seconds')}</p>
<div><p class="timeline-title">${title}</p>
${more && html`<p>${more}</p>`}
<p class="muted">${who}</p>
${rest}</div>
</li>
`;

/** Everything on record about a change, oldest first, starting with the event itself. */
export function timeline({ opened, records }: ChangeHistory, joined: readonly LedgerRecord[]): Html {
  const openedBy = records.find(({ body }) => body.kind === 'change-opened')?.actor;
  const all = [...records, ...joined].sort((a, b) => a.sequence - b.sequence);
  return html`<ol class="timeline">
${
  opened &&
  entry(
    opened.changedAt,
    openedBy && openedBy.kind !== 'gate' ? actorLine(openedBy) : 'This event does not say who did it.',
    html`It happened: ${opened.cause}`,
    undefined,
  )
}${all.map((record, index) => {
  const { title, more } = inWords(record);
  // The event above is the person's; opening the change is the gate's work.
  const who = record.body.kind === 'change-opened' ? 'Portcullis' : actorLine(record.actor);
  return entry(record.at, who, title, more, index < MAX_RAW_RECORDS && raw(record));
})}</ol>`;
}
