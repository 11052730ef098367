import { type AttributeValue, DeleteItemCommand, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { auditVerify } from '../../cli/audit.ts';
import type { Broken } from '../../shared/aws/audit.ts';
import { canonicalJson, sha256 } from '../../shared/model/canonical-json.ts';
import type { LedgerRecord } from '../../shared/model/ledger-record.ts';
import { deploy, outcomeOf } from '../acceptance/gate.ts';
import { ACCOUNT, Runtime } from '../acceptance/runtime.ts';
import { portcullis, printed, UNSEEN } from './portcullis.ts';

// What somebody can do to the table who may write to it, one endpoint for each way; and one that nobody touches.
type Item = Record<string, AttributeValue>;
const WAYS = ['edited', 'rehashed', 'spaced', 'cut', 'beheaded', 'swapped', 'copied', 'wrecked', 'whole'] as const;
type Way = (typeof WAYS)[number];

let runtime: Runtime;
const options = () => ({ local: true, awsPort: new URL(runtime.ready.awsUrl).port });
const streamOf = (way: Way) => `endpoint#${ACCOUNT}#us-east-1#${way}-dev`;

async function itemsOf(way: Way): Promise<Item[]> {
  const { Items = [] } = await runtime.clients().dynamodb.send(
    new QueryCommand({
      TableName: 'portcullis-ledger',
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': { S: streamOf(way) } },
      ConsistentRead: true,
    }),
  );
  return Items;
}
const put = (Item: Item) =>
  runtime.clients('mallory').dynamodb.send(new PutItemCommand({ TableName: 'portcullis-ledger', Item }));
const remove = ({ pk, sk }: Item) =>
  runtime.clients('mallory').dynamodb.send(
    new DeleteItemCommand({
      TableName: 'portcullis-ledger',
      Key: { pk: pk as AttributeValue, sk: sk as AttributeValue },
    }),
  );
const recordOf = (item: Item | undefined) => JSON.parse(item?.record?.S ?? '') as LedgerRecord;

type Result = { streams: number; records: number; broken: Broken[] };
async function verified(way?: Way): Promise<Result & { code: number | null }> {
  const endpoint = way ? { endpoint: `${way}-dev` } : {};
  const { code, out } = await printed((output) => auditVerify({ ...options(), json: true, ...endpoint }, output));
  return { ...(JSON.parse(out) as Result), code };
}

/** Tampers with a stream that was whole before, and says what is found then. */
async function after(way: Way, tamper: (items: Item[]) => Promise<unknown>): Promise<Broken> {
  const items = await itemsOf(way);
  expect(items.length).toBeGreaterThanOrEqual(3);
  expect(await verified(way)).toMatchObject({ code: 0, broken: [] });
  await tamper(items);
  const { code, broken } = await verified(way);
  expect(code).toBe(1);
  expect(broken).toMatchObject([{ stream: streamOf(way) }]);
  return broken[0] as Broken;
}

beforeAll(async () => {
  runtime = new Runtime();
  await runtime.start();
  process.env.PORTCULLIS_CONFIG = runtime.configPath;
  await Promise.all(WAYS.map((way) => deploy(runtime, `${way}-dev`, { alarms: false })));
  await Promise.all(WAYS.map((way) => outcomeOf(runtime, `${way}-dev`)));
}, 60_000);
afterAll(() => runtime.remove());

test('before anybody touches it, every chain is whole', async () => {
  const { code, streams, records, broken } = await verified();
  expect({ code, streams, broken }).toEqual({ code: 0, streams: WAYS.length, broken: [] });
  expect(records).toBeGreaterThanOrEqual(3 * WAYS.length);
});

test('a record that was edited is named', async () => {
  const broken = await after('edited', ([, second = {}]) => {
    const record = recordOf(second);
    return put({
      ...second,
      record: { S: canonicalJson({ ...record, actor: { ...record.actor, person: 'innocent' } }) },
    });
  });
  expect(broken).toMatchObject({ sequence: 2, problem: 'was changed after it was written: its hash does not fit' });
});

test('an edit with its hash made anew is given away by the record after it', async () => {
  const broken = await after('rehashed', ([first = {}]) => {
    const text = canonicalJson({ ...recordOf(first), at: '2020-01-01T00:00:00.000Z' });
    return put({ ...first, record: { S: text }, hash: { S: sha256(text) } });
  });
  expect(broken).toMatchObject({
    sequence: 2,
    problem: 'does not continue the record before it, which was changed or replaced',
  });
});

test('a record with other bytes of the same meaning is named', async () => {
  const broken = await after('spaced', ([first = {}]) => put({ ...first, record: { S: ` ${first.record?.S}` } }));
  expect(broken).toMatchObject({ sequence: 1, problem: 'is not stored in its canonical form' });
});

test('a record that was deleted is named as missing', async () => {
  const broken = await after('cut', ([, second = {}]) => remove(second));
  expect(broken).toMatchObject({ sequence: 2, problem: 'follows a gap: record 2 is missing' });
});

test('so is the first one', async () => {
  const broken = await after('beheaded', ([first = {}]) => remove(first));
  expect(broken).toMatchObject({ sequence: 1, problem: 'follows a gap: record 1 is missing' });
});

test('of two records that were swapped the first place is named', async () => {
  const broken = await after('swapped', async ([, second = {}, third = {}]) => {
    const key = ({ pk, sk }: Item) => ({ pk, sk }) as Item;
    await put({ ...third, ...key(second) });
    await put({ ...second, ...key(third) });
  });
  expect(broken).toMatchObject({ sequence: 2, problem: expect.stringContaining('record 2 is missing') });
});

test('a record of another endpoint in its place is named', async () => {
  const broken = await after('copied', async ([first = {}]) => {
    const [other = {}] = await itemsOf('whole');
    await put({ ...other, pk: first.pk as AttributeValue, sk: first.sk as AttributeValue });
  });
  expect(broken).toMatchObject({ sequence: 1, problem: 'belongs to another endpoint' });
});

test('what is no record at all is named, and does not end the walk', async () => {
  const broken = await after('wrecked', ([, second = {}]) => put({ ...second, record: { S: 'nothing' } }));
  expect(broken).toMatchObject({ sequence: 2, problem: expect.stringMatching(/^is no ledger record: /) });
});

test('all of them are named in one run, which ends with 1, and the whole one is not', async () => {
  const { code, out, err } = await portcullis(['audit', 'verify', '--local', '--aws-port', options().awsPort], {
    env: { PORTCULLIS_CONFIG: runtime.configPath },
  });
  expect({ code, err }).toEqual({ code: 1, err: '' });
  const lines = out.trimEnd().split('\n');
  const tampered = WAYS.filter((way) => way !== 'whole');
  for (const way of tampered)
    expect(lines.filter((line) => line.startsWith(`BROKEN  ${streamOf(way)}  record `))).toHaveLength(1);
  expect(lines).toHaveLength(tampered.length + 1);
  expect(lines.at(-1)).toBe(`${tampered.length} of ${WAYS.length} streams are broken.`);
});

test('a stream under a made-up key is broken, and its key does not steer the terminal', async () => {
  const [first = {}] = await itemsOf('whole');
  await put({ ...first, pk: { S: 'endpoint#x\u001b[2J\nevery chain is whole' } });
  const { code, out } = await portcullis(['audit', 'verify', '--local', '--aws-port', options().awsPort], {
    env: { PORTCULLIS_CONFIG: runtime.configPath },
  });
  expect(code).toBe(1);
  expect(out).toContain('BROKEN  endpoint#x\\u001b[2J every chain is whole  record 1 belongs to another endpoint.\n');
  expect(UNSEEN.exec(out)).toBeNull();
});
