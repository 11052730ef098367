import * as z from 'zod';

/**
 * Who did something. `person` is the best name AWS gives for the human (aws-facts: sourceIdentity sticks through role
 * chaining; a session name is chosen by the caller); `names` are all names seen, for telling whether two are one.
 * Somebody `unknown` with names is whom a plan names without proof (`claim`).
 */
export const Actor = z.strictObject({
  kind: z.enum(['person', 'service', 'gate', 'unknown']),
  person: z.string(),
  names: z.array(z.string()),
  arn: z.string().nullable(),
  via: z.enum([
    'source-identity',
    'identity-center',
    'session-name',
    'user-name',
    'service',
    'root',
    'approver',
    'claim',
    'none',
  ]),
});
export type Actor = z.infer<typeof Actor>;

export const gateActor: Actor = { kind: 'gate', person: 'portcullis', names: [], arn: null, via: 'none' };
export const unknownActor: Actor = { kind: 'unknown', person: 'unknown', names: [], arn: null, via: 'none' };

/** `detail.userIdentity` of a CloudTrail record (CloudTrail user guide, "userIdentity element"). */
export const UserIdentity = z.object({
  type: z.string(),
  arn: z.string().nullish(),
  userName: z.string().nullish(),
  principalId: z.string().nullish(),
  invokedBy: z.string().nullish(),
  onBehalfOf: z.object({ userId: z.string().nullish() }).nullish(),
  sessionContext: z
    .object({
      sourceIdentity: z.string().nullish(),
      sessionIssuer: z.object({ arn: z.string().nullish(), userName: z.string().nullish() }).nullish(),
    })
    .nullish(),
});
export type UserIdentity = z.infer<typeof UserIdentity>;

/** Resolves a CloudTrail identity to a person, best evidence first. Never guesses: no name means `unknown`. */
export function actorFrom(identity: UserIdentity): Actor {
  const arn = identity.arn ?? null;
  const sessionName = arn?.match(/:(?:assumed-role\/[^/]+|federated-user)\/(.+)$/)?.[1];
  const role = identity.sessionContext?.sessionIssuer?.arn ?? '';
  if (identity.type === 'AWSService' || role.includes(':role/aws-service-role/')) {
    const service = identity.invokedBy ?? identity.sessionContext?.sessionIssuer?.userName ?? 'an AWS service';
    return { kind: 'service', person: service, names: [service], arn, via: 'service' };
  }
  const candidates: { via: Actor['via']; name: string | null | undefined }[] = [
    { via: 'source-identity', name: identity.sessionContext?.sourceIdentity },
    { via: 'identity-center', name: identity.onBehalfOf?.userId },
    { via: 'session-name', name: sessionName },
    { via: 'user-name', name: identity.userName },
    { via: 'root', name: identity.type === 'Root' ? 'root' : undefined },
  ];
  const seen = candidates.flatMap(({ via, name }) => (name ? [{ via, name }] : []));
  const [best] = seen;
  if (!best) return { ...unknownActor, arn };
  const names = [...new Set([...seen.map(({ name }) => name), ...(arn ? [arn] : [])])];
  return { kind: 'person', person: best.name, names, arn, via: best.via };
}

const spellings = (name: string) => {
  const lower = name.trim().toLowerCase();
  return lower.includes('@') && !lower.startsWith('arn:') ? [lower, lower.slice(0, lower.indexOf('@'))] : [lower];
};

/**
 * Do two sets of names share a person? Case and a mail domain do not tell people apart here: when in doubt they are
 * the same, since the answer is used to refuse self-approval.
 */
export function sharesPerson(a: readonly string[], b: readonly string[]): boolean {
  const known = new Set(a.flatMap(spellings));
  return b.flatMap(spellings).some((name) => known.has(name));
}
