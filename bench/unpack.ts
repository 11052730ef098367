import { Uint8ArrayWriter } from '@zip.js/zip.js';
import { openArchive } from '../cli/bundle/archive.ts';

/** The files of a ZIP archive, one after the other. */
export async function* unpack(path: string): AsyncGenerator<[path: string, content: Uint8Array]> {
  const { entries, close } = await openArchive(path);
  for (const [name, entry] of entries) yield [name, await entry.getData(new Uint8ArrayWriter())];
  await close();
}
