import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { DeploymentPlan } from '../model/deployment-plan.ts';
import { PLAN_SOURCE, PLAN_SUBMITTED } from '../model/submitted-plan.ts';
import type { With } from './services.ts';

/** Submits a plan on the default bus. Returns the event's id, by which it is found in the ledger. */
export async function putPlanEvent({ config }: With, plan: DeploymentPlan): Promise<string> {
  const { Entries: [entry] = [] } = await new EventBridgeClient({ region: config.region }).send(
    new PutEventsCommand({
      Entries: [{ Source: PLAN_SOURCE, DetailType: PLAN_SUBMITTED, Detail: JSON.stringify(plan) }],
    }),
  );
  if (entry?.EventId) return entry.EventId;
  throw new Error(`the bus did not take the plan: ${entry?.ErrorCode}: ${entry?.ErrorMessage}`);
}
