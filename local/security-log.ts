import { closeSync, constants, fstatSync, lstatSync, mkdirSync, openSync, type Stats, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type SecurityEvent, securityLine } from '../shared/model/security-event.ts';

/** The log cannot be written as it must be; the message says what to do. */
export class SecurityLogError extends Error {
  override readonly name = 'SecurityLogError';
}

export type SecurityLog = { note: (event: SecurityEvent) => void; close: () => void };

/** Whose it is and who else may read it. */
function problemWith(path: string, { uid, mode }: Stats, right: string): string | undefined {
  if (process.geteuid && uid !== process.geteuid()) return `${path} belongs to somebody else (uid ${uid}).`;
  if ((mode & 0o077) === 0) return undefined;
  return `${path} can be used by others (mode ${(mode & 0o777).toString(8)}). Close it: chmod ${right} ${path}`;
}

function claim(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const stats = lstatSync(directory);
  const problem = stats.isDirectory() ? problemWith(directory, stats, '700') : `${directory} is no directory.`;
  if (problem) throw new SecurityLogError(problem);
}

/** Opens a day's file to add to it; through no link, and only if it is its owner's alone. */
function openDay(path: string): number {
  const { O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const file = openSync(path, O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK, 0o600);
  const stats = fstatSync(file);
  const problem = stats.isFile() ? problemWith(path, stats, '600') : `${path} is no file.`;
  if (problem === undefined) return file;
  closeSync(file);
  throw new SecurityLogError(problem);
}

/**
 * Writes security events as lines of JSON, a file for each day (UTC): `security-2026-11-21.jsonl`. Throws
 * SecurityLogError where others could read or change them. Should it fail later, what is done goes on and standard error
 * says so: the trail is in the ledger.
 */
export function openSecurityLog(directory: string, now: () => string): SecurityLog {
  let day = '';
  let file: number | undefined;
  const fileOf = (date: string): number => {
    if (file !== undefined && day === date) return file;
    if (file !== undefined) closeSync(file);
    file = undefined;
    day = date;
    file = openDay(join(directory, `security-${date}.jsonl`));
    return file;
  };
  try {
    claim(directory);
    fileOf(now().slice(0, 10));
  } catch (error) {
    if (error instanceof SecurityLogError) throw error;
    throw new SecurityLogError(`Security events cannot be written to ${directory}: ${(error as Error).message}`);
  }
  let closed = false;
  return {
    note: (event) => {
      const at = now();
      try {
        if (!closed) writeSync(fileOf(at.slice(0, 10)), `${securityLine(at, event)}\n`);
      } catch (error) {
        console.error(`A security event (${event.event}) could not be written: ${(error as Error).message}`);
      }
    },
    close: () => {
      closed = true;
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}
