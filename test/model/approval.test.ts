import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Answer,
  type ApprovalRules,
  approvalState,
  approvalsNeeded,
  decideApproval,
} from '../../shared/model/approval.ts';
import type { RecordOf } from '../../shared/model/ledger-record.ts';
import {
  approver,
  change,
  facts,
  findings,
  given,
  HEX,
  history,
  instanceVariant,
  later,
  NOW,
  opened,
  outcome,
  person,
  REQUEST,
  requested,
  type Written,
} from '../builders.ts';

const rules: ApprovalRules = {
  approvers: [approver('asha', { awsIdentities: ['asha.rao'] }), approver('ben'), approver('cleo')],
  required: { requesterKnown: 1, requesterUnknown: 2 },
};
const yes: Answer = {
  request: REQUEST,
  approver: 'asha',
  answer: 'approved',
  reason: 'looks right',
  digest: opened().digest,
};
/** Dana changed it, and the gate asks. */
const asked: Written[] = [{ body: opened(), actor: person('dana') }, findings(), requested()];
const decide = (answer: Partial<Answer> = {}, written: Written[] = asked, now = NOW, by = rules) =>
  decideApproval(history(...written), 1, { ...yes, ...answer }, by, now);
const other = facts({ variants: [instanceVariant({ instanceType: 'ml.m5.xlarge' })] });

describe('decideApproval', () => {
  test('one approval decides where the requester is known', () => {
    expect(decide()).toEqual({
      reply: 'recorded',
      append: given({ approver: 'asha', decides: true }),
      final: { answer: 'approved', approvers: ['asha'], reason: 'looks right' },
    });
  });

  test('the reason is recorded without the spaces around it', () => {
    expect(decide({ reason: '  looks right\n' })).toEqual(decide());
  });

  test('where nobody knows who made it, two approvals are needed', () => {
    const unknown: Written[] = [opened(), findings(), requested()];
    expect(decide({}, unknown)).toMatchObject({ reply: 'recorded', append: { decides: false }, final: undefined });
    expect(decide({ approver: 'ben' }, [...unknown, given({ decides: false })])).toMatchObject({
      append: { decides: true },
      final: { answer: 'approved', approvers: ['asha', 'ben'] },
    });
  });

  test('one rejection is enough, whoever made it and whoever approved before', () => {
    const unknown: Written[] = [opened(), findings(), requested(), given({ approver: 'ben', decides: false })];
    expect(decide({ answer: 'rejected', reason: 'no' }, unknown)).toMatchObject({
      append: { answer: 'rejected', decides: true },
      final: { answer: 'rejected', approvers: ['asha'], reason: 'no' },
    });
  });

  const refusals: [string, Partial<Answer>, Written[], string, RegExp][] = [
    ['another request', { request: 'x'.repeat(26) }, asked, NOW, /no such request/],
    ['a change that asked nothing', {}, [opened(), findings()], NOW, /no such request/],
    ['somebody who is no approver', { approver: 'mallory' }, asked, NOW, /mallory is not on the list/],
    ['no reason', { reason: ' \n' }, asked, NOW, /Give a reason/],
    ['a page about another deployment', { digest: HEX }, asked, NOW, /another deployment/],
    ['an answer when time is up', {}, asked, requested().expiresAt, /expired at .* unanswered means no/],
    ['a deployment that has changed since', {}, [...asked, opened(2, other)], NOW, /has changed since/],
    ['a change that has ended without an answer', {}, [...asked, outcome(1, 'undetermined')], NOW, /has ended/],
    [
      'no after yes',
      { answer: 'rejected' },
      [...asked, given({ decides: false })],
      NOW,
      /has already answered "approved"/,
    ],
  ];
  test.each(refusals)('%s is refused, and nothing is appended', (_what, answer, written, now, reason) => {
    expect(decide(answer, written, now)).toMatchObject({ reply: 'refused', reason: expect.stringMatching(reason) });
  });
  test('a change that nobody has heard of is refused', () => {
    expect(decideApproval(history(...asked), 9, yes, rules, NOW).reply).toBe('refused');
  });

  test.each(['asha', 'ASHA', 'asha@example.com', 'asha@elsewhere.org', 'asha.rao', 'Asha.Rao@example.com'])(
    'whoever made the change as %s cannot approve it as asha',
    (name) => {
      const written: Written[] = [{ body: opened(), actor: person('x', name) }, findings(), requested()];
      expect(decide({}, written)).toMatchObject({
        reply: 'refused',
        code: 'own-change',
        reason: expect.stringContaining('Asha made this change'),
      });
      expect(decide({ approver: 'ben' }, written).reply).toBe('recorded');
    },
  );

  test('nor can the requester whom an event named only later', () => {
    const event = { kind: 'event-joined', generation: 1, event: change({ actor: person('asha') }) } as const;
    expect(decide({}, [opened(), findings(), requested(), event]).reply).toBe('refused');
  });

  test('an approval of somebody who turns out to have made it does not count', () => {
    const event = { kind: 'event-joined', generation: 1, event: change({ actor: person('asha') }) } as const;
    const strict = { ...rules, required: { requesterKnown: 2, requesterUnknown: 2 } };
    const written: Written[] = [opened(), findings(), requested(), given({ decides: false }), event];
    expect(decide({ approver: 'ben' }, written, NOW, strict)).toMatchObject({
      append: { decides: false },
      final: undefined,
    });
  });

  test('not even a rejection is taken from whoever made it; they take it back by changing it again', () => {
    const written: Written[] = [{ body: opened(), actor: person('asha') }, findings(), requested()];
    expect(decide({ answer: 'rejected' }, written).reply).toBe('refused');
  });

  test('the same answer given twice is told the first time, and appends nothing', () => {
    expect(decide({}, [...asked, given()])).toEqual({
      reply: 'already-recorded',
      final: { answer: 'approved', approvers: ['asha'], reason: 'looks right' },
    });
    expect(decide({}, [...asked, given({ decides: false })])).toEqual({ reply: 'already-recorded', final: undefined });
  });

  test('whoever answers second is told what the first decided', () => {
    expect(decide({ approver: 'ben', answer: 'rejected' }, [...asked, given()])).toEqual({
      reply: 'already-decided',
      final: { answer: 'approved', approvers: ['asha'], reason: 'looks right' },
    });
  });

  test('an approver who has left the list since cannot answer', () => {
    expect(decide({}, asked, NOW, { ...rules, approvers: [approver('ben')] }).reply).toBe('refused');
  });
});

