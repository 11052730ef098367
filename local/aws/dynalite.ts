import { randomUUID } from 'node:crypto';
import { Stream } from 'node:stream';
import type { RowCipher } from '../../shared/model/row-cipher.ts';
import { withCipher } from './dynalite-cipher.ts';
import { writingIndexesWithItems } from './dynalite-indexes.ts';
import {
  type Checks,
  type Done,
  type Item,
  load,
  type Range,
  type Refusal,
  type Store,
  type Table,
} from './dynalite-internals.ts';
import { countIndexWrites } from './dynamodb-capacity.ts';

export type Answer = { status: number; headers: Record<string, string>; body: string };

const EXCEPTION = 'com.amazonaws.dynamodb.v20120810#';
const SERVICE = 'com.amazon.coral.service#';

export const answered = (status: number, output: object): Answer => ({
  status,
  headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': randomUUID() },
  body: JSON.stringify(output),
});
/** An error in DynamoDB's own words. */
export const exception = (name: string, message: string) => answered(400, { __type: `${EXCEPTION}${name}`, message });
/** One of the service's front, before DynamoDB has looked at it. */
export const notUnderstood = (name: string, message?: string) =>
  answered(400, { __type: `${SERVICE}${name}`, message });

function refused(operation: string, { statusCode, body, message }: Refusal): Answer {
  if (statusCode === undefined) console.error(`DynamoDB ${operation}: ${message}`);
  return answered(statusCode ?? 500, body ?? { __type: `${EXCEPTION}InternalServerError`, message });
}

/** What dynalite does of DynamoDB, by the names of AWS: of tables, which it keeps as rows too, and of items. */
const OF_TABLES = [
  ...['CreateTable', 'DeleteTable', 'DescribeTable', 'DescribeTimeToLive', 'ListTables', 'ListTagsOfResource'],
  ...['TagResource', 'UntagResource', 'UpdateTable'],
];
const OF_ITEMS = [
  ...['BatchGetItem', 'BatchWriteItem', 'DeleteItem', 'GetItem', 'PutItem', 'Query', 'Scan', 'UpdateItem'],
];

/** The same store, which does not read and decode a table's description anew for every item of it. */
function rememberingTables(store: Store): { store: Store; forget: () => void } {
  const tables = new Map<string, Table>();
  const getTable: Store['getTable'] = (name, checked, done) => {
    const tell = done ?? (checked as Done<Table>);
    const known = tables.get(name);
    if (known) {
      tell(null, known);
      return;
    }
    store.getTable(name, true, (error, table) => {
      if (table?.TableStatus === 'ACTIVE') tables.set(name, table);
      tell(error, table);
    });
  };
  return { store: { ...store, getTable }, forget: () => tables.clear() };
}

const VALUES_AT_ONCE = 100;

/** Values of a range as dynalite expects them, read many at a time and not each through the machinery of a stream. */
function valuesIn(store: Store, range: Range): Stream {
  let ended = false;
  const values = store.db.values(range);
  const size = range.limit !== undefined && range.limit > 0 ? Math.min(range.limit, VALUES_AT_ONCE) : VALUES_AT_ONCE;
  // One of the old kind, which only tells of what there is.
  const events = Object.assign(new Stream(), {
    destroy: () => {
      ended = true;
    },
  });
  const read = async () => {
    // Who asks has not begun to listen.
    await undefined;
    try {
      while (!ended) {
        const found = await values.nextv(size);
        if (found.length === 0) break;
        for (const value of found) if (!ended) events.emit('data', value);
      }
    } finally {
      await values.close();
    }
  };
  read().then(
    () => events.emit('end'),
    (error: Error) => events.emit('error', error),
  );
  return events;
}

export type Dynalite = {
  /** What an operation comes to: its answer, or why it is refused. */
  run: (operation: string, input: object) => Promise<Answer>;
  /** Puts an item whose key is new. */
  putNew: (put: { TableName: string; Item: Item }) => Promise<Answer>;
  close: () => Promise<void>;
};

/** dynalite without the HTTP server around it. */
export function openDynalite(path: string, cipher: RowCipher | undefined): Dynalite {
  const dynalite = load.dynalite();
  const { createKey, validateItem } = dynalite;
  const { checkTypes, checkValidations } = load.validations();
  const operations = new Map(
    [...OF_TABLES, ...OF_ITEMS].map((name) => {
      const file = `${name.charAt(0).toLowerCase()}${name.slice(1)}`;
      return [name, { checks: load.checks(file), act: load.action(file) }];
    }),
  );
  const putChecks = load.checks('putItem');
  const store = writingIndexesWithItems(withCipher(cipher, () => dynalite.create({ path, createTableMs: 0 })));
  countIndexWrites();
  store.db.createValueStream = (range: Range) => valuesIn(store, range);
  const items = rememberingTables(store);

  /** Throws a Refusal. */
  const checked = ({ types, custom }: Checks, input: object): object => {
    const found = checkTypes(input, types);
    checkValidations(found, types, custom, store);
    return found;
  };

  const run: Dynalite['run'] = (name, input) =>
    new Promise((resolve) => {
      const operation = operations.get(name);
      if (!operation) {
        resolve(notUnderstood('UnknownOperationException'));
        return;
      }
      try {
        const ofItems = OF_ITEMS.includes(name);
        if (!ofItems) items.forget();
        operation.act(ofItems ? items.store : store, checked(operation.checks, input), (error, output = {}) => {
          if (!ofItems) items.forget();
          resolve(error ? refused(name, error) : answered(200, output));
        });
      } catch (error) {
        resolve(refused(name, error as Refusal));
      }
    });

  const putNew: Dynalite['putNew'] = (put) =>
    new Promise((resolve) => {
      const refuse = (error: Refusal) => resolve(refused('PutItem', error));
      const write = (table: Table, item: Item) => {
        const invalid = validateItem(item, table);
        if (invalid) throw invalid;
        const rows = store.getItemDb(table.TableName);
        const key = createKey(item, table);
        rows.lock(key, (release) => {
          const end = release<Answer>((error, answer) =>
            error || !answer ? refuse(error as Refusal) : resolve(answer),
          );
          rows.get(key, (error, before) => {
            if (error && error.name !== 'NotFoundError') return end(error);
            if (before)
              return end(null, exception('ConditionalCheckFailedException', 'The conditional request failed'));
            dynalite.updateIndexes(store, table, undefined, item, () =>
              rows.put(key, item, (failed) => (failed ? end(failed) : end(null, answered(200, {})))),
            );
          });
        });
      };
      try {
        const { TableName, Item } = checked(putChecks, put) as typeof put;
        items.store.getTable(TableName, (error, table) => {
          if (error || !table) return refuse(error as Refusal);
          try {
            write(table, Item);
          } catch (thrown) {
            refuse(thrown as Refusal);
          }
        });
      } catch (error) {
        refuse(error as Refusal);
      }
    });

  return {
    run,
    putNew,
    close: () =>
      new Promise((resolve, reject) => {
        store.lifecycleManager.gracefulClose((error) => (error ? reject(error) : resolve()));
      }),
  };
}
