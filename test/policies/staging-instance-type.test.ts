import { expect, test } from 'vitest';
import type { Variant } from '../../shared/model/variant.ts';
import { evaluatePolicy } from '../../shared/policies/policy.ts';
import { stagingInstanceType } from '../../shared/policies/staging-instance-type.ts';
import {
  componentHost,
  facts,
  inStaging,
  instanceVariant,
  poolVariant,
  serverlessVariant,
  settings,
} from '../builders.ts';

const held = (variants: Variant[], by = settings()) =>
  evaluatePolicy(stagingInstanceType, facts({ environment: inStaging, variants }), by);

test.each(['ml.m5.large', 'ml.m5.xlarge'])('%s in staging passes', (instanceType) => {
  expect(held([instanceVariant({ instanceType })])).toMatchObject({ outcome: 'pass', messages: [] });
});

test('another type is a violation that names the variant, the type and what is allowed', () => {
  expect(held([instanceVariant({ instanceType: 'ml.g5.xlarge' })])).toMatchObject({
    outcome: 'violation',
    messages: ['Variant AllTraffic uses ml.g5.xlarge; staging may use ml.m5.large, ml.m5.xlarge.'],
  });
});

test('one forbidden pool or host type is a violation', () => {
  expect(
    held([poolVariant({ pools: [...poolVariant().pools, { instanceType: 'ml.g5.xlarge', priority: 3 }] })]).outcome,
  ).toBe('violation');
  expect(held([componentHost({ instanceTypes: ['ml.m5.large', 'ml.g5.xlarge'] })]).outcome).toBe('violation');
});

test('three instances need approval, and the message says how many can run', () => {
  expect(held([instanceVariant({ maxInstances: 3 })])).toMatchObject({
    outcome: 'needs-approval',
    messages: ['The endpoint can run 3 instances; 3 or more in staging need approval.'],
  });
});

test('three instances spread over three variants, one a shadow, are still three', () => {
  const one = { minInstances: 1, maxInstances: 1 };
  const variants = [
    instanceVariant(one),
    componentHost({ ...one, name: 'b' }),
    instanceVariant({ ...one, name: 'c', shadow: true }),
  ];
  expect(held(variants).outcome).toBe('needs-approval');
  expect(held(variants.slice(1)).outcome).toBe('pass');
});

test('a wrong type and too many instances are both reported, and the violation wins', () => {
  const finding = held([instanceVariant({ instanceType: 'ml.g5.xlarge', maxInstances: 5 })]);
  expect(finding.outcome).toBe('violation');
  expect(finding.messages).toHaveLength(2);
});

test('serverless or another environment: it does not apply, and says why', () => {
  expect(held([serverlessVariant()])).toMatchObject({
    outcome: 'not-applicable',
    messages: ['Serverless variants have no instance type.'],
  });
  expect(evaluatePolicy(stagingInstanceType, facts(), settings())).toMatchObject({
    outcome: 'not-applicable',
    messages: ['This is about staging endpoints; this one is production (tag environment=prod).'],
  });
});

test('other limits are enforced and shown', () => {
  const by = settings({ staging: { ...settings().staging, instanceTypes: ['ml.c5.large'], approvalFromInstances: 2 } });
  expect(held([instanceVariant({ instanceType: 'ml.c5.large', maxInstances: 2 })], by)).toMatchObject({
    outcome: 'needs-approval',
    statement: 'Staging models may use `ml.c5.large` instance types.',
    messages: ['The endpoint can run 2 instances; 2 or more in staging need approval.'],
  });
});
