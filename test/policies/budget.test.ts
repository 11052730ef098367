import { expect, test } from 'vitest';
import { costOf, explainCost, withinBudget } from '../../shared/policies/budget.ts';
import { facts, instanceVariant, prices, serverlessVariant, settings } from '../builders.ts';

test('a cost is explained variant by variant, with the prices it rests on', () => {
  const two = facts({ variants: [instanceVariant(), instanceVariant({ name: 's', shadow: true, maxInstances: 3 })] });
  expect(explainCost(costOf(two, settings()))).toBe(
    `$0.575/h (AllTraffic: 2 x ml.m5.large at $0.115; s: 2 to 3 x ml.m5.large at $0.115 (shadow); us-east-1 list prices as of ${prices.asOf})`,
  );
});

test('exactly the budget is within it, and a cent less of budget is not', () => {
  expect(withinBudget(facts(), settings(), 0.23)).toEqual([]);
  expect(withinBudget(facts(), settings(), 0.22)).toEqual([
    { outcome: 'violation', message: expect.stringMatching(/^It can cost \$0\.23\/h .*; the budget is \$0\.22\/h\.$/) },
  ]);
});

test('the ceiling of auto scaling is what counts', () => {
  expect(withinBudget(facts({ variants: [instanceVariant({ maxInstances: 4 })] }), settings(), 0.4)).toHaveLength(1);
});

test('what has no price is not within any budget', () => {
  const unknown = facts({ variants: [serverlessVariant({ provisionedConcurrency: 1 })] });
  expect(withinBudget(unknown, settings(), 1_000)).toEqual([
    {
      outcome: 'violation',
      message: expect.stringMatching(/^Cost unknown, so it cannot be held against the budget: /),
    },
  ]);
});

test('an unknown price does not hide that the rest is too dear already', () => {
  const both = facts({ variants: [instanceVariant(), instanceVariant({ name: 'x', instanceType: 'ml.m99.large' })] });
  expect(withinBudget(both, settings(), 0.1)).toHaveLength(2);
});

test('the prices of another region count where the owner accepts them', () => {
  const there = facts({ endpoint: { ...facts().endpoint, region: 'eu-west-1' } });
  expect(withinBudget(there, settings(), 15)).toHaveLength(1);
  expect(withinBudget(there, settings({ pricesAlsoFor: ['eu-west-1'] }), 15)).toEqual([]);
});
