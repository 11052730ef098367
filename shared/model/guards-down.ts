import type { ChangeHistory, EndpointHistory } from './endpoint-history.ts';
import { changeOf } from './endpoint-history.ts';
import type { Finding } from './finding.ts';

/** Policies about what watches an endpoint and keeps its artifacts; they can fail while the deployment stays as it is. */
export const GUARD_POLICIES: readonly string[] = ['rollback-alarms', 'prod-model-monitor', 'encrypted-artifacts'];

/**
 * The guards that an accepted deployment in production has lost: it is the same deployment, and what guards it is a
 * violation now. Not for a deployment that is new: then nothing was there that could have been lost.
 */
export function lostGuards({ opened, findings, verified }: ChangeHistory): Finding[] {
  if (opened?.environment.name !== 'prod' || opened.baseline?.digest !== opened.digest) return [];
  const judged = verified?.findings ?? findings?.findings ?? [];
  return judged.filter(({ policy, outcome }) => outcome === 'violation' && GUARD_POLICIES.includes(policy));
}

const linesOf = (lost: readonly Finding[]) => lost.flatMap(({ messages }) => messages);

/** Those of which no earlier change since the deployment was accepted has told. */
export function newlyLostGuards(history: EndpointHistory, generation: number): Finding[] {
  const change = changeOf(history, generation);
  if (!change?.opened) return [];
  const { baseline, digest } = change.opened;
  const told = history.changes
    .filter((each) => each.generation < generation && each.generation > (baseline?.generation ?? 0))
    .filter(({ opened, outcome }) => opened?.digest === digest && outcome?.result === 'blocked')
    .flatMap((each) => linesOf(lostGuards(each)));
  return lostGuards(change).filter(({ messages }) => messages.some((message) => !told.includes(message)));
}
