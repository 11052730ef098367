import { type Consumed, type DynaliteInternals, type Item, load, type Table } from './dynalite-internals.ts';

/**
 * Write units of each index that a change of an item touches: none where its entry stays the same, two writes where it
 * moves (DynamoDB guide, "Provisioned throughput considerations for global secondary indexes").
 */
function indexWrites(dynalite: DynaliteInternals, table: Table, before: Item | undefined, after: Item | null) {
  const entriesOf = (item: Item | null | undefined) => {
    const { puts } = item
      ? dynalite.getIndexActions(table.GlobalSecondaryIndexes ?? [], null, item, table)
      : { puts: [] };
    return new Map(
      puts.map(({ index, key, item: projected }) => {
        // Attributes that the item does not have are there, as undefined.
        const text = JSON.stringify(projected);
        return [index, { key, text, units: dynalite.capacityUnits(JSON.parse(text) as Item, false, true) }];
      }),
    );
  };
  const old = entriesOf(before);
  const now = entriesOf(after);
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((index): { index: string; units: number }[] => {
    const [from, to] = [old.get(index), now.get(index)];
    if (from?.text === to?.text) return [];
    const moved = from && to && from.key !== to.key;
    return [{ index, units: moved ? from.units + to.units : Math.max(from?.units ?? 0, to?.units ?? 0) }];
  });
}

let counting = false;

/** dynalite leaves the writes of global indexes out of `ConsumedCapacity`; from now on they are in it, as AWS answers. */
export function countIndexWrites(): void {
  if (counting) return;
  counting = true;
  const dynalite = load.dynalite();
  const { addConsumedCapacity, updateIndexes } = dynalite;
  // An item's indexes are written right after its capacity was worked out, with the same object in hand.
  const answers = new WeakMap<Item, Consumed>();
  dynalite.addConsumedCapacity = (request, isRead, before, after) => {
    const consumed = addConsumedCapacity(request, isRead, before, after);
    const item = after ?? before;
    if (consumed && item && !isRead) answers.set(item, consumed);
    return consumed;
  };
  dynalite.updateIndexes = (store, table, before, after, done) => {
    const consumed = answers.get(after ?? before ?? {});
    if (consumed) {
      for (const { index, units } of indexWrites(dynalite, table, before, after)) {
        consumed.CapacityUnits += units;
        if (!consumed.Table) continue;
        consumed.GlobalSecondaryIndexes = { ...consumed.GlobalSecondaryIndexes, [index]: { CapacityUnits: units } };
      }
    }
    updateIndexes(store, table, before, after, done);
  };
}
