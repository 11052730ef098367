import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { EndpointRef } from '../model/endpoint-ref.ts';
import { smokeEvent } from '../model/smoke-event.ts';
import type { With } from './services.ts';

/** Puts the event of a smoke test on the default bus, where AWS puts its own. Returns the event's id. */
export async function putSmokeEvent({ config }: With, endpoint: EndpointRef): Promise<string> {
  const { source, detailType, detail } = smokeEvent(endpoint);
  const { Entries: [entry] = [] } = await new EventBridgeClient({ region: config.region }).send(
    new PutEventsCommand({ Entries: [{ Source: source, DetailType: detailType, Detail: JSON.stringify(detail) }] }),
  );
  if (entry?.EventId) return entry.EventId;
  throw new Error(`the bus did not take the event: ${entry?.ErrorCode}: ${entry?.ErrorMessage}`);
}
