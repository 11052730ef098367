import type { EndpointRef } from '../shared/model/endpoint-ref.ts';
import { type Html, html, type Value } from './html.ts';
import { page } from './layout.ts';
import { approvalPath, changePath } from './links.ts';
import { type Column, table } from './table.ts';
import { duration, time } from './time.ts';

/** A request that is still open. */
export type OpenRequest = { id: string; endpoint: EndpointRef; generation: number; expiresAt: string };
/** An approval by broken glass that nobody has reviewed. */
export type UnreviewedGlass = { request: string; endpoint: EndpointRef; generation: number; since: string };

export type WaitingPage = {
  /** Some of the requests, soonest expiry first. */
  requests: readonly OpenRequest[];
  reviews?: readonly UnreviewedGlass[];
  now: string;
  /** Where the list goes on, if it does, and whether it began earlier. */
  next?: string | undefined;
  continued?: boolean;
};

const endpointCell = ({ endpoint: { name, account, region } }: { endpoint: EndpointRef }, request: string) =>
  html`<a href="${approvalPath(request)}"><strong>${name}</strong></a>
<small class="muted nowrap">${account} · ${region}</small>`;
const changeCell = ({ endpoint, generation }: { endpoint: EndpointRef; generation: number }) =>
  html`<a href="${changePath(endpoint, generation)}">${endpoint.planned ? 'plan' : 'change'} ${generation}</a>`;

function reviewsSection(reviews: readonly UnreviewedGlass[]): Value {
  if (reviews.length === 0) return undefined;
  const columns: Column<UnreviewedGlass>[] = [
    { head: 'Endpoint', cell: (review) => endpointCell(review, review.request) },
    { head: 'Change', cell: changeCell },
    { head: 'Open since', narrow: true, cell: ({ since }) => time(since) },
  ];
  return html`<h2>Broken glass</h2>
<p class="notice">Somebody approved these alone, in an emergency. They stay here until a second person has reviewed them.</p>
${table('To be reviewed', columns, reviews)}
`;
}

/** Requests that wait for people, soonest expiry first, and what a second person has to look at. */
export function waitingPage({ requests, reviews = [], now, next, continued = false }: WaitingPage): Html {
  const sorted = [...requests].sort((a, b) => (a.expiresAt < b.expiresAt ? -1 : 1));
  const columns: Column<OpenRequest>[] = [
    { head: 'Endpoint', cell: (request) => endpointCell(request, request.id) },
    { head: 'Change', cell: changeCell },
    { head: 'Expires', narrow: true, cell: ({ expiresAt }) => time(expiresAt) },
    { head: 'Left', cell: ({ expiresAt }) => (expiresAt > now ? duration(now, expiresAt) : 'expired') },
  ];
  const empty = continued ? 'Nothing more waits for a decision.' : 'Nothing waits for a decision.';
  return page({
    title: 'Waiting',
    section: 'waiting',
    body: html`<h1>Waiting</h1>
<p class="lead">Changes that wait for a person's decision, soonest expiry first. Unanswered means no.</p>
${sorted.length === 0 ? html`<p class="empty">${empty}</p>` : table('Open requests', columns, sorted)}
${(continued || next) && html`<p>${continued && html`<a href="/approvals">From the beginning</a> `}${next && html`<a href="/approvals?${new URLSearchParams({ after: next }).toString()}">More</a>`}</p>`}
${reviewsSection(reviews)}`,
  });
}
