import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ClassicLevel } from 'classic-level';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openDynamoDb, storedItems } from '../../local/aws/dynamodb.ts';
import { openLevel } from '../../local/aws/sealed-level.ts';
import { openStore } from '../../local/aws/store.ts';
import { encryptionKeyId } from '../../shared/model/encryption-key.ts';
import { type RowCipher, rowCipher, SealedRowError } from '../../shared/model/row-cipher.ts';

const key = () => {
  const bytes = randomBytes(32);
  return { id: encryptionKeyId(bytes), bytes };
};
let folder: string;
let cipher: RowCipher;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-sealed-'));
  cipher = rowCipher([key()], randomBytes);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const TABLE = {
  TableName: 'trail',
  BillingMode: 'PAY_PER_REQUEST',
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ],
  AttributeDefinitions: ['pk', 'sk', 'actor'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
  GlobalSecondaryIndexes: [
    {
      IndexName: 'by-actor',
      KeySchema: [
        { AttributeName: 'actor', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['text'] },
    },
  ],
};
type Item = Record<string, { S: string }>;
/** The sort key of a record, as the ledger makes them: its number and a hash. */
const record = (number: string) => `000000${number}#${'ab'.repeat(32)}`;
const item = (pk: string, sk: string, text: string): Item => ({
  pk: { S: pk },
  sk: { S: sk },
  actor: { S: `canary-actor-${pk}` },
  text: { S: `canary-text-${text}` },
});

/** The tables of a directory, asked as the SDK would. */
async function tablesIn(path: string, by: RowCipher | null = cipher) {
  const database = openDynamoDb(path, undefined, by ?? undefined);
  const server = createServer((request, response) => database.serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const ask = async (operation: string, input: object) => {
    const response = await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `DynamoDB_20120810.${operation}`,
        authorization:
          'AWS4-HMAC-SHA256 Credential=a/20261121/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=a',
        'x-amz-date': '20261121T000000Z',
      },
      body: JSON.stringify(input),
    });
    return { status: response.status, body: (await response.json()) as Record<string, never> };
  };
  const query = async (input: object): Promise<string[]> => {
    const { Items = [] } = (await ask('Query', { TableName: 'trail', ...input })).body as { Items?: Item[] };
    return Items.map(({ text }) => text?.S.replace('canary-text-', '') ?? '');
  };
  const close = async () => {
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
    await database.close();
  };
  return { ask, query, close };
}

async function filled(path: string, by: RowCipher | null = cipher) {
  const tables = await tablesIn(path, by);
  await tables.ask('CreateTable', TABLE);
  // It may be used only once it is there.
  await vi.waitFor(
    async () => {
      const { body } = await tables.ask('DescribeTable', { TableName: 'trail' });
      expect(body).toMatchObject({ Table: { TableStatus: 'ACTIVE' } });
    },
    { interval: 1 },
  );
  for (const pk of ['ann', 'bob'])
    for (const sk of ['001', '002', '003', '010'].map(record)) {
      const { status } = await tables.ask('PutItem', {
        TableName: 'trail',
        Item: item(pk, sk, `${pk}${sk.slice(6, 9)}`),
      });
      expect(status).toBe(200);
    }
  return tables;
}

const eq = (name: string, value: string, more = '', extra: Record<string, object> = {}) => ({
  KeyConditionExpression: `${name} = :v${more}`,
  ExpressionAttributeValues: { ':v': { S: value }, ...extra },
});

/** Everything in a LevelDB directory, as it lies there. */
async function raw<T>(path: string, use: (database: ClassicLevel<string, Buffer>) => Promise<T>): Promise<T> {
  const database = new ClassicLevel<string, Buffer>(path, { valueEncoding: 'buffer' });
  await database.open();
  try {
    return await use(database);
  } finally {
    await database.close();
  }
}

