import { createServer, get, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createConsole } from '../../local/http.ts';
import * as a from '../builders.ts';
import { fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

let server: Server = createServer();
let url = '';
beforeAll(async () => {
  const aws = fakeAws({ config: a.config({ consoleUrl: 'http://127.0.0.1:4510' }) });
  fakeTables(aws);
  server = createConsole(aws.services, async () => []);
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
