import { expect, test } from 'vitest';
import { JsonValue } from '../../shared/model/json-value.ts';

test.each([null, true, 'text', 1.5, [], {}, { a: [{ b: null }, 'c', -1] }])('%j is JSON', (value) => {
  expect(JsonValue.parse(value)).toEqual(value);
});

test.each([
  ['nothing', undefined],
  ['what is no number', Number.NaN],
  ['infinity', Number.POSITIVE_INFINITY],
  ['a big integer', 1n],
  ['a date', new Date(0)],
  ['bytes', new Uint8Array(2)],
  ['a function', () => 1],
  ['nothing within a list', [undefined]],
  ['a date deep within', { a: { b: [new Date(0)] } }],
])('%s is not', (_, value) => {
  expect(JsonValue.safeParse(value)).toMatchObject({
    success: false,
    error: { issues: [{ message: 'must be JSON' }] },
  });
});
