import { describe, expect, test } from 'vitest';
import { advice, needsApproval, type Problem, violation } from '../../shared/model/finding.ts';
import type { HeldWaiver } from '../../shared/model/waiver.ts';
import { evaluatePolicy, type Policy } from '../../shared/policies/policy.ts';
import { facts, later, settings, waiver } from '../builders.ts';

const policy = (problems: Problem[], overrides: Partial<Policy> = {}): Policy => ({
  id: 'prod-model-monitor',
  statement: () => 'It is watched.',
  rationale: 'why',
  waivable: true,
  appliesTo: () => true,
  check: () => problems,
  ...overrides,
});
const held = (overrides = {}, ownChange = false): HeldWaiver => ({ waiver: waiver(overrides), ownChange });
const evaluated = (one: Policy, ...waivers: HeldWaiver[]) =>
  evaluatePolicy(one, facts(), settings(), 'It is watched.', waivers);
const LINE = `Waived by asha until ${waiver().until}: it is being rebuilt (waiver w1)`;

describe('a waiver', () => {
  test('turns a violation into "waived", names itself, and keeps what was found', () => {
    expect(evaluated(policy([violation('no monitor')]), held())).toEqual({
      policy: 'prod-model-monitor',
      statement: 'It is watched.',
      outcome: 'waived',
      messages: [LINE, 'no monitor'],
    });
  });
  test('asks nobody less: what needs approval still does', () => {
    expect(evaluated(policy([violation('a'), needsApproval('b')]), held())).toMatchObject({
      outcome: 'needs-approval',
      messages: [LINE, 'a', 'b'],
    });
  });
  test.each([[[]], [[advice('a')]], [[needsApproval('a')]]])(
    'changes nothing where nothing is violated: %j',
    (problems) => {
      expect(evaluated(policy(problems), held())).toEqual(evaluated(policy(problems)));
    },
  );
  test('of another policy does not count', () => {
    expect(evaluated(policy([violation('a')]), held({ policy: 'rollback-alarms' })).outcome).toBe('violation');
  });
  test('of a policy without exception does not count, however it came to be on record', () => {
    expect(evaluated(policy([violation('a')], { waivable: false }), held()).outcome).toBe('violation');
  });
  test('by somebody who made the change does not count, and the finding says why', () => {
    const found = evaluated(policy([violation('a')]), held({}, true));
    expect(found.outcome).toBe('violation');
    expect(found.messages[1]).toBe('A waiver by asha does not count, because asha made this change (waiver w1).');
  });
  test('by somebody else counts beside that', () => {
    const found = evaluated(policy([violation('a')]), held({}, true), held({ id: 'w2', approver: 'ben' }));
    expect(found).toMatchObject({ outcome: 'waived', messages: [expect.stringContaining('waiver w2'), 'a'] });
  });
  test('that lasts longest is the one that is named', () => {
    const found = evaluated(policy([violation('a')]), held(), held({ id: 'w2', until: later(8 * 86_400) }));
    expect(found.messages[0]).toContain('waiver w2');
  });
  test('excuses no check that failed, for nobody knows what it would have found', () => {
    const broken = policy([], {
      check: () => {
        throw new Error('boom');
      },
    });
    expect(evaluated(broken, held())).toMatchObject({
      outcome: 'violation',
      messages: [expect.stringContaining('boom')],
    });
  });
});
