import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ClassicLevel } from 'classic-level';
import { type RowCipher, sealedWith } from '../shared/model/row-cipher.ts';
import { openedRow, sealedRow } from './aws/level-rows.ts';
import { plainRows, sealedRows } from './aws/store-rows.ts';
import type { EncryptionKeys } from './encryption-settings.ts';
import { CHECKPOINT_KEY, cipherWith, replaceFile, STORES, writeMarker } from './sealed-directory.ts';

/**
 * Seals every row of a store with the cipher's first key, `plain` rows too where these are expected; all or none. Returns
 * how many there were to do. Throws SealedRowError.
 */
function resealStore(path: string, cipher: RowCipher, { plain }: { plain: boolean }): number {
  const rows = sealedRows(basename(path), cipher);
  const database = new DatabaseSync(path);
  try {
    const all = database.prepare('SELECT kind, key, value FROM rows').all();
    const left = all.filter(({ value }) => !(value instanceof Uint8Array) || sealedWith(value) !== cipher.id);
    const remove = database.prepare('DELETE FROM rows WHERE kind = ? AND key = ?');
    const insert = database.prepare('INSERT INTO rows VALUES (?, ?, ?)');
    database.exec('BEGIN');
    for (const row of left) {
      const { kind, key, text } = (plain && typeof row.value === 'string' ? plainRows : rows).read(row);
      const anew = rows.stored(kind, key, text);
      remove.run(kind, row.key as string);
      insert.run(kind, anew.key, anew.value);
    }
    database.exec('COMMIT');
    // What was written over is still in the file and its log until these are written anew.
    if (left.length > 0) database.exec('VACUUM; PRAGMA wal_checkpoint(TRUNCATE);');
    return left.length;
  } finally {
    database.close();
  }
}

/**
 * Seals everything in a database with the cipher's first key, `plain` rows too where these are expected. Can be stopped
 * and begun again: a row is either as it was or done. Returns how many there were to do. Throws SealedRowError.
 */
async function resealLevel(path: string, cipher: RowCipher, { plain }: { plain: boolean }): Promise<number> {
  const database = new ClassicLevel<string, Buffer>(path, { valueEncoding: 'buffer' });
  await database.open();
  let done = 0;
  try {
    const rows = database.iterator();
    for (;;) {
      const some = await rows.nextv(1_000);
      if (some.length === 0) break;
      const left = some.filter(([, value]) => sealedWith(value) !== cipher.id);
      await database.batch(
        left.flatMap(([name, value]) => {
          const asItWas = plain && sealedWith(value) === undefined;
          const { key, value: text } = asItWas
            ? { key: name, value: value.toString('utf8') }
            : openedRow(cipher, name, value);
          return [
            { type: 'del' as const, key: name },
            { type: 'put' as const, ...sealedRow(cipher, key, text) },
          ];
        }),
      );
      done += left.length;
    }
    await rows.close();
    // What was written over is still in the files until these are written anew.
    if (done > 0) await database.compactRange('', '\uffff');
  } finally {
    await database.close();
  }
  return done;
}

/**
 * Seals everything in a directory that nobody uses with the first key, what is in plain text too where that is expected,
 * and marks it. Stopped in between it is begun again. Returns the number of rows that were sealed anew.
 */
export async function resealDirectory(
  dataDir: string,
  keys: EncryptionKeys,
  { plain }: { plain: boolean },
): Promise<number> {
  const cipher = cipherWith(keys);
  let rows = 0;
  for (const name of STORES)
    if (existsSync(join(dataDir, name))) rows += resealStore(join(dataDir, name), cipher, { plain });
  if (existsSync(join(dataDir, 'dynamodb'))) rows += await resealLevel(join(dataDir, 'dynamodb'), cipher, { plain });
  const keyFile = join(dataDir, CHECKPOINT_KEY);
  if (existsSync(keyFile)) {
    const stored = readFileSync(keyFile);
    const text =
      plain && sealedWith(stored) === undefined ? stored.toString('utf8') : cipher.open([CHECKPOINT_KEY], stored);
    if (sealedWith(stored) !== cipher.id) replaceFile(keyFile, cipher.seal([CHECKPOINT_KEY], text));
  }
  writeMarker(dataDir, cipher);
  return rows;
}
