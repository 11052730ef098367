import { readCostReport } from '../shared/aws/cost-report.ts';
import type { EnvironmentReport } from '../shared/model/cost-report.ts';
import { formatCents } from '../shared/model/hourly-cost.ts';
import { type AwsOptions, servicesOfGate } from './context.ts';
import { EXIT, json, type Output, table } from './output.ts';
import { unreachable } from './unreachable.ts';

const place = ({ account, region, name }: { account: string; region: string; name: string }) =>
  `${name} (${account}, ${region})`;

/** What cannot be seen in the sums. */
function remarks({ environment, unread, endpoints, moved }: EnvironmentReport): string[] {
  const unpriced = endpoints.flatMap(({ endpoint, unknown }) => unknown.map((what) => `${endpoint.name}: ${what}`));
  return [
    ...(unread === null ? [`${environment}: not every account and region has been counted yet.`] : []),
    ...(unread ? [`${environment}: ${unread} endpoints have not been read so far; the sums leave them out.`] : []),
    ...unpriced.map((what) => `${environment}: not in the sums: ${what}.`),
    ...(moved?.crossings ?? []).map(
      ({ endpoint, fromUsd, toUsd, limitUsd }) =>
        `${environment}: prices of ${moved?.region} moved from ${moved?.from} to ${moved?.to}: ${endpoint?.name ?? 'all of it'} rose from ${formatCents(fromUsd)} to ${formatCents(toUsd)}, above ${formatCents(limitUsd)}.`,
    ),
  ];
}

/** `portcullis cost`: what each environment costs against its budget, who uses it, and what waits. */
export async function cost(options: AwsOptions & { json?: boolean }, output: Output): Promise<number> {
  const report = await readCostReport(servicesOfGate(options)).catch((error) => {
    throw unreachable(error);
  });
  const { environments, counts, prices } = report;
  const over = environments.some(({ budgetUsd, running }) => budgetUsd !== undefined && running[counts] > budgetUsd);
  const code = over ? EXIT.violations : EXIT.fine;
  if (options.json) {
    output.out(json(report));
    return code;
  }
  output.out(
    table(
      ['ENVIRONMENT', 'NOW', 'CEILING', 'PEAK', 'BUDGET', 'LEFT', 'ENDPOINTS'],
      environments.map(({ environment, running, budgetUsd, endpoints }) => [
        environment,
        formatCents(running.steady),
        formatCents(running.ceiling),
        formatCents(running.peak),
        budgetUsd === undefined ? '-' : formatCents(budgetUsd),
        budgetUsd === undefined
          ? '-'
          : budgetUsd >= running[counts]
            ? formatCents(budgetUsd - running[counts])
            : `over by ${formatCents(running[counts] - budgetUsd)}`,
        String(endpoints.length),
      ]),
    ),
  );
  const users = environments.flatMap(({ environment, endpoints }) =>
    endpoints.map(({ endpoint, running, standing, explanation }) => [
      environment,
      formatCents(running[counts]),
      standing,
      place(endpoint),
      explanation || '-',
    ]),
  );
  if (users.length > 0) output.out(`\n${table(['ENVIRONMENT', 'AN HOUR', 'STANDING', 'ENDPOINT', 'HOW'], users)}`);
  const waiting = environments.flatMap(({ environment, waiting: list }) =>
    list.map(({ endpoint, generation, planned, addsUsd, thenUsd }) => [
      environment,
      `${planned ? 'plan' : 'change'} ${generation} of ${place(endpoint)}`,
      formatCents(addsUsd),
      formatCents(thenUsd),
    ]),
  );
  if (waiting.length > 0) output.out(`\n${table(['ENVIRONMENT', 'WAITING', 'ADDS', 'THEN ALL COST'], waiting)}`);
  const said = environments.flatMap(remarks);
  if (said.length > 0) output.out(`\n${said.join('\n')}`);
  output.out(
    `\nAn hour, at list prices (${prices.map(({ region, asOf }) => `${region} as of ${asOf}`).join(', ')}); budgets are held against the ${counts} cost.`,
  );
  return code;
}
