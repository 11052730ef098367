import type { ChangeRow } from './change-row.ts';
import { csvLine } from './csv.ts';

const COLUMNS = [
  'account',
  'region',
  'endpoint',
  'generation',
  'planned',
  'environment',
  'state',
  'at',
  'cause',
  'who',
  'reason',
] as const satisfies readonly (keyof ChangeRow)[];

/** A list of changes as CSV, with a line of headings. */
export function changesCsv(rows: readonly ChangeRow[]): string {
  const cells = (row: ChangeRow) => [...COLUMNS.map((name) => row[name]), row.violations?.join(' ')];
  return [csvLine([...COLUMNS, 'violations']), ...rows.map((row) => csvLine(cells(row)))]
    .map((line) => `${line}\r\n`)
    .join('');
}
