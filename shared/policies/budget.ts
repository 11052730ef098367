import { deploymentCost } from '../model/deployment-cost.ts';
import { effectiveDeployment } from '../model/effective-deployment.ts';
import type { EndpointFacts } from '../model/endpoint-facts.ts';
import { advice, needsApproval, type Problem, violation } from '../model/finding.ts';
import { replacesInstances } from '../model/fleet-claim.ts';
import type { FleetView } from '../model/fleet-entry.ts';
import { formatUsd, type HourlyCost, hourlyCost, roundUsd } from '../model/hourly-cost.ts';
import type { Around } from './policy.ts';
import type { PolicySettings } from './settings.ts';

let last: { facts: EndpointFacts; settings: PolicySettings; cost: HourlyCost } | undefined;

/** The endpoint's cost at the settings' prices. Several policies ask one after the other, so the last answer is kept. */
export function costOf(facts: EndpointFacts, settings: PolicySettings): HourlyCost {
  if (last?.facts !== facts || last.settings !== settings) {
    last = { facts, settings, cost: hourlyCost(facts, settings.prices, settings.pricesAlsoFor) };
  }
  return last.cost;
}

/** `2 x ml.m5.large at $0.115 = $0.23/h (prices of 2025-06-18, us-east-1 list prices)` */
export function explainCost(cost: HourlyCost, usd = cost.ceilingUsd): string {
  const terms = cost.variants.map(({ variant, explanation }) => `${variant}: ${explanation}`).join('; ');
  return `${formatUsd(usd)}/h (${terms}; ${cost.pricesSource} as of ${cost.pricesAsOf})`;
}

/** The last accepted deployment where it was in the same environment, and what it would cost at the prices of now. */
function acceptedBefore(facts: EndpointFacts, settings: PolicySettings, { baseline }: Around) {
  if (!baseline || baseline.deployment.environment !== facts.environment.name) return undefined;
  return { baseline, cost: deploymentCost(baseline.deployment, settings.prices, settings.pricesAlsoFor) };
}

/** ` Its price rose ...`: said where the same instances were accepted at a lower price; otherwise nothing. */
export function priceMove(facts: EndpointFacts, settings: PolicySettings, around: Around): string {
  const accepted = acceptedBefore(facts, settings, around);
  const then = accepted?.baseline.cost;
  if (!accepted || !then || accepted.cost.unknown.length > 0) return '';
  const { ceilingUsd, pricesAsOf } = accepted.cost;
  if (ceilingUsd <= then.ceilingUsd || pricesAsOf === then.pricesAsOf) return '';
  return ` The price of what was accepted rose from ${formatUsd(then.ceilingUsd)}/h on ${then.pricesAsOf} to ${formatUsd(ceilingUsd)}/h on ${pricesAsOf}.`;
}

/** What it costs while it takes the place of what runs now: both. The same as its ceiling where it takes none. */
export function peakUsdOf(facts: EndpointFacts, settings: PolicySettings, around: Around): number {
  const { ceilingUsd } = costOf(facts, settings);
  const accepted = acceptedBefore(facts, settings, around);
  if (!accepted) return ceilingUsd;
  const deployment = effectiveDeployment(facts);
  const replaces = replacesInstances({ baseline: accepted.baseline, deployment, facts });
  return replaces ? roundUsd(accepted.cost.ceilingUsd + ceilingUsd) : ceilingUsd;
}

const list = (shares: FleetView['largest']) =>
  shares.map(({ endpoint, usd }) => `${endpoint.name} ${formatUsd(usd)}`).join(', ');
const count = (endpoints: number) => `${endpoints} other ${endpoints === 1 ? 'endpoint' : 'endpoints'}`;

