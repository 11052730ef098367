import { run as sweep } from '../functions/sweep.ts';
import { run as tendRequests } from '../functions/tend-requests.ts';
import type { Services } from '../shared/aws/services.ts';
import { SweepIncompleteError } from '../shared/aws/sweep-tally.ts';
import { nothingFound, type SweepSummary, sumOf } from '../shared/model/sweep-summary.ts';

/**
 * All of a sweep at once, in the order that its state machine has on AWS: every place, and then what is no place's. What
 * fails in one keeps the other from nothing. Throws SweepIncompleteError with what both found.
 */
export async function wholeSweep(services: Services): Promise<SweepSummary> {
  let summary = nothingFound();
  const errors: Error[] = [];
  for (const part of [sweep, tendRequests]) {
    try {
      summary = sumOf(summary, await part({}, services));
    } catch (error) {
      const incomplete =
        error instanceof SweepIncompleteError
          ? error
          : new SweepIncompleteError({ ...nothingFound(), failed: 1 }, [error as Error]);
      summary = sumOf(summary, incomplete.summary);
      errors.push(...incomplete.errors);
    }
  }
  if (errors.length > 0) throw new SweepIncompleteError(summary, errors);
  return summary;
}
