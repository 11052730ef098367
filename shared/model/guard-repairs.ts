import type { EndpointFacts } from './endpoint-facts.ts';
import type { Baseline } from './ledger-record.ts';
import type { RemediationCall } from './remediation-call.ts';

/** What could be done about guards that were switched off: calls of the gate, calls of people, and the facts afterwards. */
export type GuardRepairs = {
  calls: RemediationCall[];
  others: RemediationCall[];
  notes: string[];
  repaired: EndpointFacts;
};

/**
 * Switching on again what is there and was switched off. What was deleted is not made again: the facts do not hold
 * every field of an alarm or a schedule.
 */
export function guardRepairs(facts: EndpointFacts, baseline: Baseline | null): GuardRepairs {
  const { deployment, monitors } = facts;
  const alarms = deployment.known ? deployment.rollbackAlarms : [];
  const there = alarms.flatMap((alarm) => (alarm.exists ? [alarm] : []));
  const disabled = there.filter(({ actionsEnabled }) => !actionsEnabled).map(({ name }) => name);
  const stopped = monitors.filter(({ status }) => status === 'Stopped').map(({ name }) => name);
  const muted = [...new Set(there.flatMap(({ mutedBy = [] }) => mutedBy))];
  const missing = alarms.flatMap((alarm) => (alarm.exists ? [] : [alarm.name]));
  const dropped = deployment.known && alarms.length === 0 ? baseline?.deploymentConfig : undefined;
  return {
    calls: [
      ...(disabled.length > 0
        ? [{ api: 'cloudwatch:EnableAlarmActions' as const, input: { AlarmNames: disabled } }]
        : []),
      ...stopped.map((name) => ({
        api: 'sagemaker:StartMonitoringSchedule' as const,
        input: { MonitoringScheduleName: name },
      })),
    ],
    others: [
      ...muted.map((name) => ({ api: 'cloudwatch:DeleteAlarmMuteRule' as const, input: { AlarmMuteRuleName: name } })),
      ...(dropped
        ? [
            {
              api: 'sagemaker:UpdateEndpoint' as const,
              input: {
                EndpointName: facts.endpoint.name,
                EndpointConfigName: facts.configName,
                DeploymentConfig: dropped,
              },
            },
          ]
        : []),
    ],
    notes: [
      ...missing.map(
        (name) =>
          `Alarm ${name} does not exist any more; what it looked like is not on record, so somebody has to make it again.`,
      ),
      ...(dropped
        ? [
            'The last update came without a DeploymentConfig, which took the rollback alarms off. Deploying again with the one that was accepted brings them back; whether SageMaker takes the config that is in service already has not been tried.',
          ]
        : []),
    ],
    repaired: {
      ...facts,
      deployment: deployment.known
        ? {
            ...deployment,
            rollbackAlarms: deployment.rollbackAlarms.map((alarm) =>
              alarm.exists ? { ...alarm, actionsEnabled: true } : alarm,
            ),
          }
        : deployment,
      monitors: monitors.map((monitor) =>
        monitor.status === 'Stopped' ? { ...monitor, status: 'Scheduled' as const } : monitor,
      ),
    },
  };
}

/** Does an endpoint show already what a call for its guards would do? Never for other calls. */
export function isRepaired({ deployment, monitors }: EndpointFacts, { api, input }: RemediationCall): boolean {
  if (api === 'cloudwatch:EnableAlarmActions') {
    const alarms = deployment.known ? deployment.rollbackAlarms : [];
    const names = Array.isArray(input.AlarmNames) ? input.AlarmNames : [];
    return names.every((name) => alarms.some((alarm) => alarm.exists && alarm.name === name && alarm.actionsEnabled));
  }
  if (api !== 'sagemaker:StartMonitoringSchedule') return false;
  return monitors.some(({ name, status }) => name === input.MonitoringScheduleName && status !== 'Stopped');
}
