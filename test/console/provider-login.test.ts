import { Events, OAuth2Server } from 'oauth2-mock-server';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest';
import { ConfigFile } from '../../shared/config.ts';
import * as a from '../builders.ts';
import { type Browser, formsOf, gateInMemory, ORIGIN, REQUEST_PATH } from './gate-in-memory.ts';

const SECRET = 'canary-client-secret';
let provider: OAuth2Server;
beforeAll(async () => {
  provider = new OAuth2Server();
  await provider.issuer.keys.generate('RS256');
  await provider.start(0, '127.0.0.1');
});
afterAll(() => provider.stop());

let logged: MockInstance<typeof console.error>;
beforeEach(() => {
  vi.stubEnv('PORTCULLIS_OIDC_CLIENT_SECRET', SECRET);
  logged = vi.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterEach(() => {
  provider.service.removeAllListeners();
  vi.unstubAllEnvs();
  logged.mockRestore();
});

/** The provider's tokens are of the real time, so the gate's clock is that too. */
async function gate() {
  const file = ConfigFile.parse({
    approvals: { approvers: [a.approver('asha', { oidcSubject: 'subject-of-asha' }), a.approver('ben')] },
    login: { oidc: { issuer: provider.issuer.url, clientId: 'portcullis' } },
  });
  return gateInMemory({ config: a.config({ file }) });
}

/** What the provider says about whoever comes next. */
function saysIt(is: Record<string, unknown>) {
  provider.service.on(Events.BeforeTokenSigning, (token) => Object.assign(token.payload, is));
}

/** Begins a login, and logs in at the provider, which sends the browser back to an address of ours. */
async function begin(browser: Browser, next = REQUEST_PATH) {
  const login = await browser.get(`/login?${new URLSearchParams({ next })}`);
  const [form] = formsOf(login.body);
  const page = await browser.post(form?.action ?? '', form?.hidden ?? {});
  const url = /http-equiv="refresh" content="0;url=([^"]+)"/.exec(page.body)?.[1]?.replaceAll('&amp;', '&') ?? '';
  const asked = new URL(url);
  const sent = await fetch(url, { redirect: 'manual' });
  const back = new URL(sent.headers.get('location') ?? '');
  return { asked, back, page };
}

/** Comes back: the navigation brings no cookie, so it shows a form, which does. */
async function finish(browser: Browser, back: URL) {
  const kept = new Map(browser.cookies);
  browser.cookies.clear();
  const shown = await browser.get(`${back.pathname}${back.search}`, { 'sec-fetch-site': 'cross-site' });
  for (const [name, value] of kept) browser.cookies.set(name, value);
  const [form] = formsOf(shown.body);
  return { shown, done: await browser.post(form?.action ?? '/login/callback', form?.hidden ?? {}) };
}

