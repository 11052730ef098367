import { visible } from '../shared/model/visible-text.ts';

export { visible };

/** Exit codes of every command. */
export const EXIT = { fine: 0, violations: 1, couldNotCheck: 2, usage: 64, elevated: 77 } as const;

/** A message for people, and the exit code to leave with. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: number;
  constructor(message: string, exitCode: number = EXIT.couldNotCheck) {
    super(message);
    this.exitCode = exitCode;
  }
}

export type Output = {
  out: (text: string) => void;
  err: (text: string) => void;
  /** Whether the output is a terminal; plain text otherwise. */
  terminal: boolean;
  width: number;
};

/** Columns aligned by spaces; the last column may be long. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [headings, ...rows].map((row) => row.map((cell) => visible(cell)));
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => (column === headings.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Lines as they are, and nothing in them that steers a terminal. In JSON the escapes mean what they stand for. */
export const printable = (text: string) => text.split('\n').map(visible).join('\n');

export const standardOutput: Output = {
  out: (text) => void process.stdout.write(`${printable(text)}\n`),
  err: (text) => void process.stderr.write(`${printable(text)}\n`),
  terminal: process.stdout.isTTY === true,
  width: process.stdout.columns ?? 120,
};

export const json = (value: unknown) => JSON.stringify(value, null, 2);
