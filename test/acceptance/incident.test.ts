import { createHash } from 'node:crypto';
import {
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openAsBlob,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlobReader, type FileEntry, Uint8ArrayWriter, ZipReader } from '@zip.js/zip.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packFiles } from '../../cli/bundle/pack.ts';
import { incidentVerify } from '../../cli/incident/verify.ts';
import { incident } from '../../cli/incident.ts';
import type { IncidentManifest } from '../../shared/model/incident-manifest.ts';
import { printed } from '../cli/portcullis.ts';
import { NOW, type SmallProject, STRONG_TOKEN, smallProject } from '../small-project.ts';
import { deploy, outcomeOf } from './gate.ts';
import { Runtime } from './runtime.ts';

// A gate that was killed, with secrets everywhere that an archive could pick them up from.
const CANARIES = {
  token: `${STRONG_TOKEN}-canary-1`,
  awsSecret: 'canary-2-aws-secret-access-key-of-nobody',
  webhook: 'canary-3-webhook-path',
  slack: ['xoxb', 'canary', '4', 'bot-token'].join('-'),
  bearer: 'canary-5-session-of-asha',
  code: 'K7QM2-XVA9R',
  pem: 'canary6canary6canary6canary6canary6canary6',
  password: 'canary-7-of-the-database',
  inSettings: 'canary-8-external-id',
};

const SBOM = {
  bomFormat: 'CycloneDX',
  specVersion: '1.5',
  serialNumber: `urn:uuid:${'0'.repeat(36)}`,
  metadata: {
    timestamp: NOW,
    component: {
      type: 'application',
      name: 'small',
      version: '1.0.0',
      purl: 'pkg:npm/small@1.0.0',
      'bom-ref': 'small',
    },
  },
  components: [],
  dependencies: [{ ref: 'small' }],
};

let runtime: Runtime;
let project: SmallProject;
let folder: string;
let archive: string;
let data: string;
let env: NodeJS.ProcessEnv;
const made = { before: [] as string[], after: [] as string[], code: null as number | null, err: '' };

/** Every file of the data directory: what an incident leaves behind is evidence, and stays as it is. */
const fingerprint = () =>
  readdirSync(data, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const stats = lstatSync(join(data, name));
      const bytes = stats.isFile() ? readFileSync(join(data, name)) : '';
      return `${name} ${stats.mode} ${stats.mtimeMs} ${createHash('sha256').update(bytes).digest('hex')}`;
    });

async function filesOf(path: string): Promise<Map<string, Buffer>> {
  const zip = new ZipReader(new BlobReader(await openAsBlob(path)));
  const files = new Map<string, Buffer>();
  for (const entry of await zip.getEntries())
    files.set(entry.filename, Buffer.from(await (entry as FileEntry).getData(new Uint8ArrayWriter())));
  await zip.close();
  return files;
}

beforeAll(async () => {
  runtime = new Runtime();
  await runtime.start();
  data = join(runtime.dataDir, 'data');
  await deploy(runtime, 'signed-dev', { alarms: false });
  await outcomeOf(runtime, 'signed-dev');
  await fetch(`${runtime.ready.awsUrl}/_loopback/checkpoints`, { method: 'POST' });
  await deploy(runtime, 'unsigned-dev', { alarms: false });
  await outcomeOf(runtime, 'unsigned-dev');
  await runtime.end('SIGKILL');

  mkdirSync(join(data, 'logs'), { mode: 0o700, recursive: true });
  writeFileSync(
    join(data, 'logs/gate.log'),
    [
      '{"message":"the first line"}',
      `{"message":"denied","token":"${CANARIES.token}"}`,
      `Authorization: Bearer ${CANARIES.bearer}`,
      `posted to https://hooks.slack.com/services/T000/B000/${CANARIES.webhook} with ${CANARIES.slack}`,
      `code ${CANARIES.code}; postgres://asha:${CANARIES.password}@db.internal/x`,
      '-----BEGIN EC PRIVATE KEY-----',
      CANARIES.pem,
      '-----END EC PRIVATE KEY-----',
      '{"message":"the last line"}',
      '',
    ].join('\n'),
  );
  project = smallProject();
  // In npm's place: what it tells of a project is another test's (test/cli/sbom.test.ts), and starting it is slow.
  project.write('sbom.json', JSON.stringify(SBOM));
  project.write('bin/npm', '#!/bin/sh\n[ "$1" = sbom ] && exec cat sbom.json\nexit 1\n', 0o755);
  project.write('settings.yaml', `members:\n  externalId: ${CANARIES.inSettings}\n  readRole: portcullis-read\n`);
  folder = mkdtempSync(join(tmpdir(), 'portcullis-incident-test-'));
  archive = join(folder, 'incident.zip');
  env = {
    PATH: `${project.root}/bin:${process.env.PATH}`,
    HOME: folder,
    PORTCULLIS_CONFIG: 'settings.yaml',
    PORTCULLIS_CONSOLE_URL: 'http://127.0.0.1:9',
    PORTCULLIS_ACCESS_TOKEN: CANARIES.token,
    PORTCULLIS_SLACK_WEBHOOK_URL: `https://hooks.slack.com/services/T000/B000/${CANARIES.webhook}`,
    AWS_SECRET_ACCESS_KEY: CANARIES.awsSecret,
  };
  const options = { output: archive, collectLogs: true, audit: true, data, awsPort: '4566' };
  made.before = fingerprint();
  const { code, err } = await printed((output) => incident(options, output, { root: project.root, env, now: NOW }));
  Object.assign(made, { code, err, after: fingerprint() });
}, 60_000);
afterAll(async () => {
  await runtime.remove();
  project.remove();
  rmSync(folder, { recursive: true, force: true });
});

