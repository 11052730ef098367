import { createHash } from 'node:crypto';

/**
 * A key for data at rest: 32 bytes for AES-256. Its id follows from it, so that what was encrypted names its key without
 * anybody keeping a list, and a damaged key is noticed. `createdAt` is a day, where it is known.
 */
export type EncryptionKey = { id: string; bytes: Buffer; createdAt?: string | undefined };

/** Keys are not what they have to be. Says which entry and what would be right, and never what it is. */
export class MalformedKeyError extends Error {
  override readonly name = 'MalformedKeyError';
}

const BYTES = 32;

/** Twelve hex digits of a hash that is used for nothing else. */
export const encryptionKeyId = (bytes: Buffer): string =>
  createHash('sha256').update('portcullis encryption key\0').update(bytes).digest('hex').slice(0, 12);

/** Why bytes cannot be a key, although there are 32 of them: nobody draws these by chance. */
function guessable(bytes: Buffer): boolean {
  return new Set(bytes).size < 12;
}

function keyOf(entry: string, where: string): EncryptionKey {
  const words = entry.split(/\s+/);
  const [id, createdAt, text = ''] = words.length === 1 ? [undefined, undefined, words[0]] : words;
  const bytes = Buffer.from(text, 'base64');
  if (words.length > 3 || words.length === 2)
    throw new MalformedKeyError(`${where}: must be a key in base64, or an id, a day and a key`);
  if (bytes.toString('base64') !== text || bytes.length !== BYTES)
    throw new MalformedKeyError(
      `${where}: must be exactly ${BYTES} bytes in base64, which is 44 characters (portcullis key generate)`,
    );
  if (guessable(bytes)) throw new MalformedKeyError(`${where}: is no random key (portcullis key generate)`);
  if (id !== undefined && id !== encryptionKeyId(bytes))
    throw new MalformedKeyError(`${where}: the id ${id.slice(0, 12)} is not that of its key, which was damaged`);
  if (createdAt !== undefined && !/^\d{4}-\d{2}-\d{2}$/.test(createdAt))
    throw new MalformedKeyError(`${where}: the day must be written like 2026-11-21`);
  return { id: id ?? encryptionKeyId(bytes), bytes, createdAt };
}

/**
 * Keys from a text: the first is active and encrypts, the others only decrypt what is there. One on a line (as in a key
 * file), or with commas between (as in PORTCULLIS_ENCRYPTION_KEY); `#` begins a comment. Throws MalformedKeyError.
 */
export function parseEncryptionKeys(text: string, where: string): [EncryptionKey, ...EncryptionKey[]] {
  const entries = text
    .split(/[\n,]/)
    .map((entry) => entry.replace(/#.*$/, '').trim())
    .filter((entry) => entry !== '');
  const [active, ...previous] = entries.map((entry, index) => keyOf(entry, `${where}, key ${index + 1}`));
  if (active === undefined) throw new MalformedKeyError(`${where}: has no key (portcullis key generate)`);
  const keys = [active, ...previous] as [EncryptionKey, ...EncryptionKey[]];
  if (new Set(keys.map(({ id }) => id)).size < keys.length)
    throw new MalformedKeyError(`${where}: has the same key twice`);
  return keys;
}

/** A key file's text; see docs in cli/key.ts. */
export function formatEncryptionKeys(keys: readonly EncryptionKey[]): string {
  const lines = keys.map(
    ({ id, bytes, createdAt }) => `${id} ${createdAt ?? '1970-01-01'} ${bytes.toString('base64')}\n`,
  );
  return `# Keys of Portcullis for data at rest. The first encrypts; the others only decrypt what is there.\n${lines.join('')}`;
}
