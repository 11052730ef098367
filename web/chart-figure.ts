import { type Html, html, type Value } from './html.ts';
import { type Column, table } from './table.ts';

/** What a part of a chart means. Each has a colour and a pattern, so that no chart speaks by colour alone. */
export type Tone = 'good' | 'bad' | 'ask' | 'note' | 'plain';
export type Series = { name: string; tone: Tone };

export type ChartFrame = {
  /** Unique on its page; letters, digits and hyphens. */
  id: string;
  title: string;
  /** What the chart shows, in a sentence, for whoever does not see it. */
  summary: string;
  series: readonly Series[];
};

// Solid, hatched, dotted, empty, and striped: told apart without colours, and on paper.
const INK: Record<Tone, Html> = {
  good: html`<rect width="6" height="6" fill="currentColor"/>`,
  bad: html`<rect width="6" height="6" fill="currentColor" fill-opacity=".28"/><path d="M-1 1 1 -1M0 6 6 0M5 7 7 5" stroke="currentColor" stroke-width="2"/>`,
  ask: html`<rect width="6" height="6" fill="currentColor" fill-opacity=".22"/><circle cx="3" cy="3" r="1.7" fill="currentColor"/>`,
  note: html`<rect width="6" height="6" fill="currentColor" fill-opacity=".3"/>`,
  plain: html`<rect width="6" height="6" fill="currentColor" fill-opacity=".18"/><path d="M0 1.5H6" stroke="currentColor" stroke-width="1.4"/>`,
};

export const inkOf = (id: string, tone: Tone): string => `url(#${id}-${tone})`;

/** The patterns that a chart's parts are filled with. */
function inks({ id, series }: ChartFrame): Html {
  const tones = [...new Set(series.map(({ tone }) => tone))];
  return html`<svg class="inks" width="0" height="0" aria-hidden="true" focusable="false"><defs>${tones.map(
    (tone) =>
      html`<pattern id="${id}-${tone}" class="tone-${tone}" width="6" height="6" patternUnits="userSpaceOnUse">${INK[tone]}</pattern>`,
  )}</defs></svg>`;
}

/** One part alone needs no legend: the title says what it is. */
function legend({ id, series }: ChartFrame): Value {
  if (series.length < 2) return undefined;
  return html`<ul class="legend">${series.map(
    ({ name, tone }) =>
      html`<li><svg width="14" height="14" class="tone-${tone}" aria-hidden="true" focusable="false"><rect x=".5" y=".5" width="13" height="13" rx="2" fill="${inkOf(id, tone)}" stroke="currentColor"/></svg>${name}</li>`,
  )}</ul>`;
}

/** A chart with everything that it may not be without: a title, a sentence, a legend, and its figures as a table. */
export function chartFigure<Row>(
  frame: ChartFrame,
  drawing: Html,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): Html {
  return html`<figure class="chart">
<figcaption><strong>${frame.title}</strong> <span>${frame.summary}</span></figcaption>
${legend(frame)}${inks(frame)}
${drawing}
<details class="figures-table"><summary>As a table<span class="hidden">: ${frame.title}</span></summary>${table(frame.title, columns, rows)}</details>
</figure>`;
}
