import { describe, expect, test } from 'vitest';
import { actorFrom, unknownActor } from '../../shared/model/actor.ts';
import { Approver, isOneOf, namesOf, personOfIamIdentity } from '../../shared/model/approver.ts';
import { approver, person } from '../builders.ts';

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

test('so are who they are in Slack and at the login provider, and a role without its path', () => {
  const role = 'arn:aws:iam::111122223333:role/team/Asha';
  const asha = approver('asha', {
    slack: { team: 'T0123ABCD', user: 'U0123ABCD' },
    oidcSubject: '2482',
    awsIdentities: [role],
  });
  expect(namesOf(asha)).toEqual([
    'asha',
    'asha@example.com',
    role,
    'arn:aws:iam::111122223333:role/Asha',
    'slack:T0123ABCD/U0123ABCD',
    'oidc:2482',
  ]);
});

describe('isOneOf', () => {
  const session = (role: string, name: string) =>
    actorFrom({ type: 'AssumedRole', arn: `arn:aws:sts::111122223333:assumed-role/${role}/${name}` });
  test('knows somebody by a role that they list, whatever the session is called', () => {
    for (const listed of [
      'Deploy',
      'arn:aws:iam::111122223333:role/Deploy',
      'arn:aws:iam::111122223333:role/a/b/Deploy',
    ]) {
      const asha = approver('asha', { awsIdentities: [listed] });
      expect(isOneOf([session('Deploy', 'i-0abc')], asha), listed).toBe(true);
      expect(isOneOf([session('Other', 'i-0abc')], asha), listed).toBe(false);
    }
    const elsewhere = approver('asha', { awsIdentities: ['arn:aws:iam::444455556666:role/Deploy'] });
    expect(isOneOf([session('Deploy', 'i-0abc')], elsewhere)).toBe(false);
  });
  test('does not take two sessions of one role for one person', () => {
    const asha = approver('asha', { awsIdentities: ['arn:aws:sts::111122223333:assumed-role/Deploy/asha'] });
    expect(isOneOf([session('Deploy', 'ben')], asha)).toBe(false);
    expect(isOneOf([session('Deploy', 'asha')], asha)).toBe(true);
  });
  test('knows somebody whom nothing names but an ARN', () => {
    const arn = 'arn:aws:iam::111122223333:role/Build';
    expect(isOneOf([{ ...unknownActor, arn }], approver('asha', { awsIdentities: [arn] }))).toBe(true);
  });
  test('nobody is nobody', () => {
    expect(isOneOf([], approver('asha'))).toBe(false);
    expect(isOneOf([person('dana')], approver('asha'))).toBe(false);
  });
});

describe('personOfIamIdentity', () => {
  const user = 'arn:aws:iam::111122223333:user/asha';
  const session = 'arn:aws:sts::111122223333:assumed-role/Deploy/asha';
  const who = (arn: string, ...listed: string[]) =>
    personOfIamIdentity([approver('asha', { awsIdentities: listed }), approver('ben')], arn)?.id;
  test('is who lists the whole ARN', () => {
    expect(who(user, user)).toBe('asha');
    expect(who(session, session)).toBe('asha');
  });
  test('is who lists the role that it is a session of', () => {
    expect(who(session, 'arn:aws:iam::111122223333:role/Deploy')).toBe('asha');
    expect(who(session, 'arn:aws:iam::111122223333:role/team/Deploy')).toBe('asha');
    expect(who(session, 'arn:aws:iam::444455556666:role/Deploy')).toBeUndefined();
  });
  test.each([
    ['a name that whoever calls may have chosen', session, ['asha', 'Deploy']],
    ['another session of a listed one', 'arn:aws:sts::111122223333:assumed-role/Deploy/ben', [session]],
    ['an ARN in another case', user.replace('asha', 'Asha'), [user]],
    ['the id or the mail address of somebody', 'asha@example.com', ['asha@example.com']],
    ['nothing', '', ['']],
  ])('is nobody for %s', (_what, arn, listed) => {
    expect(who(arn, ...listed)).toBeUndefined();
  });
  test('is nobody where two list it', () => {
    const two = ['asha', 'ben'].map((id) => approver(id, { awsIdentities: [user] }));
    expect(personOfIamIdentity(two, user)).toBeUndefined();
  });
});
