import { describe, expect, test } from 'vitest';
import { loginPath, nextPath, personalLink } from '../../web/next-path.ts';

const REQUEST = 'r'.repeat(26);
const OWN = 'p'.repeat(26);

describe('nextPath', () => {
  test.each(['/', '/approvals', `/approvals/${REQUEST}?to=${OWN}`, '/?environment=prod&month=2026-11'])(
    '%s is ours',
    (path) => expect(nextPath(path)).toBe(path),
  );
  test.each([
    ['https://evil.example.com'],
    ['//evil.example.com'],
    ['/\\evil.example.com'],
    ['/approvals\\..'],
    ['javascript:alert(1)'],
    ['approvals'],
    ['/approvals\r\nset-cookie: x=y'],
    ['/approvals\tx'],
    ['/appr\u00f6vals'],
    ['/login?next=/login'],
    ['/logout'],
    [`/${'x'.repeat(1_000)}`],
    [''],
    [undefined],
    [null],
  ])('%j is not, so it is the start page', (path) => expect(nextPath(path)).toBe('/'));
});

test('loginPath takes a path whole', () => {
  expect(new URLSearchParams(loginPath('/?a=1&b=2').split('?')[1]).get('next')).toBe('/?a=1&b=2');
});

describe('personalLink', () => {
  test('is a request and whose mail it was', () => {
    expect(personalLink(`/approvals/${REQUEST}?to=${OWN}&again=1`)).toEqual({ request: REQUEST, personal: OWN });
  });
  test.each([`/approvals/${REQUEST}`, `/approvals/${REQUEST}?to=x`, `/approvals/x?to=${OWN}`, `/?to=${OWN}`, '/'])(
    '%s is none',
    (path) => expect(personalLink(path)).toBeUndefined(),
  );
});
