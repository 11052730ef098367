import { expect, test } from 'vitest';
import { monthsFrom } from '../../shared/model/month.ts';

test('months are counted across the turn of the year', () => {
  expect(monthsFrom('2026-12', 1)).toBe('2027-01');
  expect(monthsFrom('2026-01', -2)).toBe('2025-11');
});
