import type { RowCipher } from '../../shared/model/row-cipher.ts';

/** `item-<table>~` or `index-global~<table>~<index>~`, then dynalite's `<6 of the MD5>/<hash key in hex>/`. */
const HASHED = /^(item-[^~]+~|index-[^~]+~[^~]+~[^~]+~)[0-9a-f]{6}\/([0-9a-f]+)\//;

/** The key with its hash key made unreadable. The sort key stays: its order is what range queries rest on. */
function hidden(cipher: RowCipher, key: string): { name: string; hash: string } {
  const [start, table = '', hash = ''] = HASHED.exec(key) ?? [];
  // `=` is no hex digit, so what is hidden already stays as it is.
  if (start === undefined) return { name: key, hash: '' };
  const name = cipher.hide(['dynamodb', table, hash]);
  return { name: `${table}${name.slice(0, 6)}/=${name.slice(6)}/${key.slice(start.length)}`, hash };
}

/** What its key is called on disk. */
export const nameOnDisk = (cipher: RowCipher, key: string): string => hidden(cipher, key).name;

const place = (name: string) => ['dynamodb', name];

/** The hash key is sealed with the value, for the day when another key hides it. */
export function sealedRow(cipher: RowCipher, key: string, value: string | Uint8Array): { key: string; value: Buffer } {
  const { name, hash } = hidden(cipher, key);
  return { key: name, value: cipher.seal(place(name), `${hash}\n${value}`) };
}

/** What `sealedRow` was given. */
export function openedRow(cipher: RowCipher, name: string, envelope: Uint8Array): { key: string; value: string } {
  const text = cipher.open(place(name), envelope);
  const end = text.indexOf('\n');
  return { key: name.replace(/\/=[0-9a-f]+\//, () => `/${text.slice(0, end)}/`), value: text.slice(end + 1) };
}