describe('approvalState', () => {
  const stateOf = (now: string, ...more: Written[]) => {
    const past = history(...asked, ...more);
    const [mine] = past.changes;
    if (!mine?.request) throw new Error('nothing was asked');
    return approvalState(past, { ...mine, request: mine.request }, rules, now);
  };
  const end = requested().expiresAt;

  test('waits until the last millisecond, and not one longer', () => {
    expect(stateOf(later(-0.001, end))).toEqual({ state: 'waiting', approvalsNeeded: 1, approvalsGiven: 0 });
    expect(stateOf(end)).toEqual({ state: 'expired' });
    expect(stateOf(later(0.001, end))).toEqual({ state: 'expired' });
  });
  test('counts approvals, not rejections', () => {
    const more = [given({ decides: false }), given({ approver: 'ben', answer: 'rejected', decides: false })];
    expect(stateOf(NOW, ...more)).toMatchObject({ approvalsGiven: 1 });
  });
  test('decided beats expired and superseded', () => {
    expect(stateOf(later(1, end), given(), opened(2, other))).toMatchObject({
      state: 'decided',
      decided: { answer: 'approved' },
    });
  });
  test('superseded beats expired', () => expect(stateOf(end, opened(2, other))).toEqual({ state: 'superseded' }));
  test('the same deployment seen again supersedes nothing', () => {
    expect(stateOf(NOW, opened(2)).state).toBe('waiting');
    expect(stateOf(NOW, outcome(2, 'deleted')).state).toBe('waiting');
  });
});

test('how many approvals are needed turns on whether somebody is known to have made it', () => {
  expect(approvalsNeeded(history(opened()), 1, rules)).toBe(2);
  expect(approvalsNeeded(history({ body: opened(), actor: person('dana') }), 1, rules)).toBe(1);
});

describe('whatever is answered, by whom, and in which order', () => {
  const answers = fc.array(
    fc.record({
      approver: fc.constantFrom('asha', 'ben', 'cleo', 'mallory'),
      answer: fc.constantFrom('approved', 'rejected' as const),
      reason: fc.constantFrom('ok', ''),
      digest: fc.constantFrom(yes.digest, yes.digest, HEX),
      request: fc.constantFrom(REQUEST, REQUEST, 'x'),
      seconds: fc.nat(100_000),
    }),
    { maxLength: 12 },
  );
  const world = fc.record({
    answers,
    maker: fc.constantFrom('dana', 'asha', undefined),
    known: fc.integer({ min: 1, max: 3 }),
    unknown: fc.integer({ min: 1, max: 3 }),
  });

  /** Plays the answers one after the other, as the ledger would record them. */
  function play({ answers: list, maker, known, unknown }: typeof world extends fc.Arbitrary<infer T> ? T : never) {
    const by = { ...rules, required: { requesterKnown: known, requesterUnknown: unknown } };
    const stream: Written[] = [maker ? { body: opened(), actor: person(maker) } : opened(), findings(), requested()];
    const recorded: RecordOf<'approval-given'>[] = [];
    for (const { seconds, ...answer } of list) {
      const reply = decideApproval(history(...stream), 1, answer, by, later(seconds));
      if (reply.reply !== 'recorded') continue;
      stream.push(reply.append);
      recorded.push(reply.append);
    }
    return { recorded, needed: maker ? known : unknown };
  }

  test('at most one record decides, and nothing is recorded after it', () => {
    fc.assert(
      fc.property(world, (given) => {
        const { recorded } = play(given);
        const at = recorded.findIndex(({ decides }) => decides);
        return at === -1 || at === recorded.length - 1;
      }),
    );
  });
  test('nobody answers twice, nor for a change of their own, nor without being an approver', () => {
    fc.assert(
      fc.property(world, (given) => {
        const people = play(given).recorded.map(({ approver: id }) => id);
        return (
          new Set(people).size === people.length && !people.includes('mallory') && !people.includes(given.maker ?? '-')
        );
      }),
    );
  });
  test('an approval decides exactly when enough different people have given it', () => {
    fc.assert(
      fc.property(world, (given) => {
        const { recorded, needed } = play(given);
        const approvals = recorded.filter(({ answer }) => answer === 'approved');
        return approvals.every(({ decides }, index) => decides === index + 1 >= needed);
      }),
    );
  });
});
