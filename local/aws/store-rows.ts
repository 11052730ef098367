import { type RowCipher, SealedRowError } from '../../shared/model/row-cipher.ts';

/** How rows stand in the file: their key, and their value with what is needed to have the key back. */
export type Rows = {
  stored: (kind: string, key: string, text: string) => { key: string; value: string | Uint8Array };
  keyOf: (kind: string, key: string) => string;
  read: (row: Record<string, unknown>) => { kind: string; key: string; text: string };
};

export const plainRows: Rows = {
  stored: (_kind, key, value) => ({ key, value }),
  keyOf: (_kind, key) => key,
  read: ({ kind, key, value }) => {
    if (typeof value !== 'string') throw new SealedRowError(`${String(kind)} rows are encrypted, and no key was given`);
    return { kind: String(kind), key: String(key), text: value };
  },
};

/** Values are sealed, with their keys in them; the kind stays readable. */
export function sealedRows(file: string, cipher: RowCipher): Rows {
  const keyOf = (kind: string, key: string) => cipher.hide([file, kind, key]);
  return {
    keyOf,
    stored: (kind, key, text) => {
      const name = keyOf(kind, key);
      return { key: name, value: cipher.seal([file, kind, name], JSON.stringify([key, text])) };
    },
    read: ({ kind, key: name, value }) => {
      const envelope = value instanceof Uint8Array ? value : Buffer.from(String(value));
      const [key, text] = JSON.parse(cipher.open([file, String(kind), String(name)], envelope)) as [string, string];
      return { kind: String(kind), key, text };
    },
  };
}
