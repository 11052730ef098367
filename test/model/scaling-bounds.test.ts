import { expect, test } from 'vitest';
import { effectiveBounds } from '../../shared/model/scaling-bounds.ts';
import { later, NOW } from '../builders.ts';

const target = { min: 2, max: 6 };
const nightly = 'cron(0 22 * * ? *)';

test.each([
  ['no actions', [], { min: 2, max: 6 }],
  ['one that lowers both', [{ schedule: nightly, min: 0, max: 4 }], { min: 0, max: 6 }],
  ['one that raises the ceiling alone', [{ schedule: nightly, max: 40 }], { min: 2, max: 40 }],
  [
    'several: each can run',
    [
      { schedule: nightly, min: 1 },
      { schedule: 'rate(1 day)', max: 9 },
    ],
    { min: 1, max: 9 },
  ],
  ['one that is over', [{ schedule: nightly, min: 0, endsAt: NOW }], { min: 2, max: 6 }],
  ['one that is not over yet', [{ schedule: nightly, min: 0, endsAt: later(1) }], { min: 0, max: 6 }],
  ['one that ran once, two days ago', [{ schedule: 'at(2026-11-18T09:59:59)', min: 0 }], { min: 2, max: 6 }],
  // Its time zone may be behind ours.
  ['one that ran once, an hour ago in our time', [{ schedule: 'at(2026-11-20T09:00:00)', min: 0 }], { min: 0, max: 6 }],
])('the bounds with %s', (_name, actions, bounds) => {
  expect(effectiveBounds(target, actions, NOW)).toEqual(bounds);
});

test('what nobody sets is not there, rather than nought', () => {
  expect(effectiveBounds({}, [], NOW)).toEqual({});
});