test('everything is in one archive that only its owner can read, and the data of the killed gate is untouched', async () => {
  expect(made.err).not.toContain('NOT INCLUDED');
  expect(made.code).toBe(0);
  expect(made.after).toEqual(made.before);
  expect(statSync(archive).mode & 0o777).toBe(0o600);
  const files = await filesOf(archive);
  // One file of security events for each day, and the night may fall while this runs.
  const names = [...files.keys()].map((name) => name.replace(/\d+-security-[\d-]+\.jsonl$/, 'security.jsonl'));
  expect([...new Set(names)].sort()).toEqual([
    'README.txt',
    'configuration/environment.json',
    'configuration/portcullis.yaml',
    'data-directory.json',
    'ledger/checkpoints.jsonl',
    'ledger/public-key.pem',
    'ledger/trail.jsonl',
    'ledger/verify.mjs',
    'logs/1-gate.log',
    'logs/security.jsonl',
    'manifest.json',
    'sbom.cdx.json',
    'security-audit.json',
    'versions.json',
  ]);
  const text = (name: string) => files.get(name)?.toString('utf8') ?? '';
  const manifest = JSON.parse(text('manifest.json')) as IncidentManifest;
  for (const { path, sha256 } of manifest.files)
    expect(
      createHash('sha256')
        .update(files.get(path) ?? '')
        .digest('hex'),
      path,
    ).toBe(sha256);
  expect(text('ledger/trail.jsonl')).toContain('#signed-dev"');
  expect(text('ledger/trail.jsonl')).toContain('#unsigned-dev"');
  expect(text('logs/1-gate.log').split('\n')).toHaveLength(10);
  expect(text('logs/1-gate.log')).toContain('the first line');
  expect(text('logs/1-gate.log')).toContain('the last line');
  expect(text('configuration/portcullis.yaml')).toContain('readRole: portcullis-read');
  expect(text('sbom.cdx.json')).toContain('pkg:npm/small@1.0.0');
  expect(JSON.parse(text('security-audit.json'))).toMatchObject({ checks: expect.any(Array) });
});

test('no planted secret is anywhere in it, nor the key that signs checkpoints', async () => {
  const signingKey = readFileSync(join(data, 'checkpoint-key.pem'), 'utf8').split('\n')[1] ?? '';
  expect(signingKey.length).toBeGreaterThan(32);
  const files = await filesOf(archive);
  expect(files.size).toBeGreaterThan(10);
  for (const [name, bytes] of files)
    for (const canary of [...Object.values(CANARIES), signingKey])
      expect(bytes.includes(canary), `${canary} in ${name}`).toBe(false);
});

test('it is verified elsewhere, without the gate and its data', async () => {
  const elsewhere = join(folder, 'elsewhere.zip');
  copyFileSync(archive, elsewhere);
  const { code, out } = await printed((output) => incidentVerify(elsewhere, output));
  expect(out).toContain('are what the manifest says');
  expect(out).toMatch(/ledger: Whole: \d+ records are exactly those that were signed/);
  expect(code).toBe(0);
});

/** The archive once more, with something changed by somebody who can. */
async function tampered(name: string, change: (files: Map<string, Buffer>) => void) {
  const files = await filesOf(archive);
  change(files);
  const directory = join(folder, name);
  for (const [path, bytes] of files) {
    mkdirSync(join(directory, path, '..'), { recursive: true });
    writeFileSync(join(directory, path), bytes);
  }
  const paths = [...files].map(([path, bytes]) => ({ path, bytes: bytes.length }));
  await packFiles(directory, paths, `${directory}.zip`, new Date(NOW));
  return printed((output) => incidentVerify(`${directory}.zip`, output));
}
const edited = (bytes: Buffer | undefined) =>
  Buffer.from((bytes?.toString('utf8') ?? '').replace('signed-dev', 'signed-prd'));

test.each([
  [
    'changed',
    (files: Map<string, Buffer>) => files.set('versions.json', Buffer.from('{}')),
    /versions\.json is not what/,
  ],
  ['taken out', (files: Map<string, Buffer>) => files.delete('logs/1-gate.log'), /gate\.log is missing/],
  [
    'put in',
    (files: Map<string, Buffer>) => files.set('logs/9-gate.log', Buffer.from('x')),
    /9-gate\.log is not in the manifest/,
  ],
])('a file that was %s is found', async (how, change, told) => {
  const { code, out } = await tampered(how.replace(' ', '-'), change);
  expect(code).toBe(1);
  expect(out).toMatch(told);
});

test('a record that was changed, with a manifest made to fit, is found by what was signed', async () => {
  const { code, out } = await tampered('refitted', (files) => {
    const trail = edited(files.get('ledger/trail.jsonl'));
    const manifest = JSON.parse(files.get('manifest.json')?.toString('utf8') ?? '') as IncidentManifest;
    for (const file of manifest.files)
      if (file.path === 'ledger/trail.jsonl')
        Object.assign(file, { sha256: createHash('sha256').update(trail).digest('hex'), bytes: trail.length });
    files.set('ledger/trail.jsonl', trail).set('manifest.json', Buffer.from(JSON.stringify(manifest)));
  });
  expect(out).toContain('are what the manifest says');
  expect(out).toContain('ledger: BROKEN');
  expect(code).toBe(1);
});

test('an archive is not written over, and what is no archive is not verified', async () => {
  const options = { output: archive, data, awsPort: '4566' };
  const again = await printed((output) => incident(options, output, { root: project.root, env, now: NOW }));
  expect(again).toMatchObject({ code: 2, err: expect.stringContaining('is there already') });
  writeFileSync(join(folder, 'other.zip'), 'no archive');
  expect((await printed((output) => incidentVerify(join(folder, 'other.zip'), output))).code).toBe(2);
});
