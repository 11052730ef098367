import {
  type Done,
  type DynaliteInternals,
  type Item,
  load,
  type Store,
  type Table,
  type Write,
} from './dynalite-internals.ts';

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
export function writingIndexesWithItems(store: Store): Store {
  if (!patched) {
    patched = true;
    const dynalite = load.dynalite();
    dynalite.updateIndexes = (_store, table, before, after, done) => {
      entries = entriesOf(dynalite, table, before, after);
      done();
    };
  }
  const getItemDb = (table: string) => {
    const rows = store.getItemDb(table);
    const write = (item: Write, done: Done<void>) => store.db.batch([...entries.splice(0), item], done);
    return {
      ...rows,
      put: (key: string, value: Item, done: Done<void>) =>
        write({ type: 'put', key: `item-${table}~${key}`, value }, done),
      del: (key: string, done: Done<void>) => write({ type: 'del', key: `item-${table}~${key}` }, done),
    };
  };
  return { ...store, getItemDb };
}
