import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type AttributeValue, DeleteItemCommand, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { auditExport, auditShow } from '../../cli/audit.ts';
import { auditBundle } from '../../cli/audit-bundle.ts';
import { auditCheckpoint } from '../../cli/audit-checkpoint.ts';
import { auditReplay } from '../../cli/audit-replay.ts';
import { auditVerify } from '../../cli/audit-verify.ts';
import { policyWhatIf } from '../../cli/policy-what-if.ts';
import { archiveKey } from '../../shared/aws/archive.ts';
import type { Broken } from '../../shared/aws/audit.ts';
import { canonicalJson, sha256 } from '../../shared/model/canonical-json.ts';
import type { LedgerRecord } from '../../shared/model/ledger-record.ts';
import { deploy, outcomeOf } from '../acceptance/gate.ts';
import { ACCOUNT, Runtime } from '../acceptance/runtime.ts';
import { unzip } from '../infra/zip.ts';
import { portcullis, printed, UNSEEN } from './portcullis.ts';

// What somebody can do to the table who may write to it, one endpoint for each way; and one that nobody touches.
type Item = Record<string, AttributeValue>;
const WAYS = [
  'edited',
  'rehashed',
  'spaced',
  'cut',
  'beheaded',
  'swapped',
  'copied',
  'wrecked',
  'truncated',
  'rechained',
  'extended',
  'whole',
] as const;
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
async function verified(way?: Way, more: object = {}): Promise<Result & { code: number | null }> {
  const endpoint = way ? { endpoint: `${way}-dev` } : {};
  const { code, out } = await printed((output) =>
    auditVerify({ ...options(), json: true, ...endpoint, ...more }, output),
  );
  return { ...(JSON.parse(out) as Result), code };
}

/** Puts what is not signed yet into a checkpoint now: an event may have come in late. */
const sign = () => fetch(`${runtime.ready.awsUrl}/_loopback/checkpoints`, { method: 'POST' });

/** Tampers with a stream that was whole before, and says what is found then. */
async function after(way: Way, tamper: (items: Item[]) => Promise<unknown>): Promise<Broken[]> {
  await sign();
  const items = await itemsOf(way);
  expect(items.length).toBeGreaterThanOrEqual(3);
  expect(await verified(way)).toMatchObject({ code: 0, broken: [] });
  await tamper(items);
  const { code, broken } = await verified(way);
  expect(code).toBe(1);
  expect(new Set(broken.map(({ stream }) => stream))).toEqual(new Set([streamOf(way)]));
  return broken;
}
const notSigned = (sequence: number) => ({
  sequence,
  problem: expect.stringMatching(/^is not the record that checkpoint \d+ signed: it was changed or replaced$/),
});
const missing = (sequence: number) => ({
  sequence,
  problem: expect.stringMatching(/^is missing from the table: checkpoint \d+ signed it$/),
});
/** Writes a stream anew from one record on, with keys and hashes that fit, as who has the table's writer could. */
async function rechain(items: Item[], from: number, change: (record: LedgerRecord) => LedgerRecord): Promise<void> {
  let previous = '';
  for (const [index, item] of items.entries()) {
    if (index + 1 < from) {
      previous = item.hash?.S ?? '';
      continue;
    }
    await remove(item);
    const record = change({ ...recordOf(item), previous });
    const text = canonicalJson(record);
    previous = sha256(text);
    const sk = `${String(record.sequence).padStart(9, '0')}#${record.previous}`;
    await put({ ...item, sk: { S: sk }, record: { S: text }, hash: { S: previous } });
  }
}

beforeAll(async () => {
  runtime = new Runtime();
  await runtime.start();
  process.env.PORTCULLIS_CONFIG = runtime.configPath;
  await Promise.all(WAYS.map((way) => deploy(runtime, `${way}-dev`, { alarms: way === 'whole' })));
  await Promise.all(WAYS.map((way) => outcomeOf(runtime, `${way}-dev`)));
  await sign();
}, 60_000);
afterAll(() => runtime.remove());

test('before anybody touches it, every chain is whole', async () => {
  const { code, streams, records, broken } = await verified();
  expect({ code, broken }).toEqual({ code: 0, broken: [] });
  // And those of the gate itself: limits, prices, fleets.
  expect(streams).toBeGreaterThanOrEqual(WAYS.length);
  expect(records).toBeGreaterThanOrEqual(3 * WAYS.length);
});

