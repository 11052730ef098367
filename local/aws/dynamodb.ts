import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import type { RowCipher } from '../../shared/model/row-cipher.ts';
import { withCipher } from './dynalite-cipher.ts';
import { countIndexWrites } from './dynamodb-capacity.ts';
import { AwsError } from './loopback.ts';
import { openLevel } from './sealed-level.ts';

const require = createRequire(import.meta.url);

type Table = {
  TableName: string;
  KeySchema: { AttributeName: string; KeyType: string }[];
  GlobalSecondaryIndexes?: object[];
};
type Item = Record<string, unknown>;
type Dynalite = (options: { path: string; createTableMs: number }) => import('node:http').Server;
type DynaliteInternals = {
  createKey: (item: Item, table: Table) => string;
  getIndexActions: (
    indexes: object[],
    before: Item | null,
    after: Item,
    table: Table,
  ) => {
    puts: { index: string; key: string; item: Item }[];
  };
};

export type LocalDynamoDb = {
  /** Serves a request whose body has not been read yet. */
  serve: (request: IncomingMessage, response: ServerResponse) => void;
  close: () => Promise<void>;
};

type IteratorClass = { prototype: { close: () => Promise<void>; return?: () => Promise<void> } };

/**
 * dynalite 4 ends its iterators with `return()`, which those of abstract-level do not have (they have `close()`), so
 * every query would leave one open, with its values and a snapshot of the database.
 */
function closeIterators(): void {
  const level = createRequire(require.resolve('classic-level'))('abstract-level') as Record<string, IteratorClass>;
  for (const name of ['AbstractKeyIterator', 'AbstractValueIterator']) {
    const iterator = level[name]?.prototype;
    if (!iterator) throw new Error(`abstract-level has no ${name}, so queries would leak.`);
    iterator.return ??= function close() {
      return this.close();
    };
  }
}

/** An item that was stored by PartiQL INSERT, as the table's stream would show it on AWS. */
export type Inserted = { table: string; item: Item };

/** DynamoDB in a directory: dynalite, and in front of it the one PartiQL statement that the ledger uses. */
export function openDynamoDb(
  path: string,
  inserted: (what: Inserted) => void = () => undefined,
  cipher?: RowCipher,
): LocalDynamoDb {
  closeIterators();
  countIndexWrites();
  const server = withCipher(cipher, () => (require('dynalite') as Dynalite)({ path, createTableMs: 0 }));
  // The server is never listened on; requests are handed over. Its own close() takes down the database below it.
  return {
    serve: (request, response) => {
      const target = String(request.headers['x-amz-target']);
      if (target.endsWith('.ExecuteStatement')) void insert(server, request, response, inserted);
      else server.emit('request', request, response);
    },
    close: () =>
      new Promise((resolve) => {
        server.listen(0, '127.0.0.1', () => {
          server.close(() => resolve());
          server.closeAllConnections();
        });
      }),
  };
}

const STATEMENT = /^INSERT INTO "([\w.-]+)" VALUE \{(.*)\}$/s;
const FIELD = /'(\w+)': (?:'((?:[^']|'')*)'|(\?))(?:, |$)/g;

type Put = { TableName: string; Item: Item; ReturnConsumedCapacity?: unknown };

