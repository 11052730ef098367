import { readdirSync, readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { actorFrom, sharesPerson, UserIdentity } from '../../shared/model/actor.ts';

const folder = new URL('../fixtures/events/', import.meta.url);
const calls = readdirSync(folder).filter((name) => name.startsWith('cloudtrail-'));
const identityIn = (name: string) =>
  UserIdentity.parse(JSON.parse(readFileSync(new URL(name, folder), 'utf8')).detail.userIdentity);

const session: UserIdentity = {
  type: 'AssumedRole',
  arn: 'arn:aws:sts::111122223333:assumed-role/MLEngineer/dana@laptop',
  sessionContext: {
    sourceIdentity: 'dana.ortiz',
    sessionIssuer: { arn: 'arn:aws:iam::111122223333:role/MLEngineer', userName: 'MLEngineer' },
  },
};

describe('actorFrom', () => {
  test.each(calls)('%s names its person or its service', (name) => {
    const actor = actorFrom(identityIn(name));
    if (name.includes('.autoscaling.')) {
      expect(actor).toMatchObject({ kind: 'service', person: 'application-autoscaling.amazonaws.com', via: 'service' });
    } else {
      expect(actor).toMatchObject({ kind: 'person', person: 'dana.ortiz', via: 'source-identity' });
      expect(actor.names).toContain('dana.ortiz@example.com');
    }
  });
  test('there are CloudTrail fixtures to read', () => expect(calls.length).toBeGreaterThan(10));

  test('the source identity beats the session name, which its caller chose, and both are kept', () => {
    const actor = actorFrom(session);
    expect(actor).toMatchObject({ person: 'dana.ortiz', via: 'source-identity' });
    expect(actor.names).toEqual(['dana.ortiz', 'dana@laptop', session.arn]);
  });

  test('Identity Center comes next, then the session name', () => {
    const { sourceIdentity: _, ...sessionContext } = session.sessionContext ?? {};
    const centre = { ...session, sessionContext, onBehalfOf: { userId: 'u-1' } };
    expect(actorFrom(centre)).toMatchObject({ person: 'u-1', via: 'identity-center' });
    expect(actorFrom({ ...session, sessionContext })).toMatchObject({ person: 'dana@laptop', via: 'session-name' });
  });

  test('an IAM user is its user name', () => {
    const arn = 'arn:aws:iam::111122223333:user/dana';
    expect(actorFrom({ type: 'IAMUser', arn, userName: 'dana' })).toEqual({
      kind: 'person',
      person: 'dana',
      names: ['dana', arn],
      arn,
      via: 'user-name',
    });
  });

  test('root is root', () => {
    expect(actorFrom({ type: 'Root', arn: 'arn:aws:iam::111122223333:root' })).toMatchObject({
      person: 'root',
      via: 'root',
    });
  });

  test('a service-linked role is a service, whatever its session is called', () => {
    const arn = 'arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX';
    const identity = { ...session, sessionContext: { sessionIssuer: { arn, userName: 'AWSServiceRoleForX' } } };
    expect(actorFrom(identity)).toMatchObject({ kind: 'service', person: 'AWSServiceRoleForX' });
  });

  test('AWSService without a name is still a service', () => {
    expect(actorFrom({ type: 'AWSService' })).toMatchObject({ kind: 'service', person: 'an AWS service' });
  });

  test('no name at all is unknown, never a guess', () => {
    const arn = 'arn:aws:iam::111122223333:role/Build';
    expect(actorFrom({ type: 'AWSAccount', arn })).toEqual({
      kind: 'unknown',
      person: 'unknown',
      names: [],
      arn,
      via: 'none',
    });
    expect(actorFrom({ type: 'AWSAccount' }).arn).toBeNull();
  });
});

describe('sharesPerson', () => {
  test.each([
    [['dana'], ['DANA '], true],
    [['dana.ortiz'], ['Dana.Ortiz@example.com'], true],
    [['dana@a.com'], ['dana@b.com'], true],
    [['dana'], ['dan'], false],
    [[], ['dana'], false],
    [['x', 'dana'], ['y', 'z', 'dana'], true],
    // A domain is no part of an ARN: two sessions of a role differ by what stands before the @ too.
    [['arn:aws:sts::1:assumed-role/A/x@a.com'], ['arn:aws:sts::1:assumed-role/A/x@b.com'], false],
  ])('%j and %j: %s', (a, b, expected) => {
    expect(sharesPerson(a, b)).toBe(expected);
  });

  const names = fc.array(fc.oneof(fc.string(), fc.emailAddress(), fc.constantFrom('dana', 'Dana@x.org', ' ')));
  test('it is symmetric', () => {
    fc.assert(fc.property(names, names, (a, b) => sharesPerson(a, b) === sharesPerson(b, a)));
  });
  test('whoever has a name is the same person as themselves', () => {
    fc.assert(
      fc.property(
        names.filter((list) => list.length > 0),
        (a) => sharesPerson(a, a),
      ),
    );
  });
  test('nobody is the same person as somebody without names', () => {
    fc.assert(fc.property(names, (a) => !sharesPerson(a, [])));
  });
});
