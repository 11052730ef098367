import { type ChangeHistory, changeOf, type EndpointHistory } from '../model/endpoint-history.ts';
import type { EndpointRef } from '../model/endpoint-ref.ts';
import type { Finding } from '../model/finding.ts';
import { lostGuards, newlyLostGuards } from '../model/guards-down.ts';
import { readStream } from './ledger.ts';
import type { With } from './services.ts';

/** Guards that an accepted deployment in prod has lost, the change that shows it, and all since it was accepted. */
export type LostGuards = { lost: Finding[]; change: ChangeHistory; history: EndpointHistory };

/**
 * What approvers are to be told of at once: guards that are lost with this change, and were not with one before it.
 * Undefined where there are none, which takes no reading beyond the given history.
 */
export async function readLostGuards(
  services: With<'dynamodb'>,
  endpoint: EndpointRef,
  generation: number,
  given: EndpointHistory,
): Promise<LostGuards | undefined> {
  const mine = changeOf(given, generation);
  if (!mine?.opened?.baseline || lostGuards(mine).length === 0) return undefined;
  const { history } = await readStream(services, endpoint, mine.opened.baseline.generation);
  const lost = newlyLostGuards(history, generation);
  return lost.length === 0 ? undefined : { lost, change: changeOf(history, generation) ?? mine, history };
}
