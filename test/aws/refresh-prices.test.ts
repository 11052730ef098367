import { GetProductsCommand } from '@aws-sdk/client-pricing';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, test } from 'vitest';
import { run } from '../../functions/refresh-prices.ts';
import { PRICE_KIND, pricing } from '../../local/aws/pricing.ts';
import { judgeOnFleet } from '../../shared/aws/fleet-budget.ts';
import { readFleet } from '../../shared/aws/fleet-stream.ts';
import { readLivePrices, settingsNow } from '../../shared/aws/live-prices.ts';
import { refreshPrices } from '../../shared/aws/refresh-prices.ts';
import type { Metric } from '../../shared/aws/services.ts';
import { ConfigFile } from '../../shared/config.ts';
import { hourlyCost } from '../../shared/model/hourly-cost.ts';
import { config, facts, instanceVariant, later, NOW, opened, prices } from '../builders.ts';
import { awsError, fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';
import { inMemoryLoopback } from '../local/in-memory-loopback.ts';

const EU = 'eu-west-1';

/** The gate, and a price list that answers as the loopback AWS does. */
function setUp(file: object = {}) {
  const measured: Metric[] = [];
  const aws = fakeAws({
    config: config({ file: ConfigFile.parse(file) }),
    measure: (metric) => void measured.push(metric),
  });
  const tables = fakeTables(aws);
  const { services } = aws;
  const loopback = inMemoryLoopback();
  const list = pricing(loopback);
  const mock = mockClient(services.pricing);
  const asked: object[] = [];
  mock.on(GetProductsCommand).callsFake((input) => {
    asked.push(input);
    return list.GetProducts?.(input, {} as never);
  });
  /** Prices that AWS has from now on, besides or in the place of what is shipped. */
  const set = (region: string, own: Record<string, number>) => loopback.store.put(PRICE_KIND, region, own);
  const later_ = () => aws.clock.advance(86_400);
  return { aws, tables, services, mock, set, asked, measured, tomorrow: later_ };
}
const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`ml.x${index}.large`, 1]));
const priceRecords = (tables: ReturnType<typeof fakeTables>) =>
  tables.ofGate().flatMap(({ body }) => (body.kind === 'prices-read' ? [body] : []));

