import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { chownSync, closeSync, lstatSync, mkdirSync, openSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// The gate refuses to run as root. Where tests and benchmarks do, the gates that they start are run by nobody, really.

const root = fileURLToPath(new URL('..', import.meta.url));
const NOBODY = 65_534;
export const asRoot = process.getuid?.() === 0;

/** Who starts gates: nobody in the place of root, and else whoever runs the tests. */
const person = asRoot ? { uid: NOBODY, gid: NOBODY } : {};

/** Lets whoever starts gates write here, in everything that is there by now; through no link. */
export function give(path: string): void {
  if (!asRoot) return;
  if (lstatSync(path).isDirectory()) for (const name of readdirSync(path)) give(join(path, name));
  if (!lstatSync(path).isSymbolicLink()) chownSync(path, NOBODY, NOBODY);
}

const isOpenToAll = (path: string): boolean =>
  (statSync(path).mode & 0o001) !== 0 && (path === dirname(path) || isOpenToAll(dirname(path)));

const CACHE = 'node_modules/.cache/portcullis-nobody';

/** Where compiled code is kept, which is for each user; without it every start takes twice as long and more. */
export function nobodysCache(): string {
  const path = join(root, CACHE);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chownSync(path, NOBODY, NOBODY);
  return path;
}

/**
 * `portcullis` with these arguments as a process of somebody without rights. A project below a directory that is root's
 * alone (`/root`) is handed over open, since nobody could reach it by its name; that takes Linux.
 */
export function spawnGate(args: readonly string[], { env = process.env, ...options }: SpawnOptions = {}): ChildProcess {
  const script = 'bin/portcullis.mjs';
  if (!asRoot) return spawn(process.execPath, [join(root, script), ...args], { ...options, env });
  nobodysCache();
  const own = (project: string) => ({ ...env, HOME: tmpdir(), NODE_COMPILE_CACHE: join(project, CACHE) });
  if (isOpenToAll(root) && isOpenToAll(process.execPath)) {
    return spawn(process.execPath, [join(root, script), ...args], { ...options, ...person, env: own(root) });
  }
  const [project, node] = ['/proc/self/fd/3', '/proc/self/fd/4'];
  const given = [openSync(root, 'r'), openSync(process.execPath, 'r')];
  const streams = Array.isArray(options.stdio) ? options.stdio : (['pipe', 'pipe', 'pipe'] as const);
  const command = ['--preserve-symlinks', '--preserve-symlinks-main', join(project, script), ...args];
  try {
    return spawn(node, command, { ...options, ...person, stdio: [...streams, ...given], env: own(project) });
  } finally {
    for (const file of given) closeSync(file);
  }
}
