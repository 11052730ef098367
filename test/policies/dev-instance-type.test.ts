import { expect, test } from 'vitest';
import type { Variant } from '../../shared/model/variant.ts';
import { devInstanceType } from '../../shared/policies/dev-instance-type.ts';
import { evaluatePolicy } from '../../shared/policies/policy.ts';
import { componentHost, facts, inDev, instanceVariant, poolVariant, serverlessVariant, settings } from '../builders.ts';

const held = (variants: Variant[], by = settings()) =>
  evaluatePolicy(devInstanceType, facts({ environment: inDev, variants }), by);

test('ml.m5.large in dev passes', () => {
  expect(held([instanceVariant()])).toMatchObject({ outcome: 'pass', messages: [] });
});

test('another type is a violation that names the variant, the type and what is allowed', () => {
  expect(held([instanceVariant({ instanceType: 'ml.m5.xlarge' })])).toMatchObject({
    outcome: 'violation',
    messages: ['Variant AllTraffic uses ml.m5.xlarge; dev may use ml.m5.large.'],
  });
});

test('every pool of a variant must be allowed, not only the first', () => {
  expect(held([poolVariant()]).messages).toEqual(['Variant AllTraffic uses ml.m5.xlarge; dev may use ml.m5.large.']);
  expect(held([poolVariant({ pools: [{ instanceType: 'ml.m5.large', priority: 1 }] })]).outcome).toBe('pass');
});

test('the instances that inference components run on count, and shadow variants too', () => {
  expect(held([componentHost({ instanceTypes: ['ml.g5.xlarge'] })]).outcome).toBe('violation');
  expect(
    held([instanceVariant(), instanceVariant({ name: 's', shadow: true, instanceType: 'ml.g5.xlarge' })]).messages,
  ).toHaveLength(1);
});

test('a serverless endpoint has no instance type, so the policy does not apply', () => {
  expect(held([serverlessVariant()])).toMatchObject({
    outcome: 'not-applicable',
    messages: ['Serverless variants have no instance type.'],
  });
});

test('outside of dev it does not apply, and says how the environment is known', () => {
  expect(evaluatePolicy(devInstanceType, facts(), settings())).toMatchObject({
    outcome: 'not-applicable',
    messages: ['This is about development endpoints; this one is production (tag environment=prod).'],
  });
});

test('another list of types is enforced and shown in the statement', () => {
  const by = settings({ dev: { ...settings().dev, instanceTypes: ['ml.t2.medium', 'ml.m5.xlarge'] } });
  expect(held([instanceVariant({ instanceType: 'ml.m5.xlarge' })], by)).toMatchObject({
    outcome: 'pass',
    statement: 'Development models MUST use `ml.t2.medium` or `ml.m5.xlarge` instance type.',
  });
  expect(held([instanceVariant()], by).outcome).toBe('violation');
});

test('there is no exception', () => expect(devInstanceType.waivable).toBe(false));
