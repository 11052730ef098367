import { type ChangeFilter, ChangeState, filterQuery } from '../shared/model/change-filter.ts';
import type { ChangeRow } from '../shared/model/change-row.ts';
import type { EndpointRef } from '../shared/model/endpoint-ref.ts';
import { Environment } from '../shared/model/environment.ts';
import { type Html, html, type Value } from './html.ts';
import { badge, camelWords, labelOf } from './labels.ts';
import { page } from './layout.ts';
import { approvalPath, changePath, endpointPath } from './links.ts';
import { table } from './table.ts';
import { time } from './time.ts';

export type ChangesPage = {
  rows: readonly ChangeRow[];
  filter: ChangeFilter;
  /** At most so many rows are on one page. */
  limit: number;
  /** The cursor that led here, and the one of the next page. */
  after?: string | undefined;
  next?: string | undefined;
  /** Down to when everything was looked through, where the list goes on. */
  lookedBackTo?: string | undefined;
  /** The first day that was asked about, and the last. */
  days: { from: string; to: string };
};

/** How many rows a page can have. */
export const ROWS = [50, 200, 1_000] as const;

const option = (value: string, label: string, chosen: string | undefined) =>
  html`<option value="${value}"${value === (chosen ?? '') && html` selected`}>${label}</option>`;
const ORIGINS: [value: string, label: string][] = [
  ['', 'Changes and plans'],
  ['change', 'Changes'],
  ['plan', 'Plans'],
  ['unplanned', 'Changes without a plan'],
  ['out-of-band', 'Changes that differ from their plan'],
];

/** The address of the list with this filter. */
export const changesPath = (filter: ChangeFilter, more: Record<string, string | undefined> = {}) =>
  `/changes${filterQuery(filter, more)}`;

const rowsQuery = (limit: number) => (limit === ROWS[0] ? undefined : String(limit));

function filterForm({ filter, limit }: ChangesPage): Html {
  const { environment, result, from, to, endpoint, person, cause, origin } = filter;
  const more = person ?? cause ?? origin ?? rowsQuery(limit);
  // The browser's own field for a day takes no month, so a month stands as text.
  const day = (name: 'from' | 'to', value: string | undefined) =>
    html`<input name="${name}" value="${value}" size="10" maxlength="10" inputmode="numeric" pattern="20[0-9]{2}-[0-9]{2}(-[0-9]{2})?" placeholder="2026-11-20" title="A day like 2026-11-20, or a month like 2026-11">`;
  return html`<form class="filter" method="get" action="/changes" role="search" aria-label="Changes">
<label class="grow">Endpoint <input type="search" name="endpoint" value="${endpoint}" maxlength="200" placeholder="part of its name"></label>
<label>Environment <select name="environment">${option('', 'All', environment)}${Environment.options.map((each) => option(each, each, environment))}</select></label>
<label>Result <select name="result">${option('', 'All', result)}${ChangeState.options.map((each) => option(each, labelOf(each), result))}</select></label>
<label>From ${day('from', from)}</label>
<label>To ${day('to', to)}</label>
<details class="more-filters"${more !== undefined && html` open`}><summary>More</summary><div>
<label>Made by <input name="person" value="${person}" maxlength="200" placeholder="as on record"></label>
<label>Cause <input name="cause" value="${cause}" maxlength="200" placeholder="UpdateEndpoint"></label>
<label>Origin <select name="origin">${ORIGINS.map(([value, label]) => option(value, label, origin))}</select></label>
<label>Rows <select name="rows">${ROWS.map((each) => option(String(each), String(each), String(limit)))}</select></label>
</div></details>
<span class="actions"><button class="primary">Show</button>
${Object.keys(filter).length > 0 && html`<a href="/changes">Clear</a>`}</span>
</form>`;
}

