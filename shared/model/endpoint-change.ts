import * as z from 'zod';
import { Actor } from './actor.ts';
import { DeploymentPlan } from './deployment-plan.ts';
import { EndpointRef } from './endpoint-ref.ts';

/** What an event says about the endpoint's state; each field only where the event carries it. */
export const Sighting = z.strictObject({
  configName: z.string().optional(),
  /** Desired instance count and weight by variant name. */
  desired: z
    .record(z.string(), z.strictObject({ instances: z.number().optional(), weight: z.number().optional() }))
    .optional(),
  /** LastModifiedTime of DescribeEndpoint, ISO 8601; what was modified no later than our reading is in our reading. */
  lastModifiedAt: z.iso.datetime().optional(),
  settled: z.boolean().optional(),
});
export type Sighting = z.infer<typeof Sighting>;

/**
 * Somebody wants people to be asked again about a deployment, after nobody answered in time or it was taken back, or has
 * it judged again, after granting or revoking a waiver.
 */
export const AskedAgain = z.strictObject({
  /** The request that ended; null where a waiver is the reason. */
  request: z.string().nullable(),
  /** The approver who asks. Asking makes nobody a requester: whoever made the change still did. */
  person: z.string(),
  /** What the request was about, and who had made that. */
  digest: z.string(),
  requesters: z.array(Actor),
});
export type AskedAgain = z.infer<typeof AskedAgain>;

/** What starts one execution: a sign that an endpoint may have changed. An event is a doorbell; facts are read live. */
export const EndpointChange = z.strictObject({
  endpoint: EndpointRef,
  /** `endpoint`: its deployment; `guard`: a monitor, an alarm or a tag; `deleted`: it is gone or going; `plan`: one is submitted. */
  kind: z.enum(['endpoint', 'guard', 'deleted', 'plan']),
  /** The event's name, such as `UpdateEndpoint` or `SageMaker Endpoint State Change`. */
  cause: z.string(),
  eventId: z.string(),
  /** When it happened, by AWS's clock. */
  at: z.iso.datetime(),
  /** Who did it, where the event says so; native events never do. */
  actor: Actor.optional(),
  sighting: Sighting,
  /** What is intended; for `plan`, whose endpoint is marked `planned`. */
  plan: DeploymentPlan.optional(),
  again: AskedAgain.optional(),
});
export type EndpointChange = z.infer<typeof EndpointChange>;
