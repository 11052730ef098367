import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reportOf, type Vulnerability } from '../security-audit/dependencies.ts';
import { readLockFile } from '../security-audit/lock-file.ts';
import { jsonOf, reasonOf, runNpm } from '../security-audit/npm.ts';
import { type LockChange, lockChanges } from './lock-changes.ts';

const SEVERITIES = ['critical', 'high', 'moderate', 'low', 'info'];

/** A package that is behind, or known to be vulnerable, or both. */
export type Behind = {
  name: string;
  /** The worst that is known of it; null where nothing is. */
  severity: string | null;
  advisories: string[];
  installed: string[];
  /** The newest version that package.json allows, and the newest there is; null for what others depend on. */
  wanted: string | null;
  latest: string | null;
};

export type Listed = { packages: Behind[]; changes: LockChange[]; unchecked: string[] };

type Where = { root: string; env: Readonly<Record<string, string | undefined>>; tell?: (text: string) => void };
type Outdated = { current?: string; wanted: string; latest: string };

/** What `npm update` would do, found out on the lock file alone, in a directory of its own. */
async function wouldChange({ root, env }: Where): Promise<LockChange[] | { reason: string }> {
  const before = readLockFile(root);
  if ('reason' in before) return before;
  const scratch = mkdtempSync(join(tmpdir(), 'portcullis-update-'));
  try {
    for (const name of ['package.json', 'package-lock.json', '.npmrc'])
      if (existsSync(join(root, name))) copyFileSync(join(root, name), join(scratch, name));
    const run = await runNpm(['update', '--package-lock-only', '--ignore-scripts', '--no-audit'], {
      cwd: scratch,
      env,
    });
    if (run.code !== 0) return { reason: reasonOf(run) };
    const after = readLockFile(scratch);
    return 'reason' in after ? after : lockChanges(before, after);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function outdated({ root, env }: Where): Promise<Record<string, Outdated[]> | { reason: string }> {
  const run = await runNpm(['outdated', '--json'], { cwd: root, env });
  const told = jsonOf(run);
  // It ends with 1 where something is outdated, and prints nothing at all where nothing is.
  if (told === undefined) return run.code === 0 ? {} : { reason: reasonOf(run) };
  if (told.error !== undefined) return { reason: reasonOf(run) };
  return Object.fromEntries(Object.entries(told).map(([name, each]) => [name, [each].flat() as Outdated[]]));
}

async function vulnerable({ root, env }: Where): Promise<Vulnerability[] | { reason: string }> {
  const report = reportOf(await runNpm(['audit', '--json'], { cwd: root, env }));
  return 'reason' in report ? report : Object.values(report.vulnerabilities);
}

const rank = ({ severity }: Behind) => (severity === null ? SEVERITIES.length : SEVERITIES.indexOf(severity));

/** Everything that is outdated or vulnerable, the worst first, and what an update within range would change. */
export async function listVulnerabilities(where: Where): Promise<Listed> {
  const unchecked: string[] = [];
  const found = <T>(what: string, answer: T | { reason: string }, nothing: T): T => {
    if (typeof answer !== 'object' || answer === null || !('reason' in answer)) return answer as T;
    unchecked.push(`${what}: ${answer.reason}`);
    return nothing;
  };
  // Each of these asks a registry about several hundred packages.
  where.tell?.('Looking for newer versions.');
  const old = found<Record<string, Outdated[]>>('outdated packages', await outdated(where), {});
  where.tell?.('Asking for advisories.');
  const weak = found<Vulnerability[]>('advisories', await vulnerable(where), []);
  where.tell?.('Working out what an update would change.');
  const changes = found<LockChange[]>('what an update would change', await wouldChange(where), []);

  const behind = new Map<string, Behind>();
  const of = (name: string): Behind => {
    const known = behind.get(name) ?? {
      name,
      severity: null,
      advisories: [],
      installed: [],
      wanted: null,
      latest: null,
    };
    behind.set(name, known);
    return known;
  };
  for (const [name, places] of Object.entries(old)) {
    // What is not installed here at all, such as a package for another platform, is not behind.
    const current = places.flatMap((place) => (place.current === undefined ? [] : [place.current]));
    const [first] = places;
    if (current.length === 0 || first === undefined) continue;
    Object.assign(of(name), { installed: [...new Set(current)], wanted: first.wanted, latest: first.latest });
  }
  const lock = readLockFile(where.root);
  for (const { name, severity, via } of weak) {
    const advisories = via.flatMap((each) => (typeof each === 'object' ? [`${each.url} ${each.title}`] : []));
    if (advisories.length === 0) continue;
    const entry = of(name);
    Object.assign(entry, { severity, advisories });
    if (entry.installed.length === 0 && !('reason' in lock))
      entry.installed = [
        ...new Set(
          Object.entries(lock.packages).flatMap(([path, each]) =>
            path.endsWith(`node_modules/${name}`) && each.version ? [each.version] : [],
          ),
        ),
      ];
  }
  const packages = [...behind.values()].sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
  return { packages, changes, unchecked };
}
