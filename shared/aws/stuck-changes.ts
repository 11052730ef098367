import { quietChanges } from '../model/missed-change.ts';
import { executionStatus } from './executions.ts';
import type { Stream } from './ledger.ts';
import { recordOutcome } from './record-outcome.ts';
import type { With } from './services.ts';

/**
 * Ends changes whose execution is over although nothing on record says so: it died, and the event about that was lost.
 * They are undetermined; an execution that runs, however long, is left alone. Returns how many.
 */
export async function endStuckChanges(services: With<'dynamodb' | 'sfn'>, stream: Stream): Promise<number> {
  let ended = 0;
  for (const { generation, opened, events } of quietChanges(stream.history, services.now())) {
    const status = await executionStatus(services, { endpoint: stream.ref }, generation);
    if (status === 'RUNNING') continue;
    const change = {
      endpoint: stream.ref,
      cause: opened?.cause ?? events[0]?.cause ?? 'unknown',
      at: opened?.changedAt ?? events[0]?.at ?? services.now(),
    };
    await recordOutcome(services, { change, generation }, 'failed', {
      error: `Execution${status ?? 'Missing'}`,
      cause: 'its execution does not run any more and recorded nothing',
    });
    ended += 1;
  }
  return ended;
}
