import type { EndpointChange } from './endpoint-change.ts';
import { type EndpointHistory, lastOpened, requestersOf, standingChange } from './endpoint-history.ts';
import type { EndpointRef } from './endpoint-ref.ts';
import type { RecordOf } from './ledger-record.ts';

/** Causes of changes by which the gate looks at an endpoint again although nothing happened to it. */
export const WAIVER_GRANTED = 'waiver granted';
export const WAIVER_REVOKED = 'waiver revoked';
export const WAIVER_ENDED = 'waiver ended';

/**
 * The change that has an endpoint judged again because of a waiver; undefined where there is nothing to judge. Whoever
 * made the deployment stays who made it: that somebody waived a policy does not make them a requester.
 */
export function recheck(
  history: EndpointHistory,
  endpoint: EndpointRef,
  { cause, eventId, person, now }: { cause: string; eventId: string; person: string; now: string },
): EndpointChange | undefined {
  const standing = standingChange(history);
  const opened = lastOpened(history);
  if (!opened?.opened || standing?.outcome?.result === 'deleted') return undefined;
  const requesters = requestersOf(history, opened.generation);
  return {
    endpoint,
    kind: 'guard',
    cause,
    eventId,
    at: now,
    sighting: {},
    again: { request: null, person, digest: opened.opened.digest, requesters },
  };
}

/** The same after somebody granted or revoked one. One that begins later changes nothing yet. */
export function recheckAfterWaiver(
  history: EndpointHistory,
  endpoint: EndpointRef,
  body: RecordOf<'waiver-granted'> | RecordOf<'waiver-revoked'>,
  person: string,
  now: string,
): EndpointChange | undefined {
  if (body.kind === 'waiver-revoked') {
    return recheck(history, endpoint, { cause: WAIVER_REVOKED, eventId: `waiver-revoked-${body.waiver}`, person, now });
  }
  if (Date.parse(body.waiver.from) > Date.parse(now)) return undefined;
  return recheck(history, endpoint, { cause: WAIVER_GRANTED, eventId: `waiver-${body.waiver.id}`, person, now });
}
