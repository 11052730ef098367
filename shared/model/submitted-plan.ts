import type * as z from 'zod';
import { type Actor, unknownActor } from './actor.ts';
import { canonicalJson } from './canonical-json.ts';
import { DeploymentPlan } from './deployment-plan.ts';
import type { EndpointChange } from './endpoint-change.ts';
import type { EndpointRef } from './endpoint-ref.ts';

// A plan is submitted as an event on the gate's bus or over HTTP; both come out as the same EndpointChange.

export const PLAN_SOURCE = 'portcullis.plans';
export const PLAN_SUBMITTED = 'Deployment Plan Submitted';

/** A plan stands in its execution's input and in a record, both of which have limits of their own. */
const MAX_PLAN_BYTES = 60_000;

/** What is wrong with a plan: which field, what stands there, and what would be right. */
export type Mistake = { field: string; value: unknown; wanted: string };

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined,
    input,
  );
}

/** What stands there, short enough to be shown. */
function shown(value: unknown): unknown {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length <= 200 ? (value ?? null) : `${text.slice(0, 200)}...`;
}

function mistakesIn(input: unknown, { issues }: z.ZodError): Mistake[] {
  return issues.map(({ path, message }) => ({
    field: path.map(String).join('.') || '(document)',
    value: shown(valueAt(input, path)),
    wanted: message,
  }));
}

/** One mistake a line, for people. */
export const mistakeLine = ({ field, value, wanted }: Mistake): string =>
  field === '(document)' ? wanted : `${field}: ${JSON.stringify(value)}: ${wanted}`;

/** Reads a submitted plan: the plan, or every mistake in it at once. */
export function readPlan(document: unknown, now: string): { plan: DeploymentPlan } | { mistakes: Mistake[] } {
  const parsed = DeploymentPlan.safeParse(document);
  if (!parsed.success) return { mistakes: mistakesIn(document, parsed.error) };
  const plan = parsed.data;
  const mistakes: Mistake[] = [];
  const { validUntil } = plan;
  if (validUntil !== undefined && Date.parse(validUntil) <= Date.parse(now)) {
    mistakes.push({ field: 'validUntil', value: validUntil, wanted: `must be in the future; it is ${now} now` });
  }
  const names = plan.variants.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    mistakes.push({ field: 'variants', value: twice, wanted: 'every variant must have a name of its own' });
  }
  const bytes = Buffer.byteLength(canonicalJson(plan));
  if (bytes > MAX_PLAN_BYTES) {
    mistakes.push({ field: '(document)', value: bytes, wanted: `must be at most ${MAX_PLAN_BYTES} bytes of JSON` });
  }
  return mistakes.length > 0 ? { mistakes } : { plan };
}

/**
 * Who submitted it. Where AWS says who it was, the name in the plan is one more name of theirs; without AWS it stays a
 * claim: it proves nobody's identity, so it makes nobody known, but whoever is named may not approve the plan.
 */
function requesterFrom({ requester }: DeploymentPlan, proven: Actor | undefined): Actor {
  if (!proven) {
    return requester === undefined
      ? unknownActor
      : { kind: 'unknown', person: requester, names: [requester], arn: null, via: 'claim' };
  }
  return requester === undefined ? proven : { ...proven, names: [...new Set([...proven.names, requester])] };
}

/** What a submitted plan starts: a change in the stream of the endpoint's plans. */
export function changeFromPlan(
  plan: DeploymentPlan,
  { account, region }: Pick<EndpointRef, 'account' | 'region'>,
  submission: { eventId: string; at: string; actor?: Actor },
): EndpointChange {
  const place = { account: plan.account ?? account, region: plan.region ?? region };
  return {
    endpoint: { ...place, name: plan.endpoint, planned: true },
    kind: 'plan',
    cause: PLAN_SUBMITTED,
    eventId: submission.eventId,
    at: submission.at,
    actor: requesterFrom(plan, submission.actor),
    sighting: {},
    plan: { ...plan, ...place },
  };
}
