import { expect, test } from 'vitest';
import type { Variant } from '../../shared/model/variant.ts';
import { minimalInstanceCounts } from '../../shared/policies/minimal-instance-counts.ts';
import { evaluatePolicy } from '../../shared/policies/policy.ts';
import {
  componentHost,
  facts,
  inDev,
  inStaging,
  instanceVariant,
  poolVariant,
  serverlessVariant,
  settings,
} from '../builders.ts';

const one = { minInstances: 1, maxInstances: 1 };
const held = (environment: typeof inDev | typeof inStaging, variant: Variant, by = settings()) =>
  evaluatePolicy(minimalInstanceCounts, facts({ environment, variants: [variant] }), by);

test.each([inDev, inStaging])('one instance in $name passes', (environment) => {
  expect(held(environment, instanceVariant(one))).toMatchObject({ outcome: 'pass', messages: [] });
});
test.each([inDev, inStaging])('two in $name are advice that names the variant and the default', (environment) => {
  expect(held(environment, instanceVariant())).toMatchObject({
    outcome: 'advice',
    messages: ['Variant AllTraffic can run 2 instances; 1 is the default here.'],
  });
});
test.each([instanceVariant, poolVariant, componentHost])(
  'the ceiling counts, for every kind that runs on instances',
  (build) => {
    expect(held(inDev, build({ minInstances: 1, maxInstances: 4 })).messages).toEqual([
      'Variant AllTraffic can run 4 instances; 1 is the default here.',
    ]);
    expect(held(inDev, build(one)).outcome).toBe('pass');
  },
);
test('a serverless variant runs no instances, so there is nothing to count', () => {
  expect(held(inDev, serverlessVariant())).toMatchObject({
    outcome: 'not-applicable',
    messages: ['Serverless variants have no instance count.'],
  });
});
test('it never does more than advise', () =>
  expect(held(inDev, instanceVariant({ maxInstances: 99 })).outcome).toBe('advice'));
test('in prod it does not apply', () => {
  expect(evaluatePolicy(minimalInstanceCounts, facts(), settings())).toMatchObject({
    outcome: 'not-applicable',
    messages: ['This is about development and staging endpoints; this one is production (tag environment=prod).'],
  });
});
test('dev and staging have defaults of their own', () => {
  const { dev, staging } = settings();
  const by = settings({ dev: { ...dev, defaultInstances: 2 }, staging: { ...staging, defaultInstances: 1 } });
  expect(held(inDev, instanceVariant(), by).outcome).toBe('pass');
  expect(held(inStaging, instanceVariant(), by).outcome).toBe('advice');
});
