import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CliError, EXIT, json, type Output, visible } from './output.ts';
import { readAcceptedRules, withoutAccepted } from './security-audit/accepted.ts';
import { checkDependencies } from './security-audit/dependencies.ts';
import { checkEnvironment } from './security-audit/environment.ts';
import { checkFileModes } from './security-audit/file-modes.ts';
import { checkHeaders } from './security-audit/headers.ts';
import { checkHistory } from './security-audit/history.ts';
import { checkIamWildcards } from './security-audit/iam-wildcards.ts';
import { checkInstallScripts } from './security-audit/install-scripts.ts';
import { checkLicences } from './security-audit/licences.ts';
import { checkLockfile } from './security-audit/lockfile.ts';
import { checkSecrets } from './security-audit/secrets.ts';
import { checkStatic } from './security-audit/static.ts';
import { type AuditCheck, type Audited, type Seen, unseen, type Weakness } from './security-audit/weakness.ts';

/** Every check, in the order in which it is told. */
export const AUDIT_CHECKS: readonly AuditCheck[] = [
  { name: 'dependencies', title: 'known vulnerabilities of packages', look: checkDependencies },
  { name: 'static', title: 'dangerous patterns in the sources', look: checkStatic },
  { name: 'secrets', title: 'secrets in the files', look: checkSecrets },
  { name: 'history', title: 'secrets in the history', look: checkHistory },
  { name: 'licences', title: 'licences of packages', look: checkLicences },
  { name: 'lockfile', title: 'where packages come from', look: checkLockfile },
  { name: 'install-scripts', title: 'what runs when packages are installed', look: checkInstallScripts },
  { name: 'environment', title: 'environment variables', look: checkEnvironment },
  { name: 'file-modes', title: 'who may read and change files', look: checkFileModes },
  { name: 'headers', title: 'headers of the running server', look: checkHeaders },
  { name: 'iam', title: 'permissions in the packaged template', look: checkIamWildcards },
];

export type SecurityAuditOptions = {
  json?: boolean;
  offline?: boolean;
  advisories?: string;
  url?: string;
  template?: string;
  check?: string;
};

export type CheckReport = {
  check: string;
  result: 'clean' | 'weak' | 'could not check';
  examined: string;
  weaknesses: Weakness[];
  accepted: Weakness[];
  unchecked: string[];
};

export type AuditReport = { at: string; result: CheckReport['result']; exitCode: number; checks: CheckReport[] };

/** A check that breaks has checked nothing; that is neither clean nor weak. */
async function lookWith({ look }: AuditCheck, audited: Audited): Promise<Seen> {
  try {
    return await look(audited);
  } catch (error) {
    return unseen(`${(error as Error).name}: ${(error as Error).message.split('\n')[0]}`);
  }
}

/** Runs the checks, one after the other, and tells of each as it ends. */
export async function audit(
  audited: Audited,
  checks: readonly AuditCheck[],
  tell: (report: CheckReport, title: string) => void = () => undefined,
): Promise<AuditReport> {
  const reports: CheckReport[] = [];
  for (const check of checks) {
    const { examined, weaknesses, unchecked } = await lookWith(check, audited);
    const { left, accepted } = withoutAccepted(check.name, weaknesses, audited.rules, audited.now);
    const result = left.length > 0 ? 'weak' : unchecked.length > 0 ? 'could not check' : 'clean';
    const report: CheckReport = { check: check.name, result, examined, weaknesses: left, accepted, unchecked };
    reports.push(report);
    tell(report, check.title);
  }
  const worst = (['weak', 'could not check'] as const).find((each) => reports.some(({ result }) => result === each));
  const exitCode = worst === 'weak' ? EXIT.violations : worst === undefined ? EXIT.fine : EXIT.couldNotCheck;
  return { at: audited.now, result: worst ?? 'clean', exitCode, checks: reports };
}

function linesOf({ check, result, examined, weaknesses, accepted, unchecked }: CheckReport, title: string): string[] {
  const also = accepted.length > 0 ? `; ${accepted.length} accepted` : '';
  return [
    `${result.toUpperCase().padEnd(15)}  ${check.padEnd(15)}  ${title}: ${examined}${also}`,
    ...weaknesses.flatMap(({ where, rule, why, todo }) => [
      `    ${where}${rule === undefined ? '' : `  ${rule}`}`,
      `        ${why}`,
      `        > ${todo}`,
    ]),
    ...unchecked.map((reason) => `    not checked: ${reason}`),
  ].map(visible);
}

function chosen(text: string | undefined): readonly AuditCheck[] {
  const names = text?.split(',').map((name) => name.trim());
  const unknown = (names ?? []).filter((name) => !AUDIT_CHECKS.some((check) => check.name === name));
  if (unknown.length === 0) return AUDIT_CHECKS.filter(({ name }) => names?.includes(name) ?? true);
  const known = AUDIT_CHECKS.map(({ name }) => name).join(', ');
  throw new CliError(`--check ${unknown.join(', ')}: there is no such check. There are: ${known}.`, EXIT.usage);
}

export const PROJECT = fileURLToPath(new URL('../', import.meta.url)).replace(/\/$/, '');

/** What there is to audit here and now; throws CliError where security-audit.yaml or the options make no sense. */
export function auditedHere(
  { offline = false, advisories, url, template }: SecurityAuditOptions,
  { root = PROJECT, env = process.env, now = new Date().toISOString() }: Partial<Audited> = {},
): Audited {
  if (advisories !== undefined && !offline)
    throw new CliError('--advisories is for --offline; online the registry is asked.', EXIT.usage);
  const file = advisories === undefined ? undefined : resolve(advisories);
  return { root, env, now, offline, advisories: file, url, template, rules: readAcceptedRules(root) };
}

/** `portcullis security-audit`: 0 clean, 1 something is weak, 2 something could not be checked. */
export async function securityAudit(
  options: SecurityAuditOptions,
  output: Output,
  here: Partial<Audited> = {},
): Promise<number> {
  const checks = chosen(options.check);
  const report = await audit(auditedHere(options, here), checks, (each, title) => {
    if (!options.json) output.out(linesOf(each, title).join('\n'));
  });
  if (options.json) output.out(json(report));
  else {
    const left = AUDIT_CHECKS.length - checks.length;
    const count = report.checks.reduce((sum, { weaknesses }) => sum + weaknesses.length, 0);
    const told = { clean: 'Clean', weak: `${count} to mend`, 'could not check': 'Not everything could be checked' };
    output.out(`\n${told[report.result]}.${left > 0 ? ` ${left} other checks were left out (--check).` : ''}`);
  }
  return report.exitCode;
}
