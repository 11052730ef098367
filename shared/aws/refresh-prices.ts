import { gateActor } from '../model/actor.ts';
import { Environment } from '../model/environment.ts';
import { entryCost, fleetCost } from '../model/fleet-budget.ts';
import { type Crossing, type Move, priceMoves, withLivePrices } from '../model/live-prices.ts';
import type { PriceTable, RegionPrices } from '../model/price-table.ts';
import { budgetUsdOf } from '../policies/budget.ts';
import type { PolicySettings } from '../policies/settings.ts';
import { appendToFleet, readFleet } from './fleet-stream.ts';
import { append, readStream } from './ledger.ts';
import { priceStream, readLivePrices, regionsOf, settingsNow } from './live-prices.ts';
import { readPriceList } from './price-list.ts';
import type { With } from './services.ts';

type Refreshing = With<'dynamodb' | 'pricing'>;

/** What came of one region. */
export type Refreshed = {
  region: string;
  types: number;
  changed: boolean;
  asOf: string;
  moves: Move[];
  crossings: Crossing[];
};
export type NotRefreshed = { region: string; error: Error };

/** Limits that were held at one table's prices and are not at another's. */
async function crossingsIn(
  services: Refreshing,
  environment: Environment,
  settings: PolicySettings,
  [before, after]: readonly [PriceTable, PriceTable],
): Promise<Crossing[]> {
  const { fleet } = await readFleet(services, environment);
  const at = services.now();
  const pricing = (prices: PriceTable) => ({ prices, pricesAlsoFor: settings.pricesAlsoFor });
  const measure = settings.budgetCounts;
  const rose = (fromUsd: number, toUsd: number, limitUsd: number | undefined) =>
    limitUsd !== undefined && fromUsd <= limitUsd && toUsd > limitUsd ? [{ fromUsd, toUsd, limitUsd }] : [];
  const [was, is] = [before, after].map((prices) => fleetCost(fleet, pricing(prices), at).running[measure]);
  const whole = rose(was ?? 0, is ?? 0, budgetUsdOf(settings, environment)).map((sums) => ({
    limit: 'budget' as const,
    endpoint: null,
    ...sums,
  }));
  if (environment !== 'prod') return whole;
  const each = [...fleet.entries.values()].flatMap((entry) => {
    const [one, other] = [before, after].map((prices) => entryCost(entry, pricing(prices), at).running.ceiling);
    const { endpoint } = entry;
    return rose(one ?? 0, other ?? 0, settings.prod.approvalAboveHourlyCostUsd).map((sums) => ({
      limit: 'approval' as const,
      endpoint,
      ...sums,
    }));
  });
  return [...whole, ...each];
}

const same = (a: Record<string, number> = {}, b: Record<string, number> = {}) =>
  Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([type, usd]) => b[type] === usd);

const LISTS = ['prices', 'processing', 'asynchronous'] as const;

async function refreshRegion(services: Refreshing, region: string): Promise<Refreshed> {
  const { hosting: prices, asynchronous, processing, publishedOn, version } = await readPriceList(services, region);
  const settings = await settingsNow(services);
  const before = await readLivePrices(services, region);
  const shipped = settings.prices;
  const old = before ?? (shipped.region === region ? shipped : undefined);
  const types = Object.keys(prices).length;
  const fresh = { prices, processing, ...(Object.keys(asynchronous).length > 0 && { asynchronous }) };
  if (before && LISTS.every((list) => same(before[list], fresh[list]))) {
    return { region, types, changed: false, asOf: before.asOf, moves: [], crossings: [] };
  }
  // AWS says when it published them; otherwise they are as of the day on which they were read.
  const asOf = publishedOn ?? services.now().slice(0, 10);
  const source = `AWS Price List of AmazonSageMaker${version === undefined ? '' : `, version ${version}`}, read on ${services.now().slice(0, 10)}`;
  const read: RegionPrices = { asOf, source, ...fresh };
  const moves = priceMoves(old?.prices ?? {}, prices);
  const ref = priceStream(services, region);
  let generation = 0;
  await append(services, await readStream(services, ref), (history) => {
    generation = (history.changes.at(-1)?.generation ?? 0) + 1;
    const body = { kind: 'prices-read' as const, generation, region, ...read, before: old?.asOf ?? null, moves };
    return { id: `prices#${generation}`, body, actor: gateActor };
  });
  const crossings: Crossing[] = [];
  const tables = [shipped, withLivePrices(shipped, { ...shipped.live, [region]: read })] as const;
  for (const environment of Environment.options) {
    const found = old && moves.length > 0 ? await crossingsIn(services, environment, settings, tables) : [];
    crossings.push(...found);
    if (!old || found.length === 0) continue;
    await appendToFleet(services, environment, ({ sequence }) => ({
      id: `prices-moved#${region}#${generation}`,
      body: { kind: 'prices-moved', generation: sequence + 1, region, from: old.asOf, to: asOf, crossings: found },
    }));
  }
  return { region, types, changed: true, asOf, moves, crossings };
}

/**
 * Reads the prices of every region that the gate looks after, puts those on record that are new, and says which limits
 * they broke. A region that cannot be read keeps the prices that it has, and stops no other.
 */
export async function refreshPrices(services: Refreshing): Promise<(Refreshed | NotRefreshed)[]> {
  const results: (Refreshed | NotRefreshed)[] = [];
  for (const region of regionsOf(services)) {
    try {
      results.push(await refreshRegion(services, region));
    } catch (error) {
      results.push({ region, error: error as Error });
    }
  }
  const crossed = results.reduce((sum, result) => sum + ('error' in result ? 0 : result.crossings.length), 0);
  services.measure({ name: 'PriceLimitsCrossed', unit: 'Count', value: crossed });
  return results;
}
