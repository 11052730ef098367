import { type Html, html } from './html.ts';
import { page } from './layout.ts';
import { table } from './table.ts';
import { time } from './time.ts';

export type QuarantinePage = {
  events: readonly { id: string; reason: string; at: string; event: string }[];
  dropped: readonly { reason: string; count: number }[];
};

/** An answer of a Lambda is at most 6 MB. */
const MAX_EVENTS = 50;
const MAX_EVENT_CHARACTERS = 20_000;

function indented(event: string): string {
  try {
    return JSON.stringify(JSON.parse(event), null, 2);
  } catch {
    // It was cut when it was kept, or it never was JSON.
    return event;
  }
}

function eventItem({ id, reason, at, event }: QuarantinePage['events'][number]): Html {
  const text = indented(event);
  const cut = text.length - MAX_EVENT_CHARACTERS;
  return html`<li class="card"><p class="muted">${time(at, 'seconds')} · <code>${id}</code></p>
<p>${reason}</p>
<details class="raw"><summary>Event</summary><pre tabindex="0">${text.slice(0, MAX_EVENT_CHARACTERS)}${cut > 0 && `\n... ${cut} more characters are not shown here`}</pre></details></li>
`;
}

/** Events that could not be understood, and counts of those that were left alone on purpose. */
export function quarantinePage({ events, dropped }: QuarantinePage): Html {
  const byCount = [...dropped].sort((a, b) => b.count - a.count);
  return page({
    title: 'Quarantine',
    section: 'quarantine',
    body: html`<h1>Quarantine</h1>
<p class="lead">Events that are not what their type promises. They are kept whole, never dropped: somebody has to look at each.</p>
${events.length === 0 ? html`<p class="empty">The quarantine is empty.</p>` : html`<ol class="plain cards">${events.slice(0, MAX_EVENTS).map(eventItem)}</ol>`}
${events.length > MAX_EVENTS && html`<p class="muted">${events.length - MAX_EVENTS} older ones are not shown here.</p>`}
<section><h2>Left alone</h2>
<p>Events that are about nothing Portcullis gates, by reason.</p>
${
  byCount.length === 0
    ? html`<p class="empty">None so far.</p>`
    : table(
        'Dropped events by reason',
        [
          { head: 'Reason', cell: ({ reason }) => html`<code>${reason}</code>` },
          { head: 'Events', cell: ({ count }) => count.toLocaleString('en-US') },
        ],
        byCount,
      )
}</section>`,
  });
}
