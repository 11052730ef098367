import { createHash, randomBytes } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openAsBlob,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlobReader, type FileEntry, Uint8ArrayReader, Uint8ArrayWriter, ZipReader, ZipWriter } from '@zip.js/zip.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { holdDirectory } from '../../cli/backup/hold.ts';
import { backup } from '../../cli/backup.ts';
import { restore } from '../../cli/restore.ts';
import { METRICS } from '../../local/metrics-table.ts';
import { encryptionKeyId } from '../../shared/model/encryption-key.ts';
import { portcullis, printed, type Run } from '../cli/portcullis.ts';
import { give } from '../spawn-gate.ts';
import { deploy, outcomeOf } from './gate.ts';
import { Runtime } from './runtime.ts';

// One gate: measured, backed up after it was stopped and after it was killed, and restored elsewhere.
const folder = mkdtempSync(join(tmpdir(), 'portcullis-backup-'));
const runtime = new Runtime();
const env = {};
const data = join(runtime.dataDir, 'data');
const at = (name: string) => join(folder, name);
const run: { running?: Run; metrics: string; records: number } = { metrics: '', records: 0 };

beforeAll(async () => {
  await runtime.start();
  await deploy(runtime, 'kept-dev', { alarms: false });
  await outcomeOf(runtime, 'kept-dev');
  run.metrics = await (await fetch(`${runtime.consoleUrl}/metrics`)).text();
  run.records = (await runtime.records('kept-dev')).length;
  run.running = await printed((output) => backup(at('running.zip'), { data }, output, { env }));
  await fetch(`${runtime.awsUrl}/_loopback/checkpoints`, { method: 'POST' });
  await runtime.end('SIGKILL');
}, 60_000);
afterAll(async () => {
  await runtime.remove();
  rmSync(folder, { recursive: true, force: true });
});

