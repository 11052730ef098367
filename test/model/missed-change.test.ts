import { describe, expect, test } from 'vitest';
import {
  hasEnded,
  isResting,
  quietChanges,
  reasonToLook,
  sweptChange,
  sweptEnd,
} from '../../shared/model/missed-change.ts';
import { change, endpoint, facts, history, later, NOW, opened, outcome, verified } from '../builders.ts';

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
