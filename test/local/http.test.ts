import { createServer, get, type IncomingHttpHeaders, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { createConsole } from '../../local/http.ts';
import { SECURITY_HEADERS } from '../../web/reply.ts';
import * as a from '../builders.ts';
import { fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

let server: Server = createServer();
let url = '';
const metrics = {
  text: async () => 'portcullis_build_info 1\n',
  contentType: 'text/plain; version=0.0.4',
  certificateEnds: () => undefined,
};
beforeAll(async () => {
  const aws = fakeAws({ config: a.config({ consoleUrl: 'http://127.0.0.1:4510' }) });
  fakeTables(aws);
  server = createConsole(aws.services, async () => [], metrics);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

test('cookies go out one a line and come in one by one, as API Gateway has them', async () => {
  const asked = await fetch(`${url}/login/code`, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'next=/&email=asha@example.com',
  });
  const [cookie = '', ...others] = asked.headers.getSetCookie();
  expect(others).toEqual([]);
  expect(cookie).toMatch(/^portcullis-login=[a-z0-9]{26};/);
  // Beside another one, as browsers send them in one header.
  const shown = await fetch(`${url}/approvals`, { headers: { cookie: `other=1; ${cookie.split(';')[0]}` } });
  expect(shown.status).toBe(200);
});

test('a page is read here without logging in, unless it was asked for by a name that only points here', async () => {
  const { port } = new URL(url);
  const statusFor = (host: string) =>
    new Promise<number | undefined>((resolve) => {
      get({ host: '127.0.0.1', port, path: '/approvals', headers: { host } }, (reply) => {
        reply.resume();
        resolve(reply.statusCode);
      });
    });
  expect(await statusFor(`127.0.0.1:${port}`)).toBe(200);
  expect(await statusFor(`localhost:${port}`)).toBe(200);
  expect(await statusFor(`evil.example.com:${port}`)).toBe(303);
});

/** What somebody gets who asks with these headers. */
const askFor = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  new Promise<{ status?: number | undefined; headers: IncomingHttpHeaders; body: string }>((resolve) => {
    const { port } = new URL(url);
    request({ host: '127.0.0.1', port, path, method, headers }, (reply) => {
      let body = '';
      reply.on('data', (chunk) => {
        body += String(chunk);
      });
      reply.on('end', () => resolve({ status: reply.statusCode, headers: reply.headers, body }));
    }).end();
  });
const NOT_FROM_HERE = [
  ['a proxy that speaks for another', { 'x-forwarded-for': '192.0.2.7' }],
  ['a proxy that says so in one word', { via: '1.1 proxy' }],
  ['a browser that was told a name for this address', { host: 'evil.example.com' }],
] as const;

describe('mailboxes', () => {
  test('are read on this machine, with every header', async () => {
    for (const path of ['/outbox', '/outbox?format=json']) {
      const { status, headers } = await askFor(path);
      expect(status).toBe(200);
      expect(headers).toMatchObject(SECURITY_HEADERS);
    }
    expect((await askFor('/outbox', {}, 'POST')).status).toBe(404);
  });
  // They hold the codes to log in.
  test.each(NOT_FROM_HERE)('are for nobody who comes by another name or through a proxy: %s', async (_who, headers) => {
    const refused = await askFor('/outbox?format=json', { ...headers, authorization: 'Bearer x' });
    expect(refused).toMatchObject({ status: 403, body: 'Mails are read on this machine only.\n' });
    expect(refused.headers).toMatchObject(SECURITY_HEADERS);
  });
});

describe('metrics', () => {
  const TOKEN = 'a-token-of-programs-with-32-letters';
  afterEach(() => vi.unstubAllEnvs());
  const ask = (headers: Record<string, string> = {}, method = 'GET') => askFor('/metrics', headers, method);

  test('are for a program on this machine, as text that Prometheus reads, and kept by nobody on the way', async () => {
    const { status, headers, body } = await ask();
    expect({ status, body }).toEqual({ status: 200, body: 'portcullis_build_info 1\n' });
    expect(headers).toMatchObject({ 'content-type': metrics.contentType, 'cache-control': 'no-store' });
  });

  test.each(NOT_FROM_HERE)('are not for %s, unless it has the access token', async (_who, headers) => {
    expect(await ask(headers)).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer' } });
    expect((await ask({ ...headers, authorization: 'Bearer undefined' })).status).toBe(401);
    vi.stubEnv('PORTCULLIS_ACCESS_TOKEN', TOKEN);
    expect((await ask({ ...headers, authorization: `Bearer ${TOKEN}x` })).status).toBe(401);
    const { status, body } = await ask({ ...headers, authorization: `Bearer ${TOKEN}` });
    expect({ status, body }).toEqual({ status: 200, body: 'portcullis_build_info 1\n' });
  });

  test('that cannot be had whole are an error, and nothing less', async () => {
    const { text } = metrics;
    metrics.text = async () => {
      throw new Error('canary: the store does not answer');
    };
    const failed = await ask();
    expect(failed).toMatchObject({ status: 500, body: '' });
    expect(failed.headers).toMatchObject(SECURITY_HEADERS);
    metrics.text = text;
    expect((await ask({}, 'POST')).status).toBe(404);
  });
});
