import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keyGenerate, keyRotate } from '../../cli/key.ts';
import { readKeyFile, writeKeyFile } from '../../local/key-file.ts';
import { parseEncryptionKeys } from '../../shared/model/encryption-key.ts';
import { printed } from './portcullis.ts';

const NOW = '2026-11-21T09:00:00.000Z';
let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-key-'));
  path = join(folder, 'portcullis.key');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const generate = (options: { output?: string } = { output: path }) => printed((out) => keyGenerate(options, out, NOW));
const rotate = () => printed((out) => keyRotate(path, out, '2027-02-01T00:00:00.000Z'));

describe('key generate', () => {
  test('writes a key that only its owner can read, and shows its id and nothing else of it', async () => {
    const { code, out, err } = await generate();
    expect({ code, out }).toEqual({ code: 0, out: '' });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const [key] = readKeyFile(path);
    expect(key).toMatchObject({ createdAt: '2026-11-21', bytes: expect.objectContaining({ length: 32 }) });
    expect(err).toContain(key.id);
    expect(err).not.toContain(key.bytes.toString('base64'));
  });

  test('gives the key alone to whoever reads the output, but not to a screen', async () => {
    const { code, out } = await generate({});
    expect(code).toBe(0);
    expect(parseEncryptionKeys(out, 'output')).toHaveLength(1);
    const screen = await printed((output) => keyGenerate({}, { ...output, terminal: true }));
    expect(screen).toMatchObject({ code: 64, out: '' });
  });

  test('does not write over a file', async () => {
    await generate();
    const before = readFileSync(path);
    const { code, err } = await generate();
    expect(code).toBe(2);
    expect(err).toContain('key rotate');
    expect(readFileSync(path)).toEqual(before);
  });
});

describe('key rotate', () => {
  test('puts a new key first and keeps the others in their order', async () => {
    await generate();
    const [first] = readKeyFile(path);
    await rotate();
    const [second] = readKeyFile(path);
    const { code, err } = await rotate();
    const keys = readKeyFile(path);
    expect(code).toBe(0);
    expect(keys).toHaveLength(3);
    expect(keys.slice(1)).toEqual([second, first]);
    expect(keys.map(({ createdAt }) => createdAt)).toEqual(['2027-02-01', '2027-02-01', '2026-11-21']);
    expect(err).toContain(`Kept, to read what they encrypted: ${second.id}, ${first.id}`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test.each([
    ['that is not there', () => rmSync(path), /there is no file/],
    ['that others can read', () => chmodSync(path, 0o640), /has mode 640; chmod 600/],
    ['that is a link', () => linked(), /is no regular file/],
    [
      'that was damaged',
      () => writeFileSync(path, readFileSync(path, 'utf8').replace(/ \S{44}\n/, ` ${'A'.repeat(43)}=\n`)),
      /is no random key/,
    ],
  ])('refuses a file %s, and changes nothing', async (_what, spoil, told) => {
    await generate();
    spoil();
    const { code, err } = await rotate();
    expect(code).toBe(2);
    expect(err).toMatch(told);
  });
  function linked(): void {
    writeKeyFile(join(folder, 'other'), readKeyFile(path), { fresh: true });
    rmSync(path);
    symlinkSync(join(folder, 'other'), path);
  }
});
