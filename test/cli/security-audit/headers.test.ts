import { expect, test } from 'vitest';
import { answerWeaknesses } from '../../../cli/security-audit/headers.ts';
import { SECURITY_HEADERS, transportHeaders } from '../../../web/reply.ts';

const weak = (url: string, headers: Record<string, string>) =>
  answerWeaknesses(new URL(url), new Response('', { headers })).map(({ why }) => why);

test.each(['https://gate.example.com/login', 'https://localhost:4510/login', 'http://127.0.0.1:4510/login'])(
  'what the console sends from %s is enough there',
  (url) => {
    expect(weak(url, { ...SECURITY_HEADERS, ...transportHeaders(url) })).toEqual([]);
  },
);

test.each([
  ['is missing', {}],
  ['is for a day only', { 'strict-transport-security': 'max-age=86400' }],
])('over TLS, for other machines, it is a weakness that HSTS %s', (_what, headers) => {
  expect(weak('https://gate.example.com/', { ...SECURITY_HEADERS, ...headers })).toEqual([
    expect.stringMatching(/^strict-transport-security is .*a first request in plain HTTP/),
  ]);
});
