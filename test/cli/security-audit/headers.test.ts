import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { expect, test } from 'vitest';
import { answerWeaknesses, checkHeaders } from '../../../cli/security-audit/headers.ts';
import type { Audited } from '../../../cli/security-audit/weakness.ts';
import { SECURITY_HEADERS, transportHeaders } from '../../../web/reply.ts';
import { certificate } from '../../certificates.ts';

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

test.each([
  ['2099-01-05T00:00:00Z', [/^Its certificate ends at 2099-01-05T00:00:00\.000Z, in 4 days\.$/]],
  ['2099-01-20T00:00:00Z', []],
])('a server over TLS whose certificate ends on %s in a year that begins is held to that', async (to, whys) => {
  const trusted = tls.getCACertificates('default');
  const own = certificate({ to });
  const server = createServer({ cert: own.cert, key: own.key }, (_request, response) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    response.end('{"status":"ok"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    tls.setDefaultCACertificates([...trusted, own.cert]);
    const url = `https://localhost:${(server.address() as AddressInfo).port}`;
    const { weaknesses, unchecked } = await checkHeaders({ url, env: {}, now: '2099-01-01T00:00:00Z' } as Audited);
    expect(unchecked).toEqual([]);
    expect(weaknesses.map(({ why }) => why)).toEqual(whys.map((why) => expect.stringMatching(why)));
  } finally {
    tls.setDefaultCACertificates(trusted);
    server.close();
    server.closeAllConnections();
  }
});
