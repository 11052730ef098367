import { approvalRules, listOpenReviews, pageOpenRequests, type StoredRequest } from '../shared/aws/approvals.ts';
import { pageChanges } from '../shared/aws/change-pages.ts';
import { readFleet } from '../shared/aws/fleet-stream.ts';
import { readStream } from '../shared/aws/ledger.ts';
import { settingsNow } from '../shared/aws/live-prices.ts';
import { countOutcomes, type DayCounts, dayFrom } from '../shared/aws/outcome-counts.ts';
import { waitingIn } from '../shared/aws/waiting-changes.ts';
import { countQuarantined } from '../shared/aws/work.ts';
import type { ChangeRow } from '../shared/model/change-row.ts';
import { changeOf } from '../shared/model/endpoint-history.ts';
import { Environment } from '../shared/model/environment.ts';
import { fleetCost } from '../shared/model/fleet-budget.ts';
import { GUARD_POLICIES, lostGuards } from '../shared/model/guards-down.ts';
import type { Result } from '../shared/model/ledger-record.ts';
import { budgetUsdOf } from '../shared/policies/budget.ts';
import { changesPath } from '../web/changes-page.ts';
import { type EnvironmentCost, overviewPage, type WaitingRequest, type WeekCounts } from '../web/overview-page.ts';
import { pageReply, type Reply, seeOther } from '../web/reply.ts';
import type { Route, Showing, Visit } from './visit.ts';

const WEEKS = 12;
/** So many requests are counted, those that end first; beyond it there are just more. */
const WAITING = 200;
/** So many of them are looked at more closely, to see whom they wait for. */
const LOOKED_AT = 6;
const QUARANTINED = 100;
const LATEST = 8;
/** How far back blocked changes are looked at for guards that are down, and how many. */
const GUARD_DAYS = 14;
const BLOCKED = 50;

/** Weeks from Monday, the last one being the present. */
function weeksUntil(today: string): { from: string; to: string }[] {
  const sinceMonday = (new Date(`${today}T00:00:00Z`).getUTCDay() + 6) % 7;
  const monday = dayFrom(today, -sinceMonday);
  return Array.from({ length: WEEKS }, (_, index) => {
    const from = dayFrom(monday, (index + 1 - WEEKS) * 7);
    return { from, to: dayFrom(from, 6) };
  });
}

function inWeek(days: ReadonlyMap<string, DayCounts>, { from, to }: { from: string; to: string }): WeekCounts {
  const counts: Partial<Record<Result, number>> = {};
  for (const [day, of] of days) {
    if (day < from || day > to) continue;
    for (const [result, count] of Object.entries(of) as [Result, number][])
      counts[result] = (counts[result] ?? 0) + count;
  }
  return { from, to, counts };
}

/** Is this approver one of those who were asked, without having answered? As the ledger has it. */
async function isAsked(services: Showing, { endpoint, generation }: StoredRequest, person: string): Promise<boolean> {
  const { history } = await readStream(services, endpoint, generation);
  const change = changeOf(history, generation);
  const answered = change?.approvals.some(({ approver }) => approver === person) ?? false;
  return change?.request?.approvers.includes(person) === true && !answered && change.decided === undefined;
}

async function waitingFor(
  { services, session }: Visit<Showing>,
  requests: readonly StoredRequest[],
): Promise<WaitingRequest[]> {
  const person = session?.approver.id;
  const isApprover = person !== undefined && approvalRules(services).approvers.some(({ id }) => id === person);
  return Promise.all(
    requests.map(async (request, index) => ({
      ...request,
      forMe: isApprover && index < LOOKED_AT && (await isAsked(services, request, person)),
    })),
  );
}

/** What each fleet costs by the number that is held against its budget; those that have neither are left out. */
async function costsOf(services: Showing): Promise<EnvironmentCost[]> {
  const settings = await settingsNow(services);
  const { budgetCounts } = settings;
  const found = await Promise.all(
    Environment.options.map(async (environment) => {
      const { fleet } = await readFleet(services, environment);
      const { committed, running } = fleetCost(fleet, settings, services.now());
      return {
        environment,
        committedUsd: committed[budgetCounts],
        unacceptedUsd: Math.max(0, running[budgetCounts] - committed[budgetCounts]),
        budgetUsd: budgetUsdOf(settings, environment),
        any: fleet.entries.size > 0,
      };
    }),
  );
  return found.some(({ any }) => any) ? found.filter(({ any, budgetUsd }) => any || budgetUsd !== undefined) : [];
}

/** Endpoints in production that have lost a guard, and of which that is the last that is known. */
async function guardsDown(services: Showing, since: string): Promise<ChangeRow[]> {
  const { rows } = await pageChanges(
    services,
    { environment: 'prod', result: 'blocked', from: since },
    { limit: BLOCKED },
  );
  const newest = new Map(rows.toReversed().map((row) => [`${row.account}#${row.region}#${row.endpoint}`, row]));
  const suspects = [...newest.values()].filter(({ violations = [] }) =>
    violations.some((id) => GUARD_POLICIES.includes(id)),
  );
  const found = await Promise.all(
    suspects
      .toReversed()
      .slice(0, LOOKED_AT)
      .map(async (row) => {
        const { account, region, endpoint: name, generation } = row;
        const { history } = await readStream(services, { account, region, name }, generation);
        const change = changeOf(history, generation);
        const [lost] = change && history.generation === generation ? lostGuards(change) : [];
        return lost && { ...row, reason: lost.messages[0] ?? row.reason };
      }),
  );
  return found.filter((row) => row !== undefined);
}

async function showOverview(visit: Visit<Showing>): Promise<Reply> {
  const { services, event } = visit;
  // The list of changes used to be here, and links to it with a filter may be anywhere.
  const query = new URLSearchParams(event.rawQueryString);
  const old = ['environment', 'result', 'month'].some((name) => query.has(name));
  if (old) return seeOther(`${changesPath({})}?${query}`);
  const now = services.now();
  const weeks = weeksUntil(now.slice(0, 10));
  const open = pageOpenRequests(services, { limit: WAITING });
  const [days, { requests, next }, reviews, quarantined, costs, down, { rows }] = await Promise.all([
    countOutcomes(services, weeks[0]?.from ?? now.slice(0, 10)),
    open,
    listOpenReviews(services),
    countQuarantined(services, QUARANTINED),
    costsOf(services),
    services.cache.get('guards-down', () => guardsDown(services, dayFrom(now.slice(0, 10), -GUARD_DAYS))),
    pageChanges(services, {}, { limit: LATEST, waiting: async () => waitingIn(await open) }),
  ]);
  return pageReply(
    overviewPage({
      now,
      weeks: weeks.map((week) => inWeek(days, week)),
      waiting: await waitingFor(visit, requests),
      moreWaiting: next !== undefined,
      reviews,
      quarantined,
      costs,
      guardsDown: down,
      latest: rows,
    }),
  );
}

/** Where everybody begins. */
export const overviewRoutes: readonly Route<Showing>[] = [{ method: 'GET', path: '/', answer: showOverview }];
