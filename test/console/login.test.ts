import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest';
import { ConfigFile } from '../../shared/config.ts';
import * as a from '../builders.ts';
import { awsError } from '../fake-aws.ts';
import { type Browser, formsOf, gateInMemory, LINK_OF, REQUEST_PATH } from './gate-in-memory.ts';

const SESSION = '__Host-portcullis';
const BINDING = '__Host-portcullis-login';
const NEXT = `${REQUEST_PATH}?to=${LINK_OF.asha}`;

let logged: MockInstance<typeof console.error>;
beforeEach(() => {
  logged = vi.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterEach(() => logged.mockRestore());

const verify = (browser: Browser, code: string) => browser.post('/login/verify', { next: NEXT, code });

describe('a mailed code', () => {
  test('goes to the mailbox behind the personal link, and begins a session in the browser that asked', async () => {
    const { browser, aws, codeIn } = await gateInMemory();
    const one = browser();
    const login = await one.get(`/login?${new URLSearchParams({ next: NEXT })}`);
    expect(formsOf(login.body)[0]).toMatchObject({ action: '/login/code', hidden: { next: NEXT }, inputs: [] });
    const asked = await one.post('/login/code', { next: NEXT });
    expect(asked).toMatchObject({
      status: 303,
      headers: { location: `/login/code?${new URLSearchParams({ next: NEXT })}` },
    });
    expect(aws.world.mails.map(({ to }) => to)).toEqual(['asha@example.com']);
    expect(codeIn('asha@example.com')).toMatch(/^[0-9A-Z-]{8,20}$/);
    // As people retype it: small letters, other separators, a space at the end.
    const typed = `${codeIn('asha@example.com').toLowerCase().replaceAll('-', ' ')} `;
    expect(await verify(one, typed)).toMatchObject({ status: 303, headers: { location: NEXT } });
    expect([...one.cookies.keys()]).toEqual([SESSION]);
    expect((await one.get('/login')).body).toContain('You are logged in');
    expect((await one.get(REQUEST_PATH)).body).toContain('You are <strong>Asha</strong>');
  });

  test('can be asked for by a mail address, in whatever case', async () => {
    const { browser, codeIn } = await gateInMemory();
    const one = browser();
    await one.post('/login/code', { next: '/', email: ' Ben@Example.com ' });
    expect((await verify(one, codeIn('ben@example.com'))).status).toBe(303);
  });

  test('brings the same answer whether anybody is behind the address or the link, or nobody', async () => {
    const { browser, aws } = await gateInMemory();
    const nobodysLink = `${REQUEST_PATH}?to=${'z'.repeat(26)}`;
    const asked = await Promise.all(
      [{ next: NEXT }, { next: nobodysLink }, { next: NEXT, email: 'nobody@example.com' }].map(async (fields) => {
        const one = browser();
        const page = await one.post('/login/code', fields);
        const shown = await one.get('/login/code');
        const refused = await one.post('/login/verify', { next: '/', code: 'WRONG-CODE' });
        const cookies = page.cookies.map((line) => line.replace(/=[a-z0-9]{26};/, '=...;'));
        return { status: page.status, cookies, shown: shown.body, refused: [refused.status, refused.body] };
      }),
    );
    expect(asked[1]).toEqual(asked[0]);
    expect(asked[2]).toEqual(asked[0]);
    expect(aws.world.mails).toHaveLength(1);
  });

  test('typed into another browser is worthless, and stays good where it was asked for', async () => {
    const { browser, codeIn } = await gateInMemory();
    const [one, thief] = [browser(), browser()];
    await one.post('/login/code', { next: NEXT });
    await thief.post('/login/code', { next: `${REQUEST_PATH}?to=${LINK_OF.ben}` });
    const code = codeIn('asha@example.com');
    expect((await verify(thief, code)).status).toBe(403);
    expect((await verify(browser(), code)).status).toBe(403);
    expect((await verify(one, code)).status).toBe(303);
  });

  test('works once', async () => {
    const { browser, codeIn } = await gateInMemory();
    const one = browser();
    await one.post('/login/code', { next: NEXT });
    const binding = one.cookies.get(BINDING) ?? '';
    await verify(one, codeIn('asha@example.com'));
    one.cookies.clear();
    one.cookies.set(BINDING, binding);
    expect((await verify(one, codeIn('asha@example.com'))).status).toBe(403);
  });

  test('works for one of two who show it at the same moment', async () => {
    const { browser, codeIn } = await gateInMemory();
    const one = browser();
    await one.post('/login/code', { next: NEXT });
    const binding = one.cookies.get(BINDING) ?? '';
    const code = codeIn('asha@example.com');
    const answers = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const copy = browser();
        copy.cookies.set(BINDING, binding);
        return (await verify(copy, code)).status;
      }),
    );
    expect(answers.filter((status) => status === 303)).toHaveLength(1);
  });

  test.each([
    [599, 303],
    [600, 403],
  ])('after %i s gets %i', async (seconds, status) => {
    const { browser, codeIn, aws } = await gateInMemory();
    const one = browser();
    await one.post('/login/code', { next: NEXT });
    aws.clock.advance(seconds);
    expect((await verify(one, codeIn('asha@example.com'))).status).toBe(status);
  });

  test.each([
    [4, 303],
    [5, 403],
  ])('after %i wrong ones gets %i', async (wrong, status) => {
    const { browser, codeIn } = await gateInMemory();
    const one = browser();
    await one.post('/login/code', { next: NEXT });
    for (let count = 0; count < wrong; count += 1) expect((await verify(one, `WRONG-${count}`)).status).toBe(403);
    expect((await verify(one, codeIn('asha@example.com'))).status).toBe(status);
  });

  test('is mailed at most five times an hour to one person, whoever asks', async () => {
    const { browser, aws } = await gateInMemory();
    for (let count = 0; count < 9; count += 1) await browser().post('/login/code', { next: NEXT });
    expect(aws.world.mails).toHaveLength(5);
    await browser().post('/login/code', { next: `${REQUEST_PATH}?to=${LINK_OF.ben}` });
    expect(aws.world.mails).toHaveLength(6);
    aws.clock.advance(3_601);
    await browser().post('/login/code', { next: NEXT });
    expect(aws.world.mails).toHaveLength(7);
  });

  test('that cannot be mailed brings the same answer, and a line in the log without the code', async () => {
    const { browser, aws } = await gateInMemory();
    aws.world.before = (command) => {
      if (command === 'SendEmail') throw awsError('MessageRejected', 'not verified');
    };
    expect((await browser().post('/login/code', { next: NEXT })).status).toBe(303);
    expect(logged.mock.calls.map(([line]) => JSON.parse(String(line)))).toEqual([
      { level: 'ERROR', message: 'code not sent', person: 'asha', error: 'MessageRejected' },
    ]);
  });

  test('is not in the subject of its mail, and the mail has no link', async () => {
    const { browser, aws, codeIn } = await gateInMemory();
    await browser().post('/login/code', { next: NEXT });
    const [mail] = aws.world.mails;
    expect(mail?.subject).not.toContain(codeIn('asha@example.com'));
    expect(mail?.text).not.toMatch(/https?:/);
  });

  test('is stored as a hash only', async () => {
    const { browser, tables, codeIn } = await gateInMemory();
    const one = browser();
    await one.post('/login/code', { next: NEXT });
    const kept = JSON.stringify([...tables.approvals.values()]);
    expect(kept).toContain('codeHash');
    for (const secret of [codeIn('asha@example.com'), one.cookies.get(BINDING) ?? 'none'])
      expect(kept).not.toContain(secret);
  });

  test('is no way in where a provider is configured', async () => {
    const config = a.config();
    config.file.login.oidc = { issuer: 'https://id.example.com', clientId: 'gate' };
    const { browser, aws } = await gateInMemory({ config });
    expect((await browser().get('/login')).body).toContain('Log in with id.example.com');
    expect((await browser().post('/login/code', { next: NEXT })).status).toBe(404);
    expect(aws.world.mails).toEqual([]);
  });
});

