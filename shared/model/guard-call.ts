import type { GuardKey } from './guard-key.ts';

type Parameters = Record<string, unknown>;

const textIn = (value: unknown): string[] => (typeof value === 'string' && value !== '' ? [value] : []);
const textsIn = (value: unknown): string[] => (Array.isArray(value) ? value.flatMap(textIn) : []);
const inside = (value: unknown, member: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Parameters)[member] : undefined;

const keys = (kind: GuardKey['kind'], names: readonly string[]): GuardKey[] => names.map((name) => ({ kind, name }));
const alarmName = ({ alarmName: name }: Parameters) => keys('alarm', textIn(name));
const alarmNames = ({ alarmNames: names }: Parameters) => keys('alarm', textsIn(names));
const schedule = ({ monitoringScheduleName: name }: Parameters) => keys('schedule', textIn(name));
const bucket = ({ bucketName: name }: Parameters) => keys('bucket', textIn(name));
const definition =
  (type: string) =>
  ({ jobDefinitionName: name }: Parameters) =>
    keys(
      'job-definition',
      textIn(name).map((each) => `${type}/${each}`),
    );

/**
 * Calls that change a guard, and which one by their parameters, as CloudTrail writes them (members in lowerCamelCase;
 * of mute rules, schedules and job definitions no record of a real call was seen). Of S3 calls only the bucket is read.
 */
const GUARD_CALLS: Record<string, (parameters: Parameters) => GuardKey[]> = {
  PutMetricAlarm: alarmName,
  PutCompositeAlarm: alarmName,
  PutLogAlarm: alarmName,
  DeleteAlarms: alarmNames,
  EnableAlarmActions: alarmNames,
  DisableAlarmActions: alarmNames,
  // Whom a rule muted until now is known by the rule, whom it mutes from now on by its targets.
  PutAlarmMuteRule: ({ name, muteTargets }) => [
    ...keys('mute-rule', textIn(name)),
    ...keys('alarm', textsIn(inside(muteTargets, 'alarmNames'))),
  ],
  DeleteAlarmMuteRule: ({ alarmMuteRuleName: name }) => keys('mute-rule', textIn(name)),
  CreateMonitoringSchedule: schedule,
  UpdateMonitoringSchedule: schedule,
  StartMonitoringSchedule: schedule,
  StopMonitoringSchedule: schedule,
  DeleteMonitoringSchedule: schedule,
  DeleteDataQualityJobDefinition: definition('DataQuality'),
  DeleteModelQualityJobDefinition: definition('ModelQuality'),
  DeleteModelBiasJobDefinition: definition('ModelBias'),
  DeleteModelExplainabilityJobDefinition: definition('ModelExplainability'),
  PutBucketEncryption: bucket,
  DeleteBucketEncryption: bucket,
};

export const guardCalls: readonly string[] = Object.keys(GUARD_CALLS);

/** What a call changed; undefined for a call that changes no guard. */
export function guardsOfCall(eventName: string, parameters: Parameters): GuardKey[] | undefined {
  return Object.hasOwn(GUARD_CALLS, eventName) ? GUARD_CALLS[eventName]?.(parameters) : undefined;
}

/** The endpoints that an alarm's dimensions name, as the API and CloudTrail list them; AWS writes `Endpoint` and `EndpointName`. */
export function endpointsInDimensions(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(endpointsInDimensions);
  if (typeof value !== 'object' || value === null) return [];
  const { name, value: named } = value as Parameters;
  if ((name === 'Endpoint' || name === 'EndpointName') && typeof named === 'string') return [named];
  return Object.values(value).flatMap(endpointsInDimensions);
}
