import { closeSync, fsyncSync, lstatSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readSecretFile } from '../shared/aws/secret-file.ts';
import {
  type EncryptionKey,
  formatEncryptionKeys,
  MalformedKeyError,
  parseEncryptionKeys,
} from '../shared/model/encryption-key.ts';

/**
 * The keys in a file (format: shared/model/encryption-key.ts), the active one first. The file must be a regular one of
 * its owner that nobody else can read. Throws MalformedKeyError, which says what to do and never what is in the file.
 */
export function readKeyFile(path: string): [EncryptionKey, ...EncryptionKey[]] {
  let text: string;
  try {
    text = readSecretFile(path);
  } catch (error) {
    throw new MalformedKeyError((error as Error).message);
  }
  return parseEncryptionKeys(text, path);
}

/**
 * Writes keys to a file with mode 600: beside it first, and into its place at once, so that a crash leaves the old keys
 * or the new ones. With `fresh` a file that is there already is an error (EEXIST): what it opens would be lost.
 */
export function writeKeyFile(path: string, keys: readonly EncryptionKey[], { fresh }: { fresh: boolean }): void {
  if (fresh && lstatSync(path, { throwIfNoEntry: false }))
    throw Object.assign(new Error(`${path} is there already`), { code: 'EEXIST' });
  const beside = join(dirname(path), `.${basename(path)}.${process.pid}`);
  const file = openSync(beside, 'wx', 0o600);
  try {
    writeSync(file, formatEncryptionKeys(keys));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  try {
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}
