import { expect, test } from 'vitest';
import { formToken, isFormToken } from '../../shared/model/form-token.ts';

const SECRET = 's'.repeat(26);

test('a token fits the session and the purpose that it was made for', () => {
  expect(isFormToken(formToken(SECRET, 'answer', 'r', 'd'), SECRET, 'answer', 'r', 'd')).toBe(true);
});

test.each<[string, string, string[]]>([
  ['another session', 't'.repeat(26), ['answer', 'r', 'd']],
  ['another form', SECRET, ['comment', 'r', 'd']],
  ['another request', SECRET, ['answer', 'x', 'd']],
  ['another deployment', SECRET, ['answer', 'r', 'x']],
  ['parts that are cut elsewhere', SECRET, ['answerr', '', 'd']],
  ['a part less', SECRET, ['answer', 'r']],
])('and not %s', (_what, secret, purpose) => {
  expect(isFormToken(formToken(SECRET, 'answer', 'r', 'd'), secret, ...purpose)).toBe(false);
});

test('what has another length is no token, and no error', () => {
  for (const given of ['', 'x', 'é'.repeat(32), 'x'.repeat(65)]) expect(isFormToken(given, SECRET, 'a')).toBe(false);
});

test('a token says nothing about the session', () => {
  expect(formToken(SECRET, 'answer')).toMatch(/^[0-9a-f]{64}$/);
});
