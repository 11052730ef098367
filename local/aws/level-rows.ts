import type { RowCipher } from '../../shared/model/row-cipher.ts';

/** `item-<table>~` or `index-global~<table>~<index>~`, then dynalite's `<6 of the MD5>/<hash key in hex>/`. */
const HASHED = /^(item-[^~]+~|index-[^~]+~[^~]+~[^~]+~)[0-9a-f]{6}\/([0-9a-f]+)\//;
/** What follows in the key of an item, and in a bound of a query: `<sort key in hex>/`, and perhaps `~`. */
const SORT = /^([0-9a-f]+)(\/~?)$/;
/** The sort key of a record, in hex: nine digits and what is after `#`. */
const OF_RECORD = /^(3[0-9]){9}(23|$)/;

/**
 * The key with its hash key made unreadable, and the sort key where it may hold what somebody chose, such as the name of
 * an endpoint. Two kinds of sort keys stay, since their order is what range queries rest on, and hold nothing of the
 * kind: numbers and hashes of records, and times, which are those of indexes. Of other items either one is asked for, or
 * all that have the same hash key.
 */
function hidden(cipher: RowCipher, key: string): { name: string; hash: string; sort?: string } {
  const [start, table = '', hash = ''] = HASHED.exec(key) ?? [];
  // `=` is no hex digit, so what is hidden already stays as it is.
  if (start === undefined) return { name: key, hash: '' };
  const of = cipher.hide(['dynamodb', table, hash]);
  const rest = key.slice(start.length);
  const name = `${table}${of.slice(0, 6)}/=${of.slice(6)}/`;
  const [, sort, end] = table.startsWith('item-') ? (SORT.exec(rest) ?? []) : [];
  if (sort === undefined || OF_RECORD.test(sort)) return { name: `${name}${rest}`, hash };
  return { name: `${name}=${cipher.hide(['dynamodb', table, hash, sort])}${end}`, hash, sort };
}

/** What its key is called on disk. */
export const nameOnDisk = (cipher: RowCipher, key: string): string => hidden(cipher, key).name;

const place = (name: string) => ['dynamodb', name];

/** What was hidden of the key is sealed with the value, for the day when another key hides it. */
export function sealedRow(cipher: RowCipher, key: string, value: string | Uint8Array): { key: string; value: Buffer } {
  const { name, hash, sort } = hidden(cipher, key);
  const head = sort === undefined ? hash : `${hash}/${sort}`;
  return { key: name, value: cipher.seal(place(name), `${head}\n${value}`) };
}

/** What `sealedRow` was given. */
export function openedRow(cipher: RowCipher, name: string, envelope: Uint8Array): { key: string; value: string } {
  const text = cipher.open(place(name), envelope);
  const end = text.indexOf('\n');
  return {
    key: name.replace(/\/=[0-9a-f]+\/(=[0-9a-f]+\/)?/, () => `/${text.slice(0, end)}/`),
    value: text.slice(end + 1),
  };
}
