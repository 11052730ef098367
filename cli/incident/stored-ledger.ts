import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storedItems } from '../../local/aws/dynamodb.ts';
import { type StoredRecord, storedRecordOf } from '../../local/aws/ledger-items.ts';
import { cipherOf } from '../../local/sealed-directory.ts';

/**
 * Every record of the ledger in a data directory, without the gate: the database is copied and the copy is opened, since
 * opening writes, and what an incident leaves behind is evidence. Throws where there is none or it cannot be opened, for
 * want of the key for instance.
 */
export async function* storedRecords(
  dataDir: string,
  table: string,
  env: NodeJS.ProcessEnv,
): AsyncGenerator<StoredRecord> {
  const original = join(dataDir, 'dynamodb');
  if (!existsSync(original)) throw new Error(`there is no ${original}`);
  const cipher = cipherOf(dataDir, env);
  const scratch = mkdtempSync(join(tmpdir(), 'portcullis-incident-'));
  try {
    const copy = join(scratch, 'dynamodb');
    cpSync(original, copy, { recursive: true });
    for await (const item of storedItems(copy, table, cipher)) yield storedRecordOf(item);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