test('a decision is made again from what is on record, identical to the byte', async () => {
  const { code, out } = await printed((output) => auditReplay('whole-dev', undefined, options(), output));
  expect(code).toBe(0);
  expect(out).toMatch(/^record \d+ \(findings#1, change 1\): identical$/m);
  const unknown = await printed((output) => auditReplay('whole-dev', 'outcome#1', options(), output));
  expect(unknown).toMatchObject({ code: 2, err: expect.stringContaining('is no decision but outcome') });
});

test('other limits are tried on past changes, and say which policy would have made the difference', async () => {
  const path = join(runtime.dataDir, 'stricter.yaml');
  writeFileSync(path, 'policies: { dev: { instanceTypes: [ml.t2.medium] } }\n');
  const tried = { ...options(), settings: path, endpoint: 'whole-dev' };
  const { code, out } = await printed((output) => policyWhatIf({ ...tried, json: true }, output));
  expect(code).toBe(1);
  const { differs, unknown } = JSON.parse(out) as { differs: object[]; unknown: object[] };
  // Its alarms may have been heard of after it was judged, and then it was judged again.
  expect(differs[0]).toMatchObject({ change: 1, ended: 'compliant' });
  for (const each of differs) expect(each).toMatchObject({ endpoint: 'whole-dev', from: 'compliant', to: 'blocked' });
  expect(unknown).toEqual([]);
  expect(out).toContain('"policy": "dev-instance-type"');
  writeFileSync(path, 'policies: {}\n');
  expect(await printed((output) => policyWhatIf(tried, output))).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^0 of \d+ decisions would have been others\.$/m),
  });
});

test('a bundle of one endpoint is proven by the verifier in it, and is on record afterwards', async () => {
  await sign();
  const path = join(runtime.dataDir, 'whole.zip');
  const { code, out, err } = await printed((output) =>
    auditBundle({ ...options(), endpoint: 'whole-dev', output: path, json: true, reconcile: false }, output),
  );
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const { records, changes, manifestSha256 } = JSON.parse(out) as Record<string, unknown>;
  // How many changes the events of one deployment make is up to timing.
  expect(changes).toBe(new Set((await runtime.records('whole-dev')).map(({ body }) => body.generation)).size);
  const folder = join(runtime.dataDir, 'whole');
  for (const [name, bytes] of unzip(readFileSync(path))) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
  const run = spawnSync(process.execPath, [join(folder, 'verify.mjs'), folder], { encoding: 'utf8' });
  expect(run).toMatchObject({ status: 0, stdout: expect.stringContaining('It is a part: of') });
  expect(run.stdout).toContain(`recorded with the export: ${manifestSha256}`);
  const month = new Date().toISOString().slice(0, 7);
  const noted = await printed((output) =>
    auditShow(`audit#${ACCOUNT}#us-east-1#${month}`, { ...options(), json: true }, output),
  );
  expect(JSON.parse(noted.out)).toMatchObject([
    {
      body: {
        kind: 'exported',
        format: 'bundle',
        records,
        sha256: manifestSha256,
        scope: { endpoint: { name: 'whole-dev' } },
      },
    },
  ]);
});

test('a record that was edited is named', async () => {
  const broken = await after('edited', ([, second = {}]) => {
    const record = recordOf(second);
    return put({
      ...second,
      record: { S: canonicalJson({ ...record, actor: { ...record.actor, person: 'innocent' } }) },
    });
  });
  expect(broken).toMatchObject([notSigned(2)]);
});

test('so is one that was edited with its hash made anew', async () => {
  const broken = await after('rehashed', ([first = {}]) => {
    const text = canonicalJson({ ...recordOf(first), at: '2020-01-01T00:00:00.000Z' });
    return put({ ...first, record: { S: text }, hash: { S: sha256(text) } });
  });
  expect(broken).toMatchObject([notSigned(1)]);
});

test('a record with other bytes of the same meaning is named', async () => {
  const broken = await after('spaced', ([first = {}]) => put({ ...first, record: { S: ` ${first.record?.S}` } }));
  expect(broken).toMatchObject([notSigned(1)]);
});