/** One click for what is asked most, within the rest of the filter. */
function presets({ filter, days }: ChangesPage): Html {
  const month = days.to.slice(0, 7);
  const choices: [label: string, wanted: ChangeFilter][] = [
    ['Open', { result: 'open' }],
    ['Blocked', { result: 'blocked' }],
    ['Undetermined', { result: 'undetermined' }],
    ['In prod', { environment: 'prod' }],
    ['Without a plan', { origin: 'unplanned' }],
    ['Differs from its plan', { origin: 'out-of-band' }],
    [`All of ${month}`, { from: month, to: month }],
  ];
  return html`<ul class="presets" aria-label="Often asked">${choices.map(([label, wanted]) => {
    const names = Object.keys(wanted) as (keyof ChangeFilter)[];
    const on = names.every((name) => filter[name] === wanted[name]);
    const without = Object.fromEntries(Object.entries(filter).filter(([name]) => !names.includes(name as never)));
    return html`<li><a href="${changesPath(on ? without : { ...filter, ...wanted })}"${on && html` aria-current="true"`}>${label}</a></li>`;
  })}</ul>`;
}

const refOf = ({ account, region, endpoint: name, planned }: ChangeRow): EndpointRef => ({
  account,
  region,
  name,
  ...(planned && { planned }),
});

const stateOf = (row: ChangeRow): Value =>
  row.state === 'open' && row.request
    ? html`<a href="${approvalPath(row.request)}">${badge('waiting')}</a>`
    : badge(row.state);

/** Changes as a table, with links to each and to the history of its endpoint. */
export function changesTable(caption: string, rows: readonly ChangeRow[]): Html {
  return html`<div class="changes">${table(
    caption,
    [
      {
        head: 'Change',
        cell: (
          row,
        ) => html`<a href="${changePath(refOf(row), row.generation)}"><strong>${row.endpoint}</strong> ${row.planned ? 'plan ' : '#'}${row.generation}</a>
<small class="muted">${row.account} · <span class="nowrap">${row.region}</span> · <a href="${endpointPath(refOf(row))}">history<span class="hidden"> of ${row.endpoint}</span></a></small>`,
      },
      { head: 'Environment', narrow: true, cell: ({ environment }) => environment },
      { head: 'State', narrow: true, cell: stateOf },
      { head: 'Since', narrow: true, cell: ({ at }) => time(at) },
      { head: 'Who', cell: ({ who }) => who ?? html`<span class="muted">not named</span>` },
      {
        head: 'Why',
        cell: ({ cause, reason }) =>
          html`${cause && html`<p>${camelWords(cause)}</p>`}<p class="muted">${reason ?? 'Not decided yet.'}</p>`,
      },
    ],
    rows,
  )}</div>`;
}

function paging({ filter, limit, after, next, lookedBackTo, rows }: ChangesPage): Value {
  const rowsOf = { rows: rowsQuery(limit) };
  const looked = next !== undefined && rows.length < limit;
  return html`${looked && html`<p class="muted">Looked through everything back to ${lookedBackTo?.slice(0, 10)} so far; the list goes on.</p>`}
${(after ?? next) && html`<nav class="paging" aria-label="Pages">${after && html`<a href="${changesPath(filter, rowsOf)}">Newest</a>`}${next && html`<a class="button" href="${changesPath(filter, { ...rowsOf, after: next })}" rel="next">${looked ? 'Look further back' : 'Older'}</a>`}</nav>`}
${rows.length > 0 && html`<p class="muted"><a href="/changes.csv${filterQuery(filter, { ...rowsOf, after })}">These ${rows.length} as CSV</a></p>`}`;
}

const NONE =
  'No change has been noticed yet. The first one appears here as soon as an endpoint is created, updated or deleted.';

/** The list of changes, newest first. */
export function changesPage(model: ChangesPage): Html {
  const { rows, filter, days, after, next } = model;
  const filtered = Object.keys(filter).length > 0 || after !== undefined;
  const none = next ? 'Nothing fits so far.' : filtered ? 'No change fits this filter.' : NONE;
  return page({
    title: 'Changes',
    section: 'changes',
    body: html`<h1>Changes</h1>
<p class="lead">Every change of a SageMaker endpoint that was noticed from <span class="nowrap">${days.from}</span> to <span class="nowrap">${days.to}</span>, and how it ended.</p>
${filterForm(model)}
${presets(model)}
${rows.length > 0 ? changesTable('Changes, newest first', rows) : html`<p class="empty">${none}</p>`}
${paging(model)}`,
  });
}
