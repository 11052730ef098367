import { describe, expect, test } from 'vitest';
import type { LedgerRecord } from '../../shared/model/ledger-record.ts';
import { mayHold, RangeFinder, type TrailScope, WHOLE_TRAIL } from '../../shared/model/trail-scope.ts';
import { endpoint, facts, findings, inDev, later, opened, outcome, records } from '../builders.ts';

const STREAM = 'endpoint#111122223333#us-east-1#fraud-prod';
const day = (count: number) => later(count * 86_400);
/** Three changes: of the first day, of the second and the third, and of the fourth; the last one in dev. */
const list = records(
  { body: opened(1), at: day(1) },
  { body: outcome(1), at: day(1) },
  { body: opened(2), at: day(2) },
  { body: findings(2), at: day(2) },
  { body: outcome(2), at: day(3) },
  { body: opened(3, facts({ environment: inDev })), at: day(4) },
  { body: outcome(3, 'compliant', { environment: 'dev' }), at: day(4) },
);
function rangeOf(scope: Partial<TrailScope>, of: readonly Partial<LedgerRecord>[] = list) {
  const finder = new RangeFinder(STREAM, { ...WHOLE_TRAIL, ...scope });
  for (const [index, record] of of.entries()) finder.see(index + 1, record);
  return finder.range();
}

describe('the part of a stream', () => {
  test.each<[string, Partial<TrailScope>, { first: number; last: number } | undefined]>([
    ['is all of it where nothing narrows it down', {}, { first: 1, last: 7 }],
    ['begins with the change that was open then, not in its middle', { from: day(3) }, { first: 3, last: 7 }],
    ['ends with the change that was open then, not in its middle', { to: day(3) }, { first: 1, last: 5 }],
    [
      'holds what begins at its first moment, and not what begins at its last',
      { from: day(4), to: day(5) },
      { first: 6, last: 7 },
    ],
    ['is nothing where nothing happened', { from: day(5) }, undefined],
    ['is of one environment', { environment: 'dev' }, { first: 6, last: 7 }],
  ])('%s', (_what, scope, range) => expect(rangeOf(scope)).toEqual(range));

  test('what somebody made unreadable is in it, whatever was asked for', () => {
    const broken = list.with(0, { body: list[0]?.body as LedgerRecord['body'], at: 'never' } as LedgerRecord);
    expect(rangeOf({ from: day(5) }, broken)).toEqual({ first: 1, last: 2 });
    expect(rangeOf({ from: day(5) }, [...list, {}])).toEqual({ first: 8, last: 8 });
  });
});

test.each<[string, Partial<TrailScope>, boolean]>([
  [STREAM, { endpoint }, true],
  ['plan#111122223333#us-east-1#fraud-prod', { endpoint }, true],
  ['endpoint#111122223333#us-east-1#other', { endpoint }, false],
  ['settings#111122223333#us-east-1#limits-abc', { endpoint, environment: 'prod' }, true],
  ['fleet#111122223333#us-east-1#prod', { environment: 'prod' }, true],
  ['fleet#111122223333#us-east-1#dev', { environment: 'prod' }, false],
  ['audit#111122223333#us-east-1#2026-11', { from: day(1) }, true],
  ['audit#111122223333#us-east-1#2026-11', { endpoint }, false],
  ['what is no key of ours', { endpoint }, true],
])('%s belongs to %j: %s', (stream, scope, held) => expect(mayHold(stream, { ...WHOLE_TRAIL, ...scope })).toBe(held));
