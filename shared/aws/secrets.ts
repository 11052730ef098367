import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import * as z from 'zod';
import { tokensIn } from '../model/bearer-token.ts';
import { SECRET_VARIABLES } from '../secret-variables.ts';
import { readSecretFile } from './secret-file.ts';
import type { With } from './services.ts';

const FIVE_MINUTES_MS = 5 * 60_000;
// Zod's own messages say what was expected; these must not, by accident, say what was there.
const text = (minimum: number) => z.string('must be a text').min(minimum, `must have at least ${minimum} characters`);

/**
 * What must not be read by others. Not part of Config, which is shown and packaged; whoever needs a secret asks for it
 * when it is needed.
 */
export const Secrets = z.strictObject({
  /** Address of an incoming webhook: whoever has it can write into the channel. */
  slackWebhookUrl: text(1)
    .regex(/^https:\/\/hooks\.slack\.com\/\S+$/, 'must begin with https://hooks.slack.com/')
    .optional(),
  /** What Slack signs the clicks of our app with. */
  slackSigningSecret: text(16).optional(),
  /** What our app posts messages with. */
  slackBotToken: text(20)
    .regex(/^xoxb-/, 'must be a bot token, which begins with xoxb-')
    .optional(),
  oidcClientSecret: text(1).optional(),
  /** What programs without an AWS identity show, as a bearer token; `active,previous` while it is rotated. */
  accessToken: text(32)
    .refine((tokens) => tokensIn(tokens).every((each) => each.length >= 32), 'must have at least 32 characters each')
    .refine((tokens) => tokensIn(tokens).length <= 2, 'must be one token, or two with a comma between')
    .refine((tokens) => new Set(tokensIn(tokens)).size === tokensIn(tokens).length, 'must be two different tokens')
    .optional(),
});
export type Secrets = z.infer<typeof Secrets>;

/** A secret is not what it has to be. Says which, and never what it is. */
export class MalformedSecretError extends Error {
  override readonly name = 'MalformedSecretError';
}

function checked(where: string, found: unknown, nameOf: (field: string) => string): Secrets {
  const parsed = Secrets.safeParse(found);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) =>
    issue.code === 'unrecognized_keys'
      ? `${issue.keys.join(', ')}: there is no such secret`
      : `${nameOf(String(issue.path[0] ?? ''))}: ${issue.message}`,
  );
  throw new MalformedSecretError(`${where}: ${problems.join('; ')}`);
}

function inFile(variable: string, path: string): string {
  try {
    return readSecretFile(path);
  } catch (error) {
    throw new MalformedSecretError(`${variable}_FILE: ${(error as Error).message}`);
  }
}

function fromEnvironment(env: NodeJS.ProcessEnv): Secrets {
  const set = Object.entries(SECRET_VARIABLES).flatMap(([field, variable]) => {
    const [value, path] = [env[variable], env[`${variable}_FILE`]];
    if (value && path) throw new MalformedSecretError(`${variable} and ${variable}_FILE are both set: take one away`);
    if (path) return [[field, inFile(variable, path)] as const];
    return value ? [[field, value] as const] : [];
  });
  return checked(
    'The environment',
    Object.fromEntries(set),
    (field) => SECRET_VARIABLES[field as keyof Secrets] ?? field,
  );
}

async function fromSecretsManager(services: With<'secrets'>): Promise<Secrets> {
  const { secretId } = services.config;
  const { SecretString = '' } = await services.secrets.send(new GetSecretValueCommand({ SecretId: secretId }));
  let found: unknown;
  try {
    found = JSON.parse(SecretString);
  } catch {
    // What JSON.parse says about it quotes it.
    found = undefined;
  }
  if (typeof found !== 'object' || found === null || Array.isArray(found)) {
    throw new MalformedSecretError(`The secret ${secretId}: must be a JSON object, such as {"accessToken": "..."}`);
  }
  return checked(`The secret ${secretId}`, found, (field) => field);
}

const kept = new WeakMap<object, { secrets: Secrets; until: number }>();

/** What is wrong with the secrets in the environment, where they come from there. Says which, and never what they are. */
export function problemsWithSecrets(env: NodeJS.ProcessEnv): string[] {
  if (env.PORTCULLIS_SECRET_ID) return [];
  return Object.entries(SECRET_VARIABLES).flatMap(([field, variable]) => {
    const alone = { [variable]: env[variable], [`${variable}_FILE`]: env[`${variable}_FILE`] };
    try {
      fromEnvironment(alone);
      return [];
    } catch (error) {
      if (error instanceof MalformedSecretError) return [error.message.replace(/^The environment: /, 'environment: ')];
      throw new Error(`${field} cannot be checked`, { cause: error });
    }
  });
}

/**
 * The secrets there are: from the Secrets Manager secret named by PORTCULLIS_SECRET_ID, or else from the environment.
 * Kept for five minutes, so that a rotated one is used soon. Throws MalformedSecretError, and what Secrets Manager
 * throws: there is no falling back to older ones.
 */
export async function readSecrets(services: With<'secrets'>): Promise<Secrets> {
  if (services.config.secretId === '') return fromEnvironment(process.env);
  const now = Date.parse(services.now());
  const known = kept.get(services);
  if (known && now < known.until) return known.secrets;
  const secrets = await fromSecretsManager(services);
  kept.set(services, { secrets, until: now + FIVE_MINUTES_MS });
  return secrets;
}
