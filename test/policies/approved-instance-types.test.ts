import { describe, expect, test } from 'vitest';
import type { Variant } from '../../shared/model/variant.ts';
import { approvedInstanceTypes } from '../../shared/policies/approved-instance-types.ts';
import { evaluatePolicy } from '../../shared/policies/policy.ts';
import {
  componentHost,
  facts,
  inDev,
  inStaging,
  instanceVariant,
  poolVariant,
  prices,
  serverlessVariant,
  settings,
} from '../builders.ts';

const inProd = facts().environment;
const held = (environment: typeof inProd, variants: Variant[], by = settings()) =>
  evaluatePolicy(approvedInstanceTypes, facts({ environment, variants }), by);
const of = (instanceType: string, maxInstances = 2) => [instanceVariant({ instanceType, maxInstances })];

describe('in dev and staging', () => {
  test.each([
    ['ml.m5.large', inDev, 'pass'],
    ['ml.m5.xlarge', inDev, 'violation'],
    ['ml.m5.xlarge', inStaging, 'pass'],
    ['ml.m5.2xlarge', inStaging, 'violation'],
  ])('%s in $name is a %s', (type, environment, outcome) => {
    expect(held(environment, of(type)).outcome).toBe(outcome);
  });
  test('a violation names the variant, the type and the environment', () => {
    expect(held(inDev, of('ml.m5.xlarge')).messages).toEqual([
      'Variant AllTraffic uses ml.m5.xlarge, which is not approved for dev.',
    ]);
  });
  test('every pool and every host type is held against the list', () => {
    expect(held(inDev, [poolVariant()]).messages).toHaveLength(1);
    expect(held(inStaging, [componentHost({ instanceTypes: ['ml.m5.large', 'ml.g5.xlarge'] })]).messages).toHaveLength(
      1,
    );
  });
  test('money is not asked about', () => expect(held(inStaging, of('ml.m5.xlarge', 500)).outcome).toBe('pass'));
});

describe('in prod', () => {
  test('any type that the price table knows is approved', () => {
    expect(held(inProd, of('ml.g5.2xlarge'))).toMatchObject({ outcome: 'pass', messages: [] });
  });
  test('so is a type that is known to have no price; what it costs is for the budget to refuse', () => {
    expect(held(inProd, of('ml.p5en.48xlarge')).outcome).toBe('pass');
  });
  test('a type that nobody knows is a violation that says by which table', () => {
    expect(held(inProd, of('ml.m99.large')).messages).toEqual([
      `Variant AllTraffic uses ml.m99.large, an instance type unknown to the price table of ${prices.asOf}.`,
    ]);
  });
  test('a list of types is enforced where one is set', () => {
    const by = settings({ prod: { ...settings().prod, instanceTypes: ['ml.m5.large'] } });
    expect(held(inProd, of('ml.m5.xlarge'), by).messages).toEqual([
      'Variant AllTraffic uses ml.m5.xlarge, which is not approved for prod.',
    ]);
  });
  test('more than $30 an hour needs approval, and the message says what it costs', () => {
    expect(held(inProd, of('ml.g5.48xlarge'))).toMatchObject({
      outcome: 'needs-approval',
      messages: [expect.stringMatching(/^It can cost \$40\.72\/h .*; above \$30\.00\/h needs approval\.$/)],
    });
  });
  test('exactly the limit needs none', () => {
    const limit = (approvalAboveHourlyCostUsd: number) =>
      settings({ prod: { ...settings().prod, approvalAboveHourlyCostUsd } });
    expect(held(inProd, of('ml.m5.large'), limit(0.23)).outcome).toBe('pass');
    expect(held(inProd, of('ml.m5.large'), limit(0.22)).outcome).toBe('needs-approval');
  });
});

test('serverless variants have no instance type', () => {
  expect(held(inProd, [serverlessVariant()])).toMatchObject({
    outcome: 'not-applicable',
    messages: ['Serverless variants have no instance type.'],
  });
});
