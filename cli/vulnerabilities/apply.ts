import { constants, cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { readAcceptedRules } from '../security-audit/accepted.ts';
import { checkInstallScripts } from '../security-audit/install-scripts.ts';
import { checkLicences } from '../security-audit/licences.ts';
import { readLockFile } from '../security-audit/lock-file.ts';
import { checkLockfile } from '../security-audit/lockfile.ts';
import { reasonOf, runNpm } from '../security-audit/npm.ts';
import { type LockChange, lockChanges } from './lock-changes.ts';

/** Made anew, or data of a running gate: not needed to find out whether the tests pass. */
const LEFT_OUT = /^(\.portcullis|build|coverage)(\/|$)/;
const FILES = ['package.json', 'package-lock.json'] as const;

export type Applied =
  | { result: 'updated' | 'nothing to update'; changes: LockChange[] }
  /** Nothing was changed here. */
  | { result: 'kept'; reason: string; changes: LockChange[] };

type Options = {
  root: string;
  env: Readonly<Record<string, string | undefined>>;
  now: string;
  tell: (text: string) => void;
};

/** Why an update is not wanted although it works: where packages come from, what they run, how they are licensed. */
async function refused(scratch: string, { env, now }: Options): Promise<string | undefined> {
  const audited = { root: scratch, env, now, offline: true, rules: readAcceptedRules(scratch) };
  for (const check of [checkLockfile, checkInstallScripts, checkLicences]) {
    const { weaknesses, unchecked } = await check(audited);
    const [first] = weaknesses;
    if (first) return `${first.where}: ${first.why}`;
    if (unchecked[0] !== undefined && check !== checkLicences) return unchecked[0];
  }
  return undefined;
}

/** Packages whose install scripts may run, which they do only once it is known what has changed. */
function mayRun(scratch: string): Set<string> {
  const { allowScripts = {} } = JSON.parse(readFileSync(join(scratch, 'package.json'), 'utf8')) as {
    allowScripts?: Record<string, boolean>;
  };
  const allowed = Object.entries(allowScripts).filter(([, may]) => may);
  return new Set(allowed.map(([name]) => name.replace(/(?<=.)@.*$/, '')));
}

/** Puts what was tried in the place of what was there; if that breaks half-way, it is put back. */
function swap(scratch: string, root: string, before: ReadonlyMap<string, Buffer>): void {
  const [modules, old] = [join(root, 'node_modules'), join(scratch, 'node_modules.before')];
  renameSync(modules, old);
  try {
    renameSync(join(scratch, 'node_modules'), modules);
    for (const name of FILES) writeFileSync(join(root, name), readFileSync(join(scratch, name)));
  } catch (error) {
    rmSync(modules, { recursive: true, force: true });
    renameSync(old, modules);
    for (const [name, bytes] of before) writeFileSync(join(root, name), bytes);
    throw error;
  }
}

/**
 * Updates every package within its range, in a copy of the project beside it, and runs the tests there. Only when they
 * pass are lock file and node_modules of the project replaced; until then nothing of it is touched, so that there is
 * nothing to put back, not even after kill -9. Throws where the copy cannot be made.
 */
export async function applyUpdates(options: Options): Promise<Applied> {
  const { root, env, tell } = options;
  const before = new Map(FILES.map((name) => [name, readFileSync(join(root, name))]));
  // Beside it and not in it: from within, packages that are missing would be found in the project's own node_modules.
  const scratch = mkdtempSync(join(dirname(root), `.${basename(root)}-update-`));
  try {
    tell('Copying the project.');
    cpSync(root, scratch, {
      recursive: true,
      verbatimSymlinks: true,
      preserveTimestamps: true,
      mode: constants.COPYFILE_FICLONE,
      filter: (source) => !LEFT_OUT.test(relative(root, source)),
    });
    tell('Updating the copy.');
    const [old, update] = [
      readLockFile(scratch),
      await runNpm(['update', '--no-audit', '--ignore-scripts'], { cwd: scratch, env }),
    ];
    if ('reason' in old) return { result: 'kept', reason: old.reason, changes: [] };
    const young = readLockFile(scratch);
    if (update.code !== 0) return { result: 'kept', reason: `npm update failed: ${reasonOf(update)}`, changes: [] };
    if ('reason' in young) return { result: 'kept', reason: young.reason, changes: [] };
    const changes = lockChanges(old, young);
    if (changes.length === 0) return { result: 'nothing to update', changes };
    const reason = await refused(scratch, options);
    if (reason !== undefined) return { result: 'kept', reason, changes };

    const built = changes.map(({ name }) => name).filter((name) => mayRun(scratch).has(name));
    if (built.length > 0) {
      const rebuilt = await runNpm(['rebuild', ...new Set(built)], { cwd: scratch, env });
      if (rebuilt.code !== 0) return { result: 'kept', reason: `npm rebuild failed: ${reasonOf(rebuilt)}`, changes };
    }
    tell(`Testing it with ${changes.length} packages changed.`);
    const tested = await runNpm(['test'], { cwd: scratch, env, tell });
    if (tested.code !== 0) return { result: 'kept', reason: `the tests failed (exit code ${tested.code})`, changes };
    for (const [name, bytes] of before)
      if (!readFileSync(join(root, name)).equals(bytes))
        return { result: 'kept', reason: `${name} was changed by somebody else meanwhile`, changes };
    swap(scratch, root, before);
    return { result: 'updated', changes };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
