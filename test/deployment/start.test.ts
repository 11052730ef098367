import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { root } from '../cli/portcullis.ts';

// deployment/start.sh in a directory of its own, with a docker that only writes down how it was called. Where the tests run
// as root, it is really run by somebody else.
const asRoot = process.getuid?.() === 0;
const uid = asRoot ? 65_534 : (process.getuid?.() ?? 0);
let folder = '';
const at = (name: string) => join(folder, name);
const give = (path: string) => asRoot && chownSync(path, uid, uid);

function secret(name: string, text = 'any', mode = 0o600): void {
  writeFileSync(at(`secrets/${name}`), text);
  chmodSync(at(`secrets/${name}`), mode);
  give(at(`secrets/${name}`));
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-start-'));
  give(folder);
  for (const name of ['secrets', 'bin']) {
    mkdirSync(at(name), { mode: 0o700 });
    give(at(name));
  }
  copyFileSync(join(root, 'deployment/start.sh'), at('start.sh'));
  chmodSync(at('start.sh'), 0o755);
  writeFileSync(at('bin/docker'), '#!/bin/sh\necho "$UID:$GID $*" > called\n', { mode: 0o755 });
  give(at('bin/docker'));
  for (const name of ['access-token', 'grafana-password', 'encryption-key', 'aws-credentials']) secret(name);
});
afterEach(() => rmSync(folder, { recursive: true }));

const start = (args: string[] = [], as: number = uid) =>
  spawnSync('sh', [at('start.sh'), ...args], {
    encoding: 'utf8',
    cwd: folder,
    env: { PATH: `${at('bin')}:${process.env.PATH}` },
    ...(asRoot && { uid: as, gid: as }),
  });
const called = () => (existsSync(at('called')) ? readFileSync(at('called'), 'utf8') : 'nothing');

describe('deployment/start.sh', () => {
  test('starts both compose files as the caller, and waits until they are healthy', () => {
    expect(start()).toMatchObject({ status: 0, stderr: '' });
    expect(called()).toMatch(
      new RegExp(
        `^${uid}:\\d+ compose -f docker-compose.yml -f docker-compose.monitoring.yml up -d --build --wait\\n$`,
      ),
    );
    expect(statSync(at('data/gate')).mode & 0o777).toBe(0o700);
  });

  test.runIf(asRoot)('refuses root, with the reason and the way out, before it looks at anything', () => {
    const { status, stderr } = start([], 0);
    expect(status).toBe(77);
    expect(stderr).toContain('not as root');
    expect(stderr).toContain('ordinary user');
    expect(called()).toBe('nothing');
  });

  test.each([
    ['is not there', () => rmSync(at('secrets/access-token')), 'secrets/access-token is not there'],
    ['others can read', () => secret('access-token', 'any', 0o640), 'chmod 600 deployment/secrets/access-token'],
    ['others can write', () => secret('access-token', 'any', 0o602), 'chmod 600 deployment/secrets/access-token'],
    ['is empty', () => secret('access-token', ''), 'secrets/access-token is empty'],
    [
      'is a link',
      () => {
        rmSync(at('secrets/access-token'));
        symlinkSync(at('secrets/grafana-password'), at('secrets/access-token'));
      },
      'is no regular file',
    ],
    [
      'is an environment file that others can read',
      () => {
        writeFileSync(at('.env'), 'A=b');
        chmodSync(at('.env'), 0o644);
        give(at('.env'));
      },
      'chmod 600 deployment/.env',
    ],
  ])('starts nothing where a file %s, and says what to do', (_what, arrange, said) => {
    arrange();
    const { status, stderr } = start();
    expect(status).toBe(78);
    expect(stderr).toContain(said);
    expect(called()).toBe('nothing');
  });

  test.runIf(asRoot)('starts nothing where a file belongs to somebody else', () => {
    chownSync(at('secrets/access-token'), 0, 0);
    expect(start()).toMatchObject({ status: 78 });
    expect(called()).toBe('nothing');
  });

  test('--tls needs a certificate and its key, and takes their file last', () => {
    expect(start(['--tls'])).toMatchObject({
      status: 78,
      stderr: expect.stringContaining('secrets/tls-key.pem is not'),
    });
    secret('tls-cert.pem');
    secret('tls-key.pem', 'any', 0o640);
    expect(start(['--tls'])).toMatchObject({ status: 78, stderr: expect.stringContaining('secrets/tls-key.pem must') });
    expect(called()).toBe('nothing');
    secret('tls-key.pem');
    expect(start(['--tls'])).toMatchObject({ status: 0, stderr: '' });
    expect(called()).toContain('-f docker-compose.monitoring.yml -f docker-compose.tls.yml up');
  });

  test('--local needs no credentials, and takes the file of a trial last', () => {
    rmSync(at('secrets/aws-credentials'));
    expect(start(['--local'])).toMatchObject({ status: 0 });
    expect(called()).toContain('-f docker-compose.monitoring.yml -f docker-compose.local.yml up');
  });
});
