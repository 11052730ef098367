import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Inserted, type LocalDynamoDb, openDynamoDb } from '../../local/aws/dynamodb.ts';

let folder: string;
let database: LocalDynamoDb;
let inserted: Inserted[];
const signed = { authorization: 'AWS4-HMAC-SHA256 Credential=a/20261121/us-east-1/dynamodb/aws4_request' };
const ask = async (operation: string, input: object, headers: Record<string, string> = signed) => {
  const { status, body } = await database.answer(operation, headers, JSON.stringify(input));
  return { status, ...(JSON.parse(body) as Record<string, unknown>) };
};

const tableWith = (hash: string) => ({
  TableName: 'trail',
  BillingMode: 'PAY_PER_REQUEST',
  KeySchema: [
    { AttributeName: hash, KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ],
  AttributeDefinitions: [hash, 'sk', 'actor'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
  GlobalSecondaryIndexes: [
    {
      IndexName: 'by-actor',
      KeySchema: [{ AttributeName: 'actor', KeyType: 'HASH' }],
      Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['text'] },
    },
  ],
});
const isActive = () =>
  vi.waitFor(
    async () =>
      expect(await ask('DescribeTable', { TableName: 'trail' })).toMatchObject({ Table: { TableStatus: 'ACTIVE' } }),
    { interval: 1 },
  );
const insert = (sk: string, more: Record<string, string> = { actor: 'asha', text: sk }) => {
  const names = Object.keys(more);
  return ask('ExecuteStatement', {
    Statement: `INSERT INTO "trail" VALUE {'pk': 'a', 'sk': '${sk}', ${names.map((name) => `'${name}': ?`).join(', ')}}`,
    Parameters: Object.values(more).map((value) => ({ S: value })),
  });
};
const query = (more: object = {}) =>
  ask('Query', {
    TableName: 'trail',
    KeyConditionExpression: 'pk = :pk',
    ExpressionAttributeValues: { ':pk': { S: 'a' } },
    ...more,
  });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-dynamodb-'));
  inserted = [];
  database = openDynamoDb(join(folder, 'db'), (what) => inserted.push(what));
  await ask('CreateTable', tableWith('pk'));
  await isActive();
});
afterEach(async () => {
  await database.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('an INSERT', () => {
  test('stores the item with its index entries, and tells of it', async () => {
    expect(await insert('1')).toEqual({ status: 200 });
    const item = { pk: { S: 'a' }, sk: { S: '1' }, actor: { S: 'asha' }, text: { S: '1' } };
    expect(await query()).toMatchObject({ Items: [item] });
    const byActor = { IndexName: 'by-actor', KeyConditionExpression: 'actor = :pk' };
    const asha = { ExpressionAttributeValues: { ':pk': { S: 'asha' } } };
    expect(await query({ ...byActor, ...asha })).toMatchObject({ Count: 1, Items: [item] });
    expect(inserted).toEqual([{ table: 'trail', item }]);
  });
  test('of a key that is there is a duplicate, and changes neither the item nor an index', async () => {
    await insert('1');
    expect(await insert('1', { actor: 'mallory', text: 'other' })).toMatchObject({
      status: 400,
      __type: 'com.amazonaws.dynamodb.v20120810#DuplicateItemException',
    });
    expect(await query()).toMatchObject({ Items: [{ actor: { S: 'asha' }, text: { S: '1' } }] });
    const mallory = { ':pk': { S: 'mallory' } };
    const byActor = { IndexName: 'by-actor', KeyConditionExpression: 'actor = :pk' };
    expect(await query({ ...byActor, ExpressionAttributeValues: mallory })).toMatchObject({ Count: 0 });
    expect(inserted).toHaveLength(1);
  });
  test('of one key by many at once succeeds once', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => insert('1')));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(inserted).toHaveLength(1);
  });
  test('is refused where a key is empty, or the table is not there', async () => {
    expect(await insert('1', { text: '' })).toMatchObject({ status: 200 });
    expect(await insert('', { text: 'a' })).toMatchObject({ status: 400 });
    const elsewhere = `INSERT INTO "nowhere" VALUE {'pk': 'a'}`;
    expect(await ask('ExecuteStatement', { Statement: elsewhere })).toMatchObject({
      status: 400,
      __type: 'com.amazonaws.dynamodb.v20120810#ResourceNotFoundException',
    });
  });
  test('goes by what the table is now, when it was made anew under its name', async () => {
    await insert('1');
    await ask('DeleteTable', { TableName: 'trail' });
    await vi.waitFor(
      async () => expect(await ask('DescribeTable', { TableName: 'trail' })).toMatchObject({ status: 400 }),
      { interval: 5 },
    );
    await ask('CreateTable', tableWith('other'));
    await isActive();
    expect(await insert('1')).toMatchObject({ status: 400, message: expect.stringContaining('Missing the key other') });
  });
});

