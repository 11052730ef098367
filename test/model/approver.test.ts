import { describe, expect, test } from 'vitest';
import { Approver, namesOf } from '../../shared/model/approver.ts';
import { approver } from '../builders.ts';

describe('Approver', () => {
  test('needs an id, a name and a mail address', () => {
    expect(Approver.parse({ id: 'asha', name: 'Asha', email: 'asha@example.com' })).toEqual(approver('asha'));
  });
  test.each([
    ['an id with capitals', { id: 'Asha' }],
    ['an id with a #, which stands in record ids', { id: 'a#b' }],
    ['an empty name', { name: '' }],
    ['a mail address that is none', { email: 'asha' }],
    ['an empty AWS identity, which would match nobody or everybody', { awsIdentities: [''] }],
    ['a misspelt field', { awsIdentity: ['asha'] }],
  ])('%s is refused', (_what, broken) => {
    expect(Approver.safeParse({ ...approver('asha'), ...broken }).success).toBe(false);
  });
});

test('all names under which an approver may turn up are theirs', () => {
  expect(namesOf(approver('asha', { awsIdentities: ['asha.rao'] }))).toEqual(['asha', 'asha@example.com', 'asha.rao']);
});
