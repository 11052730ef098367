import * as z from 'zod';
import type { EndpointFacts, RollbackAlarm } from './endpoint-facts.ts';
import type { Variant } from './variant.ts';

/**
 * Something in AWS whose change may make an endpoint less guarded, without any event that names the endpoint; and inference
 * components, of whose deletion the same is true.
 */
export const GuardKey = z.strictObject({
  kind: z.enum(['alarm', 'mute-rule', 'schedule', 'job-definition', 'bucket', 'inference-component']),
  /** As AWS writes it; a job definition with its type before it, `DataQuality/name`: each type has names of its own. */
  name: z.string().min(1),
});
export type GuardKey = z.infer<typeof GuardKey>;

const keys = (kind: GuardKey['kind'], names: readonly string[]): GuardKey[] => names.map((name) => ({ kind, name }));

function keysOfAlarm(alarm: RollbackAlarm): GuardKey[] {
  const { dependsOn = [], mutedBy = [] } = alarm.exists ? alarm : {};
  return [...keys('alarm', [alarm.name, ...dependsOn]), ...keys('mute-rule', mutedBy)];
}

const componentsOf = (variant: Variant) =>
  variant.kind === 'inference-component-host' ? variant.components.map(({ name }) => name) : [];

/** Everything whose change makes the endpoint worth another look: alarms, monitors, buckets of artifacts, components. */
export function guardKeysOf(facts: EndpointFacts): GuardKey[] {
  const { variants, deployment, componentAlarms = [], monitors, artifacts } = facts;
  const alarms = [
    ...(deployment.known ? deployment.rollbackAlarms : []),
    ...componentAlarms.flatMap(({ rollbackAlarms }) => rollbackAlarms ?? []),
  ];
  const all = [
    ...alarms.flatMap(keysOfAlarm),
    ...monitors.flatMap(({ name, type, jobDefinition }) => [
      ...keys('schedule', [name]),
      ...keys('job-definition', jobDefinition ? [`${type}/${jobDefinition}`] : []),
    ]),
    ...keys(
      'bucket',
      artifacts.map(({ bucket }) => bucket.name),
    ),
    ...keys('inference-component', variants.flatMap(componentsOf)),
  ];
  return [...new Map(all.map((key) => [`${key.kind} ${key.name}`, key])).values()];
}
