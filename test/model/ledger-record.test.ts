import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../shared/model/canonical-json.ts';
import {
  ACCEPTED,
  GENESIS,
  LedgerRecord,
  RecordBody,
  Result,
  recordHash,
  sortKey,
} from '../../shared/model/ledger-record.ts';
import { findings, given, HEX, opened, outcome, records, requested, verified } from '../builders.ts';

const stream = records(opened(), findings(), requested(), given(), verified(), outcome());

describe('records', () => {
  test.each(stream.map((record) => [record.body.kind, record] as const))(
    'a %s record is what its schema says',
    (_kind, record) => {
      expect(LedgerRecord.parse(record)).toEqual(record);
    },
  );

  test.each([
    ['a digest that is none', findings(1, [], { digest: 'x' })],
    ['generation 0', findings(0)],
    ['an answer that nobody may give', { ...given(), answer: 'expired' }],
    ['a result that is none', { ...outcome(), result: 'ok' }],
    ['a field more', { ...given(), comment: 'hm' }],
  ])('%s is refused', (_what, body) => {
    expect(RecordBody.safeParse(body).success).toBe(false);
  });

  test('the hash of a record is the same after it was stored and read', () => {
    for (const record of stream)
      expect(recordHash(JSON.parse(canonicalJson(record)) as LedgerRecord)).toBe(recordHash(record));
  });
  test('any change to a record changes its hash', () => {
    const [first] = stream;
    if (!first) throw new Error('no record');
    for (const forged of [
      { ...first, at: '2026-11-20T10:00:01.000Z' },
      { ...first, id: 'x' },
      { ...first, previous: HEX },
    ]) {
      expect(recordHash(forged)).not.toBe(recordHash(first));
    }
  });
});

describe('sortKey', () => {
  test('is nine digits and the hash of the record before', () => {
    expect(sortKey(1, GENESIS)).toBe(`000000001#${'0'.repeat(64)}`);
    expect(sortKey(123_456_789, HEX)).toBe(`123456789#${HEX}`);
  });
  test('sorts as text in the order of the sequence', () => {
    expect(sortKey(9, HEX) < sortKey(10, GENESIS)).toBe(true);
  });
});

test('after a refusal, a failure or no answer nothing counts as accepted', () => {
  const refused = Result.options.filter((result) => !ACCEPTED.includes(result));
  expect(refused).toEqual([
    'blocked',
    'rejected',
    'expired',
    'withdrawn',
    'rolled-back',
    'superseded',
    'deleted',
    'undetermined',
  ]);
});
