import { expect, test } from 'vitest';
import type { Variant } from '../../shared/model/variant.ts';
import { evaluatePolicy } from '../../shared/policies/policy.ts';
import { prodMinInstances } from '../../shared/policies/prod-min-instances.ts';
import {
  componentHost,
  facts,
  inStaging,
  instanceVariant,
  poolVariant,
  serverlessVariant,
  settings,
} from '../builders.ts';

const held = (variants: Variant[], by = settings()) => evaluatePolicy(prodMinInstances, facts({ variants }), by);

test('two instances in prod pass', () => {
  expect(held([instanceVariant()])).toMatchObject({ outcome: 'pass', messages: [] });
});

test('one instance in prod is a violation that names the variant and the limit', () => {
  expect(held([instanceVariant({ minInstances: 1 })])).toMatchObject({
    outcome: 'violation',
    messages: ['Variant AllTraffic can run on 1, needs 2.'],
  });
});

test('what counts is the floor of auto scaling, not the count of the moment', () => {
  expect(held([instanceVariant({ desiredInstances: 8, minInstances: 1, maxInstances: 8 })]).outcome).toBe('violation');
});

test.each([
  ['pools', poolVariant({ minInstances: 0 }), 'Variant AllTraffic can run on 0, needs 2.'],
  ['inference components', componentHost({ minInstances: 1 }), 'Variant AllTraffic can run on 1, needs 2.'],
])('a variant of %s is held to the same limit', (_kind, variant, message) => {
  expect(held([variant])).toMatchObject({ outcome: 'violation', messages: [message] });
});

test('a variant that serves nobody may be small, as long as another one serves', () => {
  const small = { minInstances: 1, maxInstances: 1, name: 'b' };
  expect(held([instanceVariant(), instanceVariant({ ...small, shadow: true })]).outcome).toBe('pass');
  expect(held([instanceVariant(), instanceVariant({ ...small, weight: 0 })]).outcome).toBe('pass');
  expect(held([instanceVariant(), instanceVariant({ ...small, weight: 0.01 })]).outcome).toBe('violation');
});

test('an endpoint of one instance does not pass because its only variant has weight 0', () => {
  expect(held([instanceVariant({ minInstances: 1, weight: 0 })]).outcome).toBe('violation');
});

test('serverless variants have no count, so the policy does not apply', () => {
  expect(held([serverlessVariant()])).toMatchObject({
    outcome: 'not-applicable',
    messages: ['Serverless variants have no instance count; AWS spreads them itself.'],
  });
});

test('outside of prod it does not apply', () => {
  const one = facts({ environment: inStaging, variants: [instanceVariant({ minInstances: 1 })] });
  expect(evaluatePolicy(prodMinInstances, one, settings())).toMatchObject({
    outcome: 'not-applicable',
    messages: ['This is about production endpoints; this one is staging (tag environment=staging).'],
  });
});

test('another limit is enforced and shown in the statement', () => {
  const by = settings({ prod: { ...settings().prod, minInstances: 3 } });
  expect(held([instanceVariant()], by)).toMatchObject({
    outcome: 'violation',
    statement: 'Production models must have `instance_count >= 3` for high availability.',
    messages: ['Variant AllTraffic can run on 2, needs 3.'],
  });
});

test('there is no exception', () => expect(prodMinInstances.waivable).toBe(false));
