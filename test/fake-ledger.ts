import { isDeepStrictEqual } from 'node:util';
import {
  type AttributeValue,
  BatchWriteItemCommand,
  type BatchWriteItemCommandInput,
  DeleteItemCommand,
  ExecuteStatementCommand,
  type ExecuteStatementCommandInput,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  ScanCommand,
  type ScanCommandInput,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { canonicalJson } from '../shared/model/canonical-json.ts';
import { type EndpointRef, refOfStream, streamOf } from '../shared/model/endpoint-ref.ts';
import { indexAttributes } from '../shared/model/ledger-index.ts';
import { GENESIS, type LedgerRecord, recordHash, sortKey } from '../shared/model/ledger-record.ts';
import { records, type Written } from './builders.ts';
import { awsError, type FakeAws } from './fake-aws.ts';

type Item = Record<string, AttributeValue>;

/** `#a = :a` and `attribute_not_exists(#a)`: the conditions that we use. */
function meets(
  item: Item,
  { ConditionExpression, ExpressionAttributeNames = {}, ExpressionAttributeValues = {} }: UpdateItemCommandInput,
): boolean {
  if (ConditionExpression === undefined) return true;
  const nameIn = (raw = '') => ExpressionAttributeNames[raw] ?? raw;
  const absent = /^attribute_not_exists\((.+)\)$/.exec(ConditionExpression)?.[1];
  if (absent) return item[nameIn(absent)] === undefined;
  const [name, value = ''] = ConditionExpression.split(' = ');
  return isDeepStrictEqual(item[nameIn(name)], ExpressionAttributeValues[value]);
}

/** With `after`, only the end of a stream, which is written in its order: what makes tests of thousands of calls fast. */
function itemsAfter(items: Item[], stream: string | undefined, after: string | undefined): Item[] {
  if (after === undefined) return items;
  const end = items.findLastIndex(({ pk, sk }) => pk?.S === stream && (sk?.S ?? '') <= after);
  return items.slice(end + 1);
}

/** Keys of the indexes that are read here: by what an entry is found, and in which order. */
const INDEX_KEYS: Record<string, [string, string]> = {
  'by-open': ['open', 'expiresAt'],
  'by-question': ['question', 'questionAt'],
  'by-environment-month': ['environmentMonth', 'at'],
  'by-outcome-month': ['outcomeMonth', 'at'],
  'by-actor': ['actor', 'at'],
};

/** `#a = :a`, `#a > :b`, `#a BETWEEN :b AND :c` and `begins_with(#a, :b)`, joined by AND: the conditions on keys and filters that we use. */
function fitting(expression: string | undefined, input: QueryCommandInput): (item: Item) => boolean {
  const nameIn = (raw = '') => input.ExpressionAttributeNames?.[raw] ?? raw;
  const value = (raw = '') => input.ExpressionAttributeValues?.[raw]?.S ?? '';
  const terms = expression?.match(/begins_with\([^)]+\)|[#\w]+ BETWEEN :\w+ AND :\w+|[#\w]+ [=>] :\w+/g) ?? [];
  const tests = terms.map((term): ((item: Item) => boolean) => {
    const [, start, prefix] = /^begins_with\(([#\w]+), (:\w+)\)$/.exec(term) ?? [];
    const [, name, from, to] = /^([#\w]+) BETWEEN (:\w+) AND (:\w+)$/.exec(term) ?? [];
    const [left, sign, right] = term.split(' ');
    const attribute = nameIn(start ?? name ?? left);
    const found = (test: (text: string) => boolean) => (item: Item) => {
      const text = item[attribute]?.S;
      return text !== undefined && test(text);
    };
    if (prefix) return found((text) => text.startsWith(value(prefix)));
    if (from && to) return found((text) => value(from) <= text && text <= value(to));
    return found((text) => (sign === '>' ? text > value(right) : text === value(right)));
  });
  return (item) => tests.every((test) => test(item));
}

/** `SET a = :a, #b = :b`, `REMOVE #a, b`, `ADD a :one` (a number, or strings to a set): the forms that we use, on top-level attributes. */
function update(
  item: Item,
  { UpdateExpression = '', ExpressionAttributeNames = {}, ExpressionAttributeValues = {} }: UpdateItemCommandInput,
): Item {
  const [, verb, rest = ''] = /^(SET|REMOVE|ADD) (.+)$/.exec(UpdateExpression) ?? [];
  const changed = { ...item };
  for (const part of rest.split(', ')) {
    const [rawName = '', value = ''] = part.split(verb === 'SET' ? ' = ' : ' ');
    const name = ExpressionAttributeNames[rawName] ?? rawName;
    const given = ExpressionAttributeValues[value];
    if (verb === 'REMOVE') delete changed[name];
    else if (!given) throw awsError('ValidationException', `no value for ${value}`);
    else if (verb === 'ADD' && given.SS)
      changed[name] = { SS: [...new Set([...(changed[name]?.SS ?? []), ...given.SS])] };
    else if (verb === 'ADD') changed[name] = { N: String(Number(changed[name]?.N ?? 0) + Number(given.N)) };
    else changed[name] = given;
  }
  return changed;
}

/**
 * The three tables in memory. The ledger takes nothing but the one form of INSERT, refuses a key that is there, and
 * answers queries page by page; the others are items by key.
 */
export function fakeTables(aws: FakeAws) {
  const ledger = new Map<string, Item>();
  const items = { approvals: new Map<string, Item>(), work: new Map<string, Item>() };
  const tableOf = (name: string | undefined) => items[name as keyof typeof items] ?? new Map<string, Item>();
  const keyOf = (key: Item = {}) => (key.id ? (key.id.S ?? '') : `${key.pk?.S}|${key.sk?.S}`);
  const before = async (command: string, input: unknown) => {
    aws.calls.push(command);
    await aws.world.before(command, input);
  };
  /** Runs once before the next insert arrives: another writer who is faster. */
  const hooks = {
    beforeInsert: undefined as undefined | (() => void),
    /** In a perfect world somebody has counted every fleet before it is first looked at. */
    countFleets: true,
  };

  const put = (record: LedgerRecord) => {
    const pk = streamOf(record.endpoint);
    const sk = sortKey(record.sequence, record.previous);
    ledger.set(`${pk}|${sk}`, {
      pk: { S: pk },
      sk: { S: sk },
      record: { S: canonicalJson(record) },
      hash: { S: recordHash(record) },
      ...Object.fromEntries(Object.entries(indexAttributes(record)).map(([name, value]) => [name, { S: value }])),
    });
  };
  const everything = () =>
    [...ledger.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, item]) => JSON.parse(item.record?.S ?? '') as LedgerRecord);
  const all = () => everything().filter(({ endpoint }) => endpoint.about === undefined);

  const counted = new Set<string>();
  const countFleet = (stream: string) => {
    const endpoint = refOfStream(stream);
    if (!endpoint || !hooks.countFleets || counted.has(stream)) return;
    counted.add(stream);
    if ([...ledger.keys()].some((key) => key.startsWith(`${stream}|`))) return;
    const unread = { [`${endpoint.account}#${endpoint.region}`]: 0 };
    const [record] = records({ kind: 'fleet-counted', generation: 1, unread });
    if (record) put({ ...record, endpoint });
  };

  const answers = new Map<unknown, (input: never) => Promise<object>>();
  const mock = aws.dynamodb as unknown as { on: (command: object) => { callsFake: (answer: unknown) => void } };
  const on = (command: object, answer: (input: never) => Promise<object>) => {
    answers.set(command, answer);
    mock.on(command).callsFake(answer);
  };
  on(ExecuteStatementCommand, async (input: ExecuteStatementCommandInput) => {
    await before('ExecuteStatement', input);
    const race = hooks.beforeInsert;
    hooks.beforeInsert = undefined;
    race?.();
    const [, pk, sk, rest = ''] =
      /^INSERT INTO "ledger" VALUE \{'pk': '([^']+)', 'sk': '([^']+)', (.+)\}$/.exec(input.Statement ?? '') ?? [];
    if (!pk || !sk) throw awsError('ValidationException', `not our INSERT: ${input.Statement}`);
    if (ledger.has(`${pk}|${sk}`)) throw awsError('DuplicateItemException');
    const names = rest.split(', ').map((each) => /^'(\w+)': \?$/.exec(each)?.[1] ?? 'bad');
    const values = names.map((name, index) => [name, input.Parameters?.[index] ?? { NULL: true }] as const);
    ledger.set(`${pk}|${sk}`, { pk: { S: pk }, sk: { S: sk }, ...Object.fromEntries(values) });
    return {};
  });
  on(QueryCommand, async (input: QueryCommandInput) => {
    await before('Query', input);
    const [key = 'pk', sort = 'sk'] = INDEX_KEYS[input.IndexName ?? ''] ?? [];
    const source = input.TableName === 'ledger' ? ledger : tableOf(input.TableName);
    const { ':after': after, ...values } = input.ExpressionAttributeValues ?? {};
    const wanted = Object.values(values)[0]?.S;
    if (wanted?.startsWith('fleet#')) countFleet(wanted);
    const isAsked = fitting(input.KeyConditionExpression, input);
    const matching = itemsAfter([...source.values()], wanted, after?.S)
      // What has no key of an index is not in it.
      .filter((item) => item[key] && item[sort] && isAsked(item))
      .sort((a, b) => ((a[sort]?.S ?? '') < (b[sort]?.S ?? '') ? -1 : 1));
    if (input.ScanIndexForward === false) matching.reverse();
    const from = input.ExclusiveStartKey;
    if (from && input.KeyConditionExpression?.includes(' > ') && !isAsked(from)) {
      throw awsError('ValidationException', 'The provided starting key does not match the range key predicate');
    }
    const start = from ? matching.findIndex((item) => keyOf(item) === keyOf(from)) + 1 : 0;
    const read = matching.slice(start, start + (input.Limit ?? aws.world.pageSize));
    const last = read.at(-1);
    const more = last && start + read.length < matching.length;
    return {
      Items: input.FilterExpression ? read.filter(fitting(input.FilterExpression, input)) : read,
      ...(more ? { LastEvaluatedKey: last.id ? { id: last.id } : { pk: last.pk, sk: last.sk } } : {}),
    };
  });
  on(ScanCommand, async (input: ScanCommandInput) => {
    await before('Scan', input);
    const stored = [...(input.TableName === 'ledger' ? ledger : tableOf(input.TableName)).values()];
    const start = Number(input.ExclusiveStartKey?.at?.N ?? 0);
    const end = start + aws.world.pageSize;
    const more = end < stored.length;
    return { Items: stored.slice(start, end), ...(more ? { LastEvaluatedKey: { at: { N: String(end) } } } : {}) };
  });
  on(GetItemCommand, async (input: { TableName: string; Key: Item }) => {
    await before('GetItem', input);
    return { Item: tableOf(input.TableName).get(keyOf(input.Key)) };
  });
  on(PutItemCommand, async (input: { TableName: string; Item: Item }) => {
    await before('PutItem', input);
    tableOf(input.TableName).set(keyOf(input.Item), input.Item);
    return {};
  });
  on(BatchWriteItemCommand, async (input: BatchWriteItemCommandInput) => {
    await before('BatchWriteItem', input);
    for (const [name, requests] of Object.entries(input.RequestItems ?? {})) {
      if (name === 'ledger' || requests.length === 0 || requests.length > 25) throw awsError('ValidationException');
      for (const { PutRequest } of requests) tableOf(name).set(keyOf(PutRequest?.Item), PutRequest?.Item ?? {});
    }
    return { UnprocessedItems: {} };
  });
  on(DeleteItemCommand, async (input: { TableName: string; Key: Item }) => {
    await before('DeleteItem', input);
    tableOf(input.TableName).delete(keyOf(input.Key));
    return {};
  });
  on(UpdateItemCommand, async (input: UpdateItemCommandInput) => {
    await before('UpdateItem', input);
    const table = tableOf(input.TableName);
    if (!meets(table.get(keyOf(input.Key)) ?? {}, input)) throw awsError('ConditionalCheckFailedException');
    table.set(keyOf(input.Key), update(table.get(keyOf(input.Key)) ?? { ...input.Key }, input));
    return {};
  });

  return {
    ...items,
    hooks,
    /** Takes the mock, which remembers and compares every call, out of the way: for tests of many thousands of calls. */
    answerDirectly: () => {
      const send = (command: { constructor: unknown; input: never }) =>
        answers.get(command.constructor)?.(command.input);
      aws.services.dynamodb.send = send as unknown as typeof aws.services.dynamodb.send;
    },
    /** Starts a stream with these records. */
    seed: (...written: Written[]) => {
      for (const record of records(...written)) put(record);
    },
    /** Appends at the end of the stream, as another writer would. */
    add: (written: Written) => {
      const [record] = records(written);
      const last = all().at(-1);
      if (!record) throw new Error('no record');
      put({ ...record, sequence: (last?.sequence ?? 0) + 1, previous: last ? recordHash(last) : GENESIS });
    },
    /** Starts the stream of another endpoint. */
    seedAt: (ref: EndpointRef, ...written: Written[]) => {
      for (const record of records(...written)) put({ ...record, endpoint: ref });
    },
    /** Forgets everything. */
    clear: () => {
      for (const table of [ledger, items.approvals, items.work]) table.clear();
    },
    /** Takes a record out of the table, which the gate's own role could not do. */
    remove: (sequence: number) => {
      const [key] = [...ledger].find(([, { record }]) => record?.S?.includes(`"sequence":${sequence}}`)) ?? [];
      if (!key || !ledger.delete(key)) throw new Error(`no record ${sequence}`);
    },
    /** A record as the table holds it. */
    textOf: canonicalJson,
    /** Everything on record about endpoints and their plans, oldest first. */
    records: all,
    /** What is on record in the gate's own streams. */
    ofGate: () => everything().filter(({ endpoint }) => endpoint.about !== undefined),
    bodies: () => all().map(({ body }) => body),
    kinds: () => all().map(({ body }) => `${body.kind}#${body.generation}`),
    itemsOfLedger: () => [...ledger.values()],
  };
}
export type FakeTables = ReturnType<typeof fakeTables>;