describe('logging in with a provider', () => {
  test('asks for a code with PKCE, state and nonce, and begins the session of the subject', async () => {
    const { browser, tables } = await gate();
    const one = browser();
    saysIt({ sub: 'subject-of-asha' });
    const { asked, back } = await begin(one);
    expect(Object.fromEntries(asked.searchParams)).toMatchObject({
      response_type: 'code',
      client_id: 'portcullis',
      scope: 'openid',
      redirect_uri: `${ORIGIN}/login/callback`,
      code_challenge_method: 'S256',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      state: expect.stringMatching(/^[a-z0-9]{26}$/),
      nonce: expect.stringMatching(/^[a-z0-9]{26}$/),
    });
    const before = JSON.stringify([...tables.approvals]);
    const { shown, done } = await finish(one, back);
    expect(shown.status).toBe(200);
    expect(done).toMatchObject({ status: 303, headers: { location: REQUEST_PATH } });
    expect([...one.cookies.keys()]).toEqual(['__Host-portcullis']);
    expect((await one.get(REQUEST_PATH)).body).toContain('You are <strong>Asha</strong>');
    // The state is in the table as a hash only.
    expect(before).not.toContain(asked.searchParams.get('state') ?? 'none');
  });

  test('changes nothing when the browser comes back, until the form there is sent', async () => {
    const { browser, tables, aws } = await gate();
    const one = browser();
    saysIt({ sub: 'subject-of-asha' });
    const { back } = await begin(one);
    const before = JSON.stringify([...tables.approvals]);
    aws.calls.length = 0;
    for (let time = 0; time < 3; time += 1) await one.get(`${back.pathname}${back.search}`);
    expect(JSON.stringify([...tables.approvals])).toBe(before);
    expect(aws.calls.filter((call) => call !== 'GetItem')).toEqual([]);
    expect((await finish(one, back)).done.status).toBe(303);
  });

  test('lets nobody in whom no approver lists, whatever their mail address is', async () => {
    const { browser } = await gate();
    const one = browser();
    saysIt({ sub: 'somebody-else', email: 'asha@example.com', email_verified: true });
    const { done } = await finish(one, (await begin(one)).back);
    expect(done.status).toBe(403);
    expect(done.body).toContain('The provider says that you are somebody-else');
    expect(one.cookies.has('__Host-portcullis')).toBe(false);
  });

  test('works once, and in the browser that began it', async () => {
    const { browser } = await gate();
    const [one, thief] = [browser(), browser()];
    saysIt({ sub: 'subject-of-asha' });
    const { back } = await begin(one);
    await begin(thief);
    expect((await finish(thief, back)).done.status).toBe(403);
    const kept = new Map(one.cookies);
    expect((await finish(one, back)).done.status).toBe(303);
    for (const [name, value] of kept) one.cookies.set(name, value);
    one.cookies.delete('__Host-portcullis');
    expect((await finish(one, back)).done.status).toBe(403);
  });

  test('is over after ten minutes', async () => {
    const { browser, aws } = await gate();
    const one = browser();
    saysIt({ sub: 'subject-of-asha' });
    const { back } = await begin(one);
    aws.clock.advance(600);
    expect((await finish(one, back)).done.status).toBe(403);
  });

  test.each<[string, Record<string, unknown>]>([
    ['for another client', { aud: 'somebody-else' }],
    ['of another provider', { iss: 'https://evil.example.com' }],
    ['for another login', { nonce: 'of-another' }],
    ['that is over', { exp: 1_600_000_000 }],
  ])('takes no token %s, and logs no more than that', async (_what, is) => {
    const { browser } = await gate();
    const one = browser();
    saysIt({ sub: 'subject-of-asha', ...is });
    const { done } = await finish(one, (await begin(one)).back);
    expect(done.status).toBe(403);
    const lines = logged.mock.calls.map(([line]) => String(line));
    expect(lines.join('\n')).toContain('login not confirmed');
    expect(lines.join('\n')).not.toMatch(/subject-of-asha|canary|eyJ/);
  });

  test('takes no answer without code or state, and none that the provider refused', async () => {
    const { browser } = await gate();
    const one = browser();
    for (const query of ['', '?code=x', '?state=x', '?error=access_denied&state=x'])
      expect((await one.get(`/login/callback${query}`)).status, query).toBe(403);
    const { back } = await begin(one);
    provider.service.once(Events.BeforeResponse, (reply) => {
      reply.statusCode = 400;
      reply.body = { error: 'invalid_grant' };
    });
    expect((await finish(one, back)).done.status).toBe(403);
  });

  test('shows the client secret to the provider and to nobody else', async () => {
    const { browser, tables } = await gate();
    const one = browser();
    saysIt({ sub: 'subject-of-asha' });
    const { back, page, asked } = await begin(one);
    const { shown, done } = await finish(one, back);
    const all = [page.body, asked.href, shown.body, done.body, JSON.stringify([...tables.approvals])];
    expect(all.filter((text) => text.includes(SECRET))).toEqual([]);
  });
});

test('without a provider, nobody gets to one', async () => {
  const { browser } = await gateInMemory();
  expect((await browser().post('/login/provider', { next: '/' })).status).toBe(404);
  expect((await browser().post('/login/callback', { code: 'x', state: 'y' })).status).toBe(404);
});
