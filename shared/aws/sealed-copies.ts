import { ListObjectsV2Command, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { sha256 } from '../model/canonical-json.ts';
import { STREAM_KINDS, type StreamKind } from '../model/endpoint-ref.ts';
import type { Copy } from '../model/trail-comparison.ts';
import { FOLDERS, readArchived } from './archive.ts';
import type { With } from './services.ts';

const KIND_OF = new Map(STREAM_KINDS.map((kind) => [FOLDERS[kind], kind]));

/** `endpoint#1#us-east-1#x` -> `ledger/1/us-east-1/x/`; see archiveKey. */
const folderOf = (stream: string) => {
  const [kind, ...rest] = stream.split('#');
  return `${[FOLDERS[kind as StreamKind] ?? kind, ...rest].join('/')}/`;
};
const streamIn = (path: string) => {
  const [folder = '', ...rest] = path.replace(/\/$/, '').split('/');
  return [KIND_OF.get(folder) ?? folder, ...rest].join('#');
};

/** The folders in a folder. */
async function foldersIn({ s3, config }: With<'s3'>, prefix: string): Promise<string[]> {
  const found: string[] = [];
  const pages = paginateListObjectsV2({ client: s3 }, { Bucket: config.archiveBucket, Prefix: prefix, Delimiter: '/' });
  for await (const { CommonPrefixes = [] } of pages)
    found.push(...CommonPrefixes.flatMap(({ Prefix }) => Prefix ?? []));
  return found;
}

/** The streams that there are sealed copies of. */
export async function listCopiedStreams(services: With<'s3'>): Promise<string[]> {
  let folders = Object.values(FOLDERS).map((folder) => `${folder}/`);
  for (let depth = 0; depth < 3; depth += 1)
    folders = (await Promise.all(folders.map((folder) => foldersIn(services, folder)))).flat();
  return folders.map(streamIn);
}

/** Copies that are read at once. */
const AT_ONCE = 32;

/**
 * The sealed copies of one stream by the number of their record. The name of a copy holds the hash of the record before, so
 * the list alone tells the hashes of all but the last, which is read; with `read` every copy is read, and its bytes count.
 */
export async function readCopies(services: With<'s3'>, stream: string, read: boolean): Promise<Map<number, Copy>> {
  const { s3, config } = services;
  const copies = new Map<number, Copy>();
  const folder = folderOf(stream);
  for await (const { Contents = [] } of paginateListObjectsV2(
    { client: s3 },
    { Bucket: config.archiveBucket, Prefix: folder },
  ))
    for (const { Key = '' } of Contents) {
      const [, number = '', previous = ''] = /\/(\d{9})-([0-9a-f]{64})\.json$/.exec(Key) ?? [];
      const sequence = Number(number);
      // The first in a place is the one that was put there when the record was written; keys of one place are in no order.
      if (sequence === 0) continue;
      const before = copies.get(sequence - 1);
      if (before) before.hash ??= previous;
      if (!copies.has(sequence)) copies.set(sequence, { key: Key, hash: undefined });
    }
  const wanted = [...copies.values()].filter(({ hash }) => read || hash === undefined);
  for (let start = 0; start < wanted.length; start += AT_ONCE)
    await Promise.all(
      wanted.slice(start, start + AT_ONCE).map(async (copy) => {
        copy.hash = sha256(Buffer.from(await readArchived(services, copy.key)).toString('utf8'));
      }),
    );
  return copies;
}

/** Throws where the archive cannot be listed, so that a missing right is not taken for a missing copy. */
export async function tryListingCopies({ s3, config }: With<'s3'>): Promise<void> {
  await s3.send(new ListObjectsV2Command({ Bucket: config.archiveBucket, MaxKeys: 1 }));
}
