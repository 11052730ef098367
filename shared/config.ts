import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { ConfigError } from './config-error.ts';
import { ApprovalSettings, problemsWithApprovals } from './model/approval-settings.ts';
import { EnvironmentRules } from './model/environment.ts';
import { LoginSettings } from './model/login-settings.ts';
import { NotificationSettings } from './model/notification-settings.ts';
import { PriceTable } from './model/price-table.ts';
import { type Protection, protectionsOff } from './model/protection.ts';
import { PolicyLimits, type PolicySettings } from './policies/settings.ts';

/** `portcullis.yaml`: the one file that users edit. Every field has a default but the approvers. */
export const ConfigFile = z.strictObject({
  environments: EnvironmentRules.prefault({}).describe('How dev, staging and prod are told apart.'),
  policies: PolicyLimits.prefault({}).describe('Limits and lists; the defaults are the AgentOps policy document.'),
  prices: z
    .strictObject({
      file: z.string().optional().describe('A price table of your own; path relative to this file.'),
      live: z
        .boolean()
        .default(true)
        .describe(
          'Whether prices read from the AWS Price List count, where there are any; never in the place of a table of your own.',
        ),
      alsoFor: z.array(z.string()).default([]).describe('Other regions that you accept to be judged by these prices.'),
    })
    .prefault({}),
  approvals: ApprovalSettings.prefault({}).describe('Who decides, how many must, and how long they have.'),
  notifications: NotificationSettings.prefault({}).describe('How people are told.'),
  login: LoginSettings.prefault({}),
  reading: z
    .strictObject({
      concurrency: z.int().min(1).max(64).default(8).describe('AWS reads under way at once.'),
      maxAttempts: z.int().min(1).max(20).default(6).describe('Tries of one AWS call, with adaptive back-off.'),
      cacheSeconds: z.int().nonnegative().max(900).default(60).describe('How long slow-moving reads may be reused.'),
      requestsPerSecond: z
        .number()
        .min(0.5)
        .max(1000)
        .default(5)
        .describe('Calls of one AWS API that a sweep makes in a second, in each account and region.'),
      watchMinutes: z.number().min(1).max(1440).default(5).describe('How often "up --watch" looks at the account.'),
      artifactCheckHours: z
        .int()
        .min(1)
        .max(720)
        .default(24)
        .describe('How often the artifacts of an unchanged endpoint are looked at again.'),
    })
    .prefault({}),
  members: z
    .strictObject({
      accounts: z
        .array(z.string().regex(/^\d{12}$/, 'must be 12 digits'))
        .default([])
        .describe('Other accounts that send their events here. The member stack is deployed in each of them.'),
      regions: z
        .array(z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be an AWS region such as us-east-1'))
        .default([])
        .describe("Other regions that send their events here, of the gate's account and of the others."),
      readRole: z
        .string()
        .min(1)
        .default('portcullis-read')
        .describe('The role that the gate assumes in each of them.'),
      externalId: z.string().min(2).optional().describe('As given to the member stack, if it was.'),
    })
    .prefault({})
    .describe('Endpoints in other accounts and regions.'),
});
export type ConfigFile = z.infer<typeof ConfigFile>;

const Runtime = z.object({
  AWS_REGION: z.string().default('us-east-1'),
  PORTCULLIS_CONFIG: z.string().default('portcullis.yaml'),
  PORTCULLIS_LEDGER_TABLE: z.string().default('portcullis-ledger'),
  PORTCULLIS_APPROVALS_TABLE: z.string().default('portcullis-approvals'),
  PORTCULLIS_WORK_TABLE: z.string().default('portcullis-work'),
  PORTCULLIS_STATE_MACHINE_ARN: z.string().default(''),
  PORTCULLIS_TOKEN_KEY_ID: z.string().default('alias/portcullis'),
  PORTCULLIS_CONSOLE_URL: z.url().default('http://127.0.0.1:4510'),
  PORTCULLIS_MAIL_FROM: z.email().default('portcullis@localhost.localdomain'),
  PORTCULLIS_ARCHIVE_BUCKET: z.string().default(''),
  PORTCULLIS_CHECKPOINT_KEY_ID: z.string().default(''),
  PORTCULLIS_SECRET_ID: z.string().default(''),
  PORTCULLIS_REMEDIATION: z.enum(['on', 'off']).default('on'),
});

/** Everything that can be set, checked once at start. */
export type Config = {
  file: ConfigFile;
  policySettings: PolicySettings;
  region: string;
  tables: { ledger: string; approvals: string; work: string };
  stateMachineArn: string;
  tokenKeyId: string;
  consoleUrl: string;
  mailFrom: string;
  /** Where the bytes of every record are kept a second time. */
  archiveBucket: string;
  /** The key that signs checkpoints of the ledger. */
  checkpointKeyId: string;
  /**
   * Where the gate's own services are (tables, workflow, mail, keys), where it runs on one machine and only watches the
   * account that the credentials name. Then nothing that changes anything is sent to that account.
   */
  ownServices?: { endpoint: string; accessKeyId: string };
  /** The secret in Secrets Manager that holds the others; without it they come from the environment. See secrets.ts. */
  secretId: string;
  /** Whether this gate was given the right to put endpoints back; without it, it proposes. */
  putsBack: boolean;
  /** Protections that are switched off; every record that is written meanwhile says so. */
  off: readonly Protection[];
};

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined,
    input,
  );
}

