import type { ChangeRow } from '../shared/model/change-row.ts';
import type { EndpointRef } from '../shared/model/endpoint-ref.ts';
import type { Environment } from '../shared/model/environment.ts';
import { formatCents } from '../shared/model/hourly-cost.ts';
import type { Result } from '../shared/model/ledger-record.ts';
import { changesPath, changesTable } from './changes-page.ts';
import type { Series } from './chart-figure.ts';
import { barChart, stackedColumns } from './charts.ts';
import { type Html, html, type Value } from './html.ts';
import { page } from './layout.ts';
import { approvalPath, changePath } from './links.ts';
import { duration } from './time.ts';

/** A request that waits, and whether it waits for the reader. */
export type WaitingRequest = {
  id: string;
  endpoint: EndpointRef;
  generation: number;
  expiresAt: string;
  askedAt?: string | undefined;
  forMe: boolean;
};
export type WeekCounts = { from: string; to: string; counts: Partial<Record<Result, number>> };
/** What an environment costs an hour by the number that counts, and what it may; no budget in dev. */
export type EnvironmentCost = {
  environment: Environment;
  committedUsd: number;
  /** What runs although nobody accepted it, beyond the above. */
  unacceptedUsd: number;
  budgetUsd?: number | undefined;
};

export type OverviewPage = {
  now: string;
  /** Oldest first. */
  weeks: readonly WeekCounts[];
  /** Those that end first, at most so many as are read; `more` says that there are others. */
  waiting: readonly WaitingRequest[];
  moreWaiting: boolean;
  reviews: readonly { request: string; endpoint: EndpointRef; since: string }[];
  /** Events that nobody has understood, and whether they were counted to the end. */
  quarantined: { count: number; more: boolean };
  /** Endpoints whose monitors or alarms are off, from changes that are not settled well; absent where nobody keeps track. */
  guardsDown?: readonly ChangeRow[];
  costs: readonly EnvironmentCost[];
  latest: readonly ChangeRow[];
};

const GROUPS: readonly (Series & { results: readonly Result[] })[] = [
  { name: 'Accepted', tone: 'good', results: ['compliant', 'approved', 'unchanged'] },
  { name: 'Not let through', tone: 'bad', results: ['blocked', 'rejected', 'expired'] },
  { name: 'Undetermined', tone: 'ask', results: ['undetermined'] },
  { name: 'Went away', tone: 'plain', results: ['withdrawn', 'rolled-back', 'superseded', 'deleted'] },
];

const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
const countOf = ({ counts }: WeekCounts, results: readonly Result[]) => sum(results.map((each) => counts[each] ?? 0));
const many = (count: number, one: string, more: string) =>
  `${count.toLocaleString('en-US')} ${count === 1 ? one : more}`;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const shortDay = (day: string) => `${MONTHS[Number(day.slice(5, 7)) - 1]} ${Number(day.slice(8, 10))}`;

function outcomes({ weeks }: OverviewPage): Html {
  const totals = GROUPS.map(({ name, results }) => ({ name, count: sum(weeks.map((week) => countOf(week, results))) }));
  const all = sum(totals.map(({ count }) => count));
  const said = totals
    .filter(({ count }) => count > 0)
    .map(({ name, count }) => `${count.toLocaleString('en-US')} ${name.toLowerCase()}`);
  return stackedColumns({
    id: 'outcomes',
    title: 'How changes ended',
    summary:
      all === 0
        ? 'No change has ended in these weeks.'
        : `${many(all, 'change', 'changes')} in ${weeks.length} weeks: ${said.join(', ')}.`,
    series: GROUPS,
    per: 'Week from',
    stacks: weeks.map((week) => ({
      label: shortDay(week.from),
      href: changesPath({ from: week.from, to: week.to }),
      values: GROUPS.map(({ results }) => countOf(week, results)),
    })),
  });
}

const AGES: readonly [label: string, underHours: number][] = [
  ['under 1 h', 1],
  ['1 to 4 h', 4],
  ['4 to 12 h', 12],
  ['12 to 24 h', 24],
  ['over a day', Number.POSITIVE_INFINITY],
];

const hoursOf = (askedAt: string, now: string) => (Date.parse(now) - Date.parse(askedAt)) / 3_600_000;

function ages({ waiting, moreWaiting, now }: OverviewPage): Html {
  const known = waiting.flatMap(({ askedAt }) => (askedAt === undefined ? [] : [hoursOf(askedAt, now)]));
  const values = AGES.map(
    ([, under], index) => known.filter((hours) => hours < under && hours >= (AGES[index - 1]?.[1] ?? 0)).length,
  );
  const oldest = waiting.flatMap(({ askedAt }) => askedAt ?? []).sort()[0];
  const counted = moreWaiting
    ? `More than ${waiting.length} wait; these end first.`
    : `${many(waiting.length, 'waits', 'wait')}.`;
  return barChart({
    id: 'ages',
    title: 'Waiting for a decision, by age',
    summary:
      waiting.length === 0
        ? 'Nothing waits.'
        : `${counted}${oldest ? ` The oldest has waited for ${duration(oldest, now)}.` : ''}`,
    series: [{ name: 'Requests', tone: 'ask' }],
    bars: AGES.map(([label], index) => ({ label, values: [values[index] ?? 0] })),
  });
}

