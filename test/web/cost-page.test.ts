import { describe, expect, test } from 'vitest';
import { type CostReport, costReport, type WaitingPlan } from '../../shared/model/cost-report.ts';
import { emptyFleet, type Fleet } from '../../shared/model/fleet-budget.ts';
import type { FleetEntry } from '../../shared/model/fleet-entry.ts';
import { costPage } from '../../web/cost-page.ts';
import { endpoint, NOW, prices } from '../builders.ts';

const load = (types: string[], max: number) => [{ variant: 'v', types, steady: 1, min: 1, max }];
const fleetOf = (...entries: Partial<FleetEntry>[]): Fleet => ({
  entries: new Map(
    entries.map((entry, index) => {
      const whole = { endpoint, accepted: null, runs: null, generation: index + 1, ...entry };
      return [whole.endpoint.name, whole];
    }),
  ),
  version: 0,
  unread: { 'a#us-east-1': 0 },
});
const named = (name: string) => ({ ...endpoint, name });
const prod = fleetOf(
  { endpoint: named('steady'), accepted: load(['ml.m5.xlarge'], 4), runs: load(['ml.m5.xlarge'], 4) },
  { endpoint: named('rogue'), runs: load(['ml.g5.48xlarge'], 3) },
  {
    endpoint: named('asked'),
    runs: load(['ml.m5.xlarge'], 2),
    open: { generation: 7, granted: true, replaces: false },
  },
  { endpoint: named('<b>odd</b>'), runs: load(['ml.m99.large'], 2) },
);
const report = (fleet = prod, overrides: { plans?: WaitingPlan[]; places?: string[] } = {}): CostReport =>
  costReport(
    new Map([['prod', fleet]]),
    { prices, pricesAlsoFor: [] },
    {
      at: NOW,
      counts: 'ceiling',
      places: ['a#us-east-1'],
      budgetUsdOf: () => 50,
      ...overrides,
    },
  );
const shown = (...of: Parameters<typeof report>) => String(costPage(report(...of)));

describe('the cost of an environment', () => {
  test('is the sum of what was accepted and what runs, dearest endpoint first', () => {
    const [environment] = report().environments;
    expect(environment).toMatchObject({
      budgetUsd: 50,
      committed: { ceiling: 1.38 },
      running: { ceiling: 62.46 },
      unread: 0,
    });
    expect(environment?.endpoints.map(({ endpoint: { name }, standing }) => [name, standing])).toEqual([
      ['rogue', 'not accepted'],
      ['steady', 'accepted'],
      ['asked', 'waiting'],
      ['<b>odd</b>', 'not accepted'],
    ]);
  });

  test('says what the waiting changes and plans would add, one after the other', () => {
    const plans = [{ environment: 'prod' as const, endpoint: named('steady'), generation: 3, ceilingUsd: 2 }];
    expect(report(prod, { plans }).environments[0]?.waiting).toMatchObject([
      { endpoint: { name: 'asked' }, generation: 7, planned: false, addsUsd: 0.46, thenUsd: 62.46 },
      { endpoint: { name: 'steady' }, generation: 3, planned: true, addsUsd: 1.08, thenUsd: 63.54 },
    ]);
  });
});

describe('the page', () => {
  test('says in words what its bars show, and every figure is in a table', () => {
    const text = shown();
    expect(text).toContain('prod $62.46 of $50.00, $12.46 over it.');
    expect(text).toContain('Who uses it in prod');
    expect(text).toMatch(/<caption class="hidden">Endpoints of prod, dearest first<\/caption>/);
    expect(text).toContain('us-east-1 as of 2025-06-18');
  });

  test('names what the sums leave out', () => {
    expect(shown()).toContain('The sums leave out what has no known price: &lt;b&gt;odd&lt;/b&gt;.');
    expect(shown()).not.toContain('<b>odd');
    expect(shown(prod, { places: ['a#us-east-1', 'b#us-east-1'] })).toContain(
      'Not every account and region has been counted yet',
    );
    expect(shown({ ...prod, unread: { 'a#us-east-1': 4 } })).toContain('4 endpoints have not been read so far');
  });

  test('tells of prices that broke a limit', () => {
    const moved = {
      kind: 'prices-moved' as const,
      generation: 9,
      region: 'us-east-1',
      from: '2025-06-18',
      to: '2026-11-20',
      crossings: [
        { limit: 'budget' as const, endpoint: null, fromUsd: 49, toUsd: 62.46, limitUsd: 50 },
        { limit: 'approval' as const, endpoint: named('rogue'), fromUsd: 29, toUsd: 61.08, limitUsd: 30 },
      ],
    };
    expect(shown({ ...prod, moved })).toContain(
      'Prices of us-east-1 moved between 2025-06-18 and 2026-11-20: all of it rose from $49.00 to $62.46, above the budget of $50.00; rogue rose from $29.00 to $61.08, above the limit for approval of $30.00.',
    );
  });

  test('of an empty environment says so', () => {
    expect(shown(emptyFleet())).toContain('Nothing is on record here.');
  });
});
