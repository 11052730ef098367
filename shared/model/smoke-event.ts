import type { EndpointRef } from './endpoint-ref.ts';

// A smoke test sends one event through the whole gate about an endpoint that was never there. Nobody but AWS may send
// events as AWS, so it has a source of its own, and with that source nothing can be said about any other endpoint.

export const SMOKE_SOURCE = 'portcullis.smoke';
export const SMOKE_PREFIX = 'portcullis-smoke-';
/** The cause on record, so that nobody takes it for a change that somebody made. */
export const SMOKE_CAUSE = 'portcullis smoke';

/** The event as AWS sends it when an endpoint is on its way out. */
export function smokeEvent({ name }: Pick<EndpointRef, 'name'>) {
  return {
    source: SMOKE_SOURCE,
    detailType: 'SageMaker Endpoint State Change',
    detail: { EndpointName: name, EndpointStatus: 'DELETING' },
  };
}
