import { readStateChange } from './aws-event.ts';
import type { EndpointChange } from './endpoint-change.ts';
import { type ChangeHistory, changeOf, type EndpointHistory, lastSeen } from './endpoint-history.ts';
import type { EndpointRef } from './endpoint-ref.ts';

/** The cause of changes that no event told of. */
const SWEEP = 'sweep';

/** What could not be determined is looked at again after so long: often enough to heal, seldom enough for the ledger. */
const LOOK_AGAIN_MS = 6 * 3_600_000;
/** A change this quiet has had time to record whatever its execution was about to record. */
const QUIET_MS = 10 * 60_000;

const past = (at: string, now: string) => Date.parse(now) - Date.parse(at);

/** When the newest change ended undetermined; undefined where it did not. */
function undeterminedAt(history: EndpointHistory): string | undefined {
  const newest = changeOf(history, history.generation);
  if (newest?.outcome?.result !== 'undetermined') return undefined;
  return newest.records.findLast(({ body }) => body.kind === 'outcome')?.at;
}

/** Did it end undetermined so lately that looking again would most likely end the same way? */
export function isResting(history: EndpointHistory, now: string): boolean {
  const endedAt = undeterminedAt(history);
  return endedAt !== undefined && past(endedAt, now) < LOOK_AGAIN_MS;
}

/** Is the end of the endpoint the last that is on record about it? */
export function hasEnded(history: EndpointHistory): boolean {
  return changeOf(history, history.generation)?.outcome?.result === 'deleted';
}

/**
 * Should the gate look at an endpoint that SageMaker lists, and why? `modified`: after everything on record, or there is
 * nothing on record. `again`: although it is as it was, because what is on record cannot stand.
 */
export function reasonToLook(
  history: EndpointHistory,
  lastModifiedAt: string | undefined,
  now: string,
): 'modified' | 'again' | undefined {
  if (hasEnded(history)) return 'again';
  const endedAt = undeterminedAt(history);
  const seen = endedAt ?? lastSeen(history);
  if (seen === undefined || lastModifiedAt === undefined || lastModifiedAt > seen) return 'modified';
  return endedAt !== undefined && !isResting(history, now) ? 'again' : undefined;
}

/** What DescribeEndpoint shows, as far as an event would show it too. */
export type Shown = { EndpointStatus?: string | undefined; LastModifiedTime?: Date | undefined };

/**
 * The change that a sweep tells of, read as the event that SageMaker would send now, so that it means exactly what that
 * event would mean. Every sweep that sees the same modification makes the same event id. Undefined where there is
 * nothing to gate, as during maintenance by AWS.
 */
export function sweptChange(
  endpoint: EndpointRef,
  shown: Shown,
  reason: 'modified' | 'again',
  generation: number,
  now: string,
): EndpointChange | undefined {
  // Looking again is about what is on record already, so the modification time must not say that it is.
  const modified = reason === 'modified' ? shown.LastModifiedTime : undefined;
  const reading = readStateChange({
    id: `sweep-${modified?.toISOString() ?? generation}`,
    source: 'aws.sagemaker',
    'detail-type': 'SageMaker Endpoint State Change',
    account: endpoint.account,
    region: endpoint.region,
    time: now,
    detail: { ...shown, EndpointName: endpoint.name, LastModifiedTime: modified?.getTime() },
  });
  if (reading.as === 'poison') throw new Error(`DescribeEndpoint shows what cannot be read: ${reading.reason}`);
  return reading.as === 'change' ? { ...reading.change, cause: SWEEP } : undefined;
}

/** The change that a sweep tells of where SageMaker does not list an endpoint any more. */
export function sweptEnd(endpoint: EndpointRef, generation: number, now: string): EndpointChange {
  return { endpoint, kind: 'deleted', cause: SWEEP, eventId: `sweep-gone-${generation}`, at: now, sighting: {} };
}

/**
 * Changes that have been quiet for a while and have not ended: opened and without an outcome, or told of by events and
 * never opened. Whether they still run is for Step Functions to say.
 */
export function quietChanges(history: EndpointHistory, now: string): ChangeHistory[] {
  return history.changes.filter(({ generation, opened, joined, outcome, records }) => {
    // Older ones that show no opening may have it further back than was read.
    const unfinished = !outcome && !joined && (opened !== undefined || generation > history.generation);
    return unfinished && past(records.at(-1)?.at ?? now, now) >= QUIET_MS;
  });
}
