import { describe, expect, test } from 'vitest';
import { formatCents, formatUsd, hourlyCost } from '../../shared/model/hourly-cost.ts';
import type { Variant } from '../../shared/model/variant.ts';
import {
  componentHost,
  endpoint,
  facts,
  instanceVariant,
  poolVariant,
  prices,
  serverlessVariant,
} from '../builders.ts';

const costOf = (...variants: Variant[]) => hourlyCost(facts({ variants }), prices);

describe('hourlyCost', () => {
  test('two ml.m5.large cost two times the list price, and the figure is explained', () => {
    expect(costOf(instanceVariant())).toEqual({
      floorUsd: 0.23,
      steadyUsd: 0.23,
      ceilingUsd: 0.23,
      unknown: [],
      variants: [{ variant: 'AllTraffic', floorUsd: 0.23, ceilingUsd: 0.23, explanation: '2 x ml.m5.large at $0.115' }],
      pricesAsOf: prices.asOf,
      pricesSource: 'us-east-1 list prices',
    });
  });

  test('scaling gives a floor and a ceiling', () => {
    const cost = costOf(instanceVariant({ minInstances: 1, maxInstances: 4 }));
    expect(cost).toMatchObject({ floorUsd: 0.115, steadyUsd: 0.23, ceilingUsd: 0.46 });
    expect(cost.variants[0]?.explanation).toBe('1 to 4 x ml.m5.large at $0.115');
  });

  test('a pool counts at its dearest type, wherever it stands', () => {
    const pools = poolVariant().pools;
    expect(costOf(poolVariant()).ceilingUsd).toBe(0.46);
    expect(costOf(poolVariant({ pools: [...pools].reverse() })).ceilingUsd).toBe(0.46);
  });

  test('one type of a pool without a price makes the whole variant unknown', () => {
    const cost = costOf(
      poolVariant({ pools: [...poolVariant().pools, { instanceType: 'ml.m99.large', priority: 3 }] }),
    );
    expect(cost.unknown).toEqual([`variant AllTraffic: ml.m99.large is not in the price table of ${prices.asOf}`]);
    expect(cost.variants).toEqual([]);
  });

  test('an endpoint that answers from a queue has prices of its own, and not those of hosting', () => {
    const queued = facts({ variants: [instanceVariant({ asynchronous: true })] });
    const live = { asOf: '2026-11-19', source: 'a test', prices: { 'ml.m5.large': 0.115 } };
    const at = (asynchronous?: Record<string, number>) =>
      hourlyCost(queued, { ...prices, live: { 'us-east-1': { ...live, ...(asynchronous && { asynchronous }) } } });
    expect(at({ 'ml.m5.large': 0.12 }).variants).toMatchObject([
      { ceilingUsd: 0.24, explanation: '2 x ml.m5.large at $0.12 (asynchronous)' },
    ]);
    expect(at().unknown).toEqual([
      'variant AllTraffic: the price list of 2026-11-19 has no price of asynchronous inference (AsyncInf) for ml.m5.large in us-east-1',
    ]);
    expect(hourlyCost(queued, prices)).toMatchObject({ ceilingUsd: 0, unknown: [expect.stringContaining('AsyncInf')] });
  });

  test('an inference-component host counts its instances', () => {
    expect(costOf(componentHost({ instanceTypes: ['ml.m5.large', 'ml.m5.xlarge'] })).ceilingUsd).toBe(0.46);
  });

  test('a shadow variant is paid for', () => {
    const cost = costOf(instanceVariant(), instanceVariant({ name: 'shadow', shadow: true }));
    expect(cost.ceilingUsd).toBe(0.46);
    expect(cost.variants[1]?.explanation).toBe('2 x ml.m5.large at $0.115 (shadow)');
  });

  test('serverless bills nothing per hour', () => {
    const cost = costOf(serverlessVariant());
    expect(cost).toMatchObject({ floorUsd: 0, ceilingUsd: 0, unknown: [] });
    expect(cost.variants[0]?.explanation).toContain('nothing per hour');
  });

  test('provisioned concurrency bills by the hour at a price we do not know, which is not 0', () => {
    const cost = costOf(serverlessVariant({ provisionedConcurrency: 3 }));
    expect(cost.unknown).toEqual(['variant AllTraffic: no price is known for serverless provisioned concurrency (3)']);
    expect(cost.variants).toEqual([]);
  });

  test('what is unknown is left out of the sum and named', () => {
    const cost = costOf(instanceVariant(), instanceVariant({ name: 'new', instanceType: 'ml.m99.large' }));
    expect(cost).toMatchObject({ ceilingUsd: 0.23, unknown: [expect.stringContaining('variant new')] });
  });

  test('another region is unknown, unless its owner accepts the table for it', () => {
    const there = facts({ endpoint: { ...endpoint, region: 'eu-west-1' } });
    expect(hourlyCost(there, prices).unknown).toHaveLength(1);
    expect(hourlyCost(there, prices, ['eu-west-1'])).toMatchObject({ ceilingUsd: 0.23, unknown: [] });
  });

  test('sums are free of binary noise', () => {
    expect(costOf(instanceVariant({ maxInstances: 3 })).ceilingUsd).toBe(0.345);
  });
});

test.each([
  [0.23, '$0.23'],
  [0.115, '$0.115'],
  [0.0575, '$0.0575'],
  [50, '$50.00'],
  [1.2, '$1.20'],
])('%d dollars are written %s', (usd, text) => {
  expect(formatUsd(usd)).toBe(text);
});

test.each([
  [0, '$0.00'],
  [0.004, '$0.00'],
  [0.345, '$0.35'],
  [1.005, '$1.01'],
  [12.5, '$12.50'],
  [999.999, '$1,000.00'],
  [1234.5, '$1,234.50'],
  [1234567.891, '$1,234,567.89'],
])('a sum of %d is shown as %s', (usd, text) => {
  expect(formatCents(usd)).toBe(text);
});
