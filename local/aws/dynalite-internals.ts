import { createRequire } from 'node:module';

// What we use of the inside of dynalite, which has no types of its own.

export type Item = Record<string, unknown>;
export type Table = {
  TableName: string;
  TableStatus: string;
  LocalSecondaryIndexes?: object[];
  GlobalSecondaryIndexes?: object[];
};
export type Refusal = Error & { statusCode?: number; body?: object };
export type Done<T> = (error?: Refusal | null, result?: T) => void;
export type Write = { type: 'put'; key: string; value: Item } | { type: 'del'; key: string };
type Rows = {
  get: (key: string, done: Done<Item>) => void;
  put: (key: string, item: Item, done: Done<void>) => void;
  del: (key: string, done: Done<void>) => void;
  lock: (key: string, run: (release: <T>(done: Done<T>) => Done<T>) => void) => void;
};
export type Range = { limit?: number; [bound: string]: unknown };
type Values = { nextv: (size: number) => Promise<unknown[]>; close: () => Promise<void> };
export type Store = {
  db: {
    batch: (writes: Write[], done: Done<void>) => void;
    values: (range: Range) => Values;
    createValueStream: unknown;
  };
  getItemDb: (table: string) => Rows;
  getTable: (name: string, checked: boolean | Done<Table>, done?: Done<Table>) => void;
  lifecycleManager: { gracefulClose: (done: (error?: Error | null) => void) => void };
};
/** With `ReturnConsumedCapacity`, what an operation took. */
export type Consumed = {
  CapacityUnits: number;
  Table?: { CapacityUnits: number } | undefined;
  GlobalSecondaryIndexes?: Record<string, { CapacityUnits: number }>;
};
type IndexActions = {
  puts: { index: string; key: string; item: Item }[];
  deletes: { index: string; key: string }[];
};
/** `dynalite/db`, whose members may be replaced by ours. */
export type DynaliteInternals = {
  create: (options: { path: string; createTableMs: number }) => Store;
  createKey: (item: Item, table: Table) => string;
  validateItem: (item: Item, table: Table) => Refusal | undefined;
  capacityUnits: (item: Item, isRead: boolean, isConsistent: boolean) => number;
  addConsumedCapacity: (request: object, isRead: boolean, before?: Item, after?: Item) => Consumed | undefined;
  getIndexActions: (
    indexes: object[],
    before: Item | null | undefined,
    after: Item | null,
    table: Table,
  ) => IndexActions;
  updateIndexes: (store: Store, table: Table, before: Item | undefined, after: Item | null, done: Done<void>) => void;
};
export type Checks = { types: object; custom?: unknown };
type Validations = {
  checkTypes: (input: object, types: object) => object;
  checkValidations: (input: object, types: object, custom: unknown, store: Store) => void;
};
type Action = (store: Store, input: object, done: Done<object>) => void;

const require = createRequire(import.meta.url);
/** Its modules, loaded when they are asked for: not before dynalite-cipher.ts has put its database in place. */
export const load = {
  dynalite: () => require('dynalite/db') as DynaliteInternals,
  validations: () => require('dynalite/validations') as Validations,
  checks: (file: string) => require(`dynalite/validations/${file}`) as Checks,
  action: (file: string) => require(`dynalite/actions/${file}`) as Action,
};
