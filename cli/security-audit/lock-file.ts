import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

/** What is read of an entry of package-lock.json (lockfileVersion 3). */
const LockedPackage = z.object({
  name: z.string().optional(),
  version: z.string().optional(),
  resolved: z.string().optional(),
  integrity: z.string().optional(),
  license: z.unknown(),
  link: z.boolean().optional(),
  inBundle: z.boolean().optional(),
  hasInstallScript: z.boolean().optional(),
  dependencies: z.record(z.string(), z.string()).optional(),
  devDependencies: z.record(z.string(), z.string()).optional(),
  optionalDependencies: z.record(z.string(), z.string()).optional(),
});
export type LockedPackage = z.infer<typeof LockedPackage>;

const LockFile = z.object({ lockfileVersion: z.number(), packages: z.record(z.string(), LockedPackage) });
export type LockFile = z.infer<typeof LockFile>;

/** The lock file of a project, or why it cannot be used. */
export function readLockFile(root: string): LockFile | { reason: string } {
  try {
    return LockFile.parse(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')));
  } catch (error) {
    return { reason: `package-lock.json cannot be read: ${(error as Error).message.split('\n')[0]}` };
  }
}

/** Everything that is installed, with its name; the project itself left out. */
export const installedIn = ({ packages }: LockFile): { path: string; name: string; entry: LockedPackage }[] =>
  Object.entries(packages).flatMap(([path, entry]) =>
    path === '' ? [] : [{ path, name: entry.name ?? path.split('node_modules/').at(-1) ?? path, entry }],
  );
