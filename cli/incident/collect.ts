import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { release } from 'node:os';
import { basename, join, relative, resolve } from 'node:path';
import { linesIn } from '../../shared/lines-in.ts';
import type { IncidentManifest } from '../../shared/model/incident-manifest.ts';
import { VERSION } from '../../shared/model/version.ts';
import type { Spool } from '../bundle/spool.ts';
import { readSbom } from '../sbom.ts';
import { AUDIT_CHECKS, audit, auditedHere } from '../security-audit.ts';
import { REDACTED, type Redactor, SECRET_NAME } from './redact.ts';

/** What is to be collected, and from where. */
export type Collecting = {
  root: string;
  env: NodeJS.ProcessEnv;
  /** ISO 8601 UTC. */
  now: string;
  /** Data directory of the gate on this machine. */
  data: string;
  checkpoints: string;
  ledgerTable: string;
  /** Files and directories with logs. */
  logs: readonly string[];
  awsPort: string;
  /** A stage on AWS instead of the gate on this machine. */
  stage?: string | undefined;
  region?: string | undefined;
  redactor: Redactor;
  spool: Spool;
  /** What could not be had, and why. */
  missing: IncidentManifest['notIncluded'];
  tell: (text: string) => void;
};

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

/** Files below a path, by name; links are not followed. */
function filesBelow(path: string): string[] {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isFile()) return [path];
  if (!found?.isDirectory()) return [];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesBelow(join(path, name)));
}

/** Logs, line by line, with nothing secret in them. */
export function collectLogs({ logs, redactor, spool, missing, stage }: Collecting): void {
  const found = logs.flatMap((path) => filesBelow(resolve(path)).map((file) => ({ path, file })));
  for (const path of logs)
    if (!found.some((each) => each.path === path))
      missing.push(
        stage === undefined
          ? `logs: there is no file at ${path} (--logs names another)`
          : `logs: those of ${stage} are in CloudWatch Logs (deployment/monitoring.md); --logs takes files`,
      );
  for (const [index, { path, file }] of found.entries()) {
    const name = relative(resolve(path), file) || basename(file);
    const log = spool.open(`logs/${index + 1}-${name.replace(/[^\w.-]+/g, '_')}`, `Log lines of ${file}, redacted`);
    for (const line of redactor.lines(linesIn(file))) log.write(`${line}\n`);
    log.close();
  }
}

/** Settings and variables, with every secret taken out. */
export function collectConfiguration({ root, env, redactor, spool, missing }: Collecting): void {
  const path = resolve(root, env.PORTCULLIS_CONFIG ?? 'portcullis.yaml');
  if (existsSync(path))
    spool.put(
      'configuration/portcullis.yaml',
      'Settings, redacted',
      `${[...redactor.lines(readFileSync(path, 'utf8').split('\n'), { settings: true })].join('\n')}`,
    );
  else missing.push(`configuration: there is no ${path}`);
  const shown = Object.entries(env)
    .filter(([name]) => /^(PORTCULLIS_|AWS_|NODE_)/.test(name))
    .map(([name, value = '']) => [name, SECRET_NAME.test(name) ? REDACTED : redactor.line(value)])
    .sort();
  spool.put('configuration/environment.json', 'Variables, redacted', json(Object.fromEntries(shown)));
}

/** What runs here, and what lies in the data directory. */
export function collectVersions({ root, data, spool }: Collecting): void {
  const git = spawnSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' });
  const versions = {
    portcullis: VERSION,
    commit: git.status === 0 ? git.stdout.trim() : null,
    node: process.version,
    openssl: process.versions.openssl,
    system: `${process.platform} ${process.arch} ${release()}`,
  };
  spool.put('versions.json', 'What ran', json(versions));
  const files = filesBelow(data).map((path) => {
    const { size, mode, mtime, uid } = statSync(path);
    return { path: relative(data, path), size, mode: (mode & 0o777).toString(8), uid, modified: mtime.toISOString() };
  });
  spool.put('data-directory.json', 'Files of the data directory, without what is in them', json(files));
}

export async function collectSbom({ root, env, spool, missing }: Collecting): Promise<void> {
  try {
    spool.put('sbom.cdx.json', 'Software bill of materials (CycloneDX)', json(await readSbom({ root, env })));
  } catch (error) {
    missing.push(`SBOM: ${(error as Error).message.split('\n')[0]}`);
  }
}

/** The security audit as it is now; what it finds does not keep the archive from being made. */
export async function collectAudit({ root, env, now, spool, redactor }: Collecting): Promise<void> {
  const report = await audit(auditedHere({}, { root, env, now }), AUDIT_CHECKS);
  spool.put('security-audit.json', 'What "portcullis security-audit" said', redactor.line(json(report)));
}
