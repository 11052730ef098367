import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { AddTagsCommand } from '@aws-sdk/client-sagemaker';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backup } from '../../cli/backup.ts';
import { openArchive } from '../../cli/bundle/archive.ts';
import { incident } from '../../cli/incident.ts';
import { restore } from '../../cli/restore.ts';
import { encryptionKeyId } from '../../shared/model/encryption-key.ts';
import { portcullis, printed } from '../cli/portcullis.ts';
import { NOW, smallProject } from '../small-project.ts';
import { give } from '../spawn-gate.ts';
import { deploy, outcomeOf, requestOf } from './gate.ts';
import { Runtime } from './runtime.ts';

// A gate whose store is encrypted: it works, it is killed, it is backed up and restored, and its key is rotated.
const key = () => {
  const bytes = randomBytes(32);
  return { id: encryptionKeyId(bytes), text: bytes.toString('base64') };
};
const [first, second] = [key(), key()];
const environment = (...keys: { text: string }[]) => ({
  PORTCULLIS_ENCRYPTION_AT_REST: 'true',
  PORTCULLIS_ENCRYPTION_KEY: keys.map(({ text }) => text).join(','),
});
const MAIL = 'ada@canary-mail.example.com';
const CONFIG = `approvals:\n  timeoutHours: 24\n  approvers:\n    - { id: ada, name: Canary Person, email: ${MAIL} }\n    - { id: ben, name: Ben, email: ben@example.com }\n`;

const runtime = new Runtime(CONFIG, [], environment(first));
const data = join(runtime.dataDir, 'data');
const folder = mkdtempSync(join(tmpdir(), 'portcullis-encrypted-'));
const canaries = new Map<string, string>([
  ['a mail address', MAIL],
  ['a person', 'Canary Person'],
  ['a tag', 'canary-tag-4711'],
  ['a reason', 'canary-reason: the load test passed'],
]);
let records = 0;

/** Where a text stands in a directory, in itself or as hexadecimal or base64. */
function placesOf(text: string, directory: string): string[] {
  const forms = [text, Buffer.from(text).toString('hex'), Buffer.from(text).toString('base64').replace(/.?=*$/, '')];
  return readdirSync(directory, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    const path = join(entry.parentPath, entry.name);
    const bytes = entry.isFile() ? readFileSync(path) : Buffer.alloc(0);
    return forms.some((form) => bytes.includes(form)) ? [relative(directory, path)] : [];
  });
}

beforeAll(async () => {
  await runtime.start();
  await deploy(runtime, 'sealed-prod', { environment: 'prod', instances: 2, monitor: true });
  await runtime.clients().sagemaker.send(
    new AddTagsCommand({
      ResourceArn: 'arn:aws:sagemaker:us-east-1:000000000000:endpoint/sealed-prod',
      Tags: [{ Key: 'owner', Value: canaries.get('a tag') ?? '' }],
    }),
  );
  const { request } = await requestOf(runtime, 'sealed-prod');
  const id = { id: { S: request } };
  const { Item } = await runtime
    .clients()
    .dynamodb.send(new GetItemCommand({ TableName: 'portcullis-approvals', Key: id, ConsistentRead: true }));
  const sealed = Buffer.from(Item?.token?.B ?? '').toString('base64');
  const opened = await runtime.call('TrentService.Decrypt', {
    CiphertextBlob: sealed,
    EncryptionContext: { request },
  });
  const { Plaintext = '' } = (await opened.json()) as { Plaintext?: string };
  canaries.set('a task token', Buffer.from(Plaintext, 'base64').toString('utf8'));
  canaries.set('a task token as it is kept', sealed);
  await runtime.decide(request, MAIL, 'approved', canaries.get('a reason'));
  canaries.set('a session', await runtime.login(MAIL));
  const code = (await runtime.mails()).map(({ text }) => /log in to Portcullis: (\S+)/.exec(text)?.[1]).find(Boolean);
  canaries.set('a code to log in with', code ?? '');
  await outcomeOf(runtime, 'sealed-prod', { result: 'approved' });
  records = (await runtime.records('sealed-prod')).length;
  canaries.set('the image of a model', runtime.hosting.image);
  await runtime.end('SIGKILL');
}, 60_000);
afterAll(async () => {
  await runtime.remove();
  rmSync(folder, { recursive: true, force: true });
});

