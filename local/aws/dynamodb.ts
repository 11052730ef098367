import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RowCipher } from '../../shared/model/row-cipher.ts';
import { type Answer, exception, notUnderstood, openDynalite } from './dynalite.ts';
import type { Item } from './dynalite-internals.ts';
import { AwsError } from './loopback.ts';
import { openLevel } from './sealed-level.ts';

type Headers = Record<string, string | string[] | undefined>;

export type LocalDynamoDb = {
  /** Answers `operation`, such as `PutItem`, of a request with this body. */
  answer: (operation: string, headers: Headers, body: string) => Promise<Answer>;
  /** Serves a request of which nothing has been read yet. */
  serve: (request: IncomingMessage, response: ServerResponse) => void;
  close: () => Promise<void>;
};

/** An item that was stored by PartiQL INSERT, as the table's stream would show it on AWS. */
export type Inserted = { table: string; item: Item };

/** DynamoDB in a directory: dynalite, and in front of it the one PartiQL statement that the ledger uses. */
export function openDynamoDb(
  path: string,
  inserted: (what: Inserted) => void = () => undefined,
  cipher?: RowCipher,
): LocalDynamoDb {
  const { run, putNew, close } = openDynalite(path, cipher);

  const insert = async (input: Parameters<typeof putFromInsert>[0]): Promise<Answer> => {
    let put: Put;
    try {
      put = putFromInsert(input);
    } catch (error) {
      return exception('ValidationException', (error as Error).message);
    }
    // What it takes of the table's capacity is only worked out by the long way.
    const answer = await (put.ReturnConsumedCapacity === undefined
      ? putNew(put)
      : run('PutItem', { ...put, ConditionExpression: 'attribute_not_exists(pk)' }));
    if (answer.status === 200) inserted({ table: put.TableName, item: put.Item });
    return answer.status === 400 && answer.body.includes('ConditionalCheckFailedException')
      ? exception('DuplicateItemException', 'Duplicate primary key exists in table')
      : answer;
  };

  const answer: LocalDynamoDb['answer'] = async (operation, headers, body) => {
    if (!String(headers.authorization ?? '').startsWith('AWS4-'))
      return notUnderstood('MissingAuthenticationTokenException', 'Request is missing Authentication Token');
    let input: object;
    try {
      input = JSON.parse(body) as object;
    } catch {
      return notUnderstood('SerializationException');
    }
    return operation === 'ExecuteStatement' ? insert(input) : run(operation, input);
  };

  return {
    answer,
    serve: (request, response) => {
      const operation = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
      bodyOf(request)
        .then((body) => answer(operation, request.headers, body.toString('utf8')))
        .then(({ status, headers, body }) => {
          response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
          response.end(body);
        })
        .catch((error: Error) => response.destroy(error));
    },
    close,
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

const VALUES_AT_ONCE = 500;

/** Every item of a table, in no particular order, before the database is opened for serving. */
export async function* storedItems(path: string, table: string, cipher?: RowCipher): AsyncGenerator<Item> {
  const database = openLevel(path, cipher);
  await database.open();
  const values = database.values({ gte: `item-${table}~`, lt: `item-${table}~\xff` });
  try {
    // Each by itself takes longer to ask for than to read.
    for (;;) {
      const found = (await values.nextv(VALUES_AT_ONCE)) as Item[];
      if (found.length === 0) return;
      yield* found;
    }
  } finally {
    await values.close();
    await database.close();
  }
}
