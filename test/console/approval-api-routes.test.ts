import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest';
import { respond } from '../../local/http-api.ts';
import { ConfigFile } from '../../shared/config.ts';
import { UnreadableApproversError } from '../../shared/model/approval-settings.ts';
import * as a from '../builders.ts';
import { eventFor, gateInMemory, TASK_TOKEN } from './gate-in-memory.ts';

let logged: MockInstance<typeof console.error>;
beforeEach(() => {
  logged = vi.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterEach(() => {
  expect(JSON.stringify(logged.mock.calls)).not.toContain(TASK_TOKEN);
  logged.mockRestore();
});

const ARN = 'arn:aws:iam::111122223333:user/asha';
const DIGEST = a.opened().digest;
const APPROVE = { answer: 'approved', reason: 'load test passed', digest: DIGEST };

async function gate(...more: a.Written[]) {
  const approvers = [a.approver('asha', { awsIdentities: [ARN] }), a.approver('ben'), a.approver('mallory')];
  const file = ConfigFile.parse({
    approvals: { approvers, groups: { oncall: ['asha'] }, breakGlassGroup: 'oncall' },
  });
  const all = await gateInMemory({ config: a.config({ file }) }, ...more);
  const send = async (path: string, body: unknown, { arn, headers = {} }: { arn?: string; headers?: object } = {}) => {
    const sent = { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) };
    const event = eventFor(path, { ...sent, headers: { 'content-type': 'application/json', ...headers } });
    if (arn) Object.assign(event.requestContext, { authorizer: { iam: { userArn: arn } } });
    const { statusCode, body: text = '' } = await respond(event, all.services);
    expect(text).not.toContain(TASK_TOKEN);
    return { status: statusCode, body: JSON.parse(text) as Record<string, unknown> };
  };
  return {
    ...all,
    send,
    signed: (action: string, body: unknown, arn = ARN) => send(`/api/approvals/${a.REQUEST}/${action}`, body, { arn }),
    /** With a code out of the mailbox of this person. */
    coded: async (person: string, action: string, body: object) => {
      const { body: asked } = await send('/code', { person });
      const login = { person, binding: asked.binding, code: all.codeIn(`${person}@example.com`) };
      return send(`/code/approvals/${a.REQUEST}/${action}`, { ...login, ...body });
    },
  };
}

describe('with AWS credentials', () => {
  test('the approver who lists the ARN answers, and is told what is final', async () => {
    const { signed, said, aws } = await gate();
    expect(await signed('answer', APPROVE)).toEqual({
      status: 200,
      body: {
        reply: 'recorded',
        final: { answer: 'approved', approvers: ['asha'], reason: 'load test passed' },
      },
    });
    expect(said()).toMatchObject([{ body: { approver: 'asha', via: 'api' }, actor: { person: 'asha' } }]);
    expect(aws.world.resumed).toEqual([TASK_TOKEN]);
  });
  test('whoever comes later gets the answer of the first, and 409', async () => {
    const { signed, tables } = await gate();
    tables.add(a.given({ approver: 'ben', answer: 'rejected', reason: 'no' }));
    expect(await signed('answer', APPROVE)).toEqual({
      status: 409,
      body: { reply: 'already-decided', final: { answer: 'rejected', approvers: ['ben'], reason: 'no' } },
    });
  });
  test('breaking the glass, commenting and asking again are there too', async () => {
    const { signed, said } = await gate();
    expect((await signed('comment', { text: 'hello' })).body).toMatchObject({ reply: 'recorded' });
    expect((await signed('again', {})).body).toMatchObject({ code: 'still-open' });
    expect((await signed('answer', { ...APPROVE, breakGlass: true })).status).toBe(200);
    expect(said().map(({ body }) => body.kind)).toEqual(['commented', 'approval-given']);
    expect(said().at(-1)?.body).toMatchObject({ breakGlass: true });
  });
  test.each([
    ['unsigned', undefined, 401, /Sign the request/],
    ['of an identity that nobody lists', 'arn:aws:iam::111122223333:user/eve', 403, /No approver lists/],
    [
      'of a session that is called like an approver',
      'arn:aws:sts::111122223333:assumed-role/Any/asha',
      403,
      /No approver/,
    ],
  ])('a request %s is refused', async (_what, arn, status, error) => {
    const { send, said } = await gate();
    const path = `/api/approvals/${a.REQUEST}/answer`;
    const reply = await send(path, APPROVE, arn === undefined ? {} : { arn });
    expect(reply).toMatchObject({ status, body: { error: expect.stringMatching(error) } });
    expect(said()).toEqual([]);
  });
  test('an identity in a header or in the body is none', async () => {
    const { send, said } = await gate();
    const path = `/api/approvals/${a.REQUEST}/answer`;
    const headers = { 'x-amzn-iam-user-arn': ARN, authorization: 'AWS4-HMAC-SHA256 Credential=asha' };
    expect((await send(path, { ...APPROVE, userArn: ARN }, { headers })).status).toBe(401);
    expect(said()).toEqual([]);
  });
});

describe('with a code from the mailbox', () => {
  test('its owner answers', async () => {
    const { coded, said } = await gate();
    expect((await coded('ben', 'answer', APPROVE)).body).toMatchObject({ final: { approvers: ['ben'] } });
    expect(said()).toMatchObject([{ body: { approver: 'ben', via: 'cli' } }]);
  });
  test('whoever made the change may withdraw it, and nothing more', async () => {
    const { coded, said } = await gate();
    expect(await coded('mallory', 'answer', APPROVE)).toMatchObject({ status: 403, body: { code: 'own-change' } });
    expect(await coded('ben', 'withdraw', { reason: 'x' })).toMatchObject({
      status: 403,
      body: { code: 'not-the-requester' },
    });
    expect(await coded('mallory', 'withdraw', { reason: 'wrong model' })).toMatchObject({ status: 200 });
    expect(said()).toMatchObject([{ body: { kind: 'decided', answer: 'withdrawn' } }]);
  });
  test('of somebody else, or used before, or wrong, nothing happens', async () => {
    const { send, codeIn, said } = await gate();
    const path = `/code/approvals/${a.REQUEST}/answer`;
    const { body } = await send('/code', { person: 'mallory' });
    const login = { binding: body.binding, code: codeIn('mallory@example.com') };
    expect((await send(path, { ...APPROVE, ...login, person: 'ben' })).status).toBe(401);
    // It was used up by that.
    expect((await send(path, { ...APPROVE, ...login, person: 'mallory' })).status).toBe(401);
    expect((await send(path, { ...APPROVE, binding: body.binding, code: 'WRONG', person: 'ben' })).status).toBe(401);
    expect(said()).toEqual([]);
  });
  test('asking for one does not tell who is an approver', async () => {
    const { send, aws } = await gate();
    const [known, unknown] = [await send('/code', { person: 'ben' }), await send('/code', { person: 'nobody' })];
    expect([known.status, unknown.status]).toEqual([202, 202]);
    expect(Object.keys(known.body)).toEqual(Object.keys(unknown.body));
    expect(aws.world.mails).toHaveLength(1);
  });
});

describe('what is wrong is named', () => {
  test.each([
    ['answer', { answer: 'yes', reason: 1, digest: 'abc' }, ['answer', 'reason', 'digest']],
    ['answer', { ...APPROVE, reason: 'x'.repeat(2_001) }, ['reason']],
    ['answer', { ...APPROVE, approver: 'ben' }, ['(body)']],
    ['comment', {}, ['text']],
    ['withdraw', { reason: null }, ['reason']],
    ['again', { force: true }, ['(body)']],
    ['review', { finding: 'fine', reason: 'x' }, ['finding']],
  ])('%s with wrong fields: every one of them, and what would be right', async (action, body, fields) => {
    const { signed, said } = await gate();
    const reply = await signed(action, body);
    expect(reply.status).toBe(400);
    const mistakes = reply.body.mistakes as { field: string; wanted: string }[];
    expect(mistakes.map(({ field }) => field)).toEqual(fields);
    for (const { wanted } of mistakes) expect(wanted.length).toBeGreaterThan(5);
    expect(said()).toEqual([]);
  });
  test.each([
    ['not JSON', '{', 400],
    ['no object', '[]', 400],
    ['longer than 16 KiB', JSON.stringify({ text: 'x'.repeat(17_000) }), 413],
  ])('a body that is %s', async (_what, body, status) => {
    const { signed } = await gate();
    expect(await signed('comment', body)).toMatchObject({ status, body: { error: expect.any(String) } });
  });
  test('a form, which a page elsewhere could send, is not looked at', async () => {
    const { send, said } = await gate();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const path = `/api/approvals/${a.REQUEST}/answer`;
    expect((await send(path, JSON.stringify(APPROVE), { arn: ARN, headers })).status).toBe(415);
    expect((await send('/code', JSON.stringify({ person: 'ben' }), { headers })).status).toBe(415);
    expect(said()).toEqual([]);
  });
  test('no such request is 404; an unreadable list of approvers lets nobody in', async () => {
    const { send, signed, services, said } = await gate();
    const path = `/api/approvals/${'z'.repeat(26)}/answer`;
    expect((await send(path, APPROVE, { arn: ARN })).status).toBe(404);
    services.readApprovals = () => {
      throw new UnreadableApproversError('portcullis.yaml is gone');
    };
    expect((await signed('answer', APPROVE)).status).toBe(403);
    expect(said()).toEqual([]);
  });
  test('a body that looks like an answer of ours is not sent back', async () => {
    const { signed } = await gate();
    const fake = { status: 200, headers: { 'content-type': 'text/html' }, body: '<script>' };
    expect((await signed('comment', fake)).status).toBe(400);
  });
});