/** `INSERT INTO "t" VALUE {'pk': 'a', 'x': ?}` with parameters -> a put on the condition that the key is new. */
export function putFromInsert(input: {
  Statement?: string;
  Parameters?: unknown[];
  ReturnConsumedCapacity?: unknown;
}): Put {
  const [, table, fields] = STATEMENT.exec(input.Statement ?? '') ?? [];
  if (!table || fields === undefined) {
    throw new AwsError(
      'ValidationException',
      'The loopback AWS understands one PartiQL statement: INSERT INTO "table" VALUE {...}.',
    );
  }
  const parameters = [...(input.Parameters ?? [])];
  const item: Item = {};
  let consumed = 0;
  for (const [text, name, literal, parameter] of fields.matchAll(FIELD)) {
    consumed += text.length;
    item[name ?? ''] = parameter ? parameters.shift() : { S: (literal ?? '').replaceAll("''", "'") };
  }
  if (consumed !== fields.length || Object.values(item).includes(undefined) || parameters.length > 0) {
    throw new AwsError('ValidationException', 'Statement and Parameters do not fit together.');
  }
  const { ReturnConsumedCapacity } = input;
  return { TableName: table, Item: item, ...(ReturnConsumedCapacity !== undefined && { ReturnConsumedCapacity }) };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function insert(
  server: import('node:http').Server,
  request: IncomingMessage,
  response: ServerResponse,
  inserted: (what: Inserted) => void,
): Promise<void> {
  const refuse = (code: string, message: string) => {
    response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${code}`, message }));
  };
  let put: Put;
  try {
    put = putFromInsert(JSON.parse((await bodyOf(request)).toString('utf8')));
  } catch (error) {
    refuse('ValidationException', (error as Error).message);
    return;
  }
  const body = Buffer.from(JSON.stringify({ ...put, ConditionExpression: 'attribute_not_exists(pk)' }));
  const forwarded = Object.assign(Readable.from([body]), {
    method: 'POST',
    url: '/',
    headers: {
      ...request.headers,
      'x-amz-target': 'DynamoDB_20120810.PutItem',
      'content-length': String(body.length),
    },
  });
  const end = response.end.bind(response);
  response.end = ((chunk: unknown) => {
    if (response.statusCode === 200) inserted({ table: put.TableName, item: put.Item });
    if (typeof chunk === 'string' && response.statusCode === 400 && chunk.includes('ConditionalCheckFailedException')) {
      response.removeHeader('content-length');
      response.removeHeader('x-amz-crc32');
      return end(
        JSON.stringify({
          __type: 'com.amazonaws.dynamodb.v20120810#DuplicateItemException',
          Message: 'Duplicate primary key exists in table',
        }),
      );
    }
    return end(chunk as string);
  }) as typeof response.end;
  server.emit('request', forwarded, response);
}

/** Every item of a table, in no particular order, before the database is opened for serving. */
export async function* storedItems(path: string, table: string, cipher?: RowCipher): AsyncGenerator<Item> {
  const database = openLevel(path, cipher);
  await database.open();
  try {
    for await (const value of database.values({ gte: `item-${table}~`, lt: `item-${table}~\xff` })) yield value as Item;
  } finally {
    await database.close();
  }
}

/**
 * After an unclean stop an index can disagree with its table (dynalite writes them one after the other), so all indexes
 * are made anew from the tables before anything is served.
 */
export async function rebuildIndexes(path: string, cipher?: RowCipher): Promise<void> {
  const internals = require('dynalite/db') as DynaliteInternals;
  const database = openLevel(path, cipher);
  await database.open();
  try {
    await database.clear({ gte: 'index-', lt: 'index.' });
    const tables: Table[] = [];
    for await (const value of database.values({ gte: 'table~', lt: 'table\x7f' })) tables.push(value as Table);
    for (const table of tables) {
      const indexes = table.GlobalSecondaryIndexes ?? [];
      const prefix = `item-${table.TableName}~`;
      let batch: { type: 'put'; key: string; value: unknown }[] = [];
      for await (const value of database.values({ gte: prefix, lt: `${prefix}\xff` })) {
        for (const put of internals.getIndexActions(indexes, null, value as Item, table).puts) {
          batch.push({ type: 'put', key: `index-global~${table.TableName}~${put.index}~${put.key}`, value: put.item });
        }
        if (batch.length >= 1_000) {
          await database.batch(batch);
          batch = [];
        }
      }
      await database.batch(batch);
    }
  } finally {
    await database.close();
  }
}