describe('tables that are encrypted', () => {
  test('answer every kind of question as plain ones do', async () => {
    const answers = [];
    for (const [name, by] of [
      ['plain', null],
      ['sealed', cipher],
    ] as const) {
      const path = join(folder, name);
      const tables = await filled(path, by);
      await tables.ask('UpdateItem', {
        TableName: 'trail',
        Key: { pk: { S: 'ann' }, sk: { S: record('002') } },
        UpdateExpression: 'SET actor = :a',
        ExpressionAttributeValues: { ':a': { S: 'canary-actor-bob' } },
      });
      await tables.ask('DeleteItem', { TableName: 'trail', Key: { pk: { S: 'bob' }, sk: { S: record('003') } } });
      const scanned: string[] = [];
      let from: object | undefined;
      do {
        const { body } = await tables.ask('Scan', {
          TableName: 'trail',
          Limit: 2,
          ...(from && { ExclusiveStartKey: from }),
        });
        const { Items, LastEvaluatedKey } = body as unknown as { Items: Item[]; LastEvaluatedKey?: object };
        scanned.push(...Items.map(({ text }) => text?.S ?? ''));
        from = LastEvaluatedKey;
      } while (from);
      answers.push({
        whole: await tables.query(eq('pk', 'ann')),
        newestFirst: await tables.query({ ...eq('pk', 'ann'), ScanIndexForward: false, Limit: 2 }),
        before: await tables.query(eq('pk', 'ann', ' AND sk < :b', { ':b': { S: '000000003' } })),
        between: await tables.query(
          eq('pk', 'ann', ' AND sk BETWEEN :a AND :b', { ':a': { S: '000000002' }, ':b': { S: '000000004' } }),
        ),
        begins: await tables.query(eq('pk', 'ann', ' AND begins_with(sk, :a)', { ':a': { S: '000000001' } })),
        next: await tables.query({
          ...eq('pk', 'ann'),
          ExclusiveStartKey: { pk: { S: 'ann' }, sk: { S: record('002') } },
        }),
        byActor: await tables.query({ ...eq('actor', 'canary-actor-bob'), IndexName: 'by-actor' }),
        conditional: (
          await tables.ask('PutItem', {
            TableName: 'trail',
            Item: item('ann', record('001'), 'again'),
            ConditionExpression: 'attribute_not_exists(pk)',
          })
        ).status,
        none: (await tables.ask('GetItem', { TableName: 'trail', Key: { pk: { S: 'eve' }, sk: { S: '1' } } })).body,
        scanned: scanned.sort(),
      });
      await tables.close();
      const stored = [];
      for await (const { text } of storedItems(path, 'trail', by ?? undefined)) stored.push((text as { S: string }).S);
      expect(stored.sort()).toEqual(answers.at(-1)?.scanned);
    }
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[1]).toMatchObject({
      whole: ['ann001', 'ann002', 'ann003', 'ann010'],
      newestFirst: ['ann010', 'ann003'],
      byActor: ['bob001', 'bob002', 'ann002', 'bob010'],
      conditional: 400,
      none: {},
    });
  });

  test('keep whatever somebody chose for a sort key, too, under a name that only the key makes', async () => {
    const path = join(folder, 'sealed');
    const tables = await filled(path);
    const names = Array.from({ length: 7 }, (_, index) => `canary-name-${index}`);
    const key = (name: string) => ({ pk: { S: 'chosen' }, sk: { S: name } });
    for (const name of [...names, 'taken-away'])
      await tables.ask('PutItem', { TableName: 'trail', Item: { ...key(name), text: { S: name } } });
    await tables.ask('DeleteItem', { TableName: 'trail', Key: key('taken-away') });
    await tables.ask('UpdateItem', {
      TableName: 'trail',
      Key: key('canary-name-3'),
      UpdateExpression: 'SET #t = :t',
      ExpressionAttributeNames: { '#t': 'text' },
      ExpressionAttributeValues: { ':t': { S: 'changed' } },
    });
    /** All of one hash key, three at a time, from either end. */
    const all = async (forward: boolean) => {
      const found: string[] = [];
      let from: object | undefined;
      do {
        const more = { Limit: 3, ScanIndexForward: forward, ...(from && { ExclusiveStartKey: from }) };
        const { body } = await tables.ask('Query', { TableName: 'trail', ...eq('pk', 'chosen'), ...more });
        const { Items, LastEvaluatedKey } = body as unknown as { Items: Item[]; LastEvaluatedKey?: object };
        found.push(...Items.map(({ text }) => text?.S ?? ''));
        from = LastEvaluatedKey;
      } while (from);
      return found;
    };
    const changed = names.map((name) => (name === 'canary-name-3' ? 'changed' : name)).sort();
    const forward = await all(true);
    expect(forward.toSorted()).toEqual(changed);
    expect(await all(false)).toEqual(forward.toReversed());
    const one = await tables.query(eq('pk', 'chosen', ' AND sk = :one', { ':one': { S: 'canary-name-3' } }));
    expect(one).toEqual(['changed']);
    const { body } = await tables.ask('GetItem', { TableName: 'trail', Key: key('canary-name-5') });
    expect(body).toMatchObject({ Item: { text: { S: 'canary-name-5' } } });
    expect(await tables.query(eq('pk', 'ann'))).toEqual(['ann001', 'ann002', 'ann003', 'ann010']);
    await tables.close();
    const keys = await raw(path, (database) => database.keys().all());
    expect(keys.filter((name) => /\/=[0-9a-f]{34}\/=[0-9a-f]{40}\/$/.test(name))).toHaveLength(7);
    expect(keys.join()).not.toContain(Buffer.from('canary').toString('hex'));
  });

  test('show neither values nor hash keys on disk, nor do their indexes', async () => {
    const path = join(folder, 'sealed');
    await (await filled(path)).close();
    const [keys, values] = await raw(path, async (database) => [
      await database.keys().all(),
      await database.values().all(),
    ]);
    expect(keys.length).toBe(17);
    const hex = (text: string) => Buffer.from(text).toString('hex');
    for (const name of keys) for (const word of ['ann', 'canary']) expect(name).not.toContain(hex(word));
    for (const value of values) expect(value.includes('canary')).toBe(false);
    const tables = await tablesIn(path);
    expect(await tables.query({ ...eq('actor', 'canary-actor-ann'), IndexName: 'by-actor' })).toHaveLength(4);
    await tables.close();
  });

  test.each([
    ['another row’s', (rows: Buffer[]) => rows[1]],
    ['plain text', () => Buffer.from(JSON.stringify(item('ann', record('001'), 'forged')))],
    ['nothing', () => Buffer.alloc(0)],
  ])('fail loudly and stay up where a row is %s', async (_what, forged) => {
    const told = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const path = join(folder, 'sealed');
    await (await filled(path)).close();
    await raw(path, async (database) => {
      const rows = await database.iterator({ gte: 'item-trail~', lt: 'item-trail~~' }).all();
      const values = rows.map(([, value]) => value);
      for (const [name] of rows.slice(0, 1)) await database.put(name, forged(values) ?? Buffer.alloc(0));
    });
    const tables = await tablesIn(path);
    const answers = [];
    for (const pk of ['ann', 'bob'])
      answers.push(
        await tables.ask('GetItem', { TableName: 'trail', Key: { pk: { S: pk }, sk: { S: record('001') } } }),
      );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 500]);
    const wrong = answers.find(({ status }) => status === 500)?.body as unknown as { __type: string; message: string };
    expect(wrong.__type).toMatch(/InternalServerError/);
    expect(wrong.message).toMatch(/was changed, or comes from another place|is not encrypted/);
    const asked = await tables.ask('Scan', { TableName: 'trail' });
    expect(asked.status).toBe(500);
    expect(JSON.stringify([asked, wrong, told.mock.calls])).not.toContain('canary');
    await tables.close();
  });

  test('have no way around encryption', async () => {
    const database = openLevel(join(folder, 'sealed'), cipher);
    await database.put('item-trail~0a1b2c/61/62/', { text: 'canary' });
    expect(await database.get('item-trail~0a1b2c/61/62/')).toEqual({ text: 'canary' });
    expect(() => database.getSync('item-trail~0a1b2c/61/62/')).toThrow(/around encryption/);
    expect(() => database.batch()).toThrow(/around encryption/);
    await expect(database.getMany(['item-trail~0a1b2c/61/62/'])).rejects.toThrow(/around encryption/);
    await expect(database.has('item-trail~0a1b2c/61/62/')).rejects.toThrow(/around encryption/);
    await database.close();
  });

  test('are not taken for damaged, and kept, where the key is not given', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const path = join(folder, 'sealed');
    await (await filled(path)).close();
    const tables = await tablesIn(path, null);
    expect(
      (await tables.ask('GetItem', { TableName: 'trail', Key: { pk: { S: 'ann' }, sk: { S: record('001') } } })).status,
    ).toBe(500);
    await tables.close();
    const again = await tablesIn(path);
    expect(await again.query(eq('pk', 'ann'))).toHaveLength(4);
    await again.close();
  });
});

