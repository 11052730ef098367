import { changeOf } from '../model/endpoint-history.ts';
import type { EndpointRef } from '../model/endpoint-ref.ts';
import { type PlanState, planState } from '../model/plan-state.ts';
import { readStream } from './ledger.ts';
import type { With } from './services.ts';

/** How a plan stands, read from the ledger now; undefined where there is no such plan. */
export async function readPlanState(
  services: With<'dynamodb'>,
  { account, region, name }: EndpointRef,
  generation: number,
): Promise<PlanState | undefined> {
  const ref: EndpointRef = { account, region, name, planned: true };
  const { history } = await readStream(services, ref, generation);
  const joined = changeOf(history, generation)?.joined?.joined;
  if (joined === undefined || changeOf(history, joined)?.opened) return planState(history, ref, generation);
  // What it joined began further back.
  const { history: further } = await readStream(services, ref, joined);
  return planState(further, ref, generation);
}

/** The number under which a submission is on record; undefined while it is not. */
export async function generationOfSubmission(
  services: With<'dynamodb'>,
  ref: EndpointRef,
  eventId: string,
): Promise<number | undefined> {
  const { history } = await readStream(services, { ...ref, planned: true });
  const isIt = (each: { eventId: string } | undefined) => each?.eventId === eventId;
  const plan = history.changes.find(({ opened, joined, events }) => [opened, joined, ...events].some(isIt));
  return plan && (plan.joined?.joined ?? plan.generation);
}
