import { describe, expect, test } from 'vitest';
import { readAnswerForm } from '../../shared/model/answer-form.ts';
import { HEX } from '../builders.ts';

const perfect = { digest: HEX, code: 'K7QM-2XVA-9RTB-4HNC', reason: 'looks right', answer: 'approved' };
const read = (overrides: Record<string, string | undefined> = {}) => {
  const fields = Object.entries({ ...perfect, ...overrides }).filter(([, value]) => value !== undefined);
  return readAnswerForm(new URLSearchParams(fields as [string, string][]).toString());
};

describe('readAnswerForm', () => {
  test('reads what the page sends, and the code without the spaces around it', () => {
    expect(read({ code: ` ${perfect.code} ` })).toEqual({ fields: perfect, typedReason: 'looks right' });
  });

  test.each([
    ['no digest', { digest: undefined }, /form is damaged/],
    ['a digest that is none', { digest: 'x' }, /form is damaged/],
    ['no code', { code: '  ' }, /Enter your personal code/],
    ['a code that is none', { code: 'x'.repeat(65) }, /not that long/],
    ['no answer', { answer: undefined }, /Press Approve or Reject/],
    ['an answer that nobody may give', { answer: 'expired' }, /Press Approve or Reject/],
    ['a reason without end', { reason: 'x'.repeat(2_001) }, /at most 2000 characters/],
    ['a field more', { generation: '2' }, /form is damaged/],
  ])('%s is a mistake that says what to do', (_what, broken, mistake) => {
    expect(read(broken)).toMatchObject({ mistake: expect.stringMatching(mistake) });
  });

  test('nobody types their reason twice, and nobody gets more back than a reason may have', () => {
    expect(read({ code: '' }).typedReason).toBe('looks right');
    expect(read({ reason: 'x'.repeat(9_999) }).typedReason).toHaveLength(2_000);
    expect(readAnswerForm('').typedReason).toBe('');
  });
});
