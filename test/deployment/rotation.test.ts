import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { readSecrets } from '../../shared/aws/secrets.ts';
import { shownToken } from '../../shared/model/bearer-token.ts';
import { root } from '../cli/portcullis.ts';
import { blocksOf } from '../documented-commands.ts';
import { services } from '../fake-aws.ts';

// The runbook, typed as it stands, in a directory with a token of its own.
const folder = mkdtempSync(join(tmpdir(), 'portcullis-rotation-'));
afterAll(() => rmSync(folder, { recursive: true }));
const runbook = readFileSync(join(root, 'deployment/runbooks/key_rotation.md'), 'utf8');
const section = runbook.split('\n## Access token\n')[1]?.split('\n## ')[0] ?? '';
const steps = blocksOf(section, 'sh').filter((block) => block.includes('deployment/secrets/access-token'));
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
