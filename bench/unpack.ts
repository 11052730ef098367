import { openAsBlob } from 'node:fs';
import { BlobReader, configure, Uint8ArrayWriter, ZipReader } from '@zip.js/zip.js';

configure({ useWebWorkers: false });

/** The files of a ZIP archive, one after the other. */
export async function* unpack(archive: string): AsyncGenerator<[path: string, content: Uint8Array]> {
  const reader = new ZipReader(new BlobReader(await openAsBlob(archive)));
  for await (const entry of reader.getEntriesGenerator())
    if (!entry.directory) yield [entry.filename, await entry.getData(new Uint8ArrayWriter())];
  await reader.close();
}
