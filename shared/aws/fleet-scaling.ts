import {
  DescribeScalableTargetsCommand,
  DescribeScheduledActionsCommand,
  type ScalableTarget,
  type ScheduledAction,
} from '@aws-sdk/client-application-auto-scaling';
import { effectiveBounds, type ScheduledBounds } from '../model/scaling-bounds.ts';
import type { ShownScaling } from '../model/shown-endpoint.ts';
import type { With } from './services.ts';

/** The dimension in which variants grow: their instances. */
export const INSTANCES = {
  ServiceNamespace: 'sagemaker',
  ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
} as const;

/** Scalable targets of these variants, or of all of the account and region, fifty for each call. */
export async function listTargets({ scaling }: With<'scaling'>, ResourceIds?: string[]): Promise<ScalableTarget[]> {
  const found: ScalableTarget[] = [];
  let NextToken: string | undefined;
  do {
    const page = await scaling.send(
      new DescribeScalableTargetsCommand({ ...INSTANCES, MaxResults: 50, ResourceIds, NextToken }),
    );
    found.push(...(page.ScalableTargets ?? []));
    NextToken = page.NextToken;
  } while (NextToken);
  return found;
}

/** Scheduled actions of one variant, or of all of the account and region. */
export async function listActions({ scaling }: With<'scaling'>, ResourceId?: string): Promise<ScheduledAction[]> {
  const found: ScheduledAction[] = [];
  let NextToken: string | undefined;
  do {
    const page = await scaling.send(
      new DescribeScheduledActionsCommand({ ...INSTANCES, MaxResults: 50, ResourceId, NextToken }),
    );
    found.push(...(page.ScheduledActions ?? []));
    NextToken = page.NextToken;
  } while (NextToken);
  return found;
}

export const scheduledBounds = ({
  Schedule = '',
  EndTime,
  ScalableTargetAction,
}: ScheduledAction): ScheduledBounds => ({
  schedule: Schedule,
  endsAt: EndTime?.toISOString(),
  min: ScalableTargetAction?.MinCapacity,
  max: ScalableTargetAction?.MaxCapacity,
});

/** The bounds of every scaled variant of the account and region, by the endpoint's name in lower case. */
export async function listFleetScaling(services: With<'scaling'>): Promise<Map<string, ShownScaling[]>> {
  const [targets, actions] = await Promise.all([listTargets(services), listActions(services)]);
  const actionsOf = Map.groupBy(actions, ({ ResourceId = '' }) => ResourceId);
  const found = new Map<string, ShownScaling[]>();
  for (const { ResourceId = '', MinCapacity, MaxCapacity } of targets) {
    const [, endpoint, variant] = /^endpoint\/([^/]+)\/variant\/([^/]+)$/.exec(ResourceId) ?? [];
    if (endpoint === undefined || variant === undefined) continue;
    const coming = (actionsOf.get(ResourceId) ?? []).map(scheduledBounds);
    const { min = 0, max = 0 } = effectiveBounds({ min: MinCapacity, max: MaxCapacity }, coming, services.now());
    const key = endpoint.toLowerCase();
    found.set(key, [...(found.get(key) ?? []), { variant, min, max }]);
  }
  return found;
}
