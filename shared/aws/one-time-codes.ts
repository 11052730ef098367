import { timingSafeEqual } from 'node:crypto';
import { type AttributeValue, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { SendEmailCommand } from '@aws-sdk/client-sesv2';
import { sha256 } from '../model/canonical-json.ts';
import { CODE_MINUTES, codeMessage } from '../model/code-message.ts';
import { approvalRules } from './approvals.ts';
import { goneAfter } from './gone-after.ts';
import type { With } from './services.ts';

/** Codes that one person is sent in an hour, so that nobody fills somebody's mailbox. */
export const CODES_PER_HOUR = 5;
/** Tries that a code takes. Of ten characters out of 32 nobody guesses one in five. */
export const TRIES = 5;

const BINDING = /^[a-z0-9]{26}$/;

/** A provider is configured, so a mailbox is no way in. */
export class MailedCodesOffError extends Error {
  override readonly name = 'MailedCodesOffError';
}

/** As people type it: case and everything but letters and digits do not matter, nor does O for 0 or I and L for 1. */
const normalised = (code: string) =>
  code
    .toUpperCase()
    .replace(/O/g, '0')
    .replace(/[IL]/g, '1')
    .replace(/[^0-9A-Z]/g, '');
const hashOf = (binding: string, code: string) => sha256(`${binding}:${normalised(code)}`);

const keyOf = (services: With, id: string) => ({
  TableName: services.config.tables.approvals,
  Key: { id: { S: id } },
});

type Item = Record<string, AttributeValue>;

async function read(services: With<'dynamodb'>, id: string): Promise<Item | undefined> {
  return (await services.dynamodb.send(new GetItemCommand({ ...keyOf(services, id), ConsistentRead: true }))).Item;
}

/** Writes where `attribute` is still what was read. Of two who try at once one is told false. */
async function writeIfStill(
  services: With<'dynamodb'>,
  id: string,
  [attribute, was]: [string, AttributeValue | undefined],
  values: Item,
): Promise<boolean> {
  try {
    await services.dynamodb.send(
      new UpdateItemCommand({
        ...keyOf(services, id),
        UpdateExpression: `SET ${Object.keys(values)
          .map((name) => `${name} = :${name}`)
          .join(', ')}`,
        ConditionExpression: was ? `${attribute} = :was` : `attribute_not_exists(${attribute})`,
        ExpressionAttributeValues: {
          ...Object.fromEntries(Object.entries(values).map(([name, value]) => [`:${name}`, value])),
          ...(was ? { ':was': was } : {}),
        },
      }),
    );
    return true;
  } catch (error) {
    if ((error as Error).name === 'ConditionalCheckFailedException') return false;
    throw error;
  }
}

/** Counts a code for a person, unless they have had enough of them within the last hour. */
async function mayBeSent(services: With<'dynamodb'>, person: string): Promise<boolean> {
  const id = `code#person#${person}`;
  const now = services.now();
  const anHourAgo = new Date(Date.parse(now) - 3_600_000).toISOString();
  const was = (await read(services, id))?.sentAt;
  const lately = (was?.S ?? '').split(' ').filter((at) => at > anHourAgo);
  if (lately.length >= CODES_PER_HOUR) return false;
  const sentAt = [...lately, now].join(' ');
  return writeIfStill(services, id, ['sentAt', was], { sentAt: { S: sentAt }, goneAfter: goneAfter(now) });
}

/**
 * Mails a code to an approver, if `person` is one, and returns what whoever asked for it must show together with the
 * code: a secret of 130 bits, which stays with the browser or program that asked. Nobody is told whether a mail went
 * out, or strangers could find out who approves. Throws MailedCodesOffError where a provider is configured.
 */
export async function sendCode(
  services: With<'dynamodb' | 'ses'>,
  person: string | undefined,
): Promise<{ binding: string }> {
  if (services.config.file.login.oidc) {
    throw new MailedCodesOffError('People log in with the provider that is configured, so no codes are mailed.');
  }
  const binding = services.newId();
  const approver = approvalRules(services).approvers.find(({ id }) => id === person);
  if (!approver || !(await mayBeSent(services, approver.id))) return { binding };
  const code = services.newCode();
  const expiresAt = new Date(Date.parse(services.now()) + CODE_MINUTES * 60_000).toISOString();
  await writeIfStill(services, `code#${sha256(binding)}`, ['person', undefined], {
    person: { S: approver.id },
    codeHash: { S: hashOf(binding, code) },
    triesLeft: { N: String(TRIES) },
    expiresAt: { S: expiresAt },
    goneAfter: goneAfter(expiresAt),
  });
  const { subject, text } = codeMessage(approver.name, code, services.config.consoleUrl);
  try {
    await services.ses.send(
      new SendEmailCommand({
        FromEmailAddress: services.config.mailFrom,
        Destination: { ToAddresses: [approver.email] },
        Content: { Simple: { Subject: { Data: subject }, Body: { Text: { Data: text } } } },
      }),
    );
  } catch (error) {
    // To whoever asked it looks like an address that is nobody's. The log is for whoever runs this.
    console.error(JSON.stringify({ level: 'ERROR', message: 'code not sent', person, error: (error as Error).name }));
  }
  return { binding };
}

/**
 * Who shows the right code, in time, for the first time, with the binding that it was sent for; otherwise undefined,
 * and nobody learns which of these it was. Every try counts, also of several at once.
 */
export async function takeCode(
  services: With<'dynamodb'>,
  { binding, code }: { binding: string; code: string },
): Promise<string | undefined> {
  if (!BINDING.test(binding) || code.length > 64 || services.config.file.login.oidc) return undefined;
  const id = `code#${sha256(binding)}`;
  const item = await read(services, id);
  const triesLeft = Number(item?.triesLeft?.N ?? 0);
  if (!item?.person?.S || triesLeft <= 0 || services.now() >= (item.expiresAt?.S ?? '')) return undefined;
  const right = timingSafeEqual(Buffer.from(item.codeHash?.S ?? ''), Buffer.from(hashOf(binding, code)));
  const left = right ? 0 : triesLeft - 1;
  const mine = await writeIfStill(services, id, ['triesLeft', item.triesLeft], { triesLeft: { N: String(left) } });
  return right && mine ? item.person.S : undefined;
}