test('a running gate shows every metric, in what it did and not only by name', () => {
  const value = (line: string) =>
    Number(new RegExp(`^${line.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(run.metrics)?.[1]);
  for (const name of Object.keys(METRICS)) expect(run.metrics, name).toContain(`# HELP ${name} `);
  const ended = [...run.metrics.matchAll(/^portcullis_changes_total\{outcome="[\w-]+"\} (\d+)$/gm)].map(([, n]) =>
    Number(n),
  );
  expect(ended.reduce((a, b) => a + b, 0)).toBeGreaterThan(0);
  expect(value('portcullis_event_to_decision_seconds_count')).toBeGreaterThan(0);
  expect(value('portcullis_ledger_appends_total')).toBeGreaterThan(3);
  expect(value('portcullis_aws_calls_total{service="sagemaker",outcome="ok"}')).toBeGreaterThan(0);
  expect(value('portcullis_price_age_seconds{region="us-east-1",source="table"}')).toBeGreaterThan(0);
  expect(run.metrics).not.toContain('kept-dev');
});

describe('a backup', () => {
  test('of a gate that runs is refused, with the process to stop, and leaves nothing behind', () => {
    expect(run.running?.code).toBe(2);
    expect(run.running?.err).toMatch(/is in use by process \d+\. Stop it first \(kill \d+\)/);
    expect(readdirSync(folder).filter((name) => name.includes('running'))).toEqual([]);
  });

  test('of one that was killed is made, is for its owner alone, and leaves the mark of the kill', async () => {
    const mark = readFileSync(join(data, 'runtime.pid'), 'utf8');
    const made = await printed((output) => backup(at('killed.zip'), { data }, output, { env }));
    expect(made).toMatchObject({ code: 0 });
    expect(made.out).toMatch(/SHA-256 down elsewhere: [0-9a-f]{64}/);
    expect(lstatSync(at('killed.zip')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(data, 'runtime.pid'), 'utf8')).toBe(mark);
    expect(await printed((output) => backup(at('killed.zip'), { data }, output, { env }))).toMatchObject({ code: 2 });
  });

  test('is refused where there is no store, or something that is not the same elsewhere', async () => {
    expect((await printed((output) => backup(at('none.zip'), { data: folder }, output, { env }))).err).toContain(
      'no aws.sqlite',
    );
    symlinkSync('/etc/hostname', join(data, 'link'));
    expect((await printed((output) => backup(at('link.zip'), { data }, output, { env }))).err).toContain(
      'neither a file nor',
    );
    rmSync(join(data, 'link'));
  });
});

test('while a directory is backed up, no gate starts in it', async () => {
  const { release } = holdDirectory(data);
  const up = await portcullis(['up', '--data', data, '--fleet', 'none', '--aws-port', '0', '--console-port', '0']);
  release();
  expect(up.code).not.toBe(0);
  expect(up.err).toContain(`is in use by process ${process.pid}`);
});

describe('restoring', () => {
  test('puts the store into an empty directory, proves its chain, and a gate goes on from there', async () => {
    mkdirSync(at('new'));
    const done = await printed((output) => restore(at('killed.zip'), { data: at('new') }, output, { env }));
    expect(done.err).toMatch(/^(\d records were in no checkpoint yet, and were signed now\.\n)?$/);
    expect(done.code).toBe(0);
    expect(done.out).toMatch(/ledger: .*whole/i);
    expect(lstatSync(at('new')).mode & 0o777).toBe(0o700);
    give(folder);
    const again = new Runtime(undefined, ['--data', at('new')]);
    try {
      await again.start();
      expect((await again.records('kept-dev')).length).toBeGreaterThanOrEqual(run.records);
    } finally {
      await again.remove();
    }
  }, 60_000);

  test('encrypts it where the environment wants that, so a store in plain text becomes an encrypted one', async () => {
    const bytes = randomBytes(32);
    const given = { PORTCULLIS_ENCRYPTION_AT_REST: 'true', PORTCULLIS_ENCRYPTION_KEY: bytes.toString('base64') };
    const sealed = { data: at('sealed') };
    const done = await printed((output) => restore(at('killed.zip'), sealed, output, { env: given }));
    expect(done.err).toMatch(new RegExp(`plain text; \\d+ rows were encrypted with key ${encryptionKeyId(bytes)}`));
    expect(done).toMatchObject({ code: 0, out: expect.stringMatching(/ledger: .*whole/i) });
    for (const text of ['ada@example.com', 'kept-dev-model', 'PRIVATE KEY'])
      for (const name of ['aws.sqlite', 'checkpoint-key.pem'])
        expect(readFileSync(join(sealed.data, name)).includes(text), `${text} in ${name}`).toBe(false);
  });

  test('never goes over what is there', async () => {
    const full = mkdtempSync(join(folder, 'full-'));
    writeFileSync(join(full, 'mine'), 'mine');
    const refused = await printed((output) => restore(at('killed.zip'), { data: full }, output, { env }));
    expect(refused).toMatchObject({ code: 2 });
    expect(readdirSync(full)).toEqual(['mine']);
  });

  type Files = Map<string, Buffer>;
  /** A copy of the backup whose files somebody has had their way with. */
  async function changed(name: string, change: (files: Files) => void): Promise<string> {
    const from = new ZipReader(new BlobReader(await openAsBlob(at('killed.zip'))));
    const files: Files = new Map();
    for (const entry of (await from.getEntries()) as FileEntry[])
      files.set(entry.filename, Buffer.from(await entry.getData(new Uint8ArrayWriter())));
    await from.close();
    change(files);
    const to = new ZipWriter(new Uint8ArrayWriter());
    for (const [path, bytes] of files) await to.add(path, new Uint8ArrayReader(bytes));
    writeFileSync(at(name), await to.close());
    return at(name);
  }
  const edit = (files: Files, path: string, from: RegExp, to: string) => {
    const text = files.get(path)?.toString('latin1') ?? '';
    expect(text).toMatch(from);
    files.set(path, Buffer.from(text.replace(from, to), 'latin1'));
  };
  const sum = (bytes: Buffer | undefined) =>
    createHash('sha256')
      .update(bytes ?? '')
      .digest('hex');

  test.each([
    [
      'a changed byte',
      1,
      'aws.sqlite is not what the manifest says',
      (files: Files) => edit(files, 'aws.sqlite', /$/, 'x'),
    ],
    ['a file that is missing', 1, 'CURRENT is missing', (files: Files) => files.delete('dynamodb/CURRENT')],
    [
      'a checkpoint that says something else, with a manifest that fits it,',
      1,
      'the ledger in the backup is not whole',
      (files: Files) => {
        const path = 'checkpoints/checkpoints.jsonl';
        const before = sum(files.get(path));
        edit(files, path, /"total":\d+/, '"total":9999');
        edit(files, 'manifest.json', new RegExp(before), sum(files.get(path)));
      },
    ],
    [
      'a path that leads out',
      2,
      'is no backup that can be read',
      (files: Files) => edit(files, 'manifest.json', /"aws\.sqlite"/, '"../aws.sqlite"'),
    ],
  ] as const)('%s leaves nothing there', async (_what, code, said, change) => {
    const file = await changed('changed.zip', change);
    const refused = await printed((output) => restore(file, { data: at('changed') }, output, { env }));
    expect(refused.code, refused.err).toBe(code);
    expect(refused.err).toContain(said);
    expect(existsSync(at('changed'))).toBe(false);
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('what is no backup is called that', async () => {
    copyFileSync(join(data, 'aws.sqlite'), at('no.zip'));
    const refused = await printed((output) => restore(at('no.zip'), { data: at('no') }, output, { env }));
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.err).toContain('is no backup that can be read');
  });
});
