import { describe, expect, test } from 'vitest';
import {
  hasEnded,
  isDue,
  isResting,
  isSettled,
  latestReading,
  quietChanges,
  reasonToLook,
  sweptChange,
  sweptEnd,
} from '../../shared/model/missed-change.ts';
import { change, endpoint, facts, history, later, NOW, opened, outcome, verified, type Written } from '../builders.ts';

const SEEN = facts().lastModifiedAt;
const HOURS = 3_600;

describe('reasonToLook', () => {
  test.each([
    ['nothing is on record', history(), SEEN, 'modified'],
    ['it is as it was read', history(opened(), outcome()), SEEN, undefined],
    ['it was modified a millisecond later', history(opened(), outcome()), later(0.001, SEEN), 'modified'],
    ['the list does not say when it was modified', history(opened(), outcome()), undefined, 'modified'],
    ['its end is on record', history(opened(), outcome(1, 'deleted')), SEEN, 'again'],
    ['it ended undetermined just now', history(opened(), outcome(1, 'undetermined')), SEEN, undefined],
    ['it was modified since it ended undetermined', history(outcome(1, 'undetermined')), later(1), 'modified'],
    ['a later change was determined', history(outcome(1, 'undetermined'), opened(2), outcome(2)), SEEN, undefined],
    [
      'it was never read, and ended undetermined long ago',
      history({ body: outcome(1, 'undetermined'), at: later(-6 * HOURS) }),
      later(-7 * HOURS),
      'again',
    ],
  ] as const)('where %s', (_what, past, modified, reason) => {
    expect(reasonToLook(past, modified, NOW)).toBe(reason);
  });
});

test('what ended undetermined rests for six hours', () => {
  const past = history(outcome(1, 'undetermined'));
  expect([isResting(past, later(6 * HOURS - 1)), isResting(past, later(6 * HOURS))]).toEqual([true, false]);
  expect(isResting(history(outcome()), NOW)).toBe(false);
});

test('an endpoint has ended where its newest change says so', () => {
  expect([history(), history(outcome(1, 'deleted'), opened(2)), history(outcome(1, 'deleted'))].map(hasEnded)).toEqual([
    false,
    false,
    true,
  ]);
});

describe('sweptChange', () => {
  const shown = {
    EndpointStatus: 'Updating',
    EndpointConfigName: 'old',
    LastModifiedTime: new Date(NOW),
    PendingDeploymentSummary: {
      EndpointConfigName: 'new',
      ProductionVariants: [{ VariantName: 'a', DesiredInstanceCount: 2, DesiredWeight: 1 }],
    },
  };

  test('means what the event of that moment would mean', () => {
    expect(sweptChange(endpoint, shown, 'modified', 2, later(1))).toEqual({
      endpoint,
      kind: 'endpoint',
      cause: 'sweep',
      eventId: `sweep-${NOW}`,
      at: later(1),
      sighting: {
        configName: 'new',
        desired: { a: { instances: 2, weight: 1 } },
        lastModifiedAt: NOW,
        settled: false,
      },
    });
  });
  test('says nothing of the modification where it is only to be looked at again', () => {
    expect(sweptChange(endpoint, shown, 'again', 7, NOW)).toMatchObject({
      eventId: 'sweep-7',
      sighting: { settled: false },
    });
    expect(sweptChange(endpoint, shown, 'again', 7, NOW)?.sighting).not.toHaveProperty('lastModifiedAt');
  });
  test('is nothing during maintenance', () => {
    expect(sweptChange(endpoint, { ...shown, EndpointStatus: 'SystemUpdating' }, 'modified', 2, NOW)).toBeUndefined();
  });
  test('of what cannot be read is an error', () => {
    expect(() => sweptChange(endpoint, {}, 'modified', 2, NOW)).toThrow('EndpointStatus');
  });
  test('of an endpoint that is gone has no sighting', () => {
    expect(sweptEnd(endpoint, 3, NOW)).toMatchObject({ kind: 'deleted', eventId: 'sweep-gone-3', sighting: {} });
  });
});

describe('quietChanges', () => {
  const joined = { kind: 'event-joined', generation: 2, event: change() } as const;
  const quiet = (...written: Parameters<typeof history>) =>
    quietChanges(history(...written), later(600)).map(({ generation }) => generation);

  test('are those that were opened, or rung for last, and have no outcome', () => {
    expect(quiet(opened())).toEqual([1]);
    expect(quiet(opened(), outcome(), joined)).toEqual([2]);
    expect(quiet(opened(), outcome())).toEqual([]);
    expect(quiet({ kind: 'event-joined', generation: 1, event: change() }, opened(2), outcome(2))).toEqual([]);
  });
  test('are not those that something was recorded of in the last ten minutes', () => {
    expect(quiet(opened(), { body: verified(), at: later(1) })).toEqual([]);
  });
});

describe('whose turn it is', () => {
  const DAY = 86_400_000;
  test('comes once in every period, wherever its moment lies', () => {
    for (const seed of [0, 1, 12_345_678_901, DAY - 1]) {
      const turns = Array.from({ length: 96 * 3 }, (_, index) =>
        isDue(seed, DAY, later(index * 900), later((index + 1) * 900)),
      );
      expect(turns.filter(Boolean)).toHaveLength(3);
    }
  });
  test('is made up for after sweeps that failed, and is nobody’s where none is known', () => {
    expect(isDue(4_711, DAY, later(-2 * 86_400), NOW)).toBe(true);
    expect(isDue(4_711, DAY, undefined, NOW)).toBe(false);
  });
});

describe('an endpoint is settled', () => {
  test.each<[string, Written[], boolean]>([
    ['where nothing is on record', [], false],
    ['while a change is open', [opened()], false],
    ['once it has ended', [opened(), outcome()], true],
    [
      'not while another is told of',
      [opened(), outcome(), { kind: 'event-joined', generation: 2, event: change() }],
      false,
    ],
    ['not where nobody could tell', [opened(), outcome(1, 'undetermined')], false],
  ])('%s: %j', (_name, written, settled) => {
    expect(isSettled(history(...written))).toBe(settled);
  });
});

test('the newest reading is the one that was read last, wherever it is on record', () => {
  const read = facts({ readAt: later(60) });
  expect(latestReading(history())).toBeUndefined();
  expect(latestReading(history(opened(), verified(1, [], { facts: read })))).toEqual({ generation: 1, facts: read });
  expect(latestReading(history(opened(), opened(2, read)))).toEqual({ generation: 2, facts: read });
});
