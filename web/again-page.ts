import { type Html, html } from './html.ts';
import { page } from './layout.ts';

const MARK = 'again';

/** Was this address asked for by the page below? */
export const wasSentAgain = (query: string) => new URLSearchParams(query).has(MARK);

/** The same address with a mark, so that it is asked for once more and not for ever. */
export const againPath = (path: string) => `${path}${path.includes('?') ? '&' : '?'}${MARK}=1`;

/** A page that goes on to `path` by itself, without scripts, as somebody who comes from here. */
export const againPage = (path: string): Html =>
  page({ title: 'One moment', refresh: path, body: html`<h1>One moment</h1><p><a href="${path}">Go on</a></p>` });
