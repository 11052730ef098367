import { describe, expect, test } from 'vitest';
import { decide } from '../../shared/model/finding.ts';
import type { HeldWaiver } from '../../shared/model/waiver.ts';
import { evaluate } from '../../shared/policies/index.ts';
import { judge, judgeSettled } from '../../shared/policies/judge.ts';
import { facts, finding, NOW, opened, settings, waiver } from '../builders.ts';

const held = (overrides = {}, ownChange = false): HeldWaiver => ({ waiver: waiver(overrides), ownChange });

// Created so long ago that its time to be without a monitor is over.
const unmonitored = facts({ monitors: [] });

describe('a change under a waiver', () => {
  const judged = (waivers: HeldWaiver[]) =>
    judge({ opened: opened(1, unmonitored), settings: settings(), plans: undefined, at: NOW, waivers });

  test('is not blocked, and the record says under which waiver', () => {
    expect(judged([]).decision).toBe('blocked');
    expect(judged([held()])).toMatchObject({
      decision: 'needs-approval',
      judged: { waivers: [{ waiver: { id: 'w1' }, ownChange: false }] },
    });
  });
  test('and one without a waiver has no word about any', () => {
    expect(judged([]).judged).not.toHaveProperty('waivers');
  });
  test('has one finding for each policy, as without', () => {
    const policies = (waivers: HeldWaiver[]) => evaluate(unmonitored, settings(), waivers).map(({ policy: id }) => id);
    expect(policies([held()])).toEqual(policies([]));
  });
});

describe('what was waived when a change was checked', () => {
  const found = [{ ...finding('prod-budget', 'waived'), messages: ['Waived by asha', 'too dear'] }];
  const settled = (waivers: HeldWaiver[]) =>
    judgeSettled({ opened: opened(), facts: facts(), settings: settings(), planned: undefined, found, waivers });
  const ofBudget = (waivers: HeldWaiver[]) => settled(waivers).findings.find(({ policy: id }) => id === 'prod-budget');

  test('still is when it has settled', () => {
    expect(ofBudget([held({ policy: 'prod-budget' })])).toBeUndefined();
    expect(decide(settled([held({ policy: 'prod-budget' })]).findings)).toBe('compliant');
  });
  test('is a violation where the waiver has ended meanwhile', () => {
    expect(ofBudget([])).toMatchObject({
      outcome: 'violation',
      messages: ['The waiver under which it was checked has ended.', 'too dear'],
    });
    expect(settled([]).decision).toBe('blocked');
  });
  test('is a violation where whoever granted it turned out to have made the change', () => {
    expect(ofBudget([held({ policy: 'prod-budget' }, true)])).toMatchObject({
      outcome: 'violation',
      messages: [expect.stringContaining('asha made this change'), 'too dear'],
    });
  });
});
