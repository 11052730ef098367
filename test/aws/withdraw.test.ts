import { describe, expect, test } from 'vitest';
import { listOpenRequests, storeToken } from '../../shared/aws/approvals.ts';
import { withdraw } from '../../shared/aws/withdraw.ts';
import { historyOf } from '../../shared/model/endpoint-history.ts';
import { outcomeOf } from '../../shared/model/outcome.ts';
import { endpoint, findings, given, later, opened, person, REQUEST, requested } from '../builders.ts';
import { fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

async function asked(maker = 'asha@elsewhere.org') {
  const aws = fakeAws();
  const tables = fakeTables(aws);
  tables.seed({ body: opened(), actor: person(maker) }, findings(), requested());
  await storeToken(aws.services, { id: REQUEST, endpoint, generation: 1, expiresAt: later(86_400) }, 'the-token');
  const takeBack = (who = 'asha', reason = 'wrong model') =>
    withdraw(aws.services, { request: REQUEST, person: who, reason });
  return { aws, tables, services: aws.services, takeBack };
}

describe('withdraw', () => {
  test('by whoever made the change ends the request, wakes the execution and is the outcome', async () => {
    const { takeBack, tables, aws, services } = await asked();
    expect(await takeBack()).toMatchObject({ reply: 'recorded', record: { answer: 'withdrawn' } });
    expect(tables.records().at(-1)).toMatchObject({
      id: `decided#${REQUEST}`,
      actor: { person: 'asha' },
      body: { kind: 'decided', answer: 'withdrawn', reason: 'Asha: wrong model' },
    });
    expect(aws.world.resumed).toEqual(['the-token']);
    expect(await listOpenRequests(services)).toEqual([]);
    const [change] = historyOf(tables.records()).changes;
    expect(outcomeOf(change, 'not-approved')).toMatchObject({ result: 'withdrawn', decision: 'blocked' });
  });
  test('twice is told the first time', async () => {
    const { takeBack, tables } = await asked();
    await takeBack();
    expect(await takeBack()).toEqual({ reply: 'already-recorded' });
    expect(tables.kinds()).toHaveLength(4);
  });
  test.each([
    ['by somebody else', 'ben', 'no', 'not-the-requester'],
    ['by a stranger', 'mallory', 'no', 'not-an-approver'],
    ['without a reason', 'asha', ' ', 'no-reason'],
  ])('%s is refused and wakes nobody', async (_how, who, reason, code) => {
    const { takeBack, tables, aws } = await asked();
    expect(await takeBack(who, reason)).toMatchObject({ reply: 'refused', code });
    expect(tables.kinds()).toHaveLength(3);
    expect(aws.world.resumed).toEqual([]);
  });
  test('where nobody knows who made it, nobody can', async () => {
    const { takeBack } = await asked('somebody-else');
    expect(await takeBack()).toMatchObject({ reply: 'refused', code: 'not-the-requester' });
  });
  test('loses against an answer that is faster, and the other way round', async () => {
    const { takeBack, tables } = await asked();
    tables.hooks.beforeInsert = () => tables.add(given({ approver: 'ben' }));
    expect(await takeBack()).toMatchObject({ reply: 'refused', code: 'ended' });
    expect(tables.kinds().at(-1)).toBe('approval-given#1');
  });
  test('is too late at the moment of expiry', async () => {
    const { takeBack, aws } = await asked();
    aws.clock.advance(86_400);
    expect(await takeBack()).toMatchObject({ reply: 'refused', code: 'expired' });
  });
});
