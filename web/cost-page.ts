import type { CostReport, EndpointCost, EnvironmentReport } from '../shared/model/cost-report.ts';
import { formatCents } from '../shared/model/hourly-cost.ts';
import type { Crossing } from '../shared/model/live-prices.ts';
import { barChart } from './charts.ts';
import { type Html, html, type Value } from './html.ts';
import { page } from './layout.ts';
import { changePath, endpointPath } from './links.ts';
import { table } from './table.ts';
import { time } from './time.ts';

/** So many endpoints have a bar; the table below has all of them. */
const BARS = 12;

const MEASURES = {
  steady: 'as it stands now',
  ceiling: 'at the ceilings of auto scaling',
  peak: 'while deployments replace others',
} as const;

/** Where an environment stands, in a sentence. */
function saidOf({ environment, budgetUsd, running }: EnvironmentReport, counts: CostReport['counts']): string {
  const cost = formatCents(running[counts]);
  if (budgetUsd === undefined) return `${environment} ${cost} without a budget`;
  const left = budgetUsd - running[counts];
  return `${environment} ${cost} of ${formatCents(budgetUsd)}, ${left < 0 ? `${formatCents(-left)} over it` : `${formatCents(left)} left`}`;
}

function overall({ environments, counts }: CostReport): Html {
  return barChart({
    id: 'budgets',
    title: 'Cost an hour against budget',
    summary: `${environments.map((each) => saidOf(each, counts)).join('; ')}.`,
    series: [
      { name: 'Accepted or granted', tone: 'note' },
      { name: 'Runs without having been accepted', tone: 'bad' },
    ],
    limitName: 'Budget',
    format: formatCents,
    bars: environments.map(({ environment, budgetUsd, committed, running }) => ({
      label: environment,
      href: `#${environment}`,
      values: [committed[counts], Math.max(0, running[counts] - committed[counts])],
      ...(budgetUsd !== undefined && { limit: budgetUsd }),
      note:
        budgetUsd === undefined
          ? formatCents(running[counts])
          : `${formatCents(running[counts])} of ${formatCents(budgetUsd)}`,
    })),
  });
}

const nameOf = ({ endpoint, generation }: EndpointCost): Value =>
  html`<a href="${generation > 0 ? changePath(endpoint, generation) : endpointPath(endpoint)}">${endpoint.name}</a>`;

function users({ environment, endpoints }: EnvironmentReport, counts: CostReport['counts']): Value {
  if (endpoints.length === 0) return html`<p class="muted">Nothing is on record here.</p>`;
  const shown = endpoints.filter(({ running }) => running[counts] > 0).slice(0, BARS);
  const chart =
    shown.length > 1 &&
    barChart({
      id: `users-${environment}`,
      title: `Who uses it in ${environment}`,
      summary: `The dearest is ${shown[0]?.endpoint.name} with ${formatCents(shown[0]?.running[counts] ?? 0)} an hour.`,
      series: [
        { name: 'Accepted or granted', tone: 'note' },
        { name: 'Runs without having been accepted', tone: 'bad' },
      ],
      format: formatCents,
      bars: shown.map(({ endpoint, committed, running }) => ({
        label: endpoint.name,
        href: endpointPath(endpoint),
        values: [committed[counts], Math.max(0, running[counts] - committed[counts])],
      })),
    });
  return html`${chart}
${table(
  `Endpoints of ${environment}, dearest first`,
  [
    { head: 'Endpoint', cell: nameOf },
    { head: 'Standing', cell: ({ standing }) => html`<span class="nowrap">${standing}</span>`, narrow: true },
    {
      head: 'How',
      cell: ({ explanation, unknown }) =>
        html`${explanation}${unknown.length > 0 && html` <strong>Not known: ${unknown.join('; ')}</strong>`}`,
    },
    { head: 'As it stands', narrow: true, cell: ({ running }) => formatCents(running.steady) },
    { head: 'At its ceiling', narrow: true, cell: ({ running }) => formatCents(running.ceiling) },
    { head: 'At its peak', narrow: true, cell: ({ running }) => formatCents(running.peak) },
  ],
  endpoints,
)}`;
}

function waiting({ waiting, environment, budgetUsd }: EnvironmentReport): Value {
  if (waiting.length === 0) return undefined;
  return html`<h3>What the waiting changes would add</h3>
${table(
  `Waiting changes of ${environment}`,
  [
    {
      head: 'Change',
      cell: ({ endpoint, generation, planned }) =>
        html`<a href="${changePath({ ...endpoint, ...(planned && { planned }) }, generation)}">${endpoint.name} ${planned ? 'plan ' : '#'}${generation}</a>`,
    },
    { head: 'Adds', narrow: true, cell: ({ addsUsd }) => formatCents(addsUsd) },
    {
      head: 'Then all cost',
      narrow: true,
      cell: ({ thenUsd }) =>
        html`${formatCents(thenUsd)}${budgetUsd !== undefined && thenUsd > budgetUsd && html` <strong>over</strong>`}`,
    },
  ],
  waiting,
)}`;
}

const crossed = ({ limit, endpoint, fromUsd, toUsd, limitUsd }: Crossing): string =>
  `${endpoint?.name ?? 'all of it'} rose from ${formatCents(fromUsd)} to ${formatCents(toUsd)}, above ${limit === 'budget' ? 'the budget of' : 'the limit for approval of'} ${formatCents(limitUsd)}`;

function notices({ unread, moved, endpoints }: EnvironmentReport): Value {
  const unpriced = endpoints.filter(({ unknown }) => unknown.length > 0);
  const said: Value[] = [
    unread === null && 'Not every account and region has been counted yet, so this is not all of it.',
    unread !== null && unread > 0 && `${unread} endpoints have not been read so far; the sums leave them out.`,
    unpriced.length > 0 &&
      `The sums leave out what has no known price: ${unpriced.map(({ endpoint }) => endpoint.name).join(', ')}.`,
    moved &&
      `Prices of ${moved.region} moved between ${moved.from} and ${moved.to}: ${moved.crossings.map(crossed).join('; ')}.`,
  ].filter(Boolean);
  return said.length > 0 && html`<div class="notice"><ul>${said.map((each) => html`<li>${each}</li>`)}</ul></div>`;
}

/** Cost by environment against its budget, who uses it, and what the waiting changes would add. */
export function costPage(report: CostReport): Html {
  const { environments, counts, prices, at } = report;
  return page({
    title: 'Cost',
    section: 'cost',
    body: html`<h1>Cost</h1>
<p class="lead">What endpoints cost an hour by the ledger, ${time(at)}. Budgets are held against the cost ${MEASURES[counts]}.</p>
${overall(report)}
${environments.map(
  (each) => html`<section aria-labelledby="${each.environment}"><h2 id="${each.environment}">${each.environment}</h2>
<p class="figures"><span><b>${formatCents(each.running.steady)}</b> an hour as it stands</span>
<span><b>${formatCents(each.running.ceiling)}</b> at the ceilings of scaling</span>
<span><b>${formatCents(each.running.peak)}</b> while deployments replace others</span></p>
${notices(each)}${users(each, counts)}${waiting(each)}</section>
`,
)}
<p class="muted">On-demand list prices: ${prices.map(({ region, asOf, source }) => `${region} as of ${asOf}${source.length <= 100 ? ` (${source})` : ''}`).join('; ')}. Instances of endpoints only: no storage, no traffic, and not the instances that monitoring jobs run on. Savings plans and prices of your own are not in it.</p>`,
  });
}