describe('the data directory of a gate that was killed', () => {
  test('has no canary in it', () => {
    for (const [what, text] of canaries) {
      expect(text.length, what).toBeGreaterThan(5);
      expect(placesOf(text, data), what).toEqual([]);
    }
    expect(placesOf(first.text, data)).toEqual([]);
    // The search finds what is there: the kinds of rows are no secret.
    expect(placesOf('schedule', data)).toContain('aws.sqlite-wal');
  });

  test('names its endpoints in the security log, in checkpoints where it was in time to sign, and nowhere else', () => {
    const named = placesOf('sealed-prod', data).map((path) => path.split('/')[0]);
    expect([...new Set(named)].filter((where) => where !== 'checkpoints')).toEqual(['logs']);
  });

  test('does not start with another key, which is said, and nothing is changed', async () => {
    const sum = () =>
      createHash('sha256')
        .update(readFileSync(join(data, 'aws.sqlite')))
        .digest('hex');
    const before = sum();
    const env = environment(second);
    const up = await portcullis(['up', '--data', data, '--fleet', 'none', '--aws-port', '0', '--console-port', '0'], {
      env,
    });
    expect(up.code).not.toBe(0);
    expect(up.err).toContain(`encrypted with key ${first.id}, and PORTCULLIS_ENCRYPTION_KEY gives ${second.id}`);
    for (const { text } of [first, second]) expect(up.err).not.toContain(text);
    expect(sum()).toBe(before);
  });

  test('gives its ledger to an incident archive where the key is given, and says what is missing where not', async () => {
    const project = smallProject();
    project.write('bin/npm', '#!/bin/sh\nexit 1\n', 0o755);
    const told = new Map<string, string>();
    for (const [name, keys] of [
      ['without', {}],
      ['with', environment(first)],
    ] as const) {
      const output = join(folder, `${name}.zip`);
      const env = { PATH: `${project.root}/bin:${process.env.PATH}`, ...keys };
      const { err } = await printed((out) =>
        incident({ output, data, awsPort: '9' }, out, { root: project.root, env, now: NOW }),
      );
      const { entries, close } = await openArchive(output);
      told.set(name, `${[...entries.keys()]} ${err}`);
      await close();
    }
    project.remove();
    expect(told.get('without')).toContain(`ledger: ${data} is encrypted with key ${first.id}, and no key is given`);
    expect(told.get('with')).toContain('ledger/trail.jsonl');
    expect(told.get('with')).not.toContain('NOT INCLUDED: ledger');
  });
});

describe('a backup of it', () => {
  const archive = join(folder, 'backup.zip');
  const into = (name: string, env: NodeJS.ProcessEnv) =>
    printed((output) => restore(archive, { data: join(folder, name) }, output, { env }));

  test('is made without the key, says which it will need, and is as encrypted as the directory', async () => {
    const { code, out } = await printed((output) => backup(archive, { data }, output, { env: {} }));
    expect(code).toBe(0);
    expect(out).toContain(`encrypted with key ${first.id}`);
  });

  test.each([
    ['no key', {}, `it is encrypted with key ${first.id}: set PORTCULLIS_ENCRYPTION_AT_REST=true`],
    [
      'another key',
      environment(second),
      `encrypted with key ${first.id}, and PORTCULLIS_ENCRYPTION_KEY gives ${second.id}`,
    ],
  ])('is not restored with %s, and nothing is left there', async (_what, env, said) => {
    const { code, err } = await into('refused', env);
    expect(code).toBe(2);
    expect(err).toContain(said);
    expect(existsSync(join(folder, 'refused'))).toBe(false);
  });

  test('is restored with its key and proven; after a rotation the gate encrypts it anew and goes on', async () => {
    const { code, out, err } = await into('new', environment(first));
    expect(code, err).toBe(0);
    expect(out).toMatch(/ledger: .*whole/i);
    for (const [what, text] of canaries) expect(placesOf(text, join(folder, 'new')), what).toEqual([]);
    give(folder);
    const again = new Runtime(CONFIG, ['--data', join(folder, 'new')], environment(second, first));
    try {
      await again.start();
      expect(again.stderr).toMatch(new RegExp(`\\d+ rows were encrypted anew with key ${second.id}`));
      expect((await again.records('sealed-prod')).length).toBeGreaterThanOrEqual(records);
      expect(readFileSync(join(folder, 'new/encryption.json'), 'utf8')).toContain(second.id);
    } finally {
      await again.remove();
    }
  }, 60_000);
});
