import { listWaivers } from '../shared/aws/questions.ts';
import { conclude } from './approval-actions.ts';
import { type AwsOptions, endpointNamed, servicesFor } from './context.ts';
import { type ActOptions, actAt } from './gate-request.ts';
import { EXIT, json, type Output, table } from './output.ts';
import { momentOf, timeOf } from './trail-scope.ts';

type WaiverOptions = ActOptions & { account?: string };

async function pathOf(name: string, { account, ...options }: WaiverOptions, action: string): Promise<string> {
  const endpoint = await endpointNamed(servicesFor(options), name, account);
  return `waivers/${endpoint.account}/${endpoint.region}/${endpoint.name}/${action}`;
}

const again = ({ looksAgain }: { looksAgain?: number }) =>
  looksAgain === undefined ? '' : ` The endpoint is being judged again: change ${looksAgain}.`;

/** `waiver grant ENDPOINT`: excuses it from one policy for a time. */
export async function waiverGrant(
  endpoint: string,
  options: WaiverOptions & { policy: string; from?: string; until: string; reason: string; environment?: string },
  output: Output,
): Promise<number> {
  const { policy, reason, environment } = options;
  const fields = {
    policy,
    ...(options.from !== undefined && { from: momentOf('--from', options.from) }),
    until: momentOf('--until', options.until),
    reason,
    ...(environment !== undefined && { environment }),
  };
  const path = await pathOf(endpoint, options, 'grant');
  const result = await actAt(path, fields, options, servicesFor(options));
  return conclude(
    result,
    (body) => `Recorded: waiver ${body.waiver ?? '(the one that is there)'} of ${policy}.${again(body)}`,
    options,
    output,
  );
}

/** `waiver revoke ENDPOINT WAIVER`: ends it before its time. */
export async function waiverRevoke(
  endpoint: string,
  waiver: string,
  options: WaiverOptions & { reason: string },
  output: Output,
): Promise<number> {
  const path = await pathOf(endpoint, options, 'revoke');
  const result = await actAt(path, { waiver, reason: options.reason }, options, servicesFor(options));
  return conclude(result, (body) => `Recorded: waiver ${waiver} is revoked.${again(body)}`, options, output);
}

/** `waiver list`: those in force at a moment or at some time of a day, now unless said otherwise. */
export async function waiverList(
  options: AwsOptions & { json?: boolean; on?: string; endpoint?: string },
  output: Output,
): Promise<number> {
  const services = servicesFor(options);
  const now = services.now();
  const on = options.on === undefined ? { from: now, to: now } : timeOf('--on', options.on);
  const found = (await listWaivers(services, on)).filter(
    ({ endpoint }) => options.endpoint === undefined || endpoint === options.endpoint,
  );
  if (options.json) output.out(json(found));
  else if (found.length === 0)
    output.out(`No waiver was in force ${on.from === on.to ? `at ${on.from}` : `on ${options.on}`}.`);
  else
    output.out(
      table(
        ['ENDPOINT', 'POLICY', 'ENV', 'FROM', 'UNTIL', 'BY', 'WAIVER', 'REASON'],
        found.map((each) => [
          each.endpoint,
          each.policy,
          each.environment,
          each.from,
          each.until,
          each.approver,
          each.id,
          each.reason,
        ]),
      ),
    );
  return EXIT.fine;
}
