import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Answer,
  type ApprovalRules,
  approvalState,
  approvalsNeeded,
  decideApproval,
  decisionDue,
  needsOf,
} from '../../shared/model/approval.ts';
import { ApprovalSettings } from '../../shared/model/approval-settings.ts';
import type { RecordOf } from '../../shared/model/ledger-record.ts';
import { outcomeOf } from '../../shared/model/outcome.ts';
import {
  approver,
  change,
  facts,
  finding,
  findings,
  given,
  HEX,
  history,
  inStaging,
  instanceVariant,
  later,
  NOW,
  opened,
  outcome,
  person,
  REQUEST,
  requested,
  verified,
  type Written,
} from '../builders.ts';

const rules: ApprovalRules = ApprovalSettings.parse({
  approvers: [approver('asha', { awsIdentities: ['asha.rao'] }), approver('ben'), approver('cleo')],
});
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
      append: given({ approver: 'asha', decides: true, approvers: ['asha'] }),
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
    const strict = { ...rules, requiredApprovals: 2 };
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
    expect(stateOf(later(-0.001, end))).toEqual({
      state: 'waiting',
      approvalsNeeded: 1,
      approvalsGiven: 0,
      needs: [{ group: null, because: 'whoever they come from', needed: 1, given: 0 }],
    });
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

describe('groups', () => {
  const grouped: ApprovalRules = {
    ...rules,
    groups: { risk: ['asha', 'ben'], finance: ['ben', 'cleo'], oncall: ['cleo'] },
    rules: [
      { environment: 'prod', group: 'risk', count: 1 },
      { policy: 'prod-budget', group: 'finance', count: 1 },
      { environment: 'staging', group: 'oncall', count: 1 },
    ],
  };
  const dear: Written[] = [
    { body: opened(), actor: person('dana') },
    findings(1, [finding('prod-human-approval', 'needs-approval'), finding('prod-budget', 'needs-approval')]),
    requested(1, { reasons: ['prod-human-approval', 'prod-budget'] }),
  ];

  test('every rule for the environment and for the policies that asked is a need, with the reason', () => {
    expect(needsOf(history(...dear), 1, grouped)).toEqual([
      { group: null, count: 1, because: 'whoever they come from' },
      { group: 'risk', count: 1, because: 'the environment is prod' },
      { group: 'finance', count: 1, because: 'prod-budget asks' },
    ]);
    expect(needsOf(history(...asked), 1, grouped).map(({ group }) => group)).toEqual([null, 'risk']);
  });
  test('where the requester is unknown, the total says so', () => {
    expect(needsOf(history(opened()), 1, grouped)[0]).toEqual({
      group: null,
      count: 2,
      because: 'CloudTrail has not named who made the change',
    });
  });
  test('all of them have to be met, and one person counts in every group of theirs', () => {
    expect(decide({ approver: 'asha' }, dear, NOW, grouped)).toMatchObject({ append: { decides: false } });
    expect(decide({ approver: 'cleo' }, dear, NOW, grouped)).toMatchObject({ append: { decides: false } });
    expect(decide({ approver: 'ben' }, dear, NOW, grouped)).toMatchObject({
      append: { decides: true },
      final: { approvers: ['ben'] },
    });
    expect(decide({ approver: 'cleo' }, [...dear, given({ decides: false })], NOW, grouped)).toMatchObject({
      append: { decides: true, approvers: ['asha', 'cleo'] },
    });
  });
  test('the state tells how far each need is met', () => {
    const past = history(...dear, given({ decides: false }));
    const [mine] = past.changes;
    if (!mine?.request) throw new Error('nothing was asked');
    expect(approvalState(past, { ...mine, request: mine.request }, grouped, NOW)).toMatchObject({
      needs: [
        { group: null, needed: 1, given: 1 },
        { group: 'risk', needed: 1, given: 1 },
        { group: 'finance', needed: 1, given: 0 },
      ],
    });
  });
  test('an approval stops counting when its approver is taken out of the group', () => {
    const changed = { ...grouped, groups: { ...grouped.groups, risk: ['ben'] } };
    const written = [...dear, given({ decides: false })];
    expect(decide({ approver: 'cleo' }, written, NOW, changed)).toMatchObject({ append: { decides: false } });
  });
  test('a rule whose group is gone is never met', () => {
    const { risk: _, ...groups } = grouped.groups;
    expect(decide({ approver: 'ben' }, dear, NOW, { ...grouped, groups })).toMatchObject({
      append: { decides: false },
    });
    expect(decide({}, asked, NOW, { ...grouped, rules: [{ group: 'toString', count: 1 }] })).toMatchObject({
      append: { decides: false },
    });
  });
  test('a group is no way around: a member who made the change is refused', () => {
    const written: Written[] = [{ body: opened(), actor: person('ben') }, ...dear.slice(1)];
    expect(decide({ approver: 'ben' }, written, NOW, grouped)).toMatchObject({ reply: 'refused', code: 'own-change' });
  });
});

