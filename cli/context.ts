import { resolve } from 'node:path';
import { openSecurityLog, SecurityLogError } from '../local/security-log.ts';
import { type Services, servicesWith } from '../shared/aws/services.ts';
import { loadConfig } from '../shared/config-yaml.ts';
import { Endpoint } from '../shared/model/endpoint-ref.ts';
import { clientsWhenUsed } from './clients-when-used.ts';
import { CliError, EXIT, visible } from './output.ts';
import { unreachable } from './unreachable.ts';

/** Options that every command with AWS behind it takes. */
export type AwsOptions = { local?: boolean; awsPort?: string; region?: string; stage?: string };

const LOCAL_ACCOUNT = '000000000000';

/** What the names of everything deployed as a stage begin with. */
export function stackOf({ stage = 'dev' }: Pick<AwsOptions, 'stage'>): string {
  if (/^[a-z][a-z0-9-]{0,30}$/.test(stage)) return `portcullis-${stage}`;
  throw new CliError(`--stage is ${stage}; it must be small letters, digits and hyphens, such as dev.`, EXIT.usage);
}

/** The bucket of a deployment's sealed copies, where the environment names no other. */
export const archiveBucketOf = (stack: string, { account, region }: Pick<Endpoint, 'account' | 'region'>): string =>
  process.env.PORTCULLIS_ARCHIVE_BUCKET ?? `${stack}-ledger-archive-${account}-${region}`;

/** Services for a command: of the account that the ordinary AWS environment names, or of the runtime on this machine. */
export function servicesFor({ local, awsPort, region, stage }: AwsOptions): Services {
  if (stage !== undefined && !local) {
    const stack = stackOf({ stage });
    for (const name of ['ledger', 'approvals', 'work'])
      process.env[`PORTCULLIS_${name.toUpperCase()}_TABLE`] ??= `${stack}-${name}`;
  }
  if (local) {
    if (awsPort !== undefined && !(/^\d{1,5}$/.test(awsPort) && Number(awsPort) <= 65_535)) {
      throw new CliError(`--aws-port is ${awsPort}; it must be a port number.`, EXIT.usage);
    }
    process.env.AWS_ENDPOINT_URL = `http://127.0.0.1:${awsPort ?? '4566'}`;
    process.env.AWS_ACCESS_KEY_ID = 'cli';
    process.env.AWS_SECRET_ACCESS_KEY = 'cli';
    process.env.AWS_REGION = 'us-east-1';
    process.env.PORTCULLIS_STATE_MACHINE_ARN = `arn:aws:states:us-east-1:${LOCAL_ACCOUNT}:stateMachine:endpoint-compliance`;
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_ENDPOINT_URL_')) delete process.env[name];
    delete process.env.AWS_PROFILE;
    delete process.env.AWS_SESSION_TOKEN;
  }
  if (region) process.env.AWS_REGION = region;
  process.env.AWS_REGION ??= process.env.AWS_DEFAULT_REGION ?? 'us-east-1';
  const config = loadConfig(process.env);
  const logs = process.env.PORTCULLIS_LOG_DIRECTORY;
  if (!logs) return servicesWith(clientsWhenUsed, config);
  try {
    return servicesWith(clientsWhenUsed, config, {
      note: openSecurityLog(resolve(logs), () => new Date().toISOString()).note,
    });
  } catch (error) {
    throw error instanceof SecurityLogError ? new CliError(error.message) : error;
  }
}

/** The same for commands that start changes, which takes a state machine. */
export function servicesOfGate(options: AwsOptions): Services {
  const services = servicesFor(options);
  if (services.config.stateMachineArn !== '') return services;
  throw new CliError(
    'PORTCULLIS_STATE_MACHINE_ARN is not set, so there is nothing to start changes in. (--local for this machine)',
  );
}

/** `2026-11`, or undefined where none was given. */
export function monthOf(text: string | undefined): string | undefined {
  if (text === undefined || /^20\d{2}-(0[1-9]|1[0-2])$/.test(text)) return text;
  throw new CliError(`--month is ${text}; it must be written like 2026-11.`, EXIT.usage);
}

/** The account that the credentials belong to. */
export async function accountOf(services: Services): Promise<string> {
  const { readCaller } = await import('../shared/aws/caller.ts');
  try {
    const { account } = await readCaller(services);
    if (account) return account;
  } catch (error) {
    throw unreachable(error);
  }
  throw new CliError('AWS did not say which account these credentials belong to.');
}

/** The endpoint of this name, in the account of the credentials where none is given. */
export async function endpointNamed(services: Services, name: string, account?: string): Promise<Endpoint> {
  const ref = Endpoint.safeParse({
    account: account ?? (await accountOf(services)),
    region: services.config.region,
    name,
  });
  if (ref.success) return ref.data;
  const [{ path, message } = { path: [], message: '' }] = ref.error.issues;
  if (path[0] === 'account') throw new CliError(`--account is ${visible(account ?? '')}; it ${message}.`, EXIT.usage);
  throw new CliError(`"${visible(name)}" is no endpoint name; it ${message}.`, EXIT.usage);
}
