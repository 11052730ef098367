import { type EndpointHistory, standingChange } from '../model/endpoint-history.ts';
import { refOfStream } from '../model/endpoint-ref.ts';
import { type LedgerQuery, WAIVERS_ENDED_WITHIN_MS, waiversEnded } from '../model/ledger-question.ts';
import { recheck, WAIVER_ENDED } from '../model/recheck.ts';
import { startExecution } from './executions.ts';
import { readStream } from './ledger.ts';
import { askAll } from './questions.ts';
import type { With } from './services.ts';

/** Was what stands now judged under this waiver? Where it was not, its end changes nothing. */
function stoodOn({ findings, verified }: NonNullable<ReturnType<typeof standingChange>>, waiver: string): boolean {
  const held = [...(findings?.judged?.waivers ?? []), ...(verified?.waivers ?? [])];
  return held.some((each) => each.waiver.id === waiver);
}

const isOnRecord = ({ changes }: EndpointHistory, eventId: string) =>
  changes.some(({ opened, joined, events }) => [opened, joined, ...events].some((each) => each?.eventId === eventId));

/**
 * Has endpoints judged again whose waiver has ended in the last days: nothing happens to an endpoint when time passes, so
 * no event tells. Returns how many were started. The index only says where to look; each is judged from the ledger.
 * Safe to call twice: what is on record is not started again.
 */
export async function judgeEndedWaivers(services: With<'dynamodb' | 'sfn'>): Promise<number> {
  const now = services.now();
  const queries: LedgerQuery[] = waiversEnded(now, WAIVERS_ENDED_WITHIN_MS);
  let started = 0;
  for await (const { kind, stream, waiver = '', actor = '' } of askAll(services, queries)) {
    const ref = refOfStream(stream);
    if (kind !== 'waiver-granted' || !ref) continue;
    const { history } = await readStream(services, ref);
    const standing = standingChange(history);
    const eventId = `waiver-ended-${waiver}`;
    // While a change is open its own last task looks at the waivers again.
    if (!standing?.outcome || !stoodOn(standing, waiver) || isOnRecord(history, eventId)) continue;
    const change = recheck(history, ref, { cause: WAIVER_ENDED, eventId, person: actor, now });
    if (change && (await startExecution(services, change, history.generation + 1)) === 'started') started += 1;
  }
  return started;
}
