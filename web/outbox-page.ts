import { type Html, html } from './html.ts';
import { page } from './layout.ts';
import { time } from './time.ts';

/** A mail that the loopback AWS accepted. */
export type OutboxMail = { id: string; to: string[]; from: string; subject: string; text: string; at: string };

/** Mailboxes of everybody on this machine: what SES would have delivered. Only the local runtime serves it. */
export function outboxPage(mails: readonly OutboxMail[]): Html {
  const newestFirst = [...mails].sort((a, b) => (a.at < b.at ? 1 : -1));
  return page({
    title: 'Mailboxes',
    body: html`<h1>Mailboxes</h1>
<p class="lead">What would have been mailed, to everybody, newest first. This page exists only on this machine; on AWS each mail goes to its owner alone.</p>
${
  newestFirst.length === 0
    ? html`<p class="empty">No mail yet.</p>`
    : html`<ol class="plain cards">${newestFirst.slice(0, 200).map(
        ({
          to,
          subject,
          text,
          at,
        }) => html`<li class="card"><p class="muted">${time(at, 'seconds')} · to ${to.join(', ')}</p>
<h2>${subject}</h2>
<pre tabindex="0">${linked(text)}</pre></li>
`,
      )}</ol>`
}`,
  });
}

/** Links as a mail program makes them of plain text. */
function linked(text: string) {
  return text
    .split(/(https?:\/\/[^\s]+)/)
    .map((part, index) => (index % 2 === 1 ? html`<a href="${part}">${part}</a>` : part));
}
