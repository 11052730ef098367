import { expect, test } from 'vitest';
import { EndpointChange } from '../../shared/model/endpoint-change.ts';
import { change, endpoint, person } from '../builders.ts';

test('a change may name its actor and what was seen, and need not', () => {
  const whole = change({
    actor: person('dana'),
    sighting: { configName: 'c', desired: { a: { weight: 0.5 } }, settled: true },
  });
  expect(EndpointChange.parse(whole)).toEqual(whole);
  expect(EndpointChange.parse(change())).toEqual(change());
});

test.each([
  ['an endpoint name that could not stand in a key', { endpoint: { ...endpoint, name: "a'b" } }],
  ['a time without its zone', { at: '2026-11-20T10:00:00' }],
  ['an unknown kind', { kind: 'model' }],
  ['a field that nobody reads', { severity: 'high' }],
])('%s is refused', (_what, broken) => {
  expect(EndpointChange.safeParse({ ...change(), ...broken }).success).toBe(false);
});
