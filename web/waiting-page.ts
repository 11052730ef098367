import type { EndpointRef } from '../shared/model/endpoint-ref.ts';
import { type Html, html } from './html.ts';
import { page } from './layout.ts';
import { approvalPath, changePath } from './links.ts';
import { table } from './table.ts';
import { duration, time } from './time.ts';

/** A request that is still open. */
export type OpenRequest = { id: string; endpoint: EndpointRef; generation: number; expiresAt: string };

/** Requests that wait for people, soonest expiry first. */
export function waitingPage({ requests, now }: { requests: readonly OpenRequest[]; now: string }): Html {
  const sorted = [...requests].sort((a, b) => (a.expiresAt < b.expiresAt ? -1 : 1));
  return page({
    title: 'Waiting',
    section: 'waiting',
    body: html`<h1>Waiting</h1>
<p class="lead">Changes that wait for a person's decision, soonest expiry first. Unanswered means no.</p>
${
  sorted.length === 0
    ? html`<p class="empty">Nothing waits for a decision.</p>`
    : table(
        'Open requests',
        [
          {
            head: 'Endpoint',
            cell: ({ endpoint, id }) => html`<a href="${approvalPath(id)}"><strong>${endpoint.name}</strong></a>
<small class="muted nowrap">${endpoint.account} · ${endpoint.region}</small>`,
          },
          {
            head: 'Change',
            cell: ({ endpoint, generation }) =>
              html`<a href="${changePath(endpoint, generation)}">change ${generation}</a>`,
          },
          { head: 'Expires', narrow: true, cell: ({ expiresAt }) => time(expiresAt) },
          { head: 'Left', cell: ({ expiresAt }) => (expiresAt > now ? duration(now, expiresAt) : 'expired') },
        ],
        sorted,
      )
}`,
  });
}
