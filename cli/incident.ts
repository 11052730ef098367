import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { IncidentManifest } from '../shared/model/incident-manifest.ts';
import { VERSION } from '../shared/model/version.ts';
import { SECRET_VARIABLES } from '../shared/secret-variables.ts';
import { packFiles } from './bundle/pack.ts';
import { spoolIn } from './bundle/spool.ts';
import {
  type Collecting,
  collectAudit,
  collectConfiguration,
  collectLogs,
  collectSbom,
  collectVersions,
} from './incident/collect.ts';
import { collectLedger } from './incident/collect-ledger.ts';
import { knownSecrets, redactorOf } from './incident/redact.ts';
import { CliError, EXIT, type Output, visible } from './output.ts';
import { PROJECT } from './security-audit.ts';

export type IncidentOptions = {
  output: string;
  collectLogs?: boolean;
  audit?: boolean;
  data: string;
  logs?: string;
  checkpoints?: string;
  awsPort: string;
  stage?: string;
  region?: string;
};
type Here = { root: string; env: NodeJS.ProcessEnv; now: string };

const README = `An incident archive of Portcullis. manifest.json lists every file with its SHA-256.
"portcullis incident verify FILE" compares them; "node ledger/verify.mjs ledger" proves the ledger alone.
Secrets were taken out. Names of people and endpoints were not: give it to nobody who may not know them.
`;

/** What keys are in files that the environment names; they must not be in a log either. */
function secretsInFiles(env: NodeJS.ProcessEnv, data: string): string[] {
  const files = [env.PORTCULLIS_ENCRYPTION_KEY_FILE, env.PORTCULLIS_TLS_KEY_FILE, join(data, 'checkpoint-key.pem')];
  const whole = Object.values(SECRET_VARIABLES).flatMap((variable) => {
    const path = env[`${variable}_FILE`];
    return path && existsSync(path) ? [readFileSync(path, 'utf8').trim()] : [];
  });
  const words = files.flatMap((path) =>
    path && existsSync(path)
      ? readFileSync(path, 'utf8')
          .split(/\s+/)
          .filter((word) => /^[A-Za-z0-9+/=]{32,}$/.test(word))
      : [],
  );
  return [...whole, ...words];
}

/**
 * `portcullis incident`: what is needed to find out what happened, in one archive (mode 600) with a manifest of SHA-256
 * sums and no secret in it. Works while the gate is down. 0 all of it, 2 something could not be had (the manifest says what).
 */
export async function incident(
  options: IncidentOptions,
  output: Output,
  { root = PROJECT, env = { ...process.env }, now = new Date().toISOString() }: Partial<Here> = {},
): Promise<number> {
  const archive = resolve(options.output);
  const data = resolve(options.data);
  if (existsSync(archive)) throw new CliError(`${archive} is there already, and evidence is not written over.`);
  const parent = dirname(archive);
  if (!existsSync(parent)) throw new CliError(`${parent} is not there; make it first (mkdir -m 700).`);
  const directory = mkdtempSync(join(parent, `.${basename(archive)}-`));
  try {
    const collecting: Collecting = {
      root,
      env,
      now,
      data,
      checkpoints: resolve(options.checkpoints ?? env.PORTCULLIS_CHECKPOINTS ?? join(data, 'checkpoints')),
      ledgerTable: env.PORTCULLIS_LEDGER_TABLE ?? 'portcullis-ledger',
      logs: options.logs?.split(',') ?? [env.PORTCULLIS_LOG_DIRECTORY ?? join(data, 'logs')],
      awsPort: options.awsPort,
      stage: options.stage,
      region: options.region,
      redactor: redactorOf(knownSecrets(env, secretsInFiles(env, data))),
      spool: spoolIn(directory),
      missing: [],
      tell: (text) => output.err(text),
    };
    const { spool, missing } = collecting;
    spool.put('README.txt', 'Start here', README);
    await collectLedger(collecting);
    collectConfiguration(collecting);
    collectVersions(collecting);
    if (options.collectLogs) collectLogs(collecting);
    else missing.push('logs: not asked for (--collect-logs)');
    await collectSbom(collecting);
    if (options.audit) await collectAudit(collecting);
    else missing.push('security audit: not asked for (--audit)');

    const manifest = IncidentManifest.parse({
      schema: 1,
      kind: 'portcullis-incident',
      product: { name: 'portcullis', version: VERSION },
      createdAt: now,
      notIncluded: missing,
      files: spool.files(),
    });
    const { bytes } = spool.put('manifest.json', 'This list', `${JSON.stringify(manifest, null, 2)}\n`);
    await packFiles(directory, [{ path: 'manifest.json', bytes }, ...manifest.files], archive, new Date(now));
    for (const what of missing) output.err(`NOT INCLUDED: ${visible(what)}`);
    output.out(
      `${manifest.files.length} files are in ${archive}. Verify it elsewhere: portcullis incident verify FILE`,
    );
    return missing.some((what) => !what.includes('not asked for')) ? EXIT.couldNotCheck : EXIT.fine;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
