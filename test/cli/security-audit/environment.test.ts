import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkEnvironment } from '../../../cli/security-audit/environment.ts';
import type { Audited } from '../../../cli/security-audit/weakness.ts';
import { certificate } from '../../certificates.ts';
import { NOW, STRONG_TOKEN } from '../../small-project.ts';

const key = randomBytes(32).toString('base64');
const weaknesses = async (env: NodeJS.ProcessEnv) =>
  (await checkEnvironment({ now: NOW, env: { PORTCULLIS_ACCESS_TOKEN: STRONG_TOKEN, ...env } } as unknown as Audited))
    .weaknesses;

test.each([
  ['a key that nobody uses', { PORTCULLIS_ENCRYPTION_KEY: key }, 'does not say what for', 'key generate'],
  ['encryption without a key', { PORTCULLIS_ENCRYPTION_AT_REST: 'true' }, 'there is no key', 'key generate'],
  [
    'a key that can be guessed',
    { PORTCULLIS_ENCRYPTION_AT_REST: 'true', PORTCULLIS_ENCRYPTION_KEY: Buffer.alloc(32).toString('base64') },
    'is no random key',
    'key generate',
  ],
  ['encryption that is switched off', { PORTCULLIS_ENCRYPTION_AT_REST: 'false' }, 'switched off', 'Set it to true'],
])('%s is a weakness, with what to do', async (_what, env, why, todo) => {
  const found = await weaknesses(env);
  expect(found).toHaveLength(1);
  expect(found[0]?.why).toContain(why);
  expect(found[0]?.todo).toContain(todo);
  expect(JSON.stringify(found)).not.toContain(key);
});

test('encryption with a key of chance is none, nor is a gate that says nothing of it', async () => {
  expect(await weaknesses({ PORTCULLIS_ENCRYPTION_AT_REST: 'true', PORTCULLIS_ENCRYPTION_KEY: key })).toEqual([]);
  expect(await weaknesses({})).toEqual([]);
});

test.each([
  ['ends within 14 days', new Date(Date.parse(NOW) + 13.5 * 86_400_000), 'in 13 days'],
  ['has ended', new Date('2021-01-01T00:00:00Z'), 'has expired on 2021-01-01'],
  ['is good for longer', new Date(Date.parse(NOW) + 14.5 * 86_400_000), undefined],
])('a certificate of the console that %s is held to its end', async (_what, to, why) => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-audit-'));
  const path = join(folder, 'cert.pem');
  // No parts of a second in a certificate.
  writeFileSync(path, certificate({ to: `${to.toISOString().slice(0, 19)}Z` }).cert);
  const found = await weaknesses({ PORTCULLIS_TLS_CERT_FILE: path });
  rmSync(folder, { recursive: true });
  expect(found.map(({ where }) => where)).toEqual(why === undefined ? [] : ['PORTCULLIS_TLS_CERT_FILE']);
  expect(found[0]?.why ?? '').toContain(why ?? '');
  expect(found[0]?.todo ?? 'without a restart').toContain('without a restart');
});
