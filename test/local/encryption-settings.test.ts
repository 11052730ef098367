import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { encryptionFrom, problemsWithEncryption } from '../../local/encryption-settings.ts';
import { encryptionKeyId } from '../../shared/model/encryption-key.ts';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-settings-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const bytes = randomBytes(32);
const key = bytes.toString('base64');
const file = join(folder, 'portcullis.key');
writeFileSync(file, `${key}\n`, { mode: 0o600 });
const open = join(folder, 'open.key');
writeFileSync(open, `${key}\n`);
chmodSync(open, 0o644);

const variables = (toggle?: string, given?: string, path?: string) => ({
  ...(toggle !== undefined && { PORTCULLIS_ENCRYPTION_AT_REST: toggle }),
  ...(given !== undefined && { PORTCULLIS_ENCRYPTION_KEY: given }),
  ...(path !== undefined && { PORTCULLIS_ENCRYPTION_KEY_FILE: path }),
});

describe('whether the store is encrypted, and with what', () => {
  test.each([
    ['nothing is said', variables(), undefined],
    ['it is switched off', variables('false'), undefined],
    ['it is switched off, whatever key there is', variables('false', key), undefined],
    ['it is on, with a key', variables('true', key), 'PORTCULLIS_ENCRYPTION_KEY'],
    ['it is on, with a key file', variables('true', undefined, file), `PORTCULLIS_ENCRYPTION_KEY_FILE (${file})`],
  ])('%s', (_what, env, from) => {
    expect(encryptionFrom(env)?.from).toBe(from);
    expect(encryptionFrom(env)?.keys[0].id).toBe(from && encryptionKeyId(bytes));
    expect(problemsWithEncryption(env)).toEqual([]);
  });

  test.each([
    ['it is on without a key', variables('true'), /ENCRYPTION_AT_REST is true, and there is no key.*key generate/],
    ['it is on with an empty key', variables('true', ''), /ENCRYPTION_AT_REST is true, and there is no key/],
    ['there is a key, and nothing says what for', variables(undefined, key), /ENCRYPTION_KEY gives a key, and .*true/],
    ['there is a key file, and nothing says what for', variables(undefined, undefined, file), /does not say what for/],
    ['there are both', variables('true', key, file), /are both set: take one away/],
    ['the key is short', variables('true', key.slice(4)), /ENCRYPTION_KEY, key 1: must be exactly 32 bytes/],
    ['the key is a password', variables('true', 'swordfish'), /must be exactly 32 bytes/],
    ['the file is not there', variables('true', undefined, join(folder, 'none')), /there is no file/],
    ['others may read the file', variables('true', undefined, open), /has mode 644; chmod 600/],
    ['the file is none', variables('true', undefined, folder), /is no regular file/],
    ['the file has no key', variables('true', undefined, '/dev/null'), /no regular file/],
  ])('is refused where %s', (_what, env, told) => {
    expect(() => encryptionFrom(env)).toThrow(told);
    const problems = problemsWithEncryption(env);
    expect(problems).toEqual([expect.stringMatching(told)]);
    for (const secret of [key, key.slice(4), 'swordfish']) expect(problems.join()).not.toContain(secret);
  });

  test('is refused where it is neither, which is told of with the other variables', () => {
    expect(() => encryptionFrom(variables('yes', key))).toThrow(/must be true or false/);
    expect(problemsWithEncryption(variables('yes', key))).toEqual([]);
  });
});
