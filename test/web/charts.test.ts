import { describe, expect, test } from 'vitest';
import { axisSteps, barChart, stackedColumns } from '../../web/charts.ts';
import { HOSTILE } from './web-builders.ts';

const frame = { id: 'test', title: 'Cost', summary: 'Two of three.' };
const series = [
  { name: 'Accepted', tone: 'good' as const },
  { name: 'Blocked', tone: 'bad' as const },
];

describe('bars', () => {
  const bars = [
    { label: 'prod', values: [40, 10], limit: 50 },
    { label: 'staging', values: [0, 0], href: '/cost' },
  ];
  const html = barChart({ ...frame, series, bars, limitName: 'Budget' }).toString();

  test('are as long as their values, one part after the other, with a little room beyond the longest', () => {
    expect(html).toMatch(/class="tone-good" x="0%"[^>]* width="76.92%"/);
    expect(html).toMatch(/class="tone-bad" x="76.92%"[^>]* width="19.23%"/);
    expect(html).toMatch(/<line class="limit" x1="96.15%" x2="96.15%"/);
  });

  test('are told apart by patterns, and say what they show in words and in a table', () => {
    for (const tone of ['good', 'bad']) expect(html).toContain(`fill="url(#test-${tone})"`);
    expect(html).toContain('<strong>Cost</strong> <span>Two of three.</span>');
    for (const cell of ['data-label="Accepted"><div>40', 'data-label="Blocked"><div>10', 'data-label="Budget"><div>50'])
      expect(html).toContain(cell);
    expect(html).toContain('data-label="Budget"><div>none');
  });

  test('of nothing at all can be drawn', () => {
    expect(barChart({ ...frame, series, bars: [{ label: 'prod', values: [0] }] }).toString()).not.toMatch(
      /NaN|Infinity/,
    );
    expect(barChart({ ...frame, series, bars: [] }).toString()).not.toMatch(/NaN|Infinity/);
  });
});

describe('columns', () => {
  const stacks = [
    { label: 'Nov 9', values: [3, 1] },
    { label: 'Nov 16', values: [0, 2], href: '/changes?from=2026-11-16' },
  ];
  const html = stackedColumns({ ...frame, series, per: 'Week from', stacks }).toString();

  test('stand on the base line, their parts on top of each other', () => {
    expect(html).toMatch(/y="42.5" width="32%" height="127.5"[^>]*><title>Nov 9: Accepted 3/);
    expect(html).toMatch(/y="0.0" width="32%" height="42.5"[^>]*><title>Nov 9: Blocked 1/);
    expect(html).not.toContain('Nov 16: Accepted 0');
  });

  test('are one picture with a name, whose parts are links in the table and not in the picture', () => {
    expect(html).toContain('role="img" aria-label="Cost. Two of three."');
    expect(html.match(/<svg[^>]*role="img"[\s\S]*?<\/svg>/)?.[0]).not.toContain('<a ');
    expect(html).toContain('<a href="/changes?from=2026-11-16">Nov 16</a>');
  });
});

test('an axis has up to five marks at round numbers, the last at or above the most', () => {
  for (const most of [0, 1, 3, 4, 5, 9, 37, 100, 101, 2_600, 99_999]) {
    const steps = axisSteps(most);
    expect(steps[0]).toBe(0);
    expect(steps.at(-1)).toBeGreaterThanOrEqual(Math.max(1, most));
    expect(steps.length).toBeLessThanOrEqual(6);
    expect(steps.every((step) => Number.isInteger(step))).toBe(true);
  }
});

test('nothing in a chart is a style, a script, or what somebody else wrote', () => {
  const hostile = { id: 'x', title: HOSTILE, summary: HOSTILE, series: [{ name: HOSTILE, tone: 'bad' as const }] };
  const html =
    barChart({ ...hostile, bars: [{ label: HOSTILE, values: [1], note: HOSTILE }] }).toString() +
    stackedColumns({ ...hostile, per: HOSTILE, stacks: [{ label: HOSTILE, values: [1] }] }).toString();
  expect(html).not.toMatch(/<script|<img/i);
  for (const [tag] of html.matchAll(/<[^>]*>/g)) expect(tag.replace(/"[^"]*"/g, '')).not.toMatch(/\s(style|on\w+)=/i);
});
