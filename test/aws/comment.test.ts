import { describe, expect, test } from 'vitest';
import { storeToken } from '../../shared/aws/approvals.ts';
import { comment } from '../../shared/aws/comment.ts';
import { UnreadableApproversError } from '../../shared/model/approval-settings.ts';
import { endpoint, findings, given, later, opened, person, REQUEST, requested } from '../builders.ts';
import { fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

async function asked() {
  const aws = fakeAws();
  const tables = fakeTables(aws);
  tables.seed({ body: opened(), actor: person('asha') }, findings(), requested());
  await storeToken(aws.services, { id: REQUEST, endpoint, generation: 1, expiresAt: later(86_400) }, 'the-token');
  const say = (text: string, who = 'ben') => comment(aws.services, { request: REQUEST, person: who, text });
  return { aws, tables, services: aws.services, say };
}

describe('comment', () => {
  test('is recorded, trimmed, with who said it; it decides nothing and wakes nobody', async () => {
    const { say, tables, aws } = await asked();
    expect(await say(' which load test? ')).toMatchObject({ reply: 'recorded' });
    expect(tables.records().at(-1)).toMatchObject({
      actor: { person: 'ben', via: 'approver' },
      body: { kind: 'commented', person: 'ben', text: 'which load test?', request: REQUEST, generation: 1 },
    });
    expect(aws.world.resumed).toEqual([]);
  });
  test('may come from whoever made the change', async () => {
    const { say } = await asked();
    expect(await say('it is urgent', 'asha')).toMatchObject({ reply: 'recorded' });
  });
  test('said twice is recorded once', async () => {
    const { say, tables } = await asked();
    await say('why?');
    expect(await say('why?')).toEqual({ reply: 'already-recorded' });
    expect(tables.kinds().filter((kind) => kind === 'commented#1')).toHaveLength(1);
  });
  test.each([
    ['by a stranger', 'why?', 'mallory', 'not-an-approver'],
    ['that is empty', ' \n', 'ben', 'no-text'],
    ['that is longer than 2,000 characters', 'x'.repeat(2_001), 'ben', 'text-too-long'],
  ])('%s is refused', async (_what, text, who, code) => {
    const { say, tables } = await asked();
    expect(await say(text, who)).toMatchObject({ reply: 'refused', code });
    expect(tables.kinds()).toHaveLength(3);
  });
  test('after the decision is refused', async () => {
    const { say, tables } = await asked();
    tables.add(given({ approver: 'ben' }));
    expect(await say('too late')).toMatchObject({ reply: 'refused', code: 'ended' });
  });
  test('number 101 is refused', async () => {
    const { say, tables } = await asked();
    for (let index = 0; index < 100; index += 1) {
      const digest = requested().digest;
      const text = String(index);
      tables.add({ kind: 'commented', generation: 1, digest, request: REQUEST, person: 'ben', text });
    }
    expect(await say('one more')).toMatchObject({ reply: 'refused', code: 'too-many-comments' });
  });
  test('about no request, or while the list cannot be read, is refused', async () => {
    const { services, say } = await asked();
    const nowhere = { request: 'a'.repeat(26), person: 'ben', text: 'hello' };
    expect(await comment(services, nowhere)).toMatchObject({ reply: 'refused', code: 'no-request' });
    services.readApprovals = () => {
      throw new UnreadableApproversError('gone');
    };
    expect(await say('hello')).toMatchObject({ reply: 'refused', code: 'approvers-unreadable' });
  });
});
