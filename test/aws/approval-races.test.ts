import { describe, expect, test, vi } from 'vitest';
import { run as verifyMonitoring } from '../../functions/verify-monitoring.ts';
import { decide, storeToken } from '../../shared/aws/approvals.ts';
import { withdraw } from '../../shared/aws/withdraw.ts';
import type { AnswerReply } from '../../shared/model/approval.ts';
import { historyOf } from '../../shared/model/endpoint-history.ts';
import { recordHash } from '../../shared/model/ledger-record.ts';
import { approver, change, endpoint, findings, later, opened, person, REQUEST, requested } from '../builders.ts';
import { fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

const FULL = process.env.PORTCULLIS_PROOF === 'full';
const CLICKS = 1_000;
/** Two that differ in all that rounds differ in: how many must approve, groups, and whether somebody rejects. */
const ROUNDS = FULL ? Array.from({ length: 20 }, (_, round) => round) : [2, 3];
vi.setConfig({ testTimeout: 120_000 });

/** The same numbers every time: whatever fails can be run again. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A request about a change that `maker` made, and calls of AWS that answer early or late. */
async function asked(seed: number, maker = 'dana') {
  const aws = fakeAws();
  const tables = fakeTables(aws);
  tables.seed({ body: opened(), actor: person(maker) }, findings(), requested());
  const expiresAt = later(86_400);
  await storeToken(aws.services, { id: REQUEST, endpoint, generation: 1, expiresAt }, 'the-token');
  tables.answerDirectly();
  const random = randomFrom(seed);
  aws.world.before = async () => {
    for (let wait = Math.floor(random() * 4); wait > 0; wait -= 1) await new Promise(setImmediate);
  };
  return { aws, tables, services: aws.services, random };
}

const endsIn = (tables: Awaited<ReturnType<typeof asked>>['tables']) =>
  tables.bodies().filter((body) => body.kind === 'decided' || (body.kind === 'approval-given' && body.decides));

describe('1,000 people at once', () => {
  const people = Array.from({ length: 200 }, (_, index) => approver(`p${index}`));
  const groups = { even: people.filter((_, index) => index % 2 === 0).map(({ id }) => id) };

  test.each(ROUNDS)('decide once in round %i, and all others are told that decision', async (round) => {
    const { tables, services, random, aws } = await asked(round + 1);
    const rules = round % 2 === 0 ? [] : [{ group: 'even', count: 2 }];
    const approvals = { ...services.config.file.approvals, approvers: people, groups, rules };
    services.readApprovals = () => ({ ...approvals, requiredApprovals: 1 + (round % 3) });
    // In every fourth round somebody rejects as well.
    const rejects = (index: number) => round % 4 === 3 && index % 50 === 0;
    const replies = await Promise.all(
      Array.from({ length: CLICKS }, (_, index) =>
        decide(services, {
          request: REQUEST,
          person: `p${Math.floor(random() * people.length)}`,
          via: 'page',
          answer: rejects(index) ? 'rejected' : 'approved',
          reason: 'ok',
          digest: opened().digest,
        }),
      ),
    );
    const count = (is: (reply: AnswerReply) => boolean) => replies.filter(is).length;
    const winner = replies.find((reply) => reply.reply === 'recorded' && reply.final);
    if (!winner || !('final' in winner)) throw new Error('nobody won');

    expect(endsIn(tables)).toHaveLength(1);
    expect(tables.bodies().at(-1)).toEqual(endsIn(tables)[0]);
    expect(count((reply) => reply.reply === 'recorded' && reply.final !== undefined)).toBe(1);
    // Answers that were recorded before the last one was enough; the same person pressing again is told so.
    const early = count((reply) => reply.reply === 'recorded' && reply.final === undefined);
    expect(early).toBe(tables.kinds().filter((kind) => kind === 'approval-given#1').length - 1);
    for (const reply of replies) {
      if (reply.reply === 'refused') expect(reply.code).toBe('already-answered');
      else if (reply.final) expect(reply.final).toEqual(winner.final);
    }
    expect(count((reply) => reply.reply === 'already-decided')).toBeGreaterThan(CLICKS / 2);
    expect(historyOf(tables.records()).changes[0]?.decided).toEqual(winner.final);
    expect(aws.world.resumed).toContain('the-token');
    const records = tables.records();
    for (const [index, record] of records.entries()) {
      expect(record.sequence).toBe(index + 1);
      if (index > 0) expect(record.previous).toBe(recordHash(records[index - 1] as (typeof records)[number]));
    }
  });
});

describe('expiry against a person', () => {
  const answerIt = (services: Awaited<ReturnType<typeof asked>>['services']) =>
    decide(services, {
      request: REQUEST,
      person: 'asha',
      via: 'page',
      answer: 'approved',
      reason: 'ok',
      digest: opened().digest,
    });
  /** The workflow's timer has rung. Without a decision it goes on waiting, by an error that is retried. */
  const ring = async (services: Awaited<ReturnType<typeof asked>>['services']) => {
    const input = {
      change: change(),
      generation: 1,
      approvalTimeoutSeconds: 86_400,
      timedOut: { Error: 'States.Timeout' },
    };
    return verifyMonitoring(input, services).catch((error: Error) => error.name);
  };

  test.each([
    [-1, 'approved'],
    [0, 'expired'],
    [1, 'expired'],
  ])('an answer %i ms from the end leaves it %s', async (ms, answer) => {
    const { tables, services, aws } = await asked(7);
    aws.clock.now = later(ms / 1000, requested().expiresAt);
    const [reply] = await Promise.all([answerIt(services), ring(services)]);
    if (answer === 'expired') {
      expect(reply).toMatchObject(reply.reply === 'refused' ? { code: 'expired' } : { final: { answer: 'expired' } });
    } else expect(reply).toMatchObject({ reply: 'recorded', final: { answer: 'approved' } });
    expect(endsIn(tables)).toMatchObject([{ answer }]);
  });

  test('whatever the order of clock, timer and people, there is one end, and who lost is told it', async () => {
    const ends = { approved: 0, expired: 0 };
    for (let seed = 1; seed <= (FULL ? 1_000 : 40); seed += 1) {
      const { tables, services, aws, random } = await asked(seed);
      aws.clock.now = later(-0.001, requested().expiresAt);
      const slow = aws.world.before;
      aws.world.before = async (command, input) => {
        await slow(command, input);
        if (random() < 0.2) aws.clock.now = later(0.001, aws.clock.now);
      };
      const [reply] = await Promise.all([answerIt(services), ring(services)]);
      await ring(services);
      const [end, ...more] = endsIn(tables);
      expect(more, `seed ${seed}`).toEqual([]);
      if (end?.kind === 'approval-given') {
        ends.approved += 1;
        expect(reply, `seed ${seed}`).toMatchObject({ reply: 'recorded', final: { answer: 'approved' } });
      } else if (end) {
        ends.expired += 1;
        expect(reply.reply, `seed ${seed}`).toMatch(/refused|already-decided/);
      } else expect(reply, `seed ${seed}`).toMatchObject({ code: 'expired' });
    }
    // Both happen, or the race was none.
    expect(Math.min(ends.approved, ends.expired)).toBeGreaterThan(2);
  });
});

test('withdrawing against approving: one of them ends it', async () => {
  const ends = new Set<string>();
  for (let seed = 1; seed <= 10; seed += 1) {
    const { tables, services } = await asked(seed, 'asha');
    const given = { request: REQUEST, person: 'ben', via: 'page', answer: 'approved', reason: 'ok' } as const;
    const [taken, approved] = await Promise.all([
      withdraw(services, { request: REQUEST, person: 'asha', reason: 'wrong model' }),
      decide(services, { ...given, digest: opened().digest }),
    ]);
    expect(endsIn(tables)).toHaveLength(1);
    ends.add(endsIn(tables)[0]?.kind ?? '');
    expect([taken.reply, approved.reply].filter((each) => each === 'recorded')).toHaveLength(1);
  }
  expect(ends.size).toBe(2);
});
