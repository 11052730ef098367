import { openAsBlob } from 'node:fs';
import { BlobReader, configure, type Entry, type FileEntry, TextWriter, ZipReader } from '@zip.js/zip.js';
import type * as z from 'zod';
import { CliError } from '../output.ts';

// Decompression is done by zlib in threads of its own anyway.
configure({ useWebWorkers: false });

const isFile = (entry: Entry): entry is FileEntry => !entry.directory;

/** The files of a ZIP archive by their paths; of two with the same path, the last. */
export type Archive = {
  entries: ReadonlyMap<string, FileEntry>;
  /** Whether a path stands in it twice. */
  twice: boolean;
  close: () => Promise<void>;
};

/** Throws what the file system or the ZIP reader says. */
export async function openArchive(path: string): Promise<Archive> {
  const zip = new ZipReader(new BlobReader(await openAsBlob(path)));
  const files = (await zip.getEntries()).filter(isFile);
  const entries = new Map(files.map((entry) => [entry.filename, entry]));
  return { entries, twice: entries.size < files.length, close: () => zip.close() };
}

/** An archive of ours with the `manifest.json` in it. Throws CliError where it is no `what`, such as "backup". */
export async function openWithManifest<M>(
  path: string,
  what: string,
  manifest: z.ZodType<M>,
): Promise<Archive & { manifest: M }> {
  try {
    const archive = await openArchive(path);
    const text = await archive.entries.get('manifest.json')?.getData(new TextWriter());
    if (text === undefined) throw new Error('there is no manifest.json in it');
    return { ...archive, manifest: manifest.parse(JSON.parse(text)) };
  } catch (error) {
    throw new CliError(`${path} is no ${what} that can be read: ${(error as Error).message.split('\n')[0]}`);
  }
}
