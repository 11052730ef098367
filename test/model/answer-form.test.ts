import { describe, expect, test } from 'vitest';
import { type FormName, RequestForms, readForm } from '../../shared/model/answer-form.ts';
import { HEX } from '../builders.ts';

const perfect: Record<FormName, Record<string, string>> = {
  answer: { digest: HEX, token: HEX, reason: 'looks right', name: 'fraud-prod', answer: 'approved' },
  comment: { digest: HEX, token: HEX, text: 'who pays for it?' },
  withdraw: { digest: HEX, token: HEX, reason: 'the wrong one' },
  'ask-again': { digest: HEX, token: HEX },
  'break-glass': { digest: HEX, token: HEX, reason: 'it is down', name: 'fraud-prod', alone: 'yes' },
  review: { digest: HEX, token: HEX, finding: 'justified', reason: 'it was down' },
};
const forms = Object.keys(RequestForms) as FormName[];
const read = (form: FormName, overrides: Record<string, string | undefined> = {}) => {
  const fields = Object.entries({ ...perfect[form], ...overrides }).filter(([, value]) => value !== undefined);
  return readForm(form, new URLSearchParams(fields as [string, string][]).toString());
};

describe('readForm', () => {
  test.each(forms)('reads what the page sends for %s', (form) => {
    expect(read(form)).toMatchObject({ fields: perfect[form] });
  });

  test.each(forms)('of %s without a digest, without a token or with a field more is damaged', (form) => {
    for (const broken of [{ digest: undefined }, { digest: 'x' }, { token: undefined }, { token: 'x' }, { admin: '1' }])
      expect(read(form, broken), JSON.stringify(broken)).toMatchObject({ mistake: expect.stringMatching(/damaged/) });
  });

  test.each<[FormName, string, Record<string, string | undefined>, RegExp]>([
    ['answer', 'no reason', { reason: ' ' }, /^Give a reason\.$/],
    ['answer', 'a reason without end', { reason: 'x'.repeat(2_001) }, /at most 2000 characters/],
    ['answer', 'no answer', { answer: undefined }, /Press Approve or Reject/],
    ['answer', 'an answer that nobody may give', { answer: 'expired' }, /Press Approve or Reject/],
    ['comment', 'no text', { text: '' }, /Give a comment/],
    ['withdraw', 'no reason', { reason: undefined }, /Give a reason/],
    ['break-glass', 'the tick missing', { alone: undefined }, /Say that you approve alone/],
    ['review', 'no finding', { finding: 'fine' }, /Press one of the two/],
  ])('%s with %s is a mistake that says what to do', (form, _what, broken, mistake) => {
    expect(read(form, broken)).toMatchObject({ mistake: expect.stringMatching(mistake) });
  });

  test('nobody types anything twice, and nobody gets more back than a text may have', () => {
    expect(read('answer', { answer: undefined }).typed).toMatchObject({ reason: 'looks right', name: 'fraud-prod' });
    expect(read('answer', { reason: 'x'.repeat(9_999) }).typed.reason).toHaveLength(2_000);
    expect(readForm('comment', '').typed).toEqual({ reason: '', text: '', name: '' });
  });
});
