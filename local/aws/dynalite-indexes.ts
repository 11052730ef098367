import { createRequire } from 'node:module';

type Item = Record<string, unknown>;
type Table = { TableName: string; LocalSecondaryIndexes?: object[]; GlobalSecondaryIndexes?: object[] };
type Failed = (error?: Error | null) => void;
type Write = { type: 'put'; key: string; value: Item } | { type: 'del'; key: string };
type Rows = { put: (key: string, item: Item, done: Failed) => void; del: (key: string, done: Failed) => void };
type Store<R> = { db: { batch: (writes: Write[], done: Failed) => void }; getItemDb: (table: string) => R };
type DynaliteInternals = {
  getIndexActions: (
    indexes: object[],
    before: Item | null | undefined,
    after: Item | null,
    table: Table,
  ) => { puts: { index: string; key: string; item: Item }[]; deletes: { index: string; key: string }[] };
  updateIndexes: (store: object, table: Table, before: Item | undefined, after: Item | null, done: Failed) => void;
};

/** What is to be written with the item whose turn it is. dynalite writes that as soon as it is told that indexes are done. */
let entries: Write[] = [];
let patched = false;

/** What a change of an item means for the indexes of its table; under the names that dynalite has for them. */
function entriesOf(dynalite: DynaliteInternals, table: Table, before: Item | undefined, after: Item | null): Write[] {
  if (!before && !after) return [];
  return (['Local', 'Global'] as const).flatMap((kind) => {
    const indexes = table[`${kind}SecondaryIndexes`] ?? [];
    const place = ({ index, key }: { index: string; key: string }) =>
      `index-${kind.toLowerCase()}~${table.TableName}~${index}~${key}`;
    const { puts, deletes } = dynalite.getIndexActions(indexes, before, after, table);
    return [
      ...deletes.map((entry): Write => ({ type: 'del', key: place(entry) })),
      ...puts.map((entry): Write => ({ type: 'put', key: place(entry), value: entry.item })),
    ];
  });
}

/**
 * A store whose items are written together with their index entries, in one atomic batch. dynalite writes one after the
 * other, and a process that is killed in between would leave indexes that disagree with their tables.
 */
export function writingIndexesWithItems<R extends Rows, S extends Store<R>>(store: S): S {
  if (!patched) {
    patched = true;
    const dynalite = createRequire(import.meta.url)('dynalite/db') as DynaliteInternals;
    dynalite.updateIndexes = (_store, table, before, after, done) => {
      entries = entriesOf(dynalite, table, before, after);
      done();
    };
  }
  const getItemDb = (table: string) => {
    const rows = store.getItemDb(table);
    const write = (item: Write, done: Failed) => store.db.batch([...entries.splice(0), item], done);
    return {
      ...rows,
      put: (key: string, value: Item, done: Failed) => write({ type: 'put', key: `item-${table}~${key}`, value }, done),
      del: (key: string, done: Failed) => write({ type: 'del', key: `item-${table}~${key}` }, done),
    };
  };
  return { ...store, getItemDb };
}
