import { type ChartFrame, chartFigure, inkOf, type Series } from './chart-figure.ts';
import { type Html, html, type Value } from './html.ts';
import type { Column } from './table.ts';

// Drawn by the server as SVG: positions are percentages, so that a chart fits any width while its text keeps its size.

/** `12.34%`, as an attribute. */
const percent = (share: number) => `${Number((share * 100).toFixed(2))}%`;

const titled = (label: string, text: string) => html`<title>${label}: ${text}</title>`;
const ownFormat = (value: number) => value.toLocaleString('en-US');

/** One bar: what it is about, and a value for each series. */
export type Bar = {
  label: string;
  /** The page that has more about it. */
  href?: string;
  values: readonly number[];
  /** A line that the bar should stay below, such as a budget. */
  limit?: number;
  /** Said behind the bar in place of its sum. */
  note?: string;
};
export type BarChart = ChartFrame & { bars: readonly Bar[]; limitName?: string; format?: (value: number) => string };

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** Bars that lie, one a row, their parts one after the other; for amounts and their limits. Values are 0 or more. */
export function barChart({ bars, limitName = 'Limit', format = ownFormat, ...frame }: BarChart): Html {
  const { id, series } = frame;
  // A little room on the right, so that a limit which nothing reaches can be seen as a line and not as the frame.
  const most = Math.max(...bars.flatMap(({ values, limit = 0 }) => [sum(values), limit]), 0) * 1.04 || 1;
  const row = ({ label, href, values, limit, note }: Bar) => {
    let from = 0;
    const parts = values.map((value, index) => {
      const { name, tone } = series[index] ?? { name: '', tone: 'plain' };
      const x = from / most;
      from += value;
      return (
        value > 0 &&
        html`<rect class="tone-${tone}" x="${percent(x)}" y="3" width="${percent(value / most)}" height="14" fill="${inkOf(id, tone)}" stroke="currentColor">${titled(name, format(value))}</rect>`
      );
    });
    return html`<li><span class="bar-label">${href ? html`<a href="${href}">${label}</a>` : label}</span>
<svg width="100%" height="20" aria-hidden="true" focusable="false"><rect class="track" y="3" width="100%" height="14"/>${parts}${
      limit !== undefined &&
      html`<line class="limit" x1="${percent(limit / most)}" x2="${percent(limit / most)}" y1="0" y2="20">${titled(limitName, format(limit))}</line>`
    }</svg>
<span class="bar-value">${note ?? format(sum(values))}</span></li>
`;
  };
  const columns: Column<Bar>[] = [
    { head: 'What', cell: ({ label, href }) => (href ? html`<a href="${href}">${label}</a>` : label) },
    ...series.map(({ name }, index) => ({
      head: name,
      cell: ({ values }: Bar) => format(values[index] ?? 0),
    })),
    ...(bars.some(({ limit }) => limit !== undefined)
      ? [{ head: limitName, cell: ({ limit }: Bar) => (limit === undefined ? 'none' : format(limit)) }]
      : []),
  ];
  return chartFigure(frame, html`<ul class="bars">${bars.map(row)}</ul>`, columns, bars);
}

/** One column of a chart over time: `Nov 16`, and a value for each series. */
export type Stack = { label: string; href?: string; values: readonly number[] };
export type StackedColumns = ChartFrame & {
  stacks: readonly Stack[];
  /** What a column is: `Week of`. */
  per: string;
};

const PLOT_PX = 170;
const HEIGHT_PX = 200;

/** 0 and up to four steps of 1, 2 or 5 times a power of ten, the last at or above `most`. */
export function axisSteps(most: number): number[] {
  const rough = Math.max(1, most) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough) ?? 1);
  const last = Math.max(1, Math.ceil(most / step));
  return Array.from({ length: last + 1 }, (_, index) => index * step);
}

/** One column: its parts from the bottom up. */
function column(
  id: string,
  series: readonly Series[],
  { label, values }: Stack,
  at: number,
  width: number,
  top: number,
) {
  let y = PLOT_PX;
  return html`<g>${values.map((value, index) => {
    const { name, tone } = series[index] ?? { name: '', tone: 'plain' };
    const height = (value / top) * PLOT_PX;
    y -= height;
    return (
      value > 0 &&
      html`<rect class="tone-${tone}" x="${percent(at)}" y="${y.toFixed(1)}" width="${percent(width)}" height="${height.toFixed(1)}" fill="${inkOf(id, tone)}" stroke="currentColor">${titled(label, `${name} ${ownFormat(value)}`)}</rect>`
    );
  })}</g>`;
}

/** Columns that stand side by side, oldest first, their parts stacked; for counts over time. */
export function stackedColumns({ stacks, per, ...frame }: StackedColumns): Html {
  const { id, series, title, summary } = frame;
  const steps = axisSteps(Math.max(...stacks.map(({ values }) => sum(values)), 0));
  const top = steps.at(-1) ?? 1;
  const yOf = (step: number) => (PLOT_PX - (step / top) * PLOT_PX + 8).toFixed(1);
  const each = 1 / Math.max(1, stacks.length);
  // A label for every column does not fit: some are left out, and on a phone some more.
  const every = Math.ceil(stacks.length / 7);
  const fromEnd = (index: number) => stacks.length - 1 - index;
  const label = ({ label: text }: Stack, index: number): Value =>
    fromEnd(index) % every === 0 &&
    html`<text x="${percent((index + 0.5) * each)}" y="${HEIGHT_PX + 4}" text-anchor="middle"${fromEnd(index) % (2 * every) !== 0 && html` class="wide"`}>${text}</text>`;
  const drawing = html`<div class="plot"><svg class="axis" width="36" height="${HEIGHT_PX + 10}" aria-hidden="true" focusable="false">${steps.map(
    (step) => html`<text x="30" y="${yOf(step)}" dy=".32em" text-anchor="end">${ownFormat(step)}</text>`,
  )}</svg><svg width="100%" height="${HEIGHT_PX + 10}" role="img" aria-label="${title}. ${summary}"><g>${steps.map(
    (step) =>
      html`<line class="${step === 0 ? 'base' : 'grid'}" x1="0" x2="100%" y1="${yOf(step)}" y2="${yOf(step)}"/>`,
  )}</g><g transform="translate(0 8)">${stacks.map((stack, index) =>
    column(id, series, stack, (index + 0.18) * each, 0.64 * each, top),
  )}</g>${stacks.map(label)}</svg></div>`;
  const columns: Column<Stack>[] = [
    { head: per, cell: ({ label: text, href }) => (href ? html`<a href="${href}">${text}</a>` : text) },
    ...series.map(({ name }, index) => ({ head: name, cell: ({ values }: Stack) => ownFormat(values[index] ?? 0) })),
  ];
  return chartFigure(frame, drawing, columns, stacks);
}
