import { type ReconcileOptions, reconcile } from '../shared/aws/reconcile.ts';
import type { Services } from '../shared/aws/services.ts';
import type { Pseudonyms } from '../shared/model/pseudonym.ts';
import { isReconciled, type Reconciliation } from '../shared/model/reconciliation-result.ts';
import { mayHold, type TrailScope } from '../shared/model/trail-scope.ts';
import { heldNothing, reconciliationLines, verdictOn } from './audit-reconcile.ts';
import type { BundleSources } from './bundle/write-bundle.ts';
import { tried } from './witnesses.ts';

/** CloudTrail keeps its event history for 90 days (LookupEvents); a reconciliation reads a day more than it is about. */
const HISTORY_MS = 88 * 86_400_000;

export type ReconcileWith = Omit<ReconcileOptions, 'from' | 'to'> | { not: string };

/** Only what is about the endpoint that was asked for; a call whose endpoint nobody knows may be about it. */
function about(result: Reconciliation, scope: TrailScope): Reconciliation {
  const mine = ({ stream }: { stream: string | null }) => stream === null || mayHold(stream, scope);
  return {
    ...result,
    gaps: result.gaps.filter(mine),
    duplicates: result.duplicates.filter(mine),
    surplus: result.surplus.filter(mine),
  };
}

/**
 * The comparison with CloudTrail that goes into a bundle, over its time; without a beginning, over the time that CloudTrail
 * has. Where there can be none the bundle says so, and why.
 */
export async function reconciledFor(
  services: Services,
  scope: TrailScope,
  hide: Pseudonyms | undefined,
  how: ReconcileWith,
): Promise<BundleSources['reconciliation']> {
  const not = (why: string) => ({ document: { reconciled: false, why }, told: [`Not reconciled: ${why}`] });
  if ('not' in how) return not(how.not);
  const to = scope.to ?? services.now();
  const from = scope.from ?? new Date(Date.parse(services.now()) - HISTORY_MS).toISOString();
  if (!(from < to)) return not('CloudTrail keeps no events of that time.');
  const done = await tried(() => reconcile(services, { ...how, from, to }));
  if ('reason' in done) return not(done.reason);
  const mine = about(done.value, scope);
  const result = hide ? hide.record(mine) : mine;
  if (result.read.length === 0) return not(result.notRead.join(' ') || 'CloudTrail could not be read.');
  const reconciled = isReconciled(result) && !heldNothing(result);
  return { document: { reconciled, ...result }, told: [verdictOn(result), ...reconciliationLines(result)] };
}
