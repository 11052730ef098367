import { expect, test } from 'vitest';
import { evaluatePolicy } from '../../shared/policies/policy.ts';
import { stagingBudget } from '../../shared/policies/staging-budget.ts';
import { facts, inStaging, instanceVariant, serverlessVariant, settings } from '../builders.ts';

const held = (maxInstances: number, by = settings()) =>
  evaluatePolicy(
    stagingBudget,
    facts({ environment: inStaging, variants: [instanceVariant({ instanceType: 'ml.m5.xlarge', maxInstances })] }),
    by,
  );

test('65 ml.m5.xlarge cost $14.95 an hour and pass', () =>
  expect(held(65)).toMatchObject({ outcome: 'pass', messages: [] }));

test('66 cost $15.18, a violation that names cost and budget', () => {
  expect(held(66)).toMatchObject({
    outcome: 'violation',
    messages: [expect.stringMatching(/^It can cost \$15\.18\/h .*; the budget is \$15\.00\/h\.$/)],
  });
});

test('an unknown price is a violation, not $0', () => {
  const variants = [serverlessVariant({ provisionedConcurrency: 1 })];
  expect(evaluatePolicy(stagingBudget, facts({ environment: inStaging, variants }), settings()).outcome).toBe(
    'violation',
  );
});

test('in prod it does not apply', () => {
  expect(evaluatePolicy(stagingBudget, facts(), settings())).toMatchObject({
    outcome: 'not-applicable',
    messages: [expect.stringContaining('about staging endpoints')],
  });
});

test('another budget is enforced and shown in the statement', () => {
  const by = settings({ staging: { ...settings().staging, maxHourlyCostUsd: 20 } });
  expect(held(66, by)).toMatchObject({
    outcome: 'pass',
    statement: 'Staging environment maximum budget: $20 USD per hour.',
  });
  expect(held(87, by).outcome).toBe('violation');
});
