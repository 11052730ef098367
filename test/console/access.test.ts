import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest';
import { ROUTES, respond } from '../../local/http-api.ts';
import * as a from '../builders.ts';
import { eventFor, gateInMemory, ORIGIN, REQUEST_PATH } from './gate-in-memory.ts';

let logged: MockInstance<typeof console.error>;
beforeEach(() => {
  logged = vi.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterEach(() => logged.mockRestore());

/** A path of every route, about the request and change that there are. */
const PARTS: Record<string, string> = {
  id: a.REQUEST,
  request: a.REQUEST,
  account: a.endpoint.account,
  region: a.endpoint.region,
  endpoint: a.endpoint.name,
  generation: '1',
};
const pathOf = (pattern: string) => pattern.replaceAll(/\{(\w+)\}/g, (_, part: string) => PARTS[part] ?? '1');
/** Routes that need no session of a person, and why. */
const OPEN: [RegExp, string][] = [
  [/^\/login(\/|$)/, 'it is where one logs in'],
  [/^\/(style\.css|health)$/, 'there is nothing to hide in it'],
  [/^\/(api|token)\//, 'programs show other proof'],
  [/^\/code(\/|$)/, 'a code from the mailbox is the proof'],
  [/^\/slack\//, 'Slack signs what it sends'],
];
const isOpen = (path: string) => OPEN.some(([pattern]) => pattern.test(path));
const routes = ROUTES.map(({ method, path }) => ({ method, path, address: pathOf(path) }));
const closed = routes.filter(({ path }) => !isOpen(path));
const named = (list: typeof routes) => list.map((route) => [`${route.method} ${route.path}`, route] as const);

describe('every route', () => {
  test('is looked at', () => {
    expect(routes.length).toBeGreaterThan(18);
    expect(closed.length).toBeGreaterThan(9);
  });

  test.each(named(closed))('%s needs somebody who has logged in', async (_name, route) => {
    const { browser, loggedIn, said } = await gateInMemory();
    const nobody = browser();
    const page = await (route.method === 'GET'
      ? nobody.get(route.address)
      : nobody.post(route.address, { reason: 'x' }));
    if (route.method === 'GET') {
      const login = `/login?${new URLSearchParams({ next: route.address })}`;
      expect(page).toMatchObject({ status: 303, body: '', headers: { location: login } });
      const asha = await loggedIn('asha');
      expect((await asha.get(route.address)).status).not.toBe(303);
    } else expect(page.status).toBe(401);
    expect(said()).toEqual([]);
  });

  test.each(named(routes.filter(({ method }) => method === 'GET')))(
    'HEAD and %s write nothing',
    async (_name, route) => {
      const { loggedIn, aws } = await gateInMemory();
      const asha = await loggedIn('asha');
      aws.calls.length = 0;
      for (const method of ['GET', 'HEAD'])
        await asha.send(`${route.address}?answer=approved&code=x&state=y`, { method });
      expect(aws.calls.filter((call) => !/^(GetItem|Query|Scan|Describe\w+|List\w+)$/.test(call))).toEqual([]);
    },
  );
});

describe('a link on another site', () => {
  const crossSite = { 'sec-fetch-site': 'cross-site' };

  test('brings no cookie, so the page asks for itself once more, and then shows', async () => {
    const { loggedIn, services } = await gateInMemory();
    const asha = await loggedIn('asha');
    const first = await respond(eventFor(`${REQUEST_PATH}?to=x`, { headers: crossSite }), services);
    const again = /<meta http-equiv="refresh" content="0;url=([^"]+)">/
      .exec(first.body ?? '')?.[1]
      ?.replace('&amp;', '&');
    expect(again).toBe(`${REQUEST_PATH}?to=x&again=1`);
    const page = await asha.get(again ?? '', { 'sec-fetch-site': 'same-origin' });
    expect(page.status).toBe(200);
    expect(page.body).toContain('You are <strong>Asha</strong>');
  });

  test('is asked for once more and not for ever', async () => {
    const { browser } = await gateInMemory();
    expect((await browser().get(`${REQUEST_PATH}?again=1`, crossSite)).status).toBe(303);
  });
});

describe('a console on this machine', () => {
  const home = 'http://127.0.0.1:4510';
  const at = (host: string, sourceIp: string) => {
    const event = eventFor('/approvals', { headers: { host } });
    event.requestContext.http.sourceIp = sourceIp;
    return event;
  };

  test('is read without logging in, and decided about by nobody who has not', async () => {
    const { services, said } = await gateInMemory({ config: a.config({ consoleUrl: home }) });
    expect((await respond(at('127.0.0.1:4510', '127.0.0.1'), services)).statusCode).toBe(200);
    const event = eventFor(`${REQUEST_PATH}/answer`, {
      method: 'POST',
      headers: { host: '127.0.0.1:4510', 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ digest: a.HEX, token: a.HEX, reason: 'typed once', answer: 'approved' }).toString(),
    });
    event.requestContext.http.sourceIp = '127.0.0.1';
    const { statusCode, body } = await respond(event, services);
    expect(statusCode).toBe(401);
    expect(body).toContain('typed once');
    expect(said()).toEqual([]);
  });

  test.each([
    ['somebody who comes from elsewhere', '127.0.0.1:4510', '203.0.113.7', home],
    ['a name that was pointed at this machine', 'evil.example.com:4510', '127.0.0.1', home],
    ['a console that is not on this machine', '127.0.0.1:4510', '127.0.0.1', ORIGIN],
    [
      'a console that is said to be on this machine by a name',
      '127.0.0.1:4510',
      '127.0.0.1',
      'http://gate.example.com',
    ],
  ])('asks %s to log in', async (_who, host, sourceIp, consoleUrl) => {
    const { services } = await gateInMemory({ config: a.config({ consoleUrl }) });
    expect((await respond(at(host, sourceIp), services)).statusCode).toBe(303);
  });

  test('has cookies that every browser keeps on plain HTTP, and no other console has', async () => {
    const { browser } = await gateInMemory({ config: a.config({ consoleUrl: home }) });
    const { cookies } = await browser().post('/login/code', { next: '/' });
    expect(cookies).toEqual([
      expect.stringMatching(/^portcullis-login=[a-z0-9]{26}; Path=\/; Max-Age=600; HttpOnly; SameSite=Strict$/),
    ]);
  });
});

describe('with authentication switched off', () => {
  test('everybody reads, and still nobody answers without proof of who they are', async () => {
    const { services, tables } = await gateInMemory({ config: a.config({ off: ['authentication'] }) });
    const before = tables.records().length;
    expect((await respond(eventFor('/changes'), services)).statusCode).toBe(200);
    const answer = new URLSearchParams({ answer: 'approved', reason: 'x', digest: a.opened().digest }).toString();
    expect(
      (await respond(eventFor(REQUEST_PATH, { method: 'POST', body: answer }), services)).statusCode,
    ).toBeGreaterThan(399);
    expect(tables.records()).toHaveLength(before);
  });
  test('programs need not show the token', async () => {
    const { services } = await gateInMemory({ config: a.config({ off: ['authentication'] }) });
    const sent = { method: 'POST', body: '{}' };
    expect((await respond(eventFor('/token/plans', sent), services)).statusCode).toBe(400);
    const asEver = await gateInMemory();
    expect((await respond(eventFor('/token/plans', sent), asEver.services)).statusCode).toBe(401);
  });
});
