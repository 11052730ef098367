import { readStateChange } from './aws-event.ts';
import type { EndpointChange } from './endpoint-change.ts';
import type { EndpointFacts } from './endpoint-facts.ts';
import { type ChangeHistory, changeOf, type EndpointHistory, lastSeen } from './endpoint-history.ts';
import type { EndpointRef } from './endpoint-ref.ts';
import type { Part } from './shown-endpoint.ts';

/** The cause of changes that no event told of; what was found may follow it. */
const SWEEP = 'sweep';
/** An artifact is not what it was when the deployment was judged. */
export const ARTIFACT_OVERWRITTEN = 'artifact-overwritten';

/** Did a sweep notice it? Then nothing that was read before may be reused. */
export const isSwept = (cause: string): boolean => cause.startsWith(SWEEP) || cause === ARTIFACT_OVERWRITTEN;

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

/** The newest reading of the endpoint that is on record, and with which change. */
export function latestReading(history: EndpointHistory): { generation: number; facts: EndpointFacts } | undefined {
  return history.changes
    .flatMap(({ generation, opened, verified }) =>
      [opened?.facts, verified?.facts].flatMap((facts) => (facts ? [{ generation, facts }] : [])),
    )
    .sort((a, b) => (a.facts.readAt < b.facts.readAt ? -1 : 1))
    .at(-1);
}

/** Is there nothing about the endpoint that has still to end or to be looked at again? */
export function isSettled(history: EndpointHistory): boolean {
  const newest = changeOf(history, history.generation);
  return (
    newest !== undefined &&
    newest.outcome?.result !== 'undetermined' &&
    !history.changes.some((change) => isUnfinished(history, change))
  );
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

const NEEDS_NEW_FACTS: readonly Part[] = ['scaling', 'components'];

/**
 * The change that a sweep tells of where something is shown otherwise than the newest reading has it, although the
 * endpoint itself was not modified: tags, monitors, alarms, bounds of scaling, components. `shown` is a digest of what is
 * shown, so that every sweep that sees the same makes the same event id, until the endpoint has been read again.
 */
export function sweptParts(
  endpoint: EndpointRef,
  parts: readonly Part[],
  { generation, shown }: { generation: number; shown: string },
  now: string,
): EndpointChange {
  return {
    endpoint,
    kind: parts.some((part) => NEEDS_NEW_FACTS.includes(part)) ? 'endpoint' : 'guard',
    cause: `${SWEEP}: ${parts.join(', ')}`,
    eventId: `sweep-${generation}-${shown.slice(0, 32)}`,
    at: now,
    sighting: {},
  };
}

/** The change that a sweep tells of where artifacts are not what they were when they were last read. */
export function overwrittenArtifacts(
  endpoint: EndpointRef,
  { generation, shown }: { generation: number; shown: string },
  now: string,
): EndpointChange {
  return {
    endpoint,
    kind: 'endpoint',
    cause: ARTIFACT_OVERWRITTEN,
    eventId: `sweep-artifact-${generation}-${shown.slice(0, 32)}`,
    at: now,
    sighting: {},
  };
}

/**
 * Is it this endpoint's turn to be looked at although nothing seems to have changed? Each has a moment of its own in
 * every period, spread by `seed`, so that a sweep looks at its share of them; what a sweep that failed left out, the next
 * one catches up with.
 */
export function isDue(seed: number, periodMs: number, lastSweptAt: string | undefined, now: string): boolean {
  if (lastSweptAt === undefined) return false;
  const phase = seed % periodMs;
  const turn = (at: string) => Math.floor((Date.parse(at) - phase) / periodMs);
  return turn(now) > turn(lastSweptAt);
}

// Older ones that show no opening may have it further back than was read.
const isUnfinished = (history: EndpointHistory, { generation, opened, joined, outcome }: ChangeHistory): boolean =>
  !outcome && !joined && (opened !== undefined || generation > history.generation);

/**
 * Changes that have been quiet for a while and have not ended: opened and without an outcome, or told of by events and
 * never opened. Whether they still run is for Step Functions to say.
 */
export function quietChanges(history: EndpointHistory, now: string): ChangeHistory[] {
  return history.changes.filter(
    (change) => isUnfinished(history, change) && past(change.records.at(-1)?.at ?? now, now) >= QUIET_MS,
  );
}
