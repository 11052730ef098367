import { lifeOfCertificates } from '../local/certificate-file.ts';
import { readTableStatus, tryListing } from '../shared/aws/account.ts';
import { listRules, readDeadLetters, readMailIdentity } from '../shared/aws/deployed-stack.ts';
import { readLivePrices, wantsLivePrices } from '../shared/aws/live-prices.ts';
import type { Services } from '../shared/aws/services.ts';
import { wayToSlack } from '../shared/aws/slack.ts';
import { readTrail } from '../shared/aws/trail-reader.ts';
import type { Config } from '../shared/config.ts';
import { SECRET_VARIABLES } from '../shared/secret-variables.ts';
import { attempt, type Check, checksTable, exitCodeOf, type Found, ok, problem, unchecked, warning } from './checks.ts';
import { type AwsOptions, accountOf, servicesFor, stackOf } from './context.ts';
import { json, type Output } from './output.ts';

const DAY_MS = 86_400_000;
const PRICES_OLD_AFTER_DAYS = 90;

/** Rules that a stack has whatever its settings. */
export const RULES = [
  'endpoint-states',
  'sagemaker-calls',
  'scaling-calls',
  'alarm-configurations',
  'guard-calls',
  'execution-ends',
  'smoke',
  'plans',
] as const;

function checkApprovers({ file }: Config): Found {
  const { approvers, requiredApprovals, requiredApprovalsIfRequesterUnknown } = file.approvals;
  const needed = Math.max(requiredApprovals, requiredApprovalsIfRequesterUnknown);
  const listed = `${approvers.length} listed, up to ${needed} needed`;
  if (approvers.length === 0) return problem('nobody is listed, so nothing can be approved (approvals.approvers)');
  return approvers.length <= needed
    ? warning(`${listed}: when one of them is the requester or away, nothing can be approved`)
    : ok(listed);
}

/** Prices that were read, where there are any; whether they can be told, other checks say. */
async function checkPrices(services: Services): Promise<Found> {
  const { config } = services;
  const asked = config.stateMachineArn !== '' && wantsLivePrices(services);
  const live = asked ? await readLivePrices(services, config.region).catch(() => undefined) : undefined;
  const { asOf, region } = live ?? config.policySettings.prices;
  const ageDays = Math.floor((Date.parse(services.now()) - Date.parse(asOf)) / DAY_MS);
  const known = `${region}, as of ${asOf}, ${ageDays} days old`;
  // AWS publishes prices anew when they change, so those that were read may be old and right.
  if (live) return ok(`${known}: ${live.source}`);
  return ageDays > PRICES_OLD_AFTER_DAYS
    ? warning(`${known}: read AWS's with "portcullis prices refresh", or compare them (prices.file)`)
    : ok(known);
}

/** Who wants Slack instead of mails has set it up, it is hoped. On AWS its secrets are not for whoever looks. */
function checkSlack({ file }: Config, env: NodeJS.ProcessEnv): Found {
  const set = (variable: string) => env[variable] || env[`${variable}_FILE`] || undefined;
  const secrets = {
    slackBotToken: set(SECRET_VARIABLES.slackBotToken),
    slackWebhookUrl: set(SECRET_VARIABLES.slackWebhookUrl),
  };
  if (wayToSlack(secrets, file.notifications.slack.channel)) return ok('mailed is only what Slack does not take');
  return warning(
    `notifications.mails is unless-slack, and Slack is not set up here (${SECRET_VARIABLES.slackWebhookUrl}, or ${SECRET_VARIABLES.slackBotToken} and notifications.slack.channel): everything is mailed`,
  );
}

/** What the console on one machine is served with. It is looked at by whoever may read the file. */
function checkCertificate(path: string, at: string): Found {
  try {
    const { due, words } = lifeOfCertificates(path, at);
    return due ? warning(`${path} ${words}: renew it (deployment/runbooks/key_rotation.md)`) : ok(`${path} ${words}`);
  } catch (error) {
    return problem((error as Error).message);
  }
}

async function checkTable(services: Services, name: string): Promise<Found> {
  try {
    const status = await readTableStatus(services, name);
    const usable = status === 'ACTIVE' || status === 'UPDATING';
    return (usable ? ok : problem)(`${name} is ${status}`);
  } catch (error) {
    if ((error as Error).name !== 'ResourceNotFoundException') throw error;
    return problem(`${name} is not there. Is the gate deployed in this account and region? (--local for this machine)`);
  }
}

