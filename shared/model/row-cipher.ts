import { createCipheriv, createDecipheriv, createHmac, createSecretKey, hkdfSync } from 'node:crypto';
import type { EncryptionKey } from './encryption-key.ts';

/**
 * A stored row cannot be opened: it is not sealed, its key is not there, or it is not what was stored in this place.
 * The message names the place and ids of keys, never what is in the row. Never to be taken for "there is no such row".
 */
export class SealedRowError extends Error {
  override readonly name = 'SealedRowError';
}

/** Where a row lies, from the outside in: the file, the table, the row's own key as it is stored. */
export type Place = readonly string[];

export type RowCipher = {
  /** Id of the key that seals. */
  id: string;
  /** AES-256-GCM with the place as associated data, so it opens nowhere else. */
  seal: (place: Place, text: string) => Buffer;
  /** Throws SealedRowError. */
  open: (place: Place, envelope: Uint8Array) => string;
  /** What stands on disk for a name that need only be found again: 40 hex digits of an HMAC under the sealing key. */
  hide: (place: Place) => string;
};

/** `E1 01`, the key's id (6 bytes), the nonce (12), the text, the tag (16). No JSON and no UTF-8 text begins with E1 01. */
const MARK = Buffer.from([0xe1, 0x01]);
const [ID, NONCE, TAG] = [6, 12, 16];
const HEADER = MARK.length + ID + NONCE;
const ALGORITHM = 'aes-256-gcm';

/** The id of the key that a row was sealed with; undefined where it is not sealed. */
export function sealedWith(envelope: Uint8Array): string | undefined {
  if (envelope.length < HEADER + TAG || envelope[0] !== MARK[0] || envelope[1] !== MARK[1]) return undefined;
  return Buffer.from(envelope.subarray(MARK.length, MARK.length + ID)).toString('hex');
}

// As key objects: made of bytes anew each time, they would cost four times as much as what is done with them.
const derived = (bytes: Uint8Array, use: string) =>
  createSecretKey(Buffer.from(hkdfSync('sha256', bytes, '', `portcullis ${use}`, 32)));
const shown = (place: Place) => place.map((part) => (part.length > 60 ? `${part.slice(0, 60)}…` : part)).join(' ');

/** Seals with the first key and opens with any. `random` gives so many random bytes: a fresh nonce for each row. */
export function rowCipher(
  keys: readonly [Pick<EncryptionKey, 'id' | 'bytes'>, ...Pick<EncryptionKey, 'id' | 'bytes'>[]],
  random: (bytes: number) => Buffer,
): RowCipher {
  const sealing = new Map(keys.map(({ id, bytes }) => [id, derived(bytes, 'rows')]));
  const [{ id, bytes }] = keys;
  const names = derived(bytes, 'names of rows');
  const active = derived(bytes, 'rows');
  const start = Buffer.concat([MARK, Buffer.from(id, 'hex')]);
  const associated = (header: Uint8Array, place: Place) => Buffer.concat([header, Buffer.from(JSON.stringify(place))]);
  return {
    id,
    seal: (place, text) => {
      const nonce = random(NONCE);
      const cipher = createCipheriv(ALGORITHM, active, nonce, { authTagLength: TAG });
      cipher.setAAD(associated(start, place));
      const sealed = cipher.update(text, 'utf8');
      cipher.final();
      return Buffer.concat([start, nonce, sealed, cipher.getAuthTag()]);
    },
    open: (place, envelope) => {
      const by = sealedWith(envelope);
      if (by === undefined) throw new SealedRowError(`${shown(place)}: is not encrypted, where everything has to be`);
      const key = sealing.get(by);
      if (!key)
        throw new SealedRowError(
          `${shown(place)}: is encrypted with key ${by}, and only ${[...sealing.keys()].join(', ')} is there`,
        );
      const nonce = envelope.subarray(HEADER - NONCE, HEADER);
      const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG });
      decipher.setAAD(associated(envelope.subarray(0, HEADER - NONCE), place));
      decipher.setAuthTag(envelope.subarray(-TAG));
      try {
        const text = decipher.update(envelope.subarray(HEADER, -TAG));
        decipher.final();
        return text.toString('utf8');
      } catch {
        throw new SealedRowError(`${shown(place)}: was changed, or comes from another place`);
      }
    },
    hide: (place) => createHmac('sha256', names).update(JSON.stringify(place)).digest('hex').slice(0, 40),
  };
}
