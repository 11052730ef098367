import pLimit from 'p-limit';
import { nothingFound, type SweepSummary } from '../model/sweep-summary.ts';
import type { With } from './services.ts';

const AT_ONCE = 8;

/** Some of it could not be looked at. All the rest was; the next sweep, or this one run again, does what is left. */
export class SweepIncompleteError extends Error {
  override readonly name = 'SweepIncompleteError';
  readonly summary: SweepSummary;
  readonly errors: readonly Error[];
  constructor(summary: SweepSummary, errors: readonly Error[]) {
    const names = [...new Set(errors.map(({ name }) => name))].sort().join(', ');
    super(`${summary.failed} could not be looked at (${names}): ${JSON.stringify(summary)}`, { cause: errors[0] });
    this.summary = summary;
    this.errors = errors;
  }
}

/** Counts what a sweep finds, or a part of it, and goes on where something fails. */
export function startTally(services: With) {
  const summary = nothingFound();
  const errors: Error[] = [];
  const limit = pLimit(AT_ONCE);

  function fail(...problems: Error[]): void {
    errors.push(...problems);
    summary.failed += problems.length;
  }
  async function attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      fail(error as Error);
    }
  }
  return {
    summary,
    fail,
    attempt,
    each: <T>(items: readonly T[], work: (item: T) => Promise<void>) =>
      Promise.all(items.map((item) => limit(() => attempt(() => work(item))))),
    /** Measures what was found. Throws SweepIncompleteError where something could not be looked at. */
    total: (): SweepSummary => {
      const { started, ended, resumed, postponed } = summary;
      services.measure({ name: 'SweepFindings', unit: 'Count', value: started + ended + resumed + postponed });
      if (errors.length > 0) throw new SweepIncompleteError(summary, errors);
      return summary;
    },
  };
}
