import { readPrices, readSettings } from '../shared/aws/kept-settings.ts';
import { readWholeStream } from '../shared/aws/ledger.ts';
import type { Services } from '../shared/aws/services.ts';
import { streamFor } from './audit.ts';
import { type AwsOptions, servicesFor } from './context.ts';
import { CliError, EXIT, json, type Output, table } from './output.ts';

type Options = AwsOptions & { json?: boolean; change?: string };

const DIGEST = /^[0-9a-f]{64}$/;

/** The digests that a decision about an endpoint names. */
async function digestsIn(services: Services, endpoint: string, change: string | undefined): Promise<string[]> {
  let found: string[] | undefined;
  for await (const { record } of readWholeStream(services, await streamFor(services, endpoint))) {
    const { body } = record;
    if (body?.kind !== 'findings' || (change !== undefined && String(body.generation) !== change)) continue;
    found = [body.policyDigest, body.priceDigest];
  }
  if (found) return found;
  throw new CliError(`No decision is on record for ${endpoint}${change === undefined ? '' : `, change ${change}`}.`);
}

/** `audit settings WHAT`: what a decision's digests stand for. */
export async function auditSettings(what: string, options: Options, output: Output): Promise<number> {
  const services = servicesFor(options);
  const digests = DIGEST.test(what) ? [what] : await digestsIn(services, what, options.change);
  const found: { digest: string; limits?: object; statements?: Record<string, string>; prices?: object }[] = [];
  for (const digest of digests) {
    const kept = await readSettings(services, digest);
    const prices = kept ? undefined : await readPrices(services, digest);
    if (!kept && !prices) throw new CliError(`Nothing with the digest ${digest} is on record.`);
    found.push({ digest, ...kept, ...(prices && { prices }) });
  }
  if (options.json) output.out(json(found));
  else
    for (const { digest, statements, limits, prices } of found) {
      output.out(`${limits ? 'Limits' : 'Prices'} ${digest}`);
      if (statements) output.out(table(['POLICY', 'STATEMENT'], Object.entries(statements)));
      output.out(json(limits ?? prices));
    }
  return EXIT.fine;
}