describe('a query', () => {
  const numbers = Array.from({ length: 230 }, (_, index) => String(index).padStart(3, '0'));
  const sortKeys = (answer: object) =>
    (answer as { Items?: { sk: { S: string } }[] }).Items?.map(({ sk }) => sk.S) ?? [];

  test('reads all there is, in order or against it, and pages with a limit', async () => {
    for (const number of numbers) await insert(number, { text: number });
    expect(sortKeys(await query())).toEqual(numbers);
    expect(sortKeys(await query({ ScanIndexForward: false }))).toEqual(numbers.toReversed());
    const newest = await query({ ScanIndexForward: false, Limit: 10 });
    expect(sortKeys(newest)).toEqual(numbers.slice(-10).reverse());
    const { LastEvaluatedKey } = newest as { LastEvaluatedKey?: object };
    const next = await query({ ScanIndexForward: false, Limit: 150, ExclusiveStartKey: LastEvaluatedKey });
    expect(sortKeys(next)).toEqual(numbers.slice(70, -10).reverse());
    expect(await query({ Select: 'COUNT' })).toMatchObject({ Count: 230 });
  });
  test('without a signature is refused', async () => {
    expect(await ask('Query', { TableName: 'trail' }, {})).toMatchObject({
      status: 400,
      __type: expect.stringContaining('MissingAuthenticationToken'),
    });
  });
});

test('what is on disk at any moment, as a kill would leave it, has indexes that agree with their table', async () => {
  const key = (sk: number) => ({ pk: { S: 'a' }, sk: { S: `${sk}` } });
  const actorOf = (sk: number, round: number) => ({ S: `actor-${(sk + round) % 3}` });
  const writes = Array.from({ length: 120 }, (_, index) => {
    const [sk, round] = [index % 20, Math.floor(index / 20)];
    const TableName = 'trail';
    const item = { ...key(sk), actor: actorOf(sk, round), text: { S: `${round}` } };
    return [
      () => insert(`${sk}`, { actor: item.actor.S, text: item.text.S }),
      () => ask('PutItem', { TableName, Item: item }),
      () =>
        ask('UpdateItem', {
          TableName,
          Key: key(sk),
          UpdateExpression: 'SET actor = :actor',
          ExpressionAttributeValues: { ':actor': actorOf(sk, round) },
        }),
      () => ask('BatchWriteItem', { RequestItems: { trail: [{ PutRequest: { Item: item } }] } }),
      () => ask('DeleteItem', { TableName, Key: key(sk) }),
      () => ask('PutItem', { TableName, Item: { ...item, actor: { S: 'actor-0' } } }),
    ][(sk + round) % 6]?.();
  });
  const copies: string[] = [];
  const whole = Promise.all(writes).then(() => true);
  while (!(await Promise.race([whole, new Promise<false>((resolve) => setImmediate(resolve, false))]))) {
    if (copies.length > 40) continue;
    copies.push(join(folder, `copy-${copies.length}`));
    cpSync(join(folder, 'db'), copies.at(-1) ?? '', { recursive: true, filter: (path) => !path.endsWith('LOCK') });
  }
  expect(copies.length).toBeGreaterThan(5);
  await database.close();
  const seen = new Set<number>();
  for (const copy of copies) {
    database = openDynamoDb(copy);
    const { Items } = (await query()) as unknown as { Items: Record<string, { S: string }>[] };
    seen.add(Items.length);
    for (const actor of ['actor-0', 'actor-1', 'actor-2']) {
      const found = await query({
        IndexName: 'by-actor',
        KeyConditionExpression: 'actor = :pk',
        ExpressionAttributeValues: { ':pk': { S: actor } },
      });
      const sorted = (items: Record<string, { S: string }>[]) =>
        items.map(({ sk, text }) => `${sk?.S} ${text?.S}`).sort();
      expect(sorted((found as unknown as { Items: never }).Items)).toEqual(
        sorted(Items.filter((item) => item.actor?.S === actor)),
      );
    }
    if (copy !== copies.at(-1)) await database.close();
  }
  expect(seen.size).toBeGreaterThan(2);
});