function cost({ costs }: OverviewPage): Value {
  if (costs.length === 0) return undefined;
  const said = costs.map(({ environment, committedUsd, unacceptedUsd, budgetUsd }) => {
    const all = committedUsd + unacceptedUsd;
    const of =
      budgetUsd === undefined
        ? ' without a budget'
        : ` of ${formatCents(budgetUsd)}${all > budgetUsd ? ', over it' : ''}`;
    return `${environment} ${formatCents(all)}${of}`;
  });
  return html`<div>${barChart({
    id: 'cost',
    title: 'Cost an hour against budget',
    summary: `${said.join('; ')}.`,
    series: [
      { name: 'Accepted', tone: 'note' },
      { name: 'Runs without having been accepted', tone: 'bad' },
    ],
    limitName: 'Budget',
    format: formatCents,
    bars: costs.map(({ environment, committedUsd, unacceptedUsd, budgetUsd }) => ({
      label: environment,
      values: [committedUsd, unacceptedUsd],
      ...(budgetUsd !== undefined && { limit: budgetUsd }),
      note:
        budgetUsd === undefined
          ? formatCents(committedUsd + unacceptedUsd)
          : `${formatCents(committedUsd + unacceptedUsd)} of ${formatCents(budgetUsd)}`,
    })),
  })}</div>`;
}

const SHOWN = 5;

type Task = { what: Value; title: Value; detail: Value };

/** What somebody has to do: their own requests first, then by how soon they end. */
function tasks({ waiting, reviews, quarantined, guardsDown = [], now }: OverviewPage): Task[] {
  const mine = [...waiting].sort((a, b) => Number(b.forMe) - Number(a.forMe));
  return [
    ...mine.slice(0, SHOWN).map(({ id, endpoint, generation, expiresAt, forMe }) => ({
      what: forMe ? html`<span class="badge ask">For you</span>` : html`<span class="badge ask">Decide</span>`,
      title: html`<a href="${approvalPath(id)}">${endpoint.name}, ${endpoint.planned ? 'plan' : 'change'} ${generation}</a>`,
      detail: expiresAt > now ? html`ends unanswered in ${duration(now, expiresAt)}` : 'has expired',
    })),
    ...reviews.slice(0, SHOWN).map(({ request, endpoint, since }) => ({
      what: html`<span class="badge bad">Review</span>`,
      title: html`<a href="${approvalPath(request)}">${endpoint.name}: approved in an emergency</a>`,
      detail: html`open for ${duration(since, now)}; a second person must look at it`,
    })),
    ...guardsDown.slice(0, SHOWN).map(({ account, region, endpoint: name, generation, reason }) => ({
      what: html`<span class="badge bad">Guard down</span>`,
      title: html`<a href="${changePath({ account, region, name }, generation)}">${name}</a>`,
      detail: reason ?? 'a monitor or an alarm does not watch it',
    })),
    ...(quarantined.count > 0
      ? [
          {
            what: html`<span class="badge note">Look</span>`,
            title: html`<a href="/quarantine">${quarantined.more && 'More than '}${many(quarantined.count, 'event', 'events')} in quarantine</a>`,
            detail: 'not what their type promises; perhaps a change that nobody has checked',
          },
        ]
      : []),
  ];
}

function needed(model: OverviewPage): Html {
  const list = tasks(model);
  const { waiting, moreWaiting } = model;
  const others = waiting.length - SHOWN;
  return html`<section class="now"><h2>Needs somebody now</h2>
${
  list.length === 0
    ? html`<p class="empty calm">Nothing. No decision is waited for, and nothing has to be looked at.</p>`
    : html`<ul class="tasks">${list.map(
        ({
          what,
          title,
          detail,
        }) => html`<li>${what} <span><strong>${title}</strong> <span class="muted">${detail}</span></span></li>
`,
      )}</ul>
${(others > 0 || moreWaiting) && html`<p><a href="/approvals">${moreWaiting ? `More than ${waiting.length}` : `All ${waiting.length}`} that wait</a></p>`}`
}</section>`;
}

function tiles({ weeks, waiting, moreWaiting, guardsDown }: OverviewPage): Html {
  const week = weeks.at(-1);
  const ended = week ? sum(GROUPS.map(({ results }) => countOf(week, results))) : 0;
  const blocked = week ? countOf(week, ['blocked']) : 0;
  const range = week && { from: week.from, to: week.to };
  const tile = (value: Value, label: string, href: string) =>
    html`<li><a href="${href}"><b>${value}</b> <span>${label}</span></a></li>`;
  return html`<ul class="tiles">${tile(`${waiting.length}${moreWaiting ? '+' : ''}`, waiting.length === 1 ? 'decision waited for' : 'decisions waited for', '/approvals')}
${tile(ended.toLocaleString('en-US'), 'changes ended this week', changesPath(range ?? {}))}
${tile(blocked.toLocaleString('en-US'), 'blocked this week', changesPath({ ...range, result: 'blocked' }))}
${guardsDown && tile(String(guardsDown.length), guardsDown.length === 1 ? 'endpoint with a guard down' : 'endpoints with a guard down', '#now')}</ul>`;
}

/** How everything stands, and what needs somebody now. */
export function overviewPage(model: OverviewPage): Html {
  const { latest } = model;
  return page({
    title: 'Overview',
    section: 'overview',
    body: html`<h1>Overview</h1>
${tiles(model)}
${needed(model)}
<section><h2>How it goes</h2>
<div class="charts"><div class="wide-chart">${outcomes(model)}</div><div>${ages(model)}</div>${cost(model)}</div></section>
<section><h2>Latest changes</h2>
${latest.length > 0 ? changesTable('Latest changes', latest) : html`<p class="empty">No change has been noticed yet. The first one appears here as soon as an endpoint is created, updated or deleted.</p>`}
<p><a href="/changes">All changes</a></p></section>`,
  });
}
