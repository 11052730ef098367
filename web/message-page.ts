import { type Html, html } from './html.ts';
import { page } from './layout.ts';

/** Something did not work: what, why, and what to do about it. */
export type Message = { happened: string; why: string; todo: string };

/** The page for whatever has no page. The id is in the log too. */
export function messagePage({ happened, why, todo }: Message, errorId: string): Html {
  return page({
    title: happened,
    body: html`<h1>${happened}</h1>
<p class="lead">${why}</p>
<p>${todo}</p>
<p class="muted">Error id <code>${errorId}</code></p>`,
  });
}
