import { randomBytes } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ClassicLevel } from 'classic-level';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openLevel } from '../../local/aws/sealed-level.ts';
import { openStore } from '../../local/aws/store.ts';
import { openCheckpointWriter } from '../../local/checkpoint-writer.ts';
import type { EncryptionKeys, EncryptionSettings } from '../../local/encryption-settings.ts';
import { resealDirectory } from '../../local/reseal-directory.ts';
import { CHECKPOINT_KEY, cipherOf, cipherWith, claimEncryption, keyIdOf } from '../../local/sealed-directory.ts';
import { encryptionKeyId } from '../../shared/model/encryption-key.ts';
import { type RowCipher, sealedWith } from '../../shared/model/row-cipher.ts';

const key = () => {
  const bytes = randomBytes(32);
  return { id: encryptionKeyId(bytes), bytes };
};
const [first, second, third] = [key(), key(), key()];
const settings = (...keys: EncryptionKeys): EncryptionSettings => ({ keys, from: 'PORTCULLIS_ENCRYPTION_KEY' });
const environment = (...keys: EncryptionKeys) => ({
  PORTCULLIS_ENCRYPTION_KEY: keys.map(({ bytes }) => bytes.toString('base64')).join(','),
});

let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'portcullis-directory-'));
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

const hex = (text: string) => Buffer.from(text).toString('hex');
/** Of records, whose sort keys stay as they are, and with names that somebody chose. */
const ROWS = Array.from({ length: 40 }, (_, index) => [
  `item-trail~0a1b2c/${(index + 16).toString(16)}/${hex(index % 2 === 0 ? `00000000${index % 10}#ab` : `canary-${index}`)}/`,
  { n: index },
]);

/** Everything that a gate keeps in rows, and the key that it signs with. */
async function fill(cipher: RowCipher | undefined) {
  for (const name of ['aws.sqlite', 'executions.sqlite']) {
    const store = openStore(join(data, name), ['outbox'], cipher);
    store.put('endpoint', 'canary-name', { tag: 'canary-tag' });
    store.put('outbox', 'canary-mail', { text: 'canary-text' });
    store.close();
  }
  const level = openLevel(join(data, 'dynamodb'), cipher);
  await level.batch(ROWS.map(([name, value]) => ({ type: 'put' as const, key: String(name), value })));
  await level.close();
  return writer(cipher).covered();
}
const writer = (cipher: RowCipher | undefined) =>
  openCheckpointWriter({
    directory: join(data, 'checkpoints'),
    keyFile: join(data, CHECKPOINT_KEY),
    cipher,
    now: () => '2026-11-21T09:00:00.000Z',
  });

/** The same as `fill` put in, read back. */
async function read(cipher: RowCipher | undefined) {
  const stores = ['aws.sqlite', 'executions.sqlite'].map((name) => {
    const store = openStore(join(data, name), ['outbox'], cipher);
    const found = [store.get('endpoint', 'canary-name'), store.list('outbox')];
    store.close();
    return found;
  });
  const level = openLevel(join(data, 'dynamodb'), cipher);
  const values = await Promise.all(ROWS.map(([name]) => level.get(String(name))));
  await level.close();
  writer(cipher);
  return { stores, values };
}
const WHOLE = {
  stores: Array(2).fill([{ tag: 'canary-tag' }, [{ text: 'canary-text' }]]),
  values: ROWS.map(([, value]) => value),
};

/** Ids of the keys that rows are sealed with, as they lie on the disk. */
async function sealedBy(): Promise<(string | undefined)[]> {
  const envelopes = ['aws.sqlite', 'executions.sqlite'].flatMap((name): Uint8Array[] => {
    const database = new DatabaseSync(join(data, name));
    const rows = database.prepare('SELECT value FROM rows').all();
    database.close();
    return rows.map(({ value }) => value as Uint8Array);
  });
  const level = new ClassicLevel<string, Buffer>(join(data, 'dynamodb'), { valueEncoding: 'buffer' });
  envelopes.push(...(await level.values().all()), readFileSync(join(data, CHECKPOINT_KEY)));
  await level.close();
  return [...new Set(envelopes.map(sealedWith))];
}
const inFiles = (text: string) =>
  readdirSync(data, { recursive: true, withFileTypes: true }).some(
    (entry) => entry.isFile() && readFileSync(join(entry.parentPath, entry.name)).includes(text),
  );