describe('a store that is encrypted', () => {
  const path = () => join(folder, 'aws.sqlite');
  const open = (by: RowCipher = cipher) => openStore(path(), ['outbox'], by);
  const fill = () => {
    const store = open();
    for (const name of ['canary-b', 'canary-a', 'canary-c']) store.put('endpoint', name, { name, tag: 'canary' });
    store.put('endpoint', 'canary-a', { name: 'changed', tag: 'canary' });
    store.delete('endpoint', 'canary-c');
    store.put('outbox', 'm1', { text: 'canary mail' });
    store.close();
  };
  const rows = (sql: string, ...values: (string | Uint8Array)[]) => {
    const database = new DatabaseSync(path());
    const found = database.prepare(sql).all(...values);
    database.close();
    return found;
  };

  test('is read back as it was written, in the order of its keys', () => {
    fill();
    const store = open();
    expect(store.keys('endpoint')).toEqual(['canary-a', 'canary-b']);
    expect(store.get('endpoint', 'canary-a')).toEqual({ name: 'changed', tag: 'canary' });
    expect(store.list('outbox')).toEqual([{ text: 'canary mail' }]);
    store.close();
  });

  test('shows kinds, and neither keys nor values', () => {
    fill();
    const found = rows('SELECT kind, key, value FROM rows');
    expect(found.map(({ kind }) => kind)).toEqual(['endpoint', 'endpoint', 'outbox']);
    for (const { key: name, value } of found) {
      expect(String(name)).toMatch(/^[0-9a-f]{40}$/);
      expect(Buffer.from(value as Uint8Array).includes('canary')).toBe(false);
    }
  });

  test.each([
    ['changed for another', "UPDATE rows SET value = (SELECT value FROM rows WHERE kind = 'outbox')"],
    ['moved to another key', "UPDATE rows SET key = 'x' || key"],
    ['moved to another kind', "UPDATE rows SET kind = 'alarm' WHERE kind = 'endpoint'"],
    ['plain text', `UPDATE rows SET value = '["a","{}"]'`],
  ])('does not open where a row was %s', (_what, sql) => {
    fill();
    rows(sql);
    expect(() => open()).toThrow(SealedRowError);
  });

  test('does not open with another key, nor without, and a plain one not with a key', () => {
    fill();
    expect(() => open(rowCipher([key()], randomBytes))).toThrow(/encrypted with key/);
    expect(() => openStore(path())).toThrow(/encrypted, and no key was given/);
    const other = join(folder, 'plain.sqlite');
    const store = openStore(other);
    store.put('endpoint', 'a', { name: 'a' });
    store.close();
    expect(() => openStore(other, [], cipher)).toThrow(/is not encrypted/);
  });
});
