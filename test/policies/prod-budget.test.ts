import { expect, test } from 'vitest';
import { evaluatePolicy } from '../../shared/policies/policy.ts';
import { prodBudget } from '../../shared/policies/prod-budget.ts';
import { facts, inDev, instanceVariant, poolVariant, settings } from '../builders.ts';

const of = (instanceType: string, maxInstances = 2) =>
  facts({ variants: [instanceVariant({ instanceType, maxInstances })] });
const held = (read: ReturnType<typeof facts>, by = settings()) => evaluatePolicy(prodBudget, read, by);

test('two ml.g5.48xlarge are within $50 an hour', () => {
  expect(held(of('ml.g5.48xlarge'))).toMatchObject({ outcome: 'pass', messages: [] });
});

test('two ml.p4d.24xlarge are a violation that names cost and budget', () => {
  expect(held(of('ml.p4d.24xlarge'))).toMatchObject({
    outcome: 'violation',
    messages: [expect.stringMatching(/^It can cost \$50\.50.* 2 x ml\.p4d\.24xlarge .*; the budget is \$50\.00\/h\.$/)],
  });
});

test('a pool counts at its dearest type', () => {
  const pools = [
    { instanceType: 'ml.m5.large', priority: 1 },
    { instanceType: 'ml.p4d.24xlarge', priority: 2 },
  ];
  expect(held(facts({ variants: [poolVariant({ pools })] })).outcome).toBe('violation');
});

test('a type without a price is a violation that says so', () => {
  expect(held(of('ml.p5en.48xlarge'))).toMatchObject({
    outcome: 'violation',
    messages: [
      'Cost unknown, so it cannot be held against the budget: variant AllTraffic: no trustworthy price is known for ml.p5en.48xlarge.',
    ],
  });
});

test('in dev it does not apply', () => {
  expect(held(facts({ environment: inDev }))).toMatchObject({
    outcome: 'not-applicable',
    messages: [expect.stringContaining('about production endpoints')],
  });
});

test('another budget is enforced and shown in the statement', () => {
  const by = settings({ prod: { ...settings().prod, maxHourlyCostUsd: 60 } });
  expect(held(of('ml.p4d.24xlarge'), by)).toMatchObject({
    outcome: 'pass',
    statement: 'Production environment maximum budget: $60 USD per hour.',
  });
});