describe('a directory and what is wanted of it', () => {
  test('a new one is marked before anything is in it', () => {
    expect(claimEncryption(data, settings(first))).toEqual({ keys: [first], stale: false });
    expect(readdirSync(data)).toEqual(['encryption.json']);
    expect(keyIdOf(data)).toBe(first.id);
    expect(readFileSync(join(data, 'encryption.json'), 'utf8')).not.toContain(first.bytes.toString('base64'));
    expect(claimEncryption(data, settings(first))).toEqual({ keys: [first], stale: false });
  });

  test('one in plain text stays so where nothing is wanted', async () => {
    await fill(undefined);
    expect(claimEncryption(data, undefined)).toEqual({ stale: false });
    expect(cipherOf(data, {})).toBeUndefined();
  });

  test.each(['aws.sqlite', 'executions.sqlite', 'dynamodb'])('one with a plain %s is not made a mixture', (name) => {
    writeFileSync(join(data, name), '');
    expect(() => claimEncryption(data, settings(first))).toThrow(
      /holds a store in plain text.*portcullis backup.*restore/,
    );
    expect(existsSync(join(data, 'encryption.json'))).toBe(false);
  });

  test('one that is encrypted does not open without its key, which is named with the one that was given', () => {
    claimEncryption(data, settings(first));
    expect(() => claimEncryption(data, undefined)).toThrow(
      new RegExp(
        `encrypted with key ${first.id}, and encryption is switched off: set PORTCULLIS_ENCRYPTION_AT_REST=true`,
      ),
    );
    const wrong = new RegExp(`encrypted with key ${first.id}, and PORTCULLIS_ENCRYPTION_KEY gives ${second.id}`);
    expect(() => claimEncryption(data, settings(second))).toThrow(wrong);
    expect(() => cipherOf(data, environment(second))).toThrow(wrong);
    expect(() => cipherOf(data, {})).toThrow(new RegExp(`encrypted with key ${first.id}, and no key is given`));
    expect(cipherOf(data, environment(first))?.id).toBe(first.id);
  });

  test.each([
    ['is no JSON', () => 'x'],
    ['is empty', () => ''],
    ['names another key', (text: string) => text.replace(first.id, second.id)],
    ['has the proof of nobody', (text: string) => text.replace(/"proof":"[^"]{4}/, '"proof":"AAAA')],
    ['has a changed proof', (text: string) => text.replace(/.{6}"\}/, 'AAAAAA"}')],
  ])('one whose mark %s does not open', (_what, change) => {
    claimEncryption(data, settings(first));
    const path = join(data, 'encryption.json');
    writeFileSync(path, change(readFileSync(path, 'utf8')));
    expect(() => claimEncryption(data, settings(first, second))).toThrow(/encryption.json|was changed/);
    expect(() => claimEncryption(data, undefined)).toThrow(/encryption.json|encrypted with key/);
  });
});

test('no nonce is used twice', () => {
  const cipher = cipherWith([first]);
  const nonces = Array.from({ length: 2_000 }, () => cipher.seal(['a'], '').toString('hex', 8, 20));
  expect(new Set(nonces).size).toBe(2_000);
});

describe('after a rotation', () => {
  test('everything is encrypted anew with the new key, which then opens it alone', async () => {
    claimEncryption(data, settings(first));
    await fill(cipherWith([first]));
    expect(await sealedBy()).toEqual([first.id]);
    const claimed = claimEncryption(data, settings(second, first));
    expect(claimed).toEqual({ keys: [second, first], stale: true });
    expect(await resealDirectory(data, [second, first], { plain: false })).toBe(ROWS.length + 4);
    expect(keyIdOf(data)).toBe(second.id);
    expect(await sealedBy()).toEqual([second.id]);
    expect(await read(cipherWith([second]))).toEqual(WHOLE);
    expect(claimEncryption(data, settings(second)).stale).toBe(false);
  });

  test('what the old key encrypted is in no file any more', async () => {
    claimEncryption(data, settings(first));
    await fill(cipherWith([first]));
    const mark = Buffer.concat([Buffer.from([0xe1, 0x01]), Buffer.from(first.id, 'hex')]);
    const left = () =>
      readdirSync(data, { recursive: true, withFileTypes: true }).flatMap((entry) =>
        entry.isFile() && readFileSync(join(entry.parentPath, entry.name)).includes(mark) ? [entry.name] : [],
      );
    expect(left().length).toBeGreaterThan(3);
    await resealDirectory(data, [second, first], { plain: false });
    expect(left()).toEqual([]);
  });

  test('one that was stopped half way goes on where it was, and both keys open it meanwhile', async () => {
    claimEncryption(data, settings(first));
    await fill(cipherWith([first]));
    const half = join(data, 'half');
    mkdirSync(half);
    copyFileSync(join(data, 'executions.sqlite'), join(half, 'executions.sqlite'));
    copyFileSync(join(data, 'encryption.json'), join(half, 'encryption.json'));
    await resealDirectory(data, [second, first], { plain: false });
    // As if it had been killed before the second store: the mark is written last.
    for (const name of readdirSync(half)) copyFileSync(join(half, name), join(data, name));
    rmSync(half, { recursive: true });
    expect((await sealedBy()).sort()).toEqual([first.id, second.id].sort());
    expect(() => claimEncryption(data, settings(second))).toThrow(new RegExp(`encrypted with key ${first.id}`));
    expect(claimEncryption(data, settings(second, first)).stale).toBe(true);
    expect(await resealDirectory(data, [second, first], { plain: false })).toBe(2);
    expect(await read(cipherWith([second]))).toEqual(WHOLE);
  });

  test('stops at what does not open, and leaves the mark', async () => {
    claimEncryption(data, settings(first));
    await fill(cipherWith([third]));
    await expect(resealDirectory(data, [second, first], { plain: false })).rejects.toThrow(
      `encrypted with key ${third.id}`,
    );
    expect(keyIdOf(data)).toBe(first.id);
  });
});

test('a directory in plain text is encrypted as a whole where that is asked for, and only there', async () => {
  await fill(undefined);
  expect(inFiles('canary')).toBe(true);
  await expect(resealDirectory(data, [first], { plain: false })).rejects.toThrow(/is not encrypted/);
  expect(await resealDirectory(data, [first], { plain: true })).toBe(ROWS.length + 4);
  expect(await sealedBy()).toEqual([first.id]);
  expect(inFiles('canary')).toBe(false);
  expect(inFiles('PRIVATE KEY')).toBe(false);
  expect(await read(cipherWith([first]))).toEqual(WHOLE);
});
