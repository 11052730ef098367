import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { BundleFile } from '../../shared/model/bundle-manifest.ts';

const BUFFER = 1 << 18;

/** A file of the bundle while it is written: it counts and hashes what goes in. */
export type Spooled = { write: (text: string) => void; close: () => BundleFile };

/** Writes files below a directory that only its owner can read, as many at once as are open. */
export function spoolIn(directory: string) {
  const files: BundleFile[] = [];
  const open = (path: string, what: string): Spooled => {
    const place = join(directory, path);
    mkdirSync(dirname(place), { recursive: true, mode: 0o700 });
    const file = openSync(place, 'wx', 0o600);
    const hash = createHash('sha256');
    let [pending, length, bytes]: [string[], number, number] = [[], 0, 0];
    const flush = () => {
      const chunk = Buffer.from(pending.join(''), 'utf8');
      [pending, length] = [[], 0];
      hash.update(chunk);
      bytes += chunk.length;
      for (let done = 0; done < chunk.length; ) done += writeSync(file, chunk, done);
    };
    return {
      write: (text) => {
        pending.push(text);
        length += text.length;
        if (length >= BUFFER) flush();
      },
      close: () => {
        flush();
        closeSync(file);
        const written = { path, sha256: hash.digest('hex'), bytes, what };
        files.push(written);
        return written;
      },
    };
  };
  return {
    open,
    /** A small file at once. */
    put: (path: string, what: string, text: string): BundleFile => {
      const file = open(path, what);
      file.write(text);
      return file.close();
    },
    /** What is closed so far, by path. */
    files: (): BundleFile[] => files.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)),
  };
}
export type Spool = ReturnType<typeof spoolIn>;