describe('breaking the glass', () => {
  const emergency: ApprovalRules = {
    ...rules,
    requiredApprovals: 3,
    groups: { leads: ['asha', 'cleo'] },
    breakGlassGroup: 'leads',
  };
  const broken = (answer: Partial<Answer> = {}, written = asked, by = emergency) =>
    decide({ breakGlass: true, reason: 'the site is down', ...answer }, written, NOW, by);

  test('decides at once and alone, and says so in the record', () => {
    expect(broken()).toEqual({
      reply: 'recorded',
      append: given({ reason: 'the site is down', approvers: ['asha'], breakGlass: true }),
      final: { answer: 'approved', approvers: ['asha'], reason: 'the site is down' },
    });
  });
  test('even by whoever made the change', () => {
    const written: Written[] = [{ body: opened(), actor: person('asha') }, findings(), requested()];
    expect(broken({}, written)).toMatchObject({ reply: 'recorded', append: { decides: true } });
  });
  test('even after an approval of their own that was not enough', () => {
    const written = [...asked, given({ decides: false }), given({ approver: 'ben', decides: false })];
    expect(broken({}, written)).toMatchObject({ final: { approvers: ['asha'] } });
  });
  const refusals: [string, ReturnType<typeof broken>, string][] = [
    ['by somebody who is not in the group', broken({ approver: 'ben' }), 'no-break-glass'],
    [
      'where no group is named for it',
      broken({}, asked, { ...emergency, breakGlassGroup: undefined }),
      'no-break-glass',
    ],
    ['to reject', broken({ answer: 'rejected' }), 'no-break-glass'],
    ['without a reason', broken({ reason: ' ' }), 'no-reason'],
    ['of another deployment', broken({ digest: HEX }), 'other-deployment'],
    ['by a member who is no approver any more', broken({}, asked, { ...emergency, approvers: [] }), 'not-an-approver'],
    [
      'after a rejection of their own',
      broken({}, [...asked, given({ answer: 'rejected', decides: false })]),
      'already-answered',
    ],
  ];
  test.each(refusals)('is refused %s', (_how, reply, code) => {
    expect(reply).toMatchObject({ reply: 'refused', code });
  });
  test('twice is told the first time', () => {
    const once = given({ breakGlass: true });
    expect(broken({}, [...asked, once])).toMatchObject({ reply: 'already-recorded', final: { approvers: ['asha'] } });
    expect(broken({ approver: 'cleo' }, [...asked, once])).toMatchObject({ reply: 'already-decided' });
  });
  test('is told by the outcome', () => {
    const past = history(...asked, given({ breakGlass: true }), verified());
    expect(outcomeOf(past.changes[0], 'verified')).toMatchObject({
      result: 'approved',
      reason: 'Approved by breaking the glass, by asha alone: looks right',
    });
  });
});

describe("the endpoint's name, typed by somebody who was asked to", () => {
  const name = opened().facts.endpoint.name;
  test.each<[string, Partial<Answer>, string]>([
    ['as it stands there counts', { typedName: name }, 'recorded'],
    ['in capitals counts, for SageMaker tells no names apart by case', { typedName: name.toUpperCase() }, 'recorded'],
    ['left empty does not', { typedName: '' }, 'refused'],
    ['as another one does not', { typedName: `${name}-2` }, 'refused'],
    ['is not needed to reject', { typedName: '', answer: 'rejected' }, 'recorded'],
  ])('%s', (_how, answer, reply) => {
    expect(decide(answer)).toMatchObject(reply === 'refused' ? { reply, code: 'wrong-name' } : { reply });
  });
  test('is asked for in prod, and wherever the glass is broken', () => {
    const elsewhere = opened(1, facts({ environment: inStaging }));
    const written: Written[] = [
      { body: elsewhere, actor: person('dana') },
      findings(),
      requested(1, { digest: elsewhere.digest }),
    ];
    expect(decide({ typedName: '', digest: elsewhere.digest }, written)).toMatchObject({ reply: 'recorded' });
    const alone = { typedName: '', digest: elsewhere.digest, breakGlass: true };
    const emergency = { ...rules, groups: { oncall: ['asha'] }, breakGlassGroup: 'oncall' };
    expect(decide(alone, written, NOW, emergency)).toMatchObject({ code: 'wrong-name' });
  });
});

describe('a decision that is due without an answer', () => {
  const unknown: Written[] = [opened(), findings(), requested(), given({ decides: false })];
  const named = { kind: 'event-joined', generation: 1, event: change({ actor: person('dana') }) } as const;
  const due = (written: Written[], by = rules, now = NOW) => decisionDue(history(...written), 1, by, now);

  test('comes when who made the change becomes known, and one approval is enough after all', () => {
    expect(due(unknown)).toBeUndefined();
    expect(due([...unknown, named])).toEqual({
      kind: 'decided',
      generation: 1,
      digest: opened().digest,
      request: REQUEST,
      answer: 'approved',
      approvers: ['asha'],
      reason: 'looks right',
    });
  });
  test('is what the history shows afterwards', () => {
    const record = due([...unknown, named]);
    if (!record) throw new Error('nothing is due');
    expect(history(...unknown, named, record).changes[0]?.decided).toEqual({
      answer: 'approved',
      approvers: ['asha'],
      reason: 'looks right',
    });
  });
  test('does not come when the approver turns out to have made it', () => {
    expect(due([...unknown, { ...named, event: change({ actor: person('asha') }) }])).toBeUndefined();
  });
  test.each([
    ['nobody has approved', [...asked], NOW],
    ['time is up', [...unknown, named], requested().expiresAt],
    ['it is decided', [...unknown, named, given({ approver: 'ben' })], NOW],
    ['the change has ended', [...unknown, named, outcome(1, 'undetermined')], NOW],
    ['the endpoint has changed', [...unknown, named, opened(2, other)], NOW],
    ['nothing was asked', [opened(), findings()], NOW],
  ] as [string, Written[], string][])('does not come where %s', (_what, written, now) => {
    expect(due(written, rules, now)).toBeUndefined();
  });
  test('does not come with an empty list of approvers', () => {
    expect(due([...unknown, named], { ...rules, approvers: [] })).toBeUndefined();
  });
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
    const by = { ...rules, requiredApprovals: known, requiredApprovalsIfRequesterUnknown: unknown };
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
