import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { checkEnvironment } from '../../../cli/security-audit/environment.ts';
import type { Audited } from '../../../cli/security-audit/weakness.ts';
import { STRONG_TOKEN } from '../../small-project.ts';

const key = randomBytes(32).toString('base64');
const weaknesses = async (env: NodeJS.ProcessEnv) =>
  (await checkEnvironment({ env: { PORTCULLIS_ACCESS_TOKEN: STRONG_TOKEN, ...env } } as unknown as Audited)).weaknesses;

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