/** What is not known of the rest of the fleet, a sentence each. */
function notKnown({ unread, unpriced, unpricedCount }: FleetView): string[] {
  const more = unpricedCount > unpriced.length ? `, and ${unpricedCount - unpriced.length} more` : '';
  return [
    ...(unread === null ? ['The fleet has not been counted yet, so what it costs is not known.'] : []),
    ...(unread ? [`${unread} endpoints have not been read so far, so the sum leaves them out.`] : []),
    ...(unpricedCount > 0 ? [`The sum leaves out what has no known price: ${unpriced.join('; ')}${more}.`] : []),
  ];
}

const ALONE = { committed: { steady: 0, ceiling: 0, peak: 0 }, running: undefined };

/**
 * Money is judged for the whole environment: what everything else takes, and this endpoint with it. `budgetCounts` says
 * which cost that is. What has no price is a violation that says so: unknown is not within budget.
 *
 * What was accepted or granted may not exceed the budget, whoever approves. Where it is exceeded only by what nobody
 * accepted, or may be by what nobody knows, a person must decide. Who takes no more than was accepted before makes
 * nothing worse, and gets advice. Without a ledger there is no fleet to know of, and the endpoint is judged alone.
 */
export function withinBudget(
  facts: EndpointFacts,
  settings: PolicySettings,
  maxHourlyCostUsd: number,
  around: Around = {},
): Problem[] {
  const { fleet } = around;
  const measure = settings.budgetCounts;
  const cost = costOf(facts, settings);
  const peakUsd = peakUsdOf(facts, settings, around);
  const mine = { steady: cost.steadyUsd ?? cost.ceilingUsd, ceiling: cost.ceilingUsd, peak: peakUsd };
  const budget = () => `the budget is ${formatUsd(maxHourlyCostUsd)}/h`;
  const others = fleet?.others ?? ALONE;
  const committed = roundUsd(others.committed[measure] + mine[measure]);
  const running = roundUsd((others.running ?? others.committed)[measure] + mine[measure]);
  const accepted = acceptedBefore(facts, settings, around);
  const addsNothing =
    accepted !== undefined && accepted.cost.unknown.length === 0 && cost.ceilingUsd <= accepted.cost.ceilingUsd;
  const environment = facts.environment.name;
  const problems: Problem[] = cost.unknown.map((what) =>
    violation(`Cost unknown, so it cannot be held against the budget: ${what}.`),
  );

  // What was granted stays granted, whatever came since.
  if (fleet?.granted) return problems;
  if (committed > maxHourlyCostUsd) {
    const itself = `It can cost ${explainCost(cost, mine[measure])}`;
    const move = priceMove(facts, settings, around);
    const message =
      !fleet || fleet.endpoints === 0
        ? `${itself}; ${budget()}.${move}`
        : `${itself}. With ${count(fleet.endpoints)} (${list(fleet.largest)}) ${environment} could cost ${formatUsd(committed)}/h; ${budget()}.${move}`;
    problems.push(addsNothing ? advice(`${message} It takes no more than was accepted before.`) : violation(message));
  } else if (running > maxHourlyCostUsd && fleet) {
    const message = `${environment} costs ${formatUsd(running)}/h with it, because of what runs without having been accepted: ${list(fleet.unaccepted)}; ${budget()}.`;
    problems.push(addsNothing ? advice(message) : needsApproval(message));
  }
  if (fleet) problems.push(...notKnown(fleet).map(addsNothing ? advice : needsApproval));
  const peak = roundUsd((others.running ?? others.committed).ceiling + peakUsd);
  if (measure !== 'peak' && peakUsd > cost.ceilingUsd && peak > maxHourlyCostUsd && running <= maxHourlyCostUsd) {
    problems.push(
      advice(
        `While it replaces the instances of before, both are paid for: up to ${formatUsd(peak)}/h for ${environment}; ${budget()}.`,
      ),
    );
  }
  return problems;
}

/** What an environment may cost an hour; undefined where there is no limit, as in dev. */
export function budgetUsdOf({ staging, prod }: PolicySettings, environment: string): number | undefined {
  return { staging: staging.maxHourlyCostUsd, prod: prod.maxHourlyCostUsd }[environment];
}
