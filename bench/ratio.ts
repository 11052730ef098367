import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** One side of a comparison. `run` does one batch; it is told the round, counted from 0 with the warm-up's first. */
export type Side = { name: string; run: (round: number) => Promise<void> | void };

/** How many times as long one side took as another: the median over the rounds, and the two extremes. */
export type Ratio = { median: number; min: number; max: number };

// The garbage that one side leaves must not be collected on the next one's time. Only the young generation: a full
// collection throws away compiled code too (regular expressions first), which then counts against the fastest side.
setFlagsFromString('--expose-gc');
const collect: (options: { type: 'minor' }) => void = runInNewContext('gc');

/**
 * Times the sides in one process by turns (A B C A B C ...), so that whatever the machine does meanwhile hits all of
 * them. Milliseconds for each side and round, warm-up rounds left out.
 */
export async function interleave<const Sides extends readonly Side[]>(
  sides: Sides,
  { rounds, warmup }: { rounds: number; warmup: number },
): Promise<{ [Index in keyof Sides]: number[] }> {
  const times = sides.map((): number[] => []);
  for (let round = 0; round < warmup + rounds; round++) {
    for (const [index, side] of sides.entries()) {
      collect({ type: 'minor' });
      const start = performance.now();
      const running = side.run(round);
      if (running) await running;
      const ms = performance.now() - start;
      if (round >= warmup) times[index]?.push(ms);
    }
  }
  return times as { [Index in keyof Sides]: number[] };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** Each round of `a` by the same round of `b`: above 1 means that `b` is the faster. */
export function ratioOf(a: readonly number[], b: readonly number[]): Ratio {
  if (a.length !== b.length) throw new Error(`${a.length} rounds cannot be held against ${b.length}`);
  const ratios = a.map((ms, round) => ms / (b[round] ?? Number.NaN));
  return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
}

/** `27.3x (25.0x to 29.1x)` */
export function formatRatio(ratio: Ratio): string {
  const times = (value: number) => `${value.toFixed(value < 10 ? 2 : 1)}x`;
  return `${times(ratio.median)} (${times(ratio.min)} to ${times(ratio.max)})`;
}

/** Rows as plain text in columns: the first to the left, the others to the right, two spaces between them. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

/** What a comparison has to reach, for the printed table and for `--json`. */
export type Goal = { name: string; ratio: Ratio; atLeast: number; met: boolean };

export function goal(name: string, ratio: Ratio, atLeast: number): Goal {
  return { name, ratio, atLeast, met: ratio.median >= atLeast };
}

/** One row for each goal: what it is about, what was measured, what was asked, whether that was reached. */
export function goalTable(goals: readonly Goal[]): string[] {
  return table([
    ['goal', 'median (min to max)', 'at least', ''],
    ...goals.map(({ name, ratio, atLeast, met }) => [name, formatRatio(ratio), `${atLeast}x`, met ? 'met' : 'MISSED']),
  ]);
}
