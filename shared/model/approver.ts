import * as z from 'zod';
import { type Actor, sharesPerson } from './actor.ts';

/** Somebody who may approve, with every name that is the same person. */
export const Approver = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be lower-case letters, digits, dots, hyphens')
    .describe('Short name, used in records.'),
  name: z.string().min(1),
  email: z.email(),
  slack: z
    .strictObject({
      team: z.string().regex(/^[TE][A-Z0-9]{2,30}$/, 'must be the id of a Slack workspace, such as T0123ABCD'),
      user: z.string().regex(/^[UW][A-Z0-9]{2,30}$/, 'must be the id of a Slack member, such as U0123ABCD'),
    })
    .optional()
    .describe('Who that is in Slack: ids, since anybody may take a name there.'),
  oidcSubject: z.string().min(1).max(255).optional().describe('The `sub` by which the login provider knows them.'),
  awsIdentities: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'Other names of the same person: IAM user names, role session names, source identities, ARNs. Only a whole ARN lets somebody approve with AWS credentials.',
    ),
});
export type Approver = z.infer<typeof Approver>;

/** All names under which this person may turn up. */
export function namesOf({ id, email, slack, oidcSubject, awsIdentities }: Approver): string[] {
  return [
    id,
    email,
    ...awsIdentities,
    ...awsIdentities.flatMap((each) => (ROLE.test(each) ? [roleOf(each)?.arn ?? each] : [])),
    ...(slack ? [`slack:${slack.team}/${slack.user}`] : []),
    ...(oidcSubject === undefined ? [] : [`oidc:${oidcSubject}`]),
  ];
}

const SESSION = /^arn:(aws[a-z-]*):sts::(\d{12}):assumed-role\/([^/]+)\/.+$/;
const ROLE = /^arn:(aws[a-z-]*):iam::(\d{12}):role\/(?:.+\/)?([^/]+)$/;

/** The role of a session as `arn:aws:iam::<account>:role/<name>`, without its path, which a session's ARN leaves out. */
function roleOf(arn: string): { arn: string; name: string } | undefined {
  const [, partition, account, name] = SESSION.exec(arn) ?? ROLE.exec(arn) ?? [];
  return name === undefined ? undefined : { arn: `arn:${partition}:iam::${account}:role/${name}`, name };
}

/**
 * Names of somebody who made a change, and of the roles whose sessions are among them: an approver who lists a role as
 * an identity is everybody who uses it. The other way round a role says nothing about its sessions.
 */
export function namesOfRequester(names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const role = roleOf(name);
    return role ? [name, role.arn, role.name] : [name];
  });
}

/** Is this approver one of those who made a change, by any of their names? When in doubt they are. */
export function isOneOf(requesters: readonly Actor[], approver: Approver): boolean {
  return isNamedAmong(requesters, namesOf(approver));
}

/** The same by names that are on record. */
export function isNamedAmong(requesters: readonly Actor[], known: readonly string[]): boolean {
  const names = requesters.flatMap(({ person, names, arn }) => [person, ...names, ...(arn === null ? [] : [arn])]);
  return sharesPerson(namesOfRequester(names), known);
}

/**
 * Who signs in with AWS credentials: the one approver who lists this very ARN, or the role that it is a session of. A
 * session name by itself proves nothing, since whoever assumes a role chooses it; so do not list `assumed-role` ARNs of
 * roles that several people may assume, unless the session name is set for them, as IAM Identity Center does.
 */
export function personOfIamIdentity(approvers: readonly Approver[], userArn: string): Approver | undefined {
  const session = SESSION.test(userArn) ? roleOf(userArn)?.arn : undefined;
  const isTheirs = (listed: string) =>
    listed === userArn || (session !== undefined && ROLE.test(listed) && roleOf(listed)?.arn === session);
  const fitting = approvers.filter(({ awsIdentities }) => awsIdentities.some(isTheirs));
  // Two who list the same role cannot be told apart, so it is neither.
  return userArn.startsWith('arn:') && fitting.length === 1 ? fitting[0] : undefined;
}

/**
 * Who pressed something in Slack: the approver with that workspace and that member's id. The workspace of the click and
 * the one that the member belongs to must be the same, or it is a guest from elsewhere.
 */
export function personInSlack(
  approvers: readonly Approver[],
  { team, userTeam, user }: { team: string | undefined; userTeam: string | undefined; user: string },
): Approver | undefined {
  const fitting = approvers.filter(({ slack }) => slack && slack.team === team && slack.user === user);
  return team === userTeam && fitting.length === 1 ? fitting[0] : undefined;
}