async function checkTrail(services: Services): Promise<Found> {
  const seen = await readTrail(services);
  if ('trail' in seen) return ok(`${seen.trail} is logging management events`);
  const what = seen.lacking.length > 0 ? seen.lacking.join('; ') : 'there is none';
  return problem(
    `${what}. Without a trail nobody learns who changed an endpoint (setting "trail" of infra/stages.yml)`,
  );
}

async function checkRules(services: Services, stack: string): Promise<Found> {
  const rules = await listRules(services, stack);
  const missing = RULES.map((name) => `${stack}-${name}`).filter((name) => !rules.some((rule) => rule.name === name));
  const disabled = rules.flatMap(({ name, enabled }) => (enabled ? [] : [name]));
  const wrong = [
    ...(missing.length > 0 ? [`missing: ${missing.join(', ')} (deploy again)`] : []),
    ...(disabled.length > 0 ? [`disabled: ${disabled.join(', ')} (aws events enable-rule --name ...)`] : []),
  ];
  return wrong.length > 0 ? problem(wrong.join('; ')) : ok(`${rules.length} rules are enabled`);
}

async function checkQueues(services: Services, stack: string): Promise<Found> {
  const queues = await readDeadLetters(services, stack);
  if (queues.length === 0) return problem(`there is none whose name begins with ${stack}- (deploy again)`);
  if (queues.some(({ messages }) => Number.isNaN(messages))) return unchecked('SQS does not say how much is in them');
  const full = queues.filter(({ messages }) => messages > 0).map(({ queue, messages }) => `${messages} in ${queue}`);
  return full.length > 0
    ? problem(`${full.join(', ')}: what the gate could not take (portcullis events redrive)`)
    : ok(`${queues.length} queues are empty`);
}

async function checkMail(services: Services): Promise<Found> {
  const { mailFrom } = services.config;
  if (mailFrom.endsWith('.localdomain')) {
    return unchecked('PORTCULLIS_MAIL_FROM is not set here. Set it to the address that the gate sends from.');
  }
  const identity = await readMailIdentity(services, mailFrom);
  return identity === undefined
    ? problem(`SES may not send from ${mailFrom}: verify the address or its domain, or no approver is asked`)
    : ok(identity === mailFrom ? `${mailFrom} is verified` : `${mailFrom} may be sent from: ${identity} is verified`);
}

/** What only an account has; the runtime on one machine has neither trail nor queues. */
const deployedChecks = (services: Services, stack: string): Promise<Check>[] => [
  attempt('trail', 'cloudtrail:DescribeTrails, cloudtrail:GetTrailStatus and cloudtrail:GetEventSelectors', () =>
    checkTrail(services),
  ),
  attempt('rules', 'events:ListRules and events:ListEventBuses', () => checkRules(services, stack)),
  attempt('dead letters', 'sqs:ListQueues and sqs:GetQueueAttributes', () => checkQueues(services, stack)),
  attempt('mail', 'ses:GetEmailIdentity', () => checkMail(services)),
];

/** Everything that is looked at, in the order in which it is told. */
export async function diagnose(
  services: Services,
  options: Pick<AwsOptions, 'local' | 'stage'>,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Check[]> {
  const { config } = services;
  const certificate = env.PORTCULLIS_TLS_CERT_FILE;
  const slackFirst = options.local && config.file.notifications.mails === 'unless-slack';
  return [
    { check: 'node', ...ok(process.version) },
    { check: 'configuration', ...ok('valid') },
    { check: 'approvers', ...checkApprovers(config) },
    { check: 'prices', ...(await checkPrices(services)) },
    ...(slackFirst ? [{ check: 'slack', ...checkSlack(config, env) }] : []),
    ...(certificate ? [{ check: 'certificate', ...checkCertificate(certificate, services.now()) }] : []),
    ...(await Promise.all([
      attempt('credentials', 'credentials that AWS knows', async () =>
        ok(`account ${await accountOf(services)}, region ${config.region}`),
      ),
      attempt('sagemaker', 'sagemaker:ListEndpoints', async () => {
        await tryListing(services);
        return ok('endpoints can be listed');
      }),
      ...Object.entries(config.tables).map(([name, table]) =>
        attempt(`table ${name}`, 'dynamodb:DescribeTable', () => checkTable(services, table)),
      ),
      ...(options.local ? [] : deployedChecks(services, stackOf(options))),
    ])),
  ];
}

/** `portcullis doctor`: what would keep the gate from working here. 0 fine, 1 something is wrong, 2 could not check. */
export async function doctor(options: AwsOptions & { json?: boolean }, output: Output): Promise<number> {
  const checks = await diagnose(servicesFor(options), options);
  output.out(options.json ? json(checks) : checksTable(checks));
  return exitCodeOf(checks);
}
