import { readTableStatus, tryListing } from '../shared/aws/account.ts';
import { type AwsOptions, accountOf, servicesFor, unreachable } from './context.ts';
import { EXIT, json, type Output, table } from './output.ts';

type Check = { check: string; result: 'ok' | 'warning' | 'problem'; detail: string };

const DAY_MS = 86_400_000;
const PRICES_OLD_AFTER_DAYS = 180;

async function attempt(check: string, work: () => Promise<string>): Promise<Check> {
  try {
    return { check, result: 'ok', detail: await work() };
  } catch (error) {
    const told = error instanceof Error && error.name === 'CliError' ? error : unreachable(error);
    return { check, result: 'problem', detail: told.message };
  }
}

/** `portcullis doctor`: what would keep the gate from working here. 0 fine, 1 something is wrong. */
export async function doctor(options: AwsOptions & { json?: boolean }, output: Output): Promise<number> {
  const services = servicesFor(options);
  const { config } = services;
  const { approvers, requiredApprovals, requiredApprovalsIfRequesterUnknown } = config.file.approvals;
  const checks: Check[] = [
    { check: 'node', result: 'ok', detail: process.version },
    { check: 'configuration', result: 'ok', detail: 'valid' },
  ];
  const needed = Math.max(requiredApprovals, requiredApprovalsIfRequesterUnknown);
  checks.push(
    approvers.length === 0
      ? {
          check: 'approvers',
          result: 'problem',
          detail: 'nobody is listed, so nothing can be approved (approvals.approvers)',
        }
      : approvers.length <= needed
        ? {
            check: 'approvers',
            result: 'warning',
            detail: `${approvers.length} listed, up to ${needed} needed: when one of them is the requester or away, nothing can be approved`,
          }
        : { check: 'approvers', result: 'ok', detail: `${approvers.length} listed, up to ${needed} needed` },
  );
  const ageDays = Math.floor((Date.parse(services.now()) - Date.parse(config.policySettings.prices.asOf)) / DAY_MS);
  checks.push({
    check: 'prices',
    result: ageDays > PRICES_OLD_AFTER_DAYS ? 'warning' : 'ok',
    detail: `${config.policySettings.prices.region}, as of ${config.policySettings.prices.asOf}, ${ageDays} days old`,
  });
  checks.push(
    await attempt('credentials', async () => `account ${await accountOf(services)}, region ${config.region}`),
  );
  checks.push(
    await attempt('sagemaker', async () => {
      await tryListing(services);
      return 'endpoints can be listed';
    }),
  );
  for (const [name, TableName] of Object.entries(config.tables)) {
    checks.push(
      await attempt(`table ${name}`, async () => `${TableName} is ${await readTableStatus(services, TableName)}`),
    );
  }
  if (options.json) output.out(json(checks));
  else
    output.out(
      table(
        ['CHECK', 'RESULT', 'DETAIL'],
        checks.map(({ check, result, detail }) => [check, result, detail]),
      ),
    );
  return checks.some(({ result }) => result === 'problem') ? EXIT.violations : EXIT.fine;
}
