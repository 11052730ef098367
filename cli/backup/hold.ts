import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runningIn } from '../../local/running-in.ts';
import { CliError } from '../output.ts';

/**
 * Keeps every runtime out of a data directory until `release`, which leaves it as it was found. Refuses one that is in use:
 * the files of a running gate do not fit together at any one moment. Returns whether its last runtime was stopped cleanly.
 */
export function holdDirectory(dataDir: string): { stoppedCleanly: boolean; release: () => void } {
  const file = join(dataDir, 'runtime.pid');
  const pid = runningIn(dataDir);
  if (pid !== undefined)
    throw new CliError(
      `${dataDir} is in use by process ${pid}. Stop it first (kill ${pid}); what waits goes on waiting at the next start.`,
    );
  // The mark of a runtime that was killed; who starts next must still find one.
  const mark = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  try {
    writeFileSync(file, String(process.pid), { mode: 0o600, flag: mark === undefined ? 'wx' : 'w' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new CliError(`${dataDir} has been taken into use this moment. Stop what uses it first.`);
    throw error;
  }
  return {
    stoppedCleanly: mark === undefined,
    release: () => (mark === undefined ? rmSync(file, { force: true }) : writeFileSync(file, mark, { mode: 0o600 })),
  };
}
