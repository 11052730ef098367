import { existsSync } from 'node:fs';
import { whatOf } from './audit.ts';
import { paceFor } from './audit-reconcile.ts';
import { writeBundle } from './bundle/write-bundle.ts';
import { noteExport } from './note-export.ts';
import { CliError, EXIT, json, type Output } from './output.ts';
import { reconciledFor } from './reconciled.ts';
import { hiderFrom, trailItems } from './trail-items.ts';
import { type ScopeOptions, scopeOf } from './trail-scope.ts';
import { tried, type WitnessOptions, witnessesFor } from './witnesses.ts';

type Options = WitnessOptions &
  ScopeOptions & {
    output: string;
    pseudonymise?: string;
    json?: boolean;
    /** False with --no-reconcile. */
    reconcile?: boolean;
    trailBucket?: string;
    trailPrefix?: string;
  };

/** `audit bundle`: one archive from which an auditor can read, prove and take along what was asked for. */
export async function auditBundle(options: Options, output: Output): Promise<number> {
  if (existsSync(options.output))
    throw new CliError(`${options.output} is there already. Choose another name with --output.`, EXIT.usage);
  const { services, lines, readKey } = await witnessesFor(options);
  const scope = await scopeOf(options, services);
  const hide = hiderFrom(options.pseudonymise, services);
  const key = await tried(readKey);
  const source = { bucket: options.trailBucket, prefix: options.trailPrefix };
  const how =
    options.reconcile === false ? { not: 'it was not asked for (--no-reconcile).' } : { source, ...paceFor(options) };
  const reconciliation = await reconciledFor(services, scope, hide, how);
  const progress = output.terminal ? (records: number) => output.err(`${records} records`) : undefined;
  const { manifest, manifestSha256, bytes } = await writeBundle(options.output, {
    scope,
    now: services.now(),
    items: trailItems(services, scope, hide),
    checkpoints: lines(),
    publicKey: 'value' in key ? { pem: key.value } : { why: key.reason },
    reconciliation,
    pseudonymised: hide !== undefined,
    says: whatOf,
    ...(progress && { progress }),
  });
  const { records, changes, streams, notIncluded } = manifest;
  const noted = await noteExport(services, {
    format: 'bundle',
    scope,
    records,
    sha256: manifestSha256,
    pseudonymised: hide !== undefined,
  });
  if (options.json)
    output.out(json({ output: options.output, bytes, records, changes, streams, manifestSha256, notIncluded, noted }));
  else {
    output.out(
      `${records} records of ${changes} changes in ${streams} streams are in ${options.output} (${bytes} bytes).`,
    );
    output.out(`SHA-256 of its manifest.json: ${manifestSha256}`);
    output.out('Unpack it, open index.html, and prove it with: node verify.mjs .');
  }
  for (const what of notIncluded) output.err(`NOT INCLUDED: ${what}`);
  if (noted.recorded === false) output.err(`NOT RECORDED in the ledger: ${noted.reason}`);
  return records === 0 ? EXIT.couldNotCheck : EXIT.fine;
}
