import { describe, expect, test } from 'vitest';
import { type Copy, compareTrail, type Signed, type Standing } from '../../shared/model/trail-comparison.ts';
import { later, NOW } from '../builders.ts';

const hashOf = (sequence: number) => String(sequence).repeat(64).slice(0, 64);
const standing = (...sequences: number[]): Standing[] =>
  sequences.map((sequence) => ({ sequence, sortKey: `key ${sequence}`, hash: hashOf(sequence), at: later(-3_600) }));
const signed = (...sequences: number[]) =>
  new Map<number, Signed>(sequences.map((sequence) => [sequence, { hash: hashOf(sequence), checkpoint: 7 }]));
const copies = (...sequences: number[]) =>
  new Map<number, Copy>(sequences.map((sequence) => [sequence, { key: `copy ${sequence}`, hash: hashOf(sequence) }]));
const compare = (items: Standing[], witnesses: { signed?: Map<number, Signed>; copies?: Map<number, Copy> }) =>
  compareTrail(items, { ...witnesses, now: NOW });
const all = { signed: signed(1, 2, 3), copies: copies(1, 2, 3) };

test('what stands as it was signed and copied differs in nothing', () => {
  expect(compare(standing(1, 2, 3), all)).toEqual({ differences: [], tooNew: 0 });
});
test('without witnesses nothing can differ', () => {
  expect(compare(standing(1, 3), {})).toEqual({ differences: [], tooNew: 0 });
});

describe('a record', () => {
  const changed = standing(1, 2, 3).map((item) => (item.sequence === 2 ? { ...item, hash: hashOf(9) } : item));
  test.each([
    [
      'that was signed otherwise',
      changed,
      all,
      'is not the record that checkpoint 7 signed: it was changed or replaced',
    ],
    [
      'that was copied otherwise',
      changed,
      { copies: all.copies },
      'is not the record of its sealed copy copy 2: it was changed or replaced',
    ],
    ['that was signed and is gone', standing(1, 3), all, 'is missing from the table: checkpoint 7 signed it'],
    [
      'that was copied and is gone',
      standing(1, 3),
      { copies: all.copies },
      'is missing from the table: its sealed copy is copy 2',
    ],
    ['that stands there twice', standing(1, 2, 2, 3), all, 'stands there twice'],
    [
      'that is old and not signed',
      standing(1, 2, 3),
      { signed: signed(1, 3) },
      'is in no checkpoint, although it is older than five minutes',
    ],
    [
      'that is old and was not copied',
      standing(1, 2, 3),
      { copies: copies(1, 3) },
      'has no sealed copy, although it is older than five minutes',
    ],
    [
      'whose copy was forged',
      standing(1, 2, 3),
      { ...all, copies: new Map(copies(1, 2, 3)).set(2, { key: 'copy 2', hash: hashOf(9) }) },
      'has a sealed copy (copy 2) that checkpoint 7 does not fit',
    ],
  ])('%s is named', (_what, items, witnesses, problem) => {
    const { differences } = compare(items, witnesses);
    expect(differences[0]).toMatchObject({ sequence: 2, problem });
    expect(new Set(differences.map(({ sequence }) => sequence))).toEqual(new Set([2]));
  });
  test.each([
    ['a minute ago', later(-60), 0, 1],
    ['six minutes ago', later(-360), 1, 0],
    ['tomorrow', later(86_400), 1, 0],
    ['never', undefined, 1, 0],
  ])('made %s and not signed yet: %s', (_when, at, found, tooNew) => {
    const [only] = standing(1);
    const result = compare([{ ...(only as Standing), at }], { signed: signed() });
    expect({ found: result.differences.length, tooNew: result.tooNew }).toEqual({ found, tooNew });
  });
});
