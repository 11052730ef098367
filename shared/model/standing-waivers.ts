import { isNamedAmong } from './approver.ts';
import { type EndpointHistory, requestersOf } from './endpoint-history.ts';
import type { Environment } from './environment.ts';
import { type HeldWaiver, isInForce, type Waiver } from './waiver.ts';

/**
 * Waivers of an endpoint that are not over at `now` and were not revoked, those that begin later included. Each opened
 * change carries those before it along, so whatever part of a stream was read holds them all. Of the plans' stream it is
 * what the newest plan carries.
 */
export function standingWaivers(history: EndpointHistory, now: string): Waiver[] {
  const records = history.changes.flatMap((change) => change.records).sort((a, b) => a.sequence - b.sequence);
  let waivers: Waiver[] = [];
  for (const { body } of records) {
    if (body.kind === 'change-opened') waivers = body.waivers ?? [];
    if (body.kind === 'waiver-granted') waivers = [...waivers, body.waiver];
    if (body.kind === 'waiver-revoked') waivers = waivers.filter(({ id }) => id !== body.waiver);
  }
  return waivers.filter(({ until }) => Date.parse(now) < Date.parse(until));
}

/** Waivers that are in force for a change when it is judged, and whether each is by somebody who made the change. */
export function heldWaivers(
  history: EndpointHistory,
  generation: number,
  environment: Environment,
  at: string,
): HeldWaiver[] {
  const requesters = requestersOf(history, generation);
  return standingWaivers(history, at)
    .filter((waiver) => waiver.environment === environment && isInForce(waiver, at))
    .map((waiver) => ({ waiver, ownChange: isNamedAmong(requesters, waiver.names) }));
}
