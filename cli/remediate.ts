import { type DryRun, dryRun } from '../shared/aws/remediation-look.ts';
import type { RemediationCall } from '../shared/model/remediation-call.ts';
import { conclude } from './approval-actions.ts';
import { endpointNamed, servicesFor } from './context.ts';
import { type ActOptions, actAt } from './gate-request.ts';
import { CliError, EXIT, json, type Output, visible } from './output.ts';
import { unreachable } from './unreachable.ts';

type Options = ActOptions & { account?: string; change?: string; dryRun?: boolean; yes?: boolean; reason?: string };

function numberIn({ change }: Options): number | undefined {
  if (change === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(change)) return Number(change);
  throw new CliError(`--change is ${change}; it must be the number of a change, such as 7.`, EXIT.usage);
}

const callLines = (calls: readonly RemediationCall[]) =>
  calls.flatMap(({ api, input }) => [
    `  ${api}`,
    ...json(input)
      .split('\n')
      .map((line) => `    ${line}`),
  ]);

/** What would be done, call by call, and what is on record about it. */
function print({ change, plan, moved }: DryRun, name: string, output: Output): void {
  const { opened, outcome, remediation } = change;
  output.out(
    `Change ${change.generation} of ${name} (${opened?.environment.name}) was refused: ${visible(outcome?.reason ?? 'it has not ended yet')}`,
  );
  if (remediation.done) output.out(`It is over: ${remediation.done.result}. ${visible(remediation.done.reason)}`);
  else if (remediation.intended) output.out('It is being put back.');
  if (moved) output.out('The endpoint is another by now, so nothing would be done.');
  const { to, calls, others, notes } = plan;
  if (to) output.out(`Back to ${to.configName}, as it was accepted with change ${to.generation}.`);
  for (const note of notes) output.out(visible(note));
  if (calls.length > 0) output.out(['The gate would call, in this order:', ...callLines(calls)].join('\n'));
  if (others.length > 0) output.out(['Only people can call:', ...callLines(others)].join('\n'));
  if (calls.length > 0 && !remediation.intended)
    output.out('Nothing was done. With --yes and a --reason it is, where it was proposed.');
}

/**
 * `portcullis remediate ENDPOINT`: prints exactly the calls that would put back what was refused, and makes none; with
 * `--yes` has the gate make them, in the name of an approver. 0: there is a way, or nothing to put back; 1: the gate can
 * not put it back itself, or it was refused; 2: it could not be found out.
 */
export async function remediate(name: string, options: Options, output: Output): Promise<number> {
  const { dryRun: only = false, yes = false, reason, account } = options;
  if (only && yes) throw new CliError('--dry-run and --yes exclude each other.', EXIT.usage);
  if (yes && reason === undefined)
    throw new CliError('Say why with --reason; it goes into the audit record.', EXIT.usage);
  const services = servicesFor(options);
  const endpoint = await endpointNamed(services, name, account);
  const wanted = numberIn(options);
  let found: DryRun | undefined;
  try {
    found = await dryRun(services, endpoint, wanted);
  } catch (error) {
    throw unreachable(error);
  }
  if (!found) {
    output.out(options.json ? json({ change: null }) : `Nothing of ${name} is to be put back.`);
    return EXIT.fine;
  }
  const { change, plan, moved } = found;
  const { generation } = change;
  if (!yes) {
    if (options.json) output.out(json({ endpoint, change: generation, moved, ...plan, on: change.remediation }));
    else print(found, name, output);
    return plan.calls.length > 0 || moved ? EXIT.fine : EXIT.violations;
  }
  const digest = change.remediation.proposed?.digest ?? change.opened?.digest ?? '';
  const path = `changes/${endpoint.account}/${endpoint.region}/${endpoint.name}/${generation}/put-back`;
  const result = await actAt(path, { reason, digest }, options, services);
  return conclude(result, () => `Recorded. Change ${generation} of ${name} is being put back.`, options, output);
}
