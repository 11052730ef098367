import { describe, expect, test } from 'vitest';
import { heldWaivers, standingWaivers } from '../../shared/model/standing-waivers.ts';
import type { Waiver } from '../../shared/model/waiver.ts';
import { facts, granted, history, later, NOW, opened, outcome, person, revoked, waiver } from '../builders.ts';

const ids = (waivers: readonly Waiver[]) => waivers.map(({ id }) => id);

describe('waivers of an endpoint', () => {
  test('are those that were granted and have not ended', () => {
    const past = history(opened(), granted(), granted({ id: 'w2', until: later(60) }));
    expect(ids(standingWaivers(past, NOW))).toEqual(['w1', 'w2']);
    expect(ids(standingWaivers(past, later(60)))).toEqual(['w1']);
  });
  test('are there before anything is known of the endpoint', () => {
    expect(ids(standingWaivers(history(granted()), NOW))).toEqual(['w1']);
  });
  test('end when they are revoked', () => {
    expect(standingWaivers(history(opened(), granted(), revoked()), NOW)).toEqual([]);
  });
  test('are carried along by the changes after them, since nobody reads a stream to its start', () => {
    const carried = history(opened(7, facts(), { waivers: [waiver()] }), outcome(7));
    expect(ids(standingWaivers(carried, NOW))).toEqual(['w1']);
  });
  test('that a later change does not carry are over, whatever stands before it', () => {
    expect(standingWaivers(history(opened(), granted(), outcome(), opened(2)), NOW)).toEqual([]);
  });
  test('can be revoked after they were carried along', () => {
    const past = history(
      opened(7, facts(), { waivers: [waiver(), waiver({ id: 'w2' })] }),
      revoked({ waiver: 'w1' }, 7),
    );
    expect(ids(standingWaivers(past, NOW))).toEqual(['w2']);
  });
});

describe('a waiver is held for a change', () => {
  const held = (past: ReturnType<typeof history>, at = NOW) => heldWaivers(past, 1, 'prod', at);

  test('from its first moment to before its last', () => {
    const past = history(opened(), granted({ from: later(10), until: later(20) }));
    expect([9, 10, 19, 20].map((second) => held(past, later(second)).length)).toEqual([0, 1, 1, 0]);
  });
  test('in the environment that it was granted for, and in no other', () => {
    expect(heldWaivers(history(opened(), granted()), 1, 'dev', NOW)).toEqual([]);
  });
  test('and is known for their own where whoever granted it made the change', () => {
    const past = history({ body: opened(), actor: person('asha') }, granted());
    expect(held(past)).toEqual([{ waiver: waiver(), ownChange: true }]);
    expect(held(history({ body: opened(), actor: person('ben') }, granted()))[0]?.ownChange).toBe(false);
  });
  test('and that they made it may be known by any of their names', () => {
    const past = history({ body: opened(), actor: person('ci', 'arn:aws:iam::111122223333:user/asha') }, granted());
    expect(held(past)[0]?.ownChange).toBe(false);
    const listed = granted({ names: ['asha', 'arn:aws:iam::111122223333:user/asha'] });
    expect(
      held(history({ body: opened(), actor: person('ci', 'arn:aws:iam::111122223333:user/asha') }, listed)),
    ).toMatchObject([{ ownChange: true }]);
  });
});
