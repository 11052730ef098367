import { describe, expect, test } from 'vitest';
import { instanceTypesOf, isHosted, serves, Variant } from '../../shared/model/variant.ts';
import { componentHost, instanceVariant, poolVariant, serverlessVariant } from '../builders.ts';

const kinds = {
  instance: instanceVariant(),
  pool: poolVariant(),
  serverless: serverlessVariant(),
  host: componentHost(),
};

describe('a variant', () => {
  test.each(Object.entries(kinds))('of the kind %s is what its schema says', (_kind, variant) => {
    expect(Variant.parse(variant)).toEqual(variant);
  });
  test.each([
    ['an instance type on a serverless variant', { ...serverlessVariant(), instanceType: 'ml.m5.large' }],
    ['memory on an instance variant', { ...instanceVariant(), memorySizeMb: 1024 }],
    ['a pool without types', poolVariant({ pools: [] })],
    ['half an instance', instanceVariant({ minInstances: 1.5 })],
    ['a negative count', instanceVariant({ minInstances: -1 })],
    ['an unknown kind', { ...instanceVariant(), kind: 'edge' }],
  ])('%s is refused', (_what, variant) => {
    expect(Variant.safeParse(variant).success).toBe(false);
  });
});

test('every kind but serverless runs on instances', () => {
  expect(Object.values(kinds).map(isHosted)).toEqual([true, true, false, true]);
});

test('the instance types of a variant are all that it may run on', () => {
  expect(instanceTypesOf(instanceVariant())).toEqual(['ml.m5.large']);
  expect(instanceTypesOf(poolVariant())).toEqual(['ml.m5.large', 'ml.m5.xlarge']);
  expect(instanceTypesOf(componentHost({ instanceTypes: ['a', 'b'] }))).toEqual(['a', 'b']);
});

test.each([
  ['a plain variant', {}, true],
  ['a shadow variant', { shadow: true }, false],
  ['a variant of weight 0', { weight: 0 }, false],
])('%s serves: %s', (_what, overrides, expected) => {
  expect(serves(instanceVariant(overrides))).toBe(expected);
});
