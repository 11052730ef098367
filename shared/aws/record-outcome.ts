import { gateActor } from '../model/actor.ts';
import type { EndpointChange } from '../model/endpoint-change.ts';
import { changeOf, lastOpened, requestersOf } from '../model/endpoint-history.ts';
import type { Result } from '../model/ledger-record.ts';
import { type Failure, outcomeOf } from '../model/outcome.ts';
import { SMOKE_CAUSE } from '../model/smoke-event.ts';
import { settleOnFleet } from './fleet-budget.ts';
import { append, knownStream } from './ledger.ts';
import type { With } from './services.ts';

/** Puts on record how a change ended, once: whoever comes second finds it there. Returns what is on record. */
export async function recordOutcome(
  services: With<'dynamodb'>,
  { change, generation }: { change: Pick<EndpointChange, 'endpoint' | 'cause' | 'at'>; generation: number },
  state: Parameters<typeof outcomeOf>[1],
  failure?: Failure,
): Promise<Result> {
  let first = false;
  const stream = await append(services, await knownStream(services, change.endpoint, generation), (history) => {
    const mine = changeOf(history, generation);
    first = !mine?.outcome;
    if (!first) return undefined;
    const known = mine?.opened ?? lastOpened(history)?.opened;
    return {
      id: `outcome#${generation}`,
      body: {
        kind: 'outcome',
        generation,
        digest: mine?.opened?.digest ?? null,
        // What cannot be told is prod, the strictest, here too; a smoke test is about nothing that could be prod.
        environment: known?.environment.name ?? (change.cause === SMOKE_CAUSE ? 'dev' : 'prod'),
        ...outcomeOf(mine, state, failure),
        cause: change.cause,
        changedAt: change.at,
        requesters: [...new Set(requestersOf(history, generation).map(({ person }) => person))],
        ...(mine?.findings?.planned && { planned: mine.findings.planned }),
      },
      actor: gateActor,
    };
  });
  const result = changeOf(stream.history, generation)?.outcome?.result;
  if (!result) throw new Error('The outcome was not recorded.');
  // Whoever comes second does it too: the first may have died in between.
  const ended = changeOf(stream.history, generation);
  if (ended) await settleOnFleet(services, ended, stream.history);
  if (first) services.measure({ name: 'Changes', unit: 'Count', value: 1, dimensions: { Outcome: result } });
  return result;
}
