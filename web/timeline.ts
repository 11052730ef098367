import type { ChangeHistory } from '../shared/model/endpoint-history.ts';
import { GENESIS, type LedgerRecord, type RecordBody, recordHash } from '../shared/model/ledger-record.ts';
import { eventId } from './event-id.ts';
import { type Html, html, type Value } from './html.ts';
import { actorLine, badge } from './labels.ts';
import { approvalPath, changePath } from './links.ts';
import { elapsed, time } from './time.ts';

/** Answers of a Lambda are at most 6 MB; records are at most 380 KB, but there can be many. */
const MAX_RAW_CHARACTERS = 60_000;
const MAX_RAW_RECORDS = 40;

const PUT_BACK = {
  done: 'Put back',
  failed: 'It could not be put back',
  abandoned: 'It was not put back',
  stopped: 'It was not put back: too often within an hour',
} as const;

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
    case 'waiver-granted': {
      const { approver, policy, environment, until, reason, id } = body.waiver;
      return {
        title: html`<strong>${approver}</strong> waived <code>${policy}</code>`,
        more: html`In ${environment}, until ${time(until)}: <q>${reason}</q> (waiver ${id})`,
      };
    }
    case 'waiver-revoked':
      return {
        title: html`<strong>${body.approver}</strong> revoked the waiver of <code>${body.policy}</code>`,
        more: html`<q>${body.reason}</q> (waiver ${body.waiver})`,
      };
    case 'remediation-proposed':
      return {
        title: body.to
          ? html`Proposed: back to <code>${body.to.configName}</code>, as accepted with <a href="${changePath(endpoint, body.to.generation)}">change ${body.to.generation}</a>`
          : 'Looked at how it could be put back',
        more: body.notes.join(' '),
      };
    case 'remediation-accepted':
      return {
        title: html`<strong>${body.person}</strong> had it put back`,
        more: html`<q>${body.reason}</q>`,
      };
    case 'remediation-intended':
      return {
        title: html`Putting it back: ${body.calls.map(({ api }) => api).join(', ')}`,
        more: body.person === null ? 'The settings want it.' : html`Because ${body.person} wants it.`,
      };
    case 'remediation-done':
      return { title: PUT_BACK[body.result], more: body.reason };
  }
  // A newer version of Portcullis may have written kinds that this one does not know; they are still shown.
  return { title: (body as RecordBody).kind };
}

/** What proves a record: its place, its own hash, and that of the record before, which the next one repeats. */
function proof(record: LedgerRecord): Html {
  const { sequence, previous } = record;
  return html`<dl class="proof"><div><dt>Record</dt><dd>${sequence} of its stream</dd></div><div><dt>SHA-256</dt><dd><code>${recordHash(record)}</code></dd></div><div><dt>Before it</dt><dd>${previous === GENESIS ? 'nothing: it is the first' : html`<code>${previous}</code>`}</dd></div></dl>`;
}

function raw(record: LedgerRecord): Html {
  const text = JSON.stringify(record, null, 2);
  const cut = text.length - MAX_RAW_CHARACTERS;
  return html`<details class="raw"><summary>Record ${record.sequence}</summary>${proof(record)}<pre tabindex="0">${text.slice(0, MAX_RAW_CHARACTERS)}${cut > 0 && `\n... ${cut} more characters are not shown here`}</pre></details>`;
}

/** The event that a record is about, if it is about one. */
function eventOf({ body, endpoint }: LedgerRecord): Value {
  if (body.kind === 'event-joined') return eventId(body.event.eventId, body.event.cause, endpoint);
  if (body.kind === 'change-joined') return eventId(body.eventId, body.cause, endpoint);
  return undefined;
}

type Step = { at: string; before: string | undefined; who: Value; title: Value; more?: Value; rest?: Value };

const step = ({ at, before, who, title, more, rest }: Step) => html`<li>
<p class="timeline-time">${time(at, 'seconds')}${before !== undefined && html`<br><small>${elapsed(before, at)} later</small>`}</p>
<div><p class="timeline-title">${title}</p>
${more && html`<p>${more}</p>`}
<p class="muted">${who}</p>
${rest}</div>
</li>
`;

/** How long it all took: `From the event to the outcome: 3 min.` */
function span({ opened, outcome }: ChangeHistory, last: LedgerRecord | undefined): Value {
  if (!opened || !last) return undefined;
  const until = outcome ? 'From the event to the outcome' : 'So far';
  return html`<p class="muted">${until}: <strong>${elapsed(opened.changedAt, last.at)}</strong>. Each record holds the hash of the one before it; <code>portcullis audit verify</code> checks them all.</p>`;
}

/** Everything on record about a change, oldest first, starting with the event itself. */
export function timeline(change: ChangeHistory, joined: readonly LedgerRecord[]): Html {
  const { opened, records } = change;
  const openedBy = records.find(({ body }) => body.kind === 'change-opened');
  const all = [...records, ...joined].sort((a, b) => a.sequence - b.sequence);
  const waived = opened?.waivers?.find(({ id }) => opened.eventId === `waiver-${id}`);
  const event =
    opened &&
    step({
      at: opened.changedAt,
      before: undefined,
      who: waived
        ? html`<strong>${waived.approver}</strong> waived <code>${waived.policy}</code>`
        : openedBy && openedBy.actor.kind !== 'gate'
          ? actorLine(openedBy.actor)
          : 'This event does not say who did it.',
      title: html`It happened: ${opened.cause}`,
      more: openedBy && eventId(opened.eventId, opened.cause, openedBy.endpoint),
    });
  const outcome = all.find(({ body }) => body.kind === 'outcome');
  return html`${span(change, outcome ?? all.at(-1))}<ol class="timeline">
${event}${all.map((record, index) => {
  const { title, more } = inWords(record);
  const before = all[index - 1]?.at ?? opened?.changedAt;
  // The event above is the person's; opening the change is the gate's work.
  const who = record.body.kind === 'change-opened' ? 'Portcullis' : actorLine(record.actor);
  const about = eventOf(record);
  const { unprotected } = record;
  return step({
    at: record.at,
    before,
    who,
    title,
    more: html`${more}${about && html` <span class="muted">${about}</span>`}${unprotected && html` <strong>Switched off meanwhile: ${unprotected.join(', ')}.</strong>`}`,
    rest: index < MAX_RAW_RECORDS && raw(record),
  });
})}</ol>
${all.length > MAX_RAW_RECORDS && html`<p class="muted">The records themselves are shown for the first ${MAX_RAW_RECORDS}; <code>portcullis audit show</code> has them all.</p>`}`;
}
