import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { configure, ZipWriter } from '@zip.js/zip.js';

// Compression is done by zlib in threads of its own anyway.
configure({ useWebWorkers: false });

const CHUNK = 1 << 18;
/** Owner may read and write; nobody else anything. The upper half of the attributes is the Unix mode. */
const PRIVATE = (0o100600 << 16) >>> 0;

/**
 * Packs files of a directory (or those that `from` names) into one ZIP archive (mode 600), one after the other, whatever
 * their sizes. The archive must not be there yet. Throws what the file system says.
 */
export async function packFiles(
  directory: string,
  paths: readonly { path: string; bytes: number; from?: string | undefined }[],
  archive: string,
  at: Date,
): Promise<void> {
  const file = createWriteStream(archive, { mode: 0o600, flags: 'wx' });
  await once(file, 'open');
  const zip = new ZipWriter(Writable.toWeb(file), { level: 6 });
  for (const { path, bytes, from } of paths) {
    const readable = Readable.toWeb(
      createReadStream(from ?? join(directory, path), { highWaterMark: CHUNK }),
    ) as ReadableStream;
    const reader = { readable, size: bytes };
    await zip.add(path, reader, { lastModDate: at, versionMadeBy: 0x314, externalFileAttributes: PRIVATE });
  }
  await zip.close();
}
