import { expect, test } from 'vitest';
import { codeMessage } from '../../shared/model/code-message.ts';

const { subject, text } = codeMessage('Asha Rao', 'K7QM2-XVA9R', 'https://gate.example.com/x');

test('the code is in the mail and not in its subject, which shows on locked phones', () => {
  expect(text).toContain('Your code to log in to Portcullis: K7QM2-XVA9R');
  expect(subject).not.toContain('K7QM2');
});
test('the mail says where it works, how long, and what to do if nobody asked', () => {
  expect(text).toContain('at gate.example.com.');
  expect(text).toContain('once, for 10 minutes');
  expect(text).toContain('If you did not ask for a code, do nothing');
});
test('the mail has no link: nothing in it can be followed', () => expect(text).not.toMatch(/https?:|www\./));