test('a record that was deleted is named as missing', async () => {
  expect(await after('cut', ([, second = {}]) => remove(second))).toMatchObject([missing(2)]);
});

test('so is the first one', async () => {
  expect(await after('beheaded', ([first = {}]) => remove(first))).toMatchObject([missing(1)]);
});

test('so is the last one, which the chain alone does not miss', async () => {
  let length = 0;
  const broken = await after('truncated', (items) => {
    length = items.length;
    return remove(items.at(-1) ?? {});
  });
  expect(broken).toMatchObject([missing(length)]);
  const alone = await printed((output) =>
    auditVerify({ ...options(), endpoint: 'truncated-dev', chainOnly: true }, output),
  );
  expect(alone.code).toBe(0);
  expect(alone.out).not.toContain('whole.');
  expect(alone.out).toContain('cut off at an end');
});

test('a stream that was written anew from one record on, with hashes that fit, is named from that record on', async () => {
  let length = 0;
  const broken = await after('rechained', (items) => {
    length = items.length;
    return rechain(items, 2, (record) => (record.sequence === 2 ? { ...record, id: 'forged' } : record));
  });
  expect(broken).toMatchObject(Array.from({ length: length - 1 }, (_, index) => notSigned(index + 2)));
  expect(await verified('rechained', { chainOnly: true })).toMatchObject({ code: 0, broken: [] });
});

test('a record that was added with a date that is gone or to come has no checkpoint, and is named', async () => {
  const broken = await after('extended', async (items) => {
    const last = items.at(-1) ?? {};
    let previous = last.hash?.S ?? '';
    for (const [index, at] of ['2026-01-01T00:00:00.000Z', '2999-01-01T00:00:00.000Z'].entries()) {
      const record = { ...recordOf(last), sequence: items.length + 1 + index, previous, id: `forged#${index}`, at };
      const text = canonicalJson(record);
      const sk = `${String(record.sequence).padStart(9, '0')}#${previous}`;
      previous = sha256(text);
      await put({ ...last, sk: { S: sk }, record: { S: text }, hash: { S: previous } });
    }
  });
  expect(broken.map(({ problem }) => problem)).toEqual(
    Array(2).fill('is in no checkpoint, although it is older than five minutes'),
  );
});

test('two records that were swapped are named', async () => {
  const broken = await after('swapped', async ([, second = {}, third = {}]) => {
    const key = ({ pk, sk }: Item) => ({ pk, sk }) as Item;
    await put({ ...third, ...key(second) });
    await put({ ...second, ...key(third) });
  });
  expect(broken).toMatchObject([notSigned(2), notSigned(3)]);
});

test('a record of another endpoint in its place is named', async () => {
  const broken = await after('copied', async ([first = {}]) => {
    const [other = {}] = await itemsOf('whole');
    await put({ ...other, pk: first.pk as AttributeValue, sk: first.sk as AttributeValue });
  });
  expect(broken).toMatchObject([notSigned(1)]);
});

test('what is no record at all is named, and does not end the walk', async () => {
  const broken = await after('wrecked', ([, second = {}]) => put({ ...second, record: { S: 'nothing' } }));
  expect(broken).toMatchObject([notSigned(2)]);
});

test('without checkpoints it says what it could not compare, ends with 2, and calls nothing whole', async () => {
  const { code, out, err } = await printed((output) =>
    auditVerify({ ...options(), endpoint: 'whole-dev', checkpoints: '/nowhere' }, output),
  );
  expect(code).toBe(2);
  expect(err).toBe('NOT COMPARED: checkpoints: There is no /nowhere/public-key.pem.\n');
  expect(out).not.toMatch(/whole/);
});

test('a checkpoint that was given away must still be in the chain', async () => {
  const given = await printed((output) => auditCheckpoint(options(), output));
  expect(given.code).toBe(0);
  const path = join(runtime.dataDir, 'given.json');
  writeFileSync(path, given.out);
  expect(await verified('whole', { witnessed: path })).toMatchObject({ code: 0 });
  writeFileSync(path, given.out.replace(/"number":\d+/, '"number":999'));
  const { code, out } = await printed((output) =>
    auditVerify({ ...options(), endpoint: 'whole-dev', witnessed: path }, output),
  );
  expect(code).toBe(1);
  expect(out).toMatch(
    /^BROKEN {2}checkpoint \d+ ends a chain that does not hold the checkpoint you were given earlier\.$/m,
  );
});

