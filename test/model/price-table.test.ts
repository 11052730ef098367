import { describe, expect, test } from 'vitest';
import { asynchronousPriceOf, PriceTable, priceOf } from '../../shared/model/price-table.ts';
import { prices } from '../builders.ts';

describe('priceOf', () => {
  test('a type in the table has its price', () => {
    expect(priceOf(prices, [], 'us-east-1', 'ml.m5.large')).toEqual({ known: true, hourlyUsd: 0.115 });
  });
  test('a type without a trustworthy price says so, and is not 0', () => {
    const [unpriced = ''] = prices.unpriced;
    expect(priceOf(prices, [], 'us-east-1', unpriced)).toEqual({
      known: false,
      reason: `no trustworthy price is known for ${unpriced}`,
    });
  });
  test('a type that nobody has heard of names itself and the date of the table', () => {
    expect(priceOf(prices, [], 'us-east-1', 'ml.m99.large')).toEqual({
      known: false,
      reason: `ml.m99.large is not in the price table of ${prices.asOf}`,
    });
  });
  test('another region has no price, unless its owner accepts this table for it', () => {
    expect(priceOf(prices, [], 'eu-west-1', 'ml.m5.large')).toEqual({
      known: false,
      reason: 'the price table is for us-east-1, not eu-west-1',
    });
    expect(priceOf(prices, ['eu-west-1'], 'eu-west-1', 'ml.m5.large').known).toBe(true);
  });
});

describe('asynchronousPriceOf', () => {
  const own = { ...prices, asynchronous: { 'ml.m5.large': 0.13 } };
  test('is what the owner of the table says, in its region and where they accept it', () => {
    const known = { known: true, hourlyUsd: 0.13 };
    expect(asynchronousPriceOf(own, [], 'us-east-1', 'ml.m5.large')).toEqual(known);
    expect(asynchronousPriceOf(own, ['eu-west-1'], 'eu-west-1', 'ml.m5.large')).toEqual(known);
    expect(asynchronousPriceOf(own, [], 'eu-west-1', 'ml.m5.large').known).toBe(false);
  });
  test('is unknown in the shipped table, which has none', () => {
    expect(asynchronousPriceOf(prices, [], 'us-east-1', 'ml.m5.large')).toEqual({
      known: false,
      reason: `the price table of ${prices.asOf} has no price of asynchronous inference (AsyncInf) for ml.m5.large in us-east-1`,
    });
  });
});

describe('a price table', () => {
  const table = {
    asOf: '2026-11-20',
    region: 'us-east-1',
    source: 'us',
    prices: { 'ml.m5.large': 0.115 },
    unpriced: [],
  };
  test('a good one is accepted', () => expect(PriceTable.safeParse(table).success).toBe(true));
  test.each([
    ['a price of 0', { prices: { 'ml.m5.large': 0 } }],
    ['a negative price', { prices: { 'ml.m5.large': -1 } }],
    ['an EC2 type', { prices: { 'm5.large': 1 } }],
    ['no date', { asOf: 'lately' }],
  ])('%s is refused', (_what, broken) => {
    expect(PriceTable.safeParse({ ...table, ...broken }).success).toBe(false);
  });
  test('the shipped one has the prices that the policies turn on', () => {
    expect(Object.keys(prices.prices).length).toBeGreaterThan(200);
    expect(prices.prices).toMatchObject({ 'ml.m5.large': 0.115, 'ml.m5.xlarge': 0.23 });
  });
});
