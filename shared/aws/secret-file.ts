import { lstatSync, readFileSync } from 'node:fs';

/**
 * The secret in a file: without the end of its line. Throws what is wrong with the file, and never what is in it: it must be a
 * regular file of whoever runs the gate, which nobody else can read.
 */
export function readSecretFile(path: string): string {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) throw new Error(`there is no file ${path}`);
  if (!found.isFile()) throw new Error(`${path} is no regular file, so somebody else may decide what is in it`);
  if (process.getuid && found.uid !== process.getuid())
    throw new Error(`${path} belongs to somebody else; chown it to whoever runs the gate`);
  if ((found.mode & 0o077) !== 0)
    throw new Error(`${path} has mode ${(found.mode & 0o777).toString(8)}; chmod 600 ${path}`);
  return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
}
