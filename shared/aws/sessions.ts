import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { Approver } from '../model/approver.ts';
import { sha256 } from '../model/canonical-json.ts';
import { approvalRules } from './approvals.ts';
import { goneAfter } from './gone-after.ts';
import type { With } from './services.ts';

/** How somebody showed who they are. */
export type Authentication = 'oidc' | 'mailed-code';

/** Somebody who has logged in. `secret` is in their cookie and nowhere else; only its hash is stored. */
export type Session = { secret: string; approver: Approver; authenticated: Authentication; expiresAt: string };

const SECRET = /^[a-z0-9]{26}$/;

const keyOf = (services: With, secret: string) => ({
  TableName: services.config.tables.approvals,
  Key: { id: { S: `session#${sha256(secret)}` } },
});

/** Begins a session of `person`, whom the caller has authenticated just now. Returns its secret, of 130 bits. */
export async function startSession(
  services: With<'dynamodb'>,
  person: string,
  authenticated: Authentication,
): Promise<{ secret: string; expiresAt: string }> {
  const secret = services.newId();
  const hours = services.config.file.login.sessionHours;
  const expiresAt = new Date(Date.parse(services.now()) + hours * 3_600_000).toISOString();
  await services.dynamodb.send(
    new UpdateItemCommand({
      ...keyOf(services, secret),
      UpdateExpression: 'SET person = :person, authenticated = :how, expiresAt = :expiresAt, goneAfter = :goneAfter',
      ConditionExpression: 'attribute_not_exists(person)',
      ExpressionAttributeValues: {
        ':person': { S: person },
        ':how': { S: authenticated },
        ':expiresAt': { S: expiresAt },
        ':goneAfter': goneAfter(expiresAt),
      },
    }),
  );
  services.note({ event: 'login', actor: person, detail: authenticated });
  return { secret, expiresAt };
}

/**
 * The session of this secret, if it is one, has not expired, and is of somebody who is an approver at this moment. Read
 * consistently, so that nobody goes on after logging out. Where the list of approvers cannot be read, it is nobody's.
 */
export async function readSession(services: With<'dynamodb'>, secret: string): Promise<Session | undefined> {
  if (!SECRET.test(secret)) return undefined;
  const { Item } = await services.dynamodb.send(
    new GetItemCommand({ ...keyOf(services, secret), ConsistentRead: true }),
  );
  const [person, expiresAt, authenticated] = [Item?.person?.S, Item?.expiresAt?.S, Item?.authenticated?.S];
  if (person === undefined || expiresAt === undefined || services.now() >= expiresAt) return undefined;
  // Someone who proved a mailbox is not someone whom the provider vouches for.
  const wanted: Authentication = services.config.file.login.oidc ? 'oidc' : 'mailed-code';
  if (authenticated !== wanted) return undefined;
  const approver = approvalRules(services).approvers.find(({ id }) => id === person);
  return approver && { secret, approver, authenticated: wanted, expiresAt };
}

/** Ends a session for good; the item stays until the table forgets it. */
export async function endSession(services: With<'dynamodb'>, { secret, approver }: Session): Promise<void> {
  await services.dynamodb.send(
    new UpdateItemCommand({
      ...keyOf(services, secret),
      UpdateExpression: 'SET expiresAt = :now',
      ExpressionAttributeValues: { ':now': { S: services.now() } },
    }),
  );
  services.note({ event: 'logout', actor: approver.id });
}
