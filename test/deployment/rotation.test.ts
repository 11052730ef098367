import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { servingFrom } from '../../local/serving.ts';
import { readSecrets } from '../../shared/aws/secrets.ts';
import { shownToken } from '../../shared/model/bearer-token.ts';
import { NOW } from '../builders.ts';
import { certificate } from '../certificates.ts';
import { root } from '../cli/portcullis.ts';
import { blocksOf } from '../documented-commands.ts';
import { services } from '../fake-aws.ts';

// The runbook, typed as it stands, in a directory with a token of its own.
const folder = mkdtempSync(join(tmpdir(), 'portcullis-rotation-'));
afterAll(() => rmSync(folder, { recursive: true }));
const runbook = readFileSync(join(root, 'deployment/runbooks/key_rotation.md'), 'utf8');
const stepsOf = (title: string, file: string) =>
  blocksOf(runbook.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? '', 'sh').filter((block) =>
    block.includes(`deployment/secrets/${file}`),
  );
const steps = stepsOf('Access token', 'access-token');
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

describe.skipIf(!hasOpenssl)('the access token is rotated as the runbook says (needs openssl)', () => {
  test('with a time in which both are taken, and an end', async () => {
    const path = join(folder, 'deployment/secrets/access-token');
    mkdirSync(join(folder, 'deployment/secrets'), { recursive: true, mode: 0o700 });
    const old = 'the-old-access-token-with-more-than-32-letters';
    writeFileSync(path, `${old}\n`, { mode: 0o600 });
    vi.stubEnv('PORTCULLIS_ACCESS_TOKEN', undefined);
    vi.stubEnv('PORTCULLIS_ACCESS_TOKEN_FILE', path);
    const { ino } = statSync(path);
    const shown = async (token: string) => shownToken(`Bearer ${token}`, (await readSecrets(services())).accessToken);
    const type = (step = '') => {
      expect(spawnSync('sh', ['-eu', '-c', step], { cwd: folder, encoding: 'utf8' })).toMatchObject({
        status: 0,
        stderr: '',
      });
      // A container has the file that it was given.
      expect([statSync(path).ino, statSync(path).mode & 0o777]).toEqual([ino, 0o600]);
    };

    expect(steps).toHaveLength(2);
    expect(await shown(old)).toBe('active');
    type(steps[0]);
    const [fresh = ''] = readFileSync(path, 'utf8').split(',');
    expect([await shown(fresh), await shown(old)]).toEqual(['active', 'previous']);
    type(steps[1]);
    expect([await shown(fresh), await shown(old)]).toEqual(['active', undefined]);
    vi.unstubAllEnvs();
  });
});

describe.skipIf(!hasOpenssl)('the certificate is renewed as the runbook says (needs openssl)', () => {
  test('in the files that a container was given, with the old pair beside them until the new one answers', () => {
    const [secrets, fresh] = [join(folder, 'tls/deployment/secrets'), join(folder, 'new')];
    const [cert, key] = [join(secrets, 'tls-cert.pem'), join(secrets, 'tls-key.pem')];
    const [old, next] = [certificate(), certificate()];
    for (const [directory, pair, prefix] of [
      [secrets, old, 'tls-'],
      [fresh, next, ''],
    ] as const) {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      writeFileSync(join(directory, `${prefix}cert.pem`), pair.cert, { mode: 0o600 });
      writeFileSync(join(directory, `${prefix}key.pem`), pair.key, { mode: 0o600 });
    }
    const env = { PORTCULLIS_TLS_CERT_FILE: cert, PORTCULLIS_TLS_KEY_FILE: key };
    const served = servingFrom(env, '127.0.0.1', NOW, [])?.tls;
    const before = [cert, key].map((path) => statSync(path).ino);
    const type = (step = '') =>
      spawnSync('sh', ['-eu', '-c', step.replace(/^docker .*$/m, '')], {
        cwd: join(folder, 'tls'),
        env: { ...process.env, NEW: fresh },
        encoding: 'utf8',
      });

    const [renew, clean, ...more] = stepsOf('Certificate', 'tls-cert');
    expect(more).toEqual([]);
    expect(renew).toContain('--signal SIGHUP gate');
    expect(type(renew)).toMatchObject({ status: 0, stderr: '' });
    expect(served?.again(NOW)).toMatchObject({ pair: { cert: next.cert, key: next.key.trim() } });
    expect([cert, key].map((path) => statSync(path).ino)).toEqual(before);
    expect([key, `${key.slice(0, -4)}.old.pem`].map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o600]);
    expect(readFileSync(`${cert.slice(0, -4)}.old.pem`, 'utf8')).toBe(old.cert);
    expect(type(clean?.trimEnd().split('\n').at(-1))).toMatchObject({ status: 0, stderr: '' });
    expect(readdirSync(secrets).sort()).toEqual(['tls-cert.pem', 'tls-key.pem']);
  });
});
