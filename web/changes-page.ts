import type { ChangeRow } from '../shared/model/change-row.ts';
import { type EndpointRef, streamOf } from '../shared/model/endpoint-ref.ts';
import { Environment } from '../shared/model/environment.ts';
import { Result } from '../shared/model/ledger-record.ts';
import { type Html, html } from './html.ts';
import { badge, labelOf } from './labels.ts';
import { page } from './layout.ts';
import { approvalPath, changePath } from './links.ts';
import { table } from './table.ts';
import { time } from './time.ts';

/** What the reader asked for; absent means everything. */
export type ChangesFilter = { environment?: Environment; result?: Result | 'open'; month?: string };

export type ChangesPage = {
  rows: readonly ChangeRow[];
  filter: ChangesFilter;
  /** At most so many rows are listed. */
  limit: number;
  /** Requests that are open, by stream and change: `waitingKey(...)` -> id. */
  waiting: ReadonlyMap<string, string>;
};

export const waitingKey = (stream: string, generation: number) => `${stream}#${generation}`;

const option = (value: string, label: string, chosen: string | undefined) =>
  html`<option value="${value}"${value === (chosen ?? '') && html` selected`}>${label}</option>`;

const filterForm = ({ environment, result, month }: ChangesFilter) => html`<form class="filter" method="get" action="/">
<label>Environment <select name="environment">${option('', 'All', environment)}${Environment.options.map((each) => option(each, each, environment))}</select></label>
<label>Result <select name="result">${option('', 'All', result)}${(['open', ...Result.options] as const).map((each) => option(each, labelOf(each), result))}</select></label>
<label>Month <input type="month" name="month" value="${month}" pattern="[0-9]{4}-[0-9]{2}" placeholder="2026-11"></label>
<button>Show</button>
${(environment ?? result ?? month) && html`<a href="/">Clear</a>`}
</form>`;

function changesTable({ rows, waiting }: ChangesPage): Html {
  const refOf = ({ account, region, endpoint: name, planned }: ChangeRow): EndpointRef => ({
    account,
    region,
    name,
    ...(planned && { planned }),
  });
  const state = (row: ChangeRow) => {
    const request = row.state === 'open' && waiting.get(waitingKey(streamOf(refOf(row)), row.generation));
    return request ? html`<a href="${approvalPath(request)}">${badge('waiting')}</a>` : badge(row.state);
  };
  return table(
    'Changes, newest first',
    [
      {
        head: 'Change',
        cell: (
          row,
        ) => html`<a href="${changePath(refOf(row), row.generation)}"><strong>${row.endpoint}</strong> ${row.planned ? 'plan ' : '#'}${row.generation}</a>
<small class="muted nowrap">${row.account} · ${row.region}</small>`,
      },
      { head: 'Environment', narrow: true, cell: ({ environment }) => environment },
      { head: 'State', narrow: true, cell: state },
      { head: 'Since', narrow: true, cell: ({ at }) => time(at) },
      { head: 'Who', cell: ({ who }) => who ?? html`<span class="muted">not named</span>` },
      {
        head: 'Why',
        cell: ({ cause, reason }) =>
          html`${cause && html`<p>${cause}</p>`}<p class="muted">${reason ?? 'Not decided yet.'}</p>`,
      },
    ],
    rows,
  );
}

/** The list of changes, newest first. */
export function changesPage(model: ChangesPage): Html {
  const { rows, filter, limit } = model;
  const filtered = Object.keys(filter).length > 0;
  const span = filter.month ?? 'the last three months';
  return page({
    title: 'Changes',
    section: 'changes',
    body: html`<h1>Changes</h1>
<p class="lead">Every change of a SageMaker endpoint that was noticed in ${span}, and how it ended.</p>
${filterForm(filter)}
${rows.length > 0 ? changesTable(model) : html`<p class="empty">${filtered ? 'No change fits this filter.' : 'No change has been noticed yet. The first one appears here as soon as an endpoint is created, updated or deleted.'}</p>`}
${rows.length >= limit && html`<p class="muted">These are the newest ${limit}. Choose a month or a result to see others.</p>`}`,
  });
}