// What is a secret by its looks, and stands in the wrong file, must not stand in a log besides.
const SECRET = /xox[a-z]-|xapp-|hooks\.slack\.com/i;

/** `policies.prod.minInstances: "two": Invalid input: expected number` for each issue. */
export function problemsIn(where: string, input: unknown, error: z.ZodError): string[] {
  return error.issues.map(({ path, message }) => {
    const value = valueAt(input, path);
    const text = JSON.stringify(value) ?? '';
    const shown =
      value === undefined || path.length === 0 ? '' : ` ${SECRET.test(text) ? '(not shown)' : text.slice(0, 80)}:`;
    return `${where}: ${path.map(String).join('.') || '(file)'}:${shown} ${message}`;
  });
}

/** Checks what `portcullis.yaml` says; adds what is wrong with it to `problems`. */
export function checkConfigFile(input: unknown, name: string, problems: string[]): ConfigFile | undefined {
  const parsed = ConfigFile.safeParse(input);
  if (!parsed.success) {
    problems.push(...problemsIn(name, input, parsed.error));
    return undefined;
  }
  problems.push(...problemsWithApprovals(parsed.data.approvals).map((problem) => `${name}: ${problem}`));
  return parsed.data;
}

/**
 * The configuration of an environment and a checked `portcullis.yaml` with its prices. Throws ConfigError with every
 * mistake, those in `problems` included.
 */
export function configFrom(
  env: NodeJS.ProcessEnv,
  file: ConfigFile | undefined,
  prices: PriceTable | undefined,
  problems: string[],
): Config {
  const runtime = Runtime.safeParse(env);
  const mistakes: string[] = [];
  const off = protectionsOff(env, mistakes);
  problems.unshift(...mistakes.map((each) => `environment: ${each}`));
  if (!runtime.success) problems.unshift(...problemsIn('environment', env, runtime.error));
  if (!runtime.success || !file || !prices || problems.length > 0) throw new ConfigError(problems);
  const settings = runtime.data;
  return {
    file,
    policySettings: { ...file.policies, prices, pricesAlsoFor: file.prices.alsoFor },
    region: settings.AWS_REGION,
    tables: {
      ledger: settings.PORTCULLIS_LEDGER_TABLE,
      approvals: settings.PORTCULLIS_APPROVALS_TABLE,
      work: settings.PORTCULLIS_WORK_TABLE,
    },
    stateMachineArn: settings.PORTCULLIS_STATE_MACHINE_ARN,
    tokenKeyId: settings.PORTCULLIS_TOKEN_KEY_ID,
    consoleUrl: settings.PORTCULLIS_CONSOLE_URL.replace(/\/$/, ''),
    mailFrom: settings.PORTCULLIS_MAIL_FROM,
    archiveBucket: settings.PORTCULLIS_ARCHIVE_BUCKET,
    checkpointKeyId: settings.PORTCULLIS_CHECKPOINT_KEY_ID,
    secretId: settings.PORTCULLIS_SECRET_ID,
    putsBack: settings.PORTCULLIS_REMEDIATION === 'on',
    off,
  };
}

/** What is packaged beside every Lambda: `portcullis.yaml` and its prices. */
export const PackagedSettings = z.strictObject({ file: ConfigFile, prices: PriceTable });
export type PackagedSettings = z.infer<typeof PackagedSettings>;

/**
 * Configuration of a Lambda: its environment and the settings packaged beside it. Throws ConfigError. Settings are
 * checked before they are packaged (scripts/package.ts); making their schemas again would be a fifth of a cold start.
 */
export function packagedConfig(env: NodeJS.ProcessEnv): Config {
  const path = env.PORTCULLIS_SETTINGS ?? 'portcullis.settings.json';
  const { file, prices } = JSON.parse(readFileSync(path, 'utf8')) as PackagedSettings;
  return configFrom(env, file, prices, []);
}
