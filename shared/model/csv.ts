import { visible } from './visible-text.ts';

/** What a spreadsheet may take for the beginning of a formula, in wide characters too, whatever blanks stand before it. */
const FORMULA = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/;

export type CsvValue = string | number | boolean | null | undefined;

/**
 * A cell of CSV (RFC 4180): numbers as they are, all else in quotes and on one line. A text that a spreadsheet would run as a
 * formula is given an apostrophe in front, by which it is shown and not run (OWASP, CSV Injection).
 */
export function csvCell(value: CsvValue): string {
  if (typeof value === 'number') return String(value);
  const text = visible(String(value ?? ''));
  return `"${(FORMULA.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
}

/** A line of cells, without its end. */
export const csvLine = (values: readonly CsvValue[]): string => values.map(csvCell).join(',');
