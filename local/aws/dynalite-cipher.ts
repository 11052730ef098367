import { createRequire } from 'node:module';
import type { RowCipher } from '../../shared/model/row-cipher.ts';
import { openLevel } from './sealed-level.ts';

const require = createRequire(import.meta.url);
// Kept where dynalite has its `Level` from, however often this module is loaded.
const level = createRequire(require.resolve('dynalite'))('level') as {
  Level: unknown;
  opening?: { cipher: RowCipher | undefined; opened: boolean } | undefined;
};
level.Level = function Level(path: string) {
  if (level.opening) level.opening.opened = true;
  return openLevel(path, level.opening?.cipher);
};

/** Has dynalite, which opens its database by itself, open this one with a cipher. */
export function withCipher<T>(cipher: RowCipher | undefined, open: () => T): T {
  const opening = { cipher, opened: false };
  level.opening = opening;
  try {
    const result = open();
    if (!opening.opened) throw new Error('dynalite was loaded before its encryption, and would store in plain text.');
    return result;
  } finally {
    level.opening = undefined;
  }
}
