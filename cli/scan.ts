import pLimit from 'p-limit';
import { listEndpointNames } from '../shared/aws/account.ts';
import { readEndpoint } from '../shared/aws/endpoint-reader.ts';
import type { Services } from '../shared/aws/services.ts';
import { type EndpointRef, endpointArn } from '../shared/model/endpoint-ref.ts';
import { type AwsOptions, accountOf, servicesFor } from './context.ts';
import type { Output } from './output.ts';
import { type Checked, checkFacts, exitCodeFor, type Format, render } from './report.ts';
import { unreachable } from './unreachable.ts';

const ENDPOINTS_AT_ONCE = 4;

async function checkEndpoint(services: Services, ref: EndpointRef): Promise<Checked | undefined> {
  try {
    const facts = await readEndpoint(services, ref);
    return facts && checkFacts(facts, services.config.policySettings);
  } catch (error) {
    const { name, message } = error as Error;
    return {
      endpoint: ref.name,
      arn: endpointArn(ref),
      environment: 'unknown',
      decision: 'undetermined',
      findings: [],
      error: `could not be read: ${name}: ${message}`,
    };
  }
}

/** `portcullis scan`: every endpoint of an account and region, read-only. Returns the exit code. */
export async function scan(options: AwsOptions & { format: Format }, output: Output): Promise<number> {
  const services = servicesFor(options);
  const account = await accountOf(services);
  const { region } = services.config;
  const names = await listEndpointNames(services).catch((error: unknown) => {
    throw unreachable(error);
  });
  const refs: EndpointRef[] = names.map((name) => ({ account, region, name }));
  const limit = pLimit(ENDPOINTS_AT_ONCE);
  let done = 0;
  const progress = () => {
    done += 1;
    if (process.stderr.isTTY)
      process.stderr.write(`\rread ${done} of ${refs.length} endpoints${done === refs.length ? '\n' : ''}`);
    else if (done % 100 === 0 || done === refs.length) output.err(`read ${done} of ${refs.length} endpoints`);
  };
  const checked = await Promise.all(
    refs.map((ref) =>
      limit(async () => {
        const result = await checkEndpoint(services, ref);
        progress();
        return result;
      }),
    ),
  );
  const found = checked
    .filter((each): each is Checked => each !== undefined)
    .sort((a, b) => (a.endpoint < b.endpoint ? -1 : 1));
  output.out(render(found, options.format, services.config.policySettings));
  // An account without endpoints is fine; it was read and there was nothing in it.
  return found.length === 0 ? 0 : exitCodeFor(found);
}
