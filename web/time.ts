import { type Html, html } from './html.ts';

/** `2026-11-20 14:03 UTC`, as plain text. */
export const moment = (iso: string, precision: 'minutes' | 'seconds' = 'minutes'): string =>
  `${iso.slice(0, precision === 'minutes' ? 16 : 19).replace('T', ' ')} UTC`;

/** `2026-11-20 14:03 UTC`: the same for every reader, sortable by eye, and clear where only a part of a page is shown. */
export function time(iso: string, precision: 'minutes' | 'seconds' = 'minutes'): Html {
  return html`<time datetime="${iso}">${moment(iso, precision)}</time>`;
}

/** `2 days 3 h`, `5 h 20 min`, `12 min`: how long from one moment to the next; never negative. */
export function duration(from: string, to: string): string {
  const minutes = Math.max(0, Math.floor((Date.parse(to) - Date.parse(from)) / 60_000));
  const [days, hours] = [Math.floor(minutes / 1_440), Math.floor(minutes / 60) % 24];
  if (days > 0) return `${days} ${days === 1 ? 'day' : 'days'} ${hours} h`;
  return hours > 0 ? `${hours} h ${minutes % 60} min` : `${minutes} min`;
}

/** The same for short steps too: `40 ms`, `3.2 s`, and from a minute on as above. */
export function elapsed(from: string, to: string): string {
  const ms = Math.max(0, Date.parse(to) - Date.parse(from));
  if (ms < 1_000) return `${ms} ms`;
  return ms < 60_000 ? `${(Math.floor(ms / 100) / 10).toFixed(1)} s` : duration(from, to);
}
