import { describe, expect, test } from 'vitest';
import { advice, needsApproval, type Problem, violation } from '../../shared/model/finding.ts';
import { evaluatePolicy, inEnvironment, type Policy, typeList } from '../../shared/policies/policy.ts';
import { facts, inDev, settings } from '../builders.ts';

const policy = (overrides: Partial<Policy> = {}): Policy => ({
  id: 'p',
  statement: ({ prod }) => `At least ${prod.minInstances}.`,
  rationale: 'because',
  waivable: true,
  appliesTo: () => true,
  check: () => [],
  ...overrides,
});
const reports = (...problems: Problem[]) => evaluatePolicy(policy({ check: () => problems }), facts(), settings());

describe('evaluatePolicy', () => {
  test('no problem is a pass, under the statement with the limit in force', () => {
    expect(reports()).toEqual({ policy: 'p', statement: 'At least 2.', outcome: 'pass', messages: [] });
  });
  test.each([
    [[advice('a')], 'advice'],
    [[advice('a'), needsApproval('b')], 'needs-approval'],
    [[advice('a'), violation('c'), needsApproval('b')], 'violation'],
  ])('of %j the worst is the outcome, and every message is kept', (problems, outcome) => {
    expect(reports(...problems)).toMatchObject({ outcome, messages: problems.map(({ message }) => message) });
  });
  test('where it does not apply it says why, and nothing is checked', () => {
    const check = () => {
      throw new Error('must not be asked');
    };
    expect(evaluatePolicy(policy({ appliesTo: () => 'no instances', check }), facts(), settings())).toMatchObject({
      outcome: 'not-applicable',
      messages: ['no instances'],
    });
  });
  test('a check that throws is a violation that says so, never a pass', () => {
    const check = () => {
      throw new TypeError('variants is not iterable');
    };
    expect(evaluatePolicy(policy({ check }), facts(), settings())).toMatchObject({
      outcome: 'violation',
      messages: ['The check itself failed: variants is not iterable'],
    });
  });
});

test('inEnvironment says which environments it is about and which this one is', () => {
  expect(inEnvironment('dev', 'staging')(facts({ environment: inDev }))).toBe(true);
  expect(inEnvironment('dev', 'staging')(facts())).toBe(
    'This is about development and staging endpoints; this one is production (tag environment=prod).',
  );
});

test('a list of types is written as the policy document writes it', () => {
  expect(typeList(['a'])).toBe('`a`');
  expect(typeList(['a', 'b'])).toBe('`a` or `b`');
});
