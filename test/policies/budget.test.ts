import { describe, expect, test } from 'vitest';
import type { FleetView } from '../../shared/model/fleet-entry.ts';
import type { Baseline } from '../../shared/model/ledger-record.ts';
import { costOf, explainCost, peakUsdOf, priceMove, withinBudget } from '../../shared/policies/budget.ts';
import type { Around } from '../../shared/policies/policy.ts';
import { facts, instanceVariant, model, NOW, opened, prices, serverlessVariant, settings } from '../builders.ts';

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

describe('with a fleet around it', () => {
  const usd = (ceiling: number) => ({ steady: ceiling, ceiling, peak: ceiling });
  const fleet = (overrides: Partial<FleetView> = {}): FleetView => ({
    sequence: 7,
    endpoints: 1,
    others: { committed: usd(10), running: usd(10) },
    largest: [{ endpoint: { ...facts().endpoint, name: 'other' }, usd: 10 }],
    unaccepted: [],
    unpriced: [],
    unpricedCount: 0,
    unread: 0,
    granted: false,
    claimed: false,
    ...overrides,
  });
  const read = facts();
  const held = (budget: number, around: Around, by = settings()) => withinBudget(read, by, budget, around);
  const baseline = (overrides: Partial<Baseline> = {}): Baseline => ({
    digest: opened().digest,
    deployment: opened().deployment,
    result: 'approved',
    approvedFor: [],
    generation: 1,
    at: NOW,
    ...overrides,
  });

  test('the others and this one together are held against the budget, and the dearest are named', () => {
    expect(held(10.23, { fleet: fleet() })).toEqual([]);
    expect(held(10.22, { fleet: fleet() })).toEqual([
      {
        outcome: 'violation',
        message: `It can cost $0.23/h (AllTraffic: 2 x ml.m5.large at $0.115; us-east-1 list prices as of ${prices.asOf}). With 1 other endpoint (other $10.00) prod could cost $10.23/h; the budget is $10.22/h.`,
      },
    ]);
  });

  test('what was accepted before may go on although the fleet is over its budget', () => {
    expect(held(5, { fleet: fleet(), baseline: baseline() })).toMatchObject([
      { outcome: 'advice', message: expect.stringContaining('It takes no more than was accepted before.') },
    ]);
  });

  test('what was accepted in another environment entitles to nothing here', () => {
    const elsewhere = { ...opened().deployment, environment: 'staging' as const };
    expect(held(5, { fleet: fleet(), baseline: baseline({ deployment: elsewhere }) })).toMatchObject([
      { outcome: 'violation' },
    ]);
  });

  test('a price that rose since it was accepted is reported as that', () => {
    const cost = { ceilingUsd: 0.2, pricesAsOf: '2025-01-01' };
    const [problem] = held(5, { fleet: fleet(), baseline: baseline({ cost }) });
    expect(problem?.message).toContain(
      `The price of what was accepted rose from $0.20/h on 2025-01-01 to $0.23/h on ${prices.asOf}.`,
    );
    expect(priceMove(read, settings(), { baseline: baseline({ cost: { ...cost, ceilingUsd: 0.23 } }) })).toBe('');
  });

  test('what was granted stays granted when the task is run again', () => {
    expect(held(5, { fleet: fleet({ granted: true }) })).toEqual([]);
  });

  test.each<[string, Partial<FleetView>, string]>([
    [
      'runs beyond what was accepted',
      { others: { committed: usd(1), running: usd(50) }, unaccepted: fleet().largest },
      'prod costs $50.23/h with it, because of what runs without having been accepted: other $10.00; the budget is $20.00/h.',
    ],
    ['nobody has counted', { unread: null }, 'The fleet has not been counted yet, so what it costs is not known.'],
    ['nobody has read', { unread: 3 }, '3 endpoints have not been read so far, so the sum leaves them out.'],
    [
      'has no price',
      { unpriced: ['chat, no price'], unpricedCount: 3 },
      'The sum leaves out what has no known price: chat, no price, and 2 more.',
    ],
  ])('about what %s a person must decide, unless it changes nothing', (_what, overrides, message) => {
    const around = { fleet: fleet(overrides) };
    expect(held(20, around)).toEqual([{ outcome: 'needs-approval', message }]);
    expect(held(20, { ...around, baseline: baseline() })).toEqual([{ outcome: 'advice', message }]);
  });

  test('both sets of instances during an update are advice, unless that is what counts', () => {
    const other = baseline({
      deployment: opened(1, facts({ variants: [instanceVariant({ models: [model({ containers: [] })] })] })).deployment,
    });
    expect(held(10.4, { fleet: fleet(), baseline: other })).toEqual([
      {
        outcome: 'advice',
        message:
          'While it replaces the instances of before, both are paid for: up to $10.46/h for prod; the budget is $10.40/h.',
      },
    ]);
    expect(peakUsdOf(read, settings(), { baseline: other })).toBe(0.46);
    expect(peakUsdOf(read, settings(), { baseline: baseline() })).toBe(0.23);
    const grown = opened(1, facts({ variants: [instanceVariant({ maxInstances: 1, minInstances: 1 })] })).deployment;
    expect(peakUsdOf(read, settings(), { baseline: baseline({ deployment: grown }) })).toBe(0.23);
  });

  test.each([
    ['steady', 0.23],
    ['ceiling', 0.46],
  ] as const)('where the %s cost counts, that is what is added', (budgetCounts, mine) => {
    const scaled = facts({ variants: [instanceVariant({ maxInstances: 4 })] });
    const by = settings({ budgetCounts });
    const at = (budget: number) => withinBudget(scaled, by, budget, { fleet: fleet() });
    expect(at(10 + mine)).toEqual([]);
    expect(at(10 + mine - 0.01)).toMatchObject([{ outcome: 'violation' }]);
  });
});
