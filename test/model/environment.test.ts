import { describe, expect, test } from 'vitest';
import { EnvironmentRules, environmentOf, matchesPattern } from '../../shared/model/environment.ts';

const rules = EnvironmentRules.parse({
  namePatterns: [
    { pattern: '*-dev', environment: 'dev' },
    { pattern: '*', environment: 'staging' },
  ],
});

describe('environmentOf', () => {
  test.each([
    ['dev', 'dev'],
    ['Development', 'dev'],
    [' STAGE ', 'staging'],
    ['staging', 'staging'],
    ['prod', 'prod'],
    ['production', 'prod'],
  ])('the tag value "%s" means %s', (value, name) => {
    expect(environmentOf('fraud', { environment: value }, rules)).toEqual({
      name,
      source: 'tag',
      evidence: `tag environment=${value}`,
    });
  });

  test('the tag wins over the name', () => {
    expect(environmentOf('fraud-dev', { environment: 'prod' }, rules).name).toBe('prod');
  });

  test('without the tag the first pattern that matches the name counts, and the evidence names both', () => {
    expect(environmentOf('Fraud-DEV', { team: 'risk' }, rules)).toEqual({
      name: 'dev',
      source: 'name',
      evidence: 'no tag environment; name matches *-dev',
    });
  });

  test('a tag value that means nothing falls back to the name and stays in the evidence', () => {
    expect(environmentOf('fraud', { environment: 'sandbox' }, rules)).toEqual({
      name: 'staging',
      source: 'name',
      evidence: 'tag environment=sandbox names no environment; name matches *',
    });
  });

  test('what cannot be told is prod, the strictest', () => {
    expect(environmentOf('fraud', {}, EnvironmentRules.parse({}))).toEqual({
      name: 'prod',
      source: 'default',
      evidence: 'no tag environment; no name pattern matches; treated as prod',
    });
  });

  test('tag key and values are set by the rules', () => {
    const own = EnvironmentRules.parse({ tagKey: 'Stage', tagValues: { dev: ['sandbox'] } });
    expect(environmentOf('fraud', { Stage: 'sandbox', environment: 'prod' }, own).name).toBe('dev');
    expect(environmentOf('fraud', { Stage: 'dev' }, own).source).toBe('default');
  });
});

describe('matchesPattern', () => {
  test.each([
    ['*-dev', 'fraud-dev', true],
    ['*-dev', 'fraud-dev-2', false],
    ['fraud*prod', 'fraud-eu-prod', true],
    ['FRAUD', 'fraud', true],
    ['a.c', 'abc', false],
    ['a.c', 'a.c', true],
    ['(x|y)', 'x', false],
    ['[a-z]+', 'abc', false],
  ])('the pattern %s against %s is %s', (pattern, text, expected) => {
    expect(matchesPattern(pattern, text)).toBe(expected);
  });
});
