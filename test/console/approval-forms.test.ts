import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest';
import { ConfigFile } from '../../shared/config.ts';
import * as a from '../builders.ts';
import { type Browser, formsOf, type GateInMemory, gateInMemory, ORIGIN, REQUEST_PATH } from './gate-in-memory.ts';

let logged: MockInstance<typeof console.error>;
beforeEach(() => {
  logged = vi.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterEach(() => logged.mockRestore());

/** asha and ben approve; mallory made the change; ben may break the glass. */
const people = () => {
  const file = ConfigFile.parse({
    approvals: {
      approvers: [a.approver('asha'), a.approver('ben'), a.approver('mallory')],
      groups: { oncall: ['ben'] },
      breakGlassGroup: 'oncall',
    },
  });
  return a.config({ file });
};

const gate = (...more: a.Written[]) => gateInMemory({ config: people() }, ...more);

/** Sends a form of the page as it is, with these fields filled in. */
async function send(browser: Browser, action: string, fields: Record<string, string> = {}, headers = {}) {
  const hidden = await browser.fieldsOf(REQUEST_PATH, `/${action}`);
  return browser.post(`${REQUEST_PATH}/${action}`, { ...hidden, ...fields }, headers);
}
const APPROVE = { reason: 'load test passed', name: 'fraud-prod', answer: 'approved' };

/** Somebody whom no link was mailed: by their address. */
async function logIn({ browser, codeIn }: GateInMemory, email: string): Promise<Browser> {
  const one = browser();
  await one.post('/login/code', { next: '/', email });
  await one.post('/login/verify', { next: '/', code: codeIn(email) });
  return one;
}

describe('an answer', () => {
  test('of a session with the form of its page is recorded once, wakes the execution, and leads back', async () => {
    const { loggedIn, said, aws } = await gate();
    const page = await send(await loggedIn('asha'), 'answer', APPROVE);
    expect(page).toMatchObject({ status: 303, headers: { location: REQUEST_PATH } });
    expect(said().map(({ body }) => body)).toMatchObject([
      {
        kind: 'approval-given',
        approver: 'asha',
        answer: 'approved',
        via: 'page',
        decides: true,
        reason: APPROVE.reason,
      },
    ]);
    expect(aws.world.resumed).toHaveLength(1);
  });

  test('may reject without the name of the endpoint', async () => {
    const { loggedIn, said } = await gate();
    expect((await send(await loggedIn('asha'), 'answer', { reason: 'no', answer: 'rejected' })).status).toBe(303);
    expect(said()[0]?.body).toMatchObject({ answer: 'rejected' });
  });

  test.each([
    ['no name', { ...APPROVE, name: '' }, 400, 'Type the endpoint&#39;s name'],
    ['another name', { ...APPROVE, name: 'fraud-staging' }, 400, 'Type the endpoint&#39;s name'],
    ['no reason', { ...APPROVE, reason: ' ' }, 400, 'Give a reason.'],
    ['no answer', { reason: 'x', name: 'fraud-prod' }, 400, 'Press Approve or Reject.'],
    ['a token that is none', { ...APPROVE, token: a.HEX }, 403, 'The form is not of your login'],
    ['another digest', { ...APPROVE, digest: a.HEX }, 403, 'The form is not of your login'],
    ['a field too many', { ...APPROVE, admin: 'true' }, 400, 'The form is damaged.'],
  ])('with %s does not count, says why, and keeps what was typed', async (_what, fields, status, message) => {
    const { loggedIn, said } = await gate();
    const page = await send(await loggedIn('asha'), 'answer', fields);
    expect(page.status).toBe(status);
    expect(page.body).toContain(message);
    expect(page.body).toContain(`${fields.reason.trim()}</textarea>`);
    expect(said()).toEqual([]);
  });

  test('with the form of somebody else does not count', async () => {
    const { loggedIn, said } = await gate();
    const [asha, ben] = [await loggedIn('asha'), await loggedIn('ben')];
    const hidden = await ben.fieldsOf(REQUEST_PATH, '/answer');
    expect((await asha.post(`${REQUEST_PATH}/answer`, { ...hidden, ...APPROVE })).status).toBe(403);
    expect(said()).toEqual([]);
  });

  test('with the token of another form of the same page does not count', async () => {
    const { loggedIn, said } = await gate();
    const asha = await loggedIn('asha');
    const { token = '' } = await asha.fieldsOf(REQUEST_PATH, '/comment');
    expect((await send(asha, 'answer', { ...APPROVE, token })).status).toBe(403);
    expect(said()).toEqual([]);
  });

  test('with the form of an earlier login of the same person does not count', async () => {
    const { loggedIn, said } = await gate();
    const earlier = await (await loggedIn('asha')).fieldsOf(REQUEST_PATH, '/answer');
    const now = await loggedIn('asha');
    expect((await now.post(`${REQUEST_PATH}/answer`, { ...earlier, ...APPROVE })).status).toBe(403);
    expect(said()).toEqual([]);
  });

  test('without a session is told to log in first', async () => {
    const { browser, loggedIn, said } = await gate();
    const hidden = await (await loggedIn('asha')).fieldsOf(REQUEST_PATH, '/answer');
    const page = await browser().post(`${REQUEST_PATH}/answer`, { ...hidden, ...APPROVE });
    expect(page.status).toBe(401);
    expect(said()).toEqual([]);
  });

  test('of who made the change is refused, and the page offers them no such form', async () => {
    const all = await gate();
    const mallory = await logIn(all, 'mallory@example.com');
    const page = await mallory.get(REQUEST_PATH);
    expect(formsOf(page.body).map(({ action }) => action)).not.toContain(`${REQUEST_PATH}/answer`);
    expect(page.body).toContain('somebody else has to decide it');
    expect(all.said()).toEqual([]);
  });

  test('that comes after the decision is a 409 and shows the decision', async () => {
    const all = await gate();
    const [asha, ben] = [await all.loggedIn('asha'), await all.loggedIn('ben')];
    const late = await ben.fieldsOf(REQUEST_PATH, '/answer');
    await send(asha, 'answer', APPROVE);
    const page = await ben.post(`${REQUEST_PATH}/answer`, { ...late, reason: 'no', answer: 'rejected' });
    expect(page.status).toBe(409);
    expect(page.body).toContain('The request was approved before your answer came.');
    expect(all.said()).toHaveLength(1);
  });

  test('given twice is recorded once, and leads to the page both times', async () => {
    const all = await gate();
    const asha = await all.loggedIn('asha');
    const hidden = await asha.fieldsOf(REQUEST_PATH, '/answer');
    for (let time = 0; time < 2; time += 1)
      expect((await asha.post(`${REQUEST_PATH}/answer`, { ...hidden, ...APPROVE })).status).toBe(303);
    expect(all.said()).toHaveLength(1);
  });

  test('to a request that does not exist is a 404, whoever sends it', async () => {
    const { loggedIn } = await gate();
    const asha = await loggedIn('asha');
    const page = await asha.post(`/approvals/${'x'.repeat(26)}/answer`, { digest: a.HEX, token: a.HEX, ...APPROVE });
    expect(page.status).toBe(404);
  });
});

describe('a form', () => {
  test.each<[string, Record<string, string>]>([
    ['another origin', { origin: 'https://evil.example.com', 'sec-fetch-site': 'same-origin' }],
    ['our host over plain HTTP', { origin: 'http://gate.example.com' }],
    ['another site', { origin: ORIGIN, 'sec-fetch-site': 'cross-site' }],
    ['a sibling of our site', { origin: ORIGIN, 'sec-fetch-site': 'same-site' }],
    ['nowhere that it could be seen', { origin: ORIGIN, 'sec-fetch-site': 'none' }],
    ['an origin withheld, from another site', { 'sec-fetch-site': 'cross-site' }],
    ['an origin withheld, by a browser that does not name the site', { 'sec-fetch-site': '' }],
  ])('from %s is refused, whatever it brings along', async (_what, headers) => {
    const { loggedIn, said } = await gate();
    const page = await send(await loggedIn('asha'), 'answer', APPROVE, headers);
    expect(page.status).toBe(403);
    expect(said()).toEqual([]);
  });

  test.each<[string, Record<string, string>]>([
    ['our origin and our site', { origin: ORIGIN, 'sec-fetch-site': 'same-origin' }],
    ['an origin withheld under no-referrer, and our site', { origin: 'null', 'sec-fetch-site': 'same-origin' }],
  ])('from %s is taken', async (_what, headers) => {
    const { loggedIn } = await gate();
    expect((await send(await loggedIn('asha'), 'answer', APPROVE, headers)).status).toBe(303);
  });

  test.each(['application/json', 'text/plain', 'multipart/form-data; boundary=x', ''])(
    'of content type "%s" is refused',
    async (type) => {
      const { loggedIn, said } = await gate();
      expect((await send(await loggedIn('asha'), 'answer', APPROVE, { 'content-type': type })).status).toBe(415);
      expect(said()).toEqual([]);
    },
  );

  test('of more than 16 KiB is refused', async () => {
    const { loggedIn } = await gate();
    expect((await send(await loggedIn('asha'), 'comment', { text: 'x'.repeat(16 * 1024) })).status).toBe(413);
  });
});

describe('besides deciding', () => {
  test('an approver comments, and everybody sees it', async () => {
    const { loggedIn, said } = await gate();
    expect((await send(await loggedIn('asha'), 'comment', { text: 'who pays for it?' })).status).toBe(303);
    expect(said()[0]?.body).toMatchObject({ kind: 'commented', person: 'asha', text: 'who pays for it?' });
    expect((await (await loggedIn('ben')).get(REQUEST_PATH)).body).toContain('who pays for it?');
  });

  test('who made the change withdraws it; nobody else can', async () => {
    const all = await gate();
    const hidden = await (await logIn(all, 'mallory@example.com')).fieldsOf(REQUEST_PATH, '/withdraw');
    expect((await send(await all.loggedIn('asha'), 'withdraw', { ...hidden, reason: 'x' })).status).toBe(403);
    const mallory = await logIn(all, 'mallory@example.com');
    expect((await send(mallory, 'withdraw', { reason: 'the wrong one' })).status).toBe(303);
    expect(all.said().map(({ body }) => body)).toMatchObject([{ kind: 'decided', answer: 'withdrawn' }]);
  });

  test('after it expired an approver asks again', async () => {
    const { approver: _approver, decides: _decides, answer: _answer, ...rest } = a.given();
    const expired = { ...rest, kind: 'decided' as const, answer: 'expired' as const };
    const all = await gate(expired, a.outcome(1, 'expired'));
    const page = await send(await all.loggedIn('asha'), 'ask-again');
    expect(page).toMatchObject({ status: 303, headers: { location: '/approvals' } });
    expect(all.aws.world.executions.size).toBe(1);
  });

  test('a member of the group breaks the glass alone, with the name typed and the tick set', async () => {
    const { loggedIn, said } = await gate();
    const ben = await loggedIn('ben');
    const emergency = { reason: 'it is down', name: 'fraud-prod', alone: 'yes' };
    expect((await send(ben, 'break-glass', { ...emergency, name: '' })).status).toBe(400);
    expect((await send(ben, 'break-glass', { reason: 'x', name: 'fraud-prod' })).status).toBe(400);
    expect(said()).toEqual([]);
    expect((await send(ben, 'break-glass', emergency)).status).toBe(303);
    expect(said()[0]?.body).toMatchObject({ kind: 'approval-given', approver: 'ben', breakGlass: true, decides: true });
  });

  test('a second person reviews it; who broke it cannot', async () => {
    const broken = a.given({ approver: 'ben', breakGlass: true });
    const { loggedIn, said } = await gate({ body: broken, actor: a.person('ben') });
    const asha = await loggedIn('asha');
    expect((await send(asha, 'review', { finding: 'justified', reason: 'it was down' })).status).toBe(303);
    expect(said()[0]?.body).toMatchObject({ kind: 'break-glass-reviewed', reviewer: 'asha', finding: 'justified' });
    const bens = await (await loggedIn('ben')).get(REQUEST_PATH);
    expect(formsOf(bens.body).map(({ action }) => action)).not.toContain(`${REQUEST_PATH}/review`);
  });
});
