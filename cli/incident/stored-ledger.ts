import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storedItems } from '../../local/aws/dynamodb.ts';

/** A record as it lies in the store of a gate on one machine. */
export type StoredRecord = { pk: string; sk: string; hash: string; text: string };

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

/**
 * Every record of the ledger in a data directory, without the gate: the database is copied and the copy is opened, since
 * opening writes, and what an incident leaves behind is evidence. Throws where there is none or it cannot be opened.
 */
export async function* storedRecords(dataDir: string, table: string): AsyncGenerator<StoredRecord> {
  const original = join(dataDir, 'dynamodb');
  if (!existsSync(original)) throw new Error(`there is no ${original}`);
  const scratch = mkdtempSync(join(tmpdir(), 'portcullis-incident-'));
  try {
    const copy = join(scratch, 'dynamodb');
    cpSync(original, copy, { recursive: true });
    for await (const item of storedItems(copy, table)) {
      const text = (name: string) => (item[name] as { S?: string } | undefined)?.S ?? '';
      yield { pk: text('pk'), sk: text('sk'), hash: text('hash'), text: text('record') };
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