test('an export to a directory is verified without the gate, and names the same records', async () => {
  const directory = join(runtime.dataDir, 'evidence');
  mkdirSync(directory);
  const { code, err } = await printed((output) => auditExport({ ...options(), output: directory }, output));
  expect(code).toBe(0);
  expect(err).toMatch(/^\d+ records of \d+ streams and \d+ checkpoints exported/);
  expect(readdirSync(directory).sort()).toEqual(['checkpoints.jsonl', 'public-key.pem', 'trail.jsonl', 'verify.mjs']);
  const run = spawnSync(process.execPath, [join(directory, 'verify.mjs'), directory], { encoding: 'utf8' });
  expect(run.status).toBe(1);
  const broken = (await verified()).broken.filter(({ problem }) => !/five minutes/.test(problem));
  for (const { stream, sequence } of broken) expect(run.stdout).toContain(`BROKEN  ${stream}  record ${sequence} `);
  expect(run.stdout).not.toContain(streamOf('whole'));
});

test('on AWS the sealed copies are compared as well, and that they could not be is said', async () => {
  vi.stubEnv('AWS_ENDPOINT_URL', runtime.ready.awsUrl);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'auditor');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'auditor');
  vi.stubEnv('PORTCULLIS_LEDGER_TABLE', 'portcullis-ledger');
  vi.stubEnv('PORTCULLIS_ARCHIVE_BUCKET', 'archive');
  const { s3 } = runtime.clients();
  const checkpoints = join(runtime.dataDir, 'data', 'checkpoints');
  const verifiedOnAws = (more: object = {}) =>
    printed((output) => auditVerify({ endpoint: 'whole-dev', checkpoints, region: 'us-east-1', ...more }, output));

  const without = await verifiedOnAws();
  expect(without.code).toBe(2);
  expect(without.err).toMatch(/^NOT COMPARED: sealed copies: NoSuchBucket/);
  expect(without.out).not.toContain('whole.');

  await s3.send(new CreateBucketCommand({ Bucket: 'archive' }));
  const items = await itemsOf('whole');
  const keyOf = ({ pk, sk }: Item) => archiveKey(pk?.S ?? '', sk?.S ?? '') ?? '';
  const seal = (item: Item, Body: string) =>
    s3.send(new PutObjectCommand({ Bucket: 'archive', Key: keyOf(item), Body }));
  for (const item of items) await seal(item, item.record?.S ?? '');
  const compared = await verifiedOnAws();
  expect(compared).toMatchObject({ code: 0, err: '' });
  expect(compared.out).toMatch(/nothing differs from checkpoint \d+ and the sealed copies\.$/m);

  const [first = {}] = items;
  await seal(first, 'forged');
  expect((await verifiedOnAws()).code).toBe(0);
  const read = await verifiedOnAws({ readCopies: true });
  expect(read.code).toBe(1);
  expect(read.out).toContain(`record 1 has a sealed copy (${keyOf(first)}) that checkpoint `);
  vi.unstubAllEnvs();
});

test('a directory is about everything, so it takes no single endpoint', async () => {
  const { code } = await printed((output) =>
    auditExport({ ...options(), endpoint: 'whole-dev', output: runtime.dataDir }, output),
  );
  expect(code).toBe(64);
});

test('all of them are named in one run, which ends with 1, and the whole one is not', async () => {
  const { code, out, err } = await portcullis(['audit', 'verify', '--local', '--aws-port', options().awsPort], {
    env: { PORTCULLIS_CONFIG: runtime.configPath },
  });
  expect({ code, err }).toEqual({ code: 1, err: '' });
  const lines = out.trimEnd().split('\n');
  const tampered = WAYS.filter((way) => way !== 'whole');
  for (const way of tampered)
    expect(lines.filter((line) => line.startsWith(`BROKEN  ${streamOf(way)}  record `))).not.toEqual([]);
  expect(lines.filter((line) => line.includes(streamOf('whole')))).toEqual([]);
  expect(lines.at(-1)).toMatch(new RegExp(`^${tampered.length} of \\d+ streams are broken\\.$`));
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
