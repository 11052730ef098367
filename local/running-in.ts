import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The process that uses a data directory now, or undefined where none does. */
export function runningIn(dataDir: string): number | undefined {
  const file = join(dataDir, 'runtime.pid');
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  try {
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? pid : undefined;
  }
}
