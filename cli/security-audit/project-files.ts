import { spawnSync } from 'node:child_process';
import { lstatSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Folders that hold what others made, or what is made anew; where git does not say what is ignored. */
const NOT_OURS = /^(node_modules|\.git|\.portcullis|build|coverage|\.serverless|\.esbuild)$/;

function walk(root: string, folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return NOT_OURS.test(entry.name) ? [] : walk(root, path);
    return entry.isFile() ? [relative(root, path)] : [];
  });
}

/** Files of a project, relative to its root: what git has or would take, or everything where there is no git. */
export function projectFiles(root: string): string[] {
  const listed = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (listed.status !== 0) return walk(root, root).sort();
  const names = listed.stdout.split('\0').filter((name) => name !== '');
  return [...new Set(names)].filter((name) => lstatSync(join(root, name), { throwIfNoEntry: false })?.isFile()).sort();
}