describe('refreshing the prices', () => {
  test('reads every page of the list, and puts the prices on record with their day and source', async () => {
    const { services, tables, asked, measured } = setUp();
    expect(await refreshPrices(services)).toMatchObject([
      { region: 'us-east-1', changed: true, asOf: prices.asOf, moves: [] },
    ]);
    expect(asked.length).toBe(6);
    expect(asked[0]).toMatchObject({
      ServiceCode: 'AmazonSageMaker',
      Filters: [{ Value: 'ML Instance' }, { Value: 'us-east-1' }],
    });
    const [record] = priceRecords(tables);
    expect(record).toMatchObject({
      generation: 1,
      before: prices.asOf,
      prices: prices.prices,
      processing: prices.prices,
    });
    expect(record?.source).toBe(
      'AWS Price List of AmazonSageMaker, version shipped-with-portcullis, read on 2026-11-20',
    );
    expect(measured).toContainEqual({ name: 'PriceLimitsCrossed', unit: 'Count', value: 0 });
  });

  test('writes nothing where they are the same as before', async () => {
    const { services, tables, tomorrow } = setUp();
    await refreshPrices(services);
    tomorrow();
    expect(await refreshPrices(services)).toMatchObject([{ changed: false }]);
    expect(priceRecords(tables)).toHaveLength(1);
  });

  test('from then on they count, and those of other regions too', async () => {
    const { services, set, aws } = setUp({ members: { regions: [EU] } });
    set('us-east-1', { 'ml.m5.large': 0.2 });
    set(EU, { ...many, 'ml.m5.large': 0.3 });
    expect((await settingsNow(services)).prices).toBe(services.config.policySettings.prices);
    await refreshPrices(services);
    aws.clock.advance(120);
    const now = await settingsNow(services);
    expect(await settingsNow(services)).toBe(now);
    expect(hourlyCost(facts(), now.prices)).toMatchObject({ ceilingUsd: 0.4, pricesSource: 'us-east-1 list prices' });
    const there = facts({ endpoint: { ...facts().endpoint, region: EU } });
    expect(hourlyCost(there, now.prices)).toMatchObject({ ceilingUsd: 0.6, pricesSource: `${EU} list prices` });
    const unknown = facts({ endpoint: there.endpoint, variants: [instanceVariant({ instanceType: 'ml.m5.xlarge' })] });
    expect(hourlyCost(unknown, now.prices).unknown).toEqual([
      `variant AllTraffic: the price list of ${prices.asOf} has no hosting price for ml.m5.xlarge in ${EU}`,
    ]);
    const elsewhere = facts({ endpoint: { ...facts().endpoint, region: 'us-west-2' } });
    expect(hourlyCost(elsewhere, now.prices).unknown).toHaveLength(1);
  });

  test.each([
    ['a table of the owner', { prices: { file: 'ours.json' } }],
    ['a no in the settings', { prices: { live: false } }],
  ])('they do not count against %s', async (_what, file) => {
    const { services, set } = setUp(file);
    set('us-east-1', { 'ml.m5.large': 0.2 });
    await refreshPrices(services);
    expect(await settingsNow(services)).toBe(services.config.policySettings);
  });

  test('a region that cannot be read keeps its prices and stops no other; the function says so by failing', async () => {
    const { services, tables } = setUp({ members: { regions: [EU] } });
    expect(await refreshPrices(services)).toMatchObject([
      { region: 'us-east-1', changed: true },
      {
        region: EU,
        error: {
          name: 'UnusablePriceListError',
          message: `The price list of ${EU} has hosting prices for 0 instance types, of 0 products; it must have 20 at least.`,
        },
      },
    ]);
    expect(priceRecords(tables).map(({ region }) => region)).toEqual(['us-east-1']);
    await expect(run({}, services)).rejects.toMatchObject({
      name: 'PricesNotRefreshedError',
      message: expect.stringContaining(EU),
    });
  });

  test('an error of the price list is one of the function, and nothing is written', async () => {
    const { services, mock, tables } = setUp();
    mock.on(GetProductsCommand).rejects(awsError('AccessDeniedException', 'not authorized'));
    await expect(run({}, services)).rejects.toThrow('us-east-1: AccessDeniedException: not authorized');
    expect(priceRecords(tables)).toEqual([]);
    expect(await settingsNow(services)).toBe(services.config.policySettings);
  });

  test('a price that puts an endpoint and its environment over their limits is reported as that', async () => {
    const { aws, services, set, tables, measured, tomorrow } = setUp();
    await refreshPrices(services);
    const change = opened(1, facts({ variants: [instanceVariant({ instanceType: 'ml.g5.24xlarge' })] }));
    await judgeOnFleet(services, change, await settingsNow(services), () => ({ blocked: false }));
    set('us-east-1', { 'ml.g5.24xlarge': 26 });
    tomorrow();
    expect(await run({}, services)).toEqual({ regions: 1, changed: 1, crossings: 2 });
    expect(priceRecords(tables).at(-1)?.moves).toEqual([{ instanceType: 'ml.g5.24xlarge', fromUsd: 10.18, toUsd: 26 }]);
    const { fleet } = await readFleet(services, 'prod');
    expect(fleet.moved).toMatchObject({
      region: 'us-east-1',
      crossings: [
        { limit: 'budget', endpoint: null, fromUsd: 20.36, toUsd: 52, limitUsd: 50 },
        { limit: 'approval', endpoint: { name: 'fraud-prod' }, fromUsd: 20.36, toUsd: 52, limitUsd: 30 },
      ],
    });
    expect(measured).toContainEqual({ name: 'PriceLimitsCrossed', unit: 'Count', value: 2 });
    expect(aws.clock.now).toBe(later(86_400, NOW));
    expect(await readLivePrices(services, 'us-east-1')).toMatchObject({
      generation: 2,
      prices: { 'ml.g5.24xlarge': 26 },
    });
  });
});
