import { type CostReport, costReport, type WaitingPlan } from '../model/cost-report.ts';
import { changeOf } from '../model/endpoint-history.ts';
import { Environment } from '../model/environment.ts';
import { type Fleet, placeKey } from '../model/fleet-budget.ts';
import { budgetUsdOf } from '../policies/budget.ts';
import { pageOpenRequests } from './approvals.ts';
import { readFleet } from './fleet-stream.ts';
import { readStream } from './ledger.ts';
import { settingsNow } from './live-prices.ts';
import { placesOf } from './member-accounts.ts';
import type { With } from './services.ts';

/** Requests that are looked through for plans, those that end first. */
const REQUESTS = 50;

async function waitingPlans(services: With<'dynamodb'>): Promise<WaitingPlan[]> {
  const { requests } = await pageOpenRequests(services, { limit: REQUESTS });
  const found = await Promise.all(
    requests
      .filter(({ endpoint }) => endpoint.planned)
      .map(async ({ endpoint: { planned: _planned, ...endpoint }, generation }): Promise<WaitingPlan[]> => {
        const { history } = await readStream(services, { ...endpoint, planned: true }, generation);
        const { opened, findings, decided } = changeOf(history, generation) ?? {};
        if (!opened || !findings || decided) return [];
        const { name } = opened.environment;
        return [{ environment: name, endpoint, generation, ceilingUsd: findings.cost.ceilingUsd }];
      }),
  );
  return found.flat();
}

/** What the gate's environments cost at this moment, as their fleets are on record, at the prices that count now. */
export async function readCostReport(services: With<'dynamodb'>): Promise<CostReport> {
  const settings = await settingsNow(services);
  const plans = await waitingPlans(services);
  const fleets = new Map<Environment, Fleet>();
  for (const environment of Environment.options)
    fleets.set(environment, (await readFleet(services, environment)).fleet);
  return costReport(fleets, settings, {
    at: services.now(),
    counts: settings.budgetCounts,
    places: placesOf(services).map(placeKey),
    plans,
    budgetUsdOf: (environment) => budgetUsdOf(settings, environment),
  });
}
