import { closeSync, fsyncSync, lstatSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
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
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) throw new MalformedKeyError(`${path}: there is no such file (portcullis key generate --output ${path})`);
  if (!found.isFile()) throw new MalformedKeyError(`${path}: is no regular file, so somebody else may decide the key`);
  if (process.getuid && found.uid !== process.getuid())
    throw new MalformedKeyError(`${path}: belongs to somebody else; chown it to whoever runs the gate`);
  if ((found.mode & 0o077) !== 0)
    throw new MalformedKeyError(`${path}: has mode ${(found.mode & 0o777).toString(8)}; chmod 600 ${path}`);
  return parseEncryptionKeys(readFileSync(path, 'utf8'), path);
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
