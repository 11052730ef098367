import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest';
import { ROUTES } from '../../local/http-api.ts';
import * as a from '../builders.ts';
import { type Browser, gateInMemory, HOME, type Page } from './gate-in-memory.ts';

let logged: MockInstance<typeof console.error>;
beforeEach(() => {
  logged = vi.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterEach(() => logged.mockRestore());

// Every header and every cookie of every route, for nobody and for somebody who has logged in: the status, what kind of answer
// it is, the headers beyond those that all have, and the cookies that it sets (+) or takes away (-).
const TABLE = `
  GET /                                                                        303 text location                     200 html
  GET /changes                                                                 303 text location                     200 html
  GET /changes.csv                                                             303 text location                     200 csv content-disposition
  GET /changes/{account}/{region}/{endpoint}/{generation}                      303 text location                     200 html
  GET /quarantine                                                              303 text location                     200 html
  GET /endpoints/{account}/{region}/{endpoint}                                 303 text location                     200 html
  GET /cost                                                                    303 text location                     200 html
  GET /approvals                                                               303 text location                     200 html
  GET /approvals/{id}                                                          303 text location                     200 html
  POST /approvals/{id}/answer                                                  401 html                              400 html
  POST /approvals/{id}/comment                                                 401 html                              400 html
  POST /approvals/{id}/withdraw                                                401 html                              400 html
  POST /approvals/{id}/ask-again                                               401 html                              400 html
  POST /approvals/{id}/break-glass                                             401 html                              400 html
  POST /approvals/{id}/review                                                  401 html                              400 html
  POST /api/approvals/{id}/answer                                              401 json                              401 json
  POST /code/approvals/{id}/answer                                             415 json                              415 json
  POST /api/approvals/{id}/comment                                             401 json                              401 json
  POST /code/approvals/{id}/comment                                            415 json                              415 json
  POST /api/approvals/{id}/withdraw                                            401 json                              401 json
  POST /code/approvals/{id}/withdraw                                           415 json                              415 json
  POST /api/approvals/{id}/again                                               401 json                              401 json
  POST /code/approvals/{id}/again                                              415 json                              415 json
  POST /api/approvals/{id}/review                                              401 json                              401 json
  POST /code/approvals/{id}/review                                             415 json                              415 json
  POST /code                                                                   415 json                              415 json
  GET /plans/{account}/{region}/{endpoint}/{generation}                        303 text location                     404 html
  POST /api/plans                                                              401 json                              401 json
  GET /api/plans/{account}/{region}/{endpoint}/{generation}                    401 json                              401 json
  POST /token/plans                                                            401 json www-authenticate             401 json www-authenticate
  GET /token/plans/{account}/{region}/{endpoint}/{generation}                  401 json www-authenticate             401 json www-authenticate
  POST /api/waivers/{account}/{region}/{endpoint}/grant                        401 json                              401 json
  POST /code/waivers/{account}/{region}/{endpoint}/grant                       415 json                              415 json
  POST /api/waivers/{account}/{region}/{endpoint}/revoke                       401 json                              401 json
  POST /code/waivers/{account}/{region}/{endpoint}/revoke                      415 json                              415 json
  GET /login                                                                   200 html                              200 html
  POST /login/code                                                             303 text location +portcullis-login   303 text location +portcullis-login
  GET /login/code                                                              200 html                              200 html
  POST /login/verify                                                           403 html                              403 html
  POST /login/provider                                                         404 html                              404 html
  GET /login/callback                                                          403 html                              403 html
  POST /login/callback                                                         404 html                              404 html
  POST /logout                                                                 401 html                              303 text location
  POST /changes/{account}/{region}/{endpoint}/{generation}/put-back            401 html                              400 html
  POST /api/changes/{account}/{region}/{endpoint}/{generation}/put-back        401 json                              401 json
  POST /code/changes/{account}/{region}/{endpoint}/{generation}/put-back       415 json                              415 json
  POST /slack/interactions                                                     403 html                              403 html
  GET /style.css                                                               200 css                               200 css
  GET /health                                                                  200 json                              200 json
`;
const rows = TABLE.trim()
  .split('\n')
  .map((line) => line.trim().split(/ {2,}/) as [route: string, nobody: string, asha: string]);

const nothing = 'accelerometer camera display-capture geolocation gyroscope microphone midi payment serial usb';
/** On every answer. Written down again on purpose: it is not the code's list. */
const ALL: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': nothing
    .split(' ')
    .map((feature) => `${feature}=()`)
    .join(', '),
  'cache-control': 'no-store',
};
const OVER_TLS = { 'strict-transport-security': 'max-age=31536000' };
const KINDS: Record<string, Record<string, string>> = {
  html: { 'content-type': 'text/html; charset=utf-8' },
  text: { 'content-type': 'text/plain; charset=utf-8' },
  csv: { 'content-type': 'text/csv; charset=utf-8' },
  json: { 'content-type': 'application/json' },
  // The one thing that may be kept: there is nothing of anybody in it.
  css: { 'content-type': 'text/css; charset=utf-8', 'cache-control': 'public, max-age=3600' },
};
/** What else a header that a row names may hold. */
const VALUES: Record<string, RegExp> = {
  location: /^\/(?!\/)/,
  'www-authenticate': /^Bearer$/,
  allow: /^GET, HEAD$/,
  'content-disposition': /^attachment; filename="[\w.-]+"$/,
};
const COOKIE = /^(__Host-portcullis(?:-login)?)=([a-z0-9]*); Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict; Secure$/;

const { account, region, name } = a.endpoint;
const PARTS: Record<string, string> = { id: a.REQUEST, account, region, endpoint: name, generation: '1' };
const pathOf = (pattern: string) => pattern.replaceAll(/\{(\w+)\}/g, (_, part: string) => PARTS[part] ?? '1');
const use = (browser: Browser, route: string): Promise<Page> => {
  const [method, path = ''] = route.split(' ');
  return method === 'GET' ? browser.get(pathOf(path)) : browser.post(pathOf(path), { email: 'ben@example.com' });
};

/** Holds an answer against what a row says of it, and finds nothing that the row does not say. */
function expectAsSaid(page: Page, said: string, always: Record<string, string>): void {
  const [status, kind = '', ...more] = said.split(' ');
  const named = more.filter((each) => !/^[+-]/.test(each));
  expect(page.status).toBe(Number(status));
  expect(page.body).not.toMatch(/<script|<i?frame|<meta name="referrer"|\sstyle=|\son\w+=/);
  expect(page.headers).toEqual({
    ...ALL,
    ...always,
    ...KINDS[kind],
    ...Object.fromEntries(named.map((name) => [name, expect.stringMatching(VALUES[name] ?? /^$/)])),
  });
  const cookies = page.cookies.map((line) => {
    const [, name = line, value] = COOKIE.exec(line) ?? [];
    return `${value === '' ? '-' : '+'}${name}`;
  });
  expect(cookies).toEqual(more.filter((each) => /^[+-]/.test(each)).map((each) => `${each[0]}__Host-${each.slice(1)}`));
}

test('every route has a row', () => {
  expect(rows.map(([route]) => route).sort()).toEqual(ROUTES.map(({ method, path }) => `${method} ${path}`).sort());
  expect(rows.length).toBeGreaterThan(40);
});

describe('headers and cookies are exactly those of the row, and nothing in it runs', () => {
  test.each(rows)('%s', async (route, nobody, asha) => {
    const { browser, loggedIn } = await gateInMemory();
    expectAsSaid(await use(browser(), route), nobody, OVER_TLS);
    expectAsSaid(await use(await loggedIn('asha'), route), asha, OVER_TLS);
  });

  test('also where there is no such route, or no such method', async () => {
    const { browser } = await gateInMemory();
    expectAsSaid(await use(browser(), 'GET /nothing'), '404 html', OVER_TLS);
    expectAsSaid(await use(browser(), 'POST /changes'), '405 html allow', OVER_TLS);
  });

  test('and of a login, from the first cookie to the last', async () => {
    const { browser, codeIn } = await gateInMemory();
    const one = browser();
    const post = (path: string, fields: Record<string, string>) => one.post(path, fields);
    expectAsSaid(
      await post('/login/code', { email: 'asha@example.com', next: '/' }),
      '303 text location +portcullis-login',
      OVER_TLS,
    );
    const code = codeIn('asha@example.com');
    expectAsSaid(
      await post('/login/verify', { code, next: '/' }),
      '303 text location +portcullis -portcullis-login',
      OVER_TLS,
    );
    expectAsSaid(
      await post('/logout', await one.fieldsOf('/login', '/logout')),
      '303 text location -portcullis',
      OVER_TLS,
    );
  });

  test('of a console in plain HTTP on this machine but for what TLS would make true', async () => {
    const { browser } = await gateInMemory({ config: a.config({ consoleUrl: HOME }) });
    expectAsSaid(await use(browser(), 'GET /health'), '200 json', {});
    const { headers } = await use(browser(), 'POST /login/code');
    expect(headers).not.toHaveProperty('strict-transport-security');
  });
});

test.each(['https://localhost:4510', 'https://127.0.0.1', 'https://[::1]:4510'])(
  'browsers are not told to come to %s by TLS only: it is the name of everything on that machine',
  async (consoleUrl) => {
    const { browser } = await gateInMemory({ config: a.config({ consoleUrl }) });
    expectAsSaid(await use(browser(), 'GET /health'), '200 json', {});
  },
);
