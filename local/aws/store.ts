import { chmodSync } from 'node:fs';
import { basename } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { RowCipher } from '../../shared/model/row-cipher.ts';
import { plainRows, sealedRows } from './store-rows.ts';

/**
 * The local store: JSON rows by kind and key, read from memory, written through to SQLite before a write returns, so
 * what was acknowledged survives kill -9. (Power loss may cost the last moments: no fsync on each write.)
 */
export type Store = {
  get: <T>(kind: string, key: string) => T | undefined;
  list: <T>(kind: string) => T[];
  keys: (kind: string) => string[];
  put: (kind: string, key: string, value: object) => void;
  delete: (kind: string, key: string) => void;
  /** Deletes the kinds of a family, such as `calls 2026-11-20`, that come before one of it. */
  drop: (family: string, before: string) => void;
  /** Everything written inside is stored together or not at all. */
  together: <T>(work: () => T) => T;
  close: () => void;
};

const byKey = ([a]: readonly [string, string], [b]: readonly [string, string]) => (a < b ? -1 : 1);

/** A kind belongs to the family that its first word names. */
const familyOf = (kind: string) => kind.split(' ', 1)[0] ?? kind;

/**
 * `onDisk` names families that grow and are seldom read: they are not kept in memory, and `get` and `keys` do not see them.
 * With a cipher everything is sealed. Throws SealedRowError at once where a row is not what the cipher stored there.
 */
export function openStore(path: string, onDisk: readonly string[] = [], cipher?: RowCipher): Store {
  const rows = cipher ? sealedRows(basename(path), cipher) : plainRows;
  const database = new DatabaseSync(path);
  if (path !== ':memory:') chmodSync(path, 0o600);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
  database.exec(
    'CREATE TABLE IF NOT EXISTS rows (kind TEXT, key TEXT, value TEXT, PRIMARY KEY (kind, key)) WITHOUT ROWID',
  );
  const insert = database.prepare('INSERT INTO rows VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value');
  const select = database.prepare('SELECT kind, key, value FROM rows WHERE kind = ?');
  const remove = database.prepare('DELETE FROM rows WHERE kind = ? AND key = ?');
  const removeKinds = database.prepare('DELETE FROM rows WHERE kind > ? AND kind < ?');
  // As text: a tenth of the memory of objects, and nobody can change a row without storing it.
  const memory = new Map<string, Map<string, string>>();
  const kindOf = (kind: string) => {
    let rows = memory.get(kind);
    if (!rows) {
      rows = new Map();
      memory.set(kind, rows);
    }
    return rows;
  };
  const isOnDisk = (kind: string) => onDisk.includes(familyOf(kind));
  const kept = `SELECT kind, key, value FROM rows
    WHERE substr(kind, 1, instr(kind || ' ', ' ') - 1) NOT IN (${onDisk.map(() => '?').join(', ')})`;
  try {
    for (const row of database.prepare(kept).iterate(...onDisk)) {
      const { kind, key, text } = rows.read(row);
      kindOf(kind).set(key, text);
    }
    // In the order of their keys, as if these were readable on disk.
    if (cipher) for (const [kind, found] of memory) memory.set(kind, new Map([...found].sort(byKey)));
  } catch (error) {
    database.close();
    throw error;
  }
  let depth = 0;
  return {
    get: <T>(kind: string, key: string) => {
      const text = kindOf(kind).get(key);
      return text === undefined ? undefined : (JSON.parse(text) as T);
    },
    list: <T>(kind: string) =>
      isOnDisk(kind)
        ? select
            .all(kind)
            .map(rows.read)
            .map(({ key, text }): [string, string] => [key, text])
            .sort(byKey)
            .map(([, text]) => JSON.parse(text) as T)
        : [...kindOf(kind).values()].map((text) => JSON.parse(text) as T),
    keys: (kind) => [...kindOf(kind).keys()],
    put: (kind, key, value) => {
      const text = JSON.stringify(value);
      const row = rows.stored(kind, key, text);
      insert.run(kind, row.key, row.value);
      if (!isOnDisk(kind)) kindOf(kind).set(key, text);
    },
    delete: (kind, key) => {
      remove.run(kind, rows.keyOf(kind, key));
      kindOf(kind).delete(key);
    },
    drop: (family, before) => {
      removeKinds.run(`${family} `, before);
      for (const kind of memory.keys()) if (familyOf(kind) === family && kind < before) memory.delete(kind);
    },
    together: (work) => {
      if (depth > 0) return work();
      database.exec('BEGIN');
      depth += 1;
      try {
        const result = work();
        database.exec('COMMIT');
        return result;
      } catch (error) {
        database.exec('ROLLBACK');
        throw error;
      } finally {
        depth -= 1;
      }
    },
    close: () => database.close(),
  };
}