describe('a session', () => {
  test('ends after the hours that the settings say', async () => {
    const { loggedIn, aws } = await gateInMemory();
    const one = await loggedIn('asha');
    aws.clock.advance(8 * 3600 - 1);
    expect((await one.get('/approvals')).status).toBe(200);
    aws.clock.advance(1);
    expect((await one.get('/approvals')).status).toBe(303);
  });

  test('ends when the person is taken off the list of approvers', async () => {
    const { loggedIn, services } = await gateInMemory();
    const one = await loggedIn('asha');
    const { approvals } = ConfigFile.parse({ approvals: { approvers: [a.approver('ben')] } });
    services.readApprovals = () => approvals;
    expect((await one.get('/approvals')).status).toBe(303);
  });

  test('ends by logging out, also for whoever has kept the cookie', async () => {
    const { loggedIn, browser } = await gateInMemory();
    const one = await loggedIn('asha');
    const secret = one.cookies.get(SESSION) ?? '';
    expect((await one.post('/logout', { token: 'x' })).status).toBe(303);
    expect((await one.get('/approvals')).status).toBe(200);
    await one.post('/logout', await one.fieldsOf('/login', '/logout'));
    expect(one.cookies.has(SESSION)).toBe(false);
    const copy = browser();
    copy.cookies.set(SESSION, secret);
    expect((await copy.get('/approvals')).status).toBe(303);
  });

  test('that began with a mailed code is none where a provider is configured since', async () => {
    const { loggedIn, services } = await gateInMemory();
    const one = await loggedIn('asha');
    services.config.file.login.oidc = { issuer: 'https://id.example.com', clientId: 'gate' };
    expect((await one.get('/approvals')).status).toBe(303);
  });

  test('is stored as a hash only', async () => {
    const { loggedIn, tables } = await gateInMemory();
    const secret = (await loggedIn('asha')).cookies.get(SESSION) ?? 'none';
    expect([...tables.approvals.keys()].filter((key) => key.startsWith('session#'))).toHaveLength(1);
    expect(JSON.stringify([...tables.approvals])).not.toContain(secret);
  });

  test('logging in leads to no other site', async () => {
    const { browser, codeIn } = await gateInMemory();
    for (const next of [
      'https://evil.example.com/',
      '//evil.example.com',
      '/\\evil.example.com',
      '/login?next=/login',
    ]) {
      const one = browser();
      await one.post('/login/code', { next, email: 'ben@example.com' });
      const page = await one.post('/login/verify', { next, code: codeIn('ben@example.com') });
      expect(page).toMatchObject({ status: 303, headers: { location: '/' } });
    }
  });
});
