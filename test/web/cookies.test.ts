import { expect, test } from 'vitest';
import { clearCookie, cookieIn, setCookie } from '../../web/cookies.ts';

const AWAY = 'https://gate.example.com';
const HOME = 'http://127.0.0.1:4510';

test('a cookie is for our host alone, for no script, and for no request that another site makes', () => {
  expect(setCookie('portcullis', 'x', 60, AWAY)).toBe(
    '__Host-portcullis=x; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure',
  );
});
test('on plain HTTP to this machine it does without Secure, and so without the prefix that asks for it', () => {
  expect(setCookie('portcullis', 'x', 60, HOME)).toBe('portcullis=x; Path=/; Max-Age=60; HttpOnly; SameSite=Strict');
  expect(setCookie('portcullis', 'x', 60, 'http://gate.example.com')).toContain('__Host-');
});
test('clearing ends it at once', () => {
  expect(clearCookie('portcullis-login', AWAY)).toMatch(/^__Host-portcullis-login=; .*Max-Age=0;/);
});
test('only the cookie of that very name is read', () => {
  const cookies = [
    'portcullis=unprefixed',
    '__Host-portcullis-login=b',
    '__Host-portcullis=s=1',
    'x__Host-portcullis=x',
  ];
  expect(cookieIn(cookies, 'portcullis', AWAY)).toBe('s=1');
  expect(cookieIn(cookies, 'portcullis-login', AWAY)).toBe('b');
  expect(cookieIn(['portcullis=1'], 'portcullis', AWAY)).toBeUndefined();
  expect(cookieIn([], 'portcullis', HOME)).toBeUndefined();
});
