import type { DataCapture, Monitor, RollbackAlarm } from '../shared/model/endpoint-facts.ts';
import { moment } from './time.ts';

/** What is said about an alarm that a deployment rolls back on: its state, what it watches, and what silences it. */
export function alarmWords(alarm: RollbackAlarm): string {
  if (!alarm.exists) return 'does not exist';
  const watches = {
    true: 'watches this endpoint',
    false: 'watches something else',
    null: 'what it watches cannot be told',
  };
  const { mutedBy = [], suppressedBy = null, tripsAfterSeconds = null } = alarm;
  return [
    alarm.state,
    watches[`${alarm.watchesEndpoint}`],
    ...(tripsAfterSeconds === null ? [] : [`trips within ${tripsAfterSeconds} s`]),
    ...(alarm.actionsEnabled ? [] : ['actions disabled']),
    ...(mutedBy.length > 0 ? [`muted by ${mutedBy.join(', ')}`] : []),
    ...(suppressedBy === null ? [] : [`suppressed by ${suppressedBy}`]),
  ].join(', ');
}

/** A monitoring schedule: its type and state, its baseline, how often it runs and how its last run went. */
export function monitorWords({
  type,
  status,
  baselineUris,
  unseenBaselines = [],
  expression,
  lastRun,
}: Monitor): string {
  return [
    type,
    status,
    ...(baselineUris.length === 0 ? ['no baseline'] : []),
    ...unseenBaselines.map(
      ({ uri, why }) => `baseline ${uri} ${why === 'missing' ? 'does not exist' : 'cannot be seen'}`,
    ),
    ...(expression ? [expression] : []),
    ...(lastRun === undefined
      ? []
      : [lastRun ? `last run ${lastRun.status} (${moment(lastRun.scheduledAt)})` : 'never ran']),
  ].join(', ');
}

/** Data capture without its address. */
export function captureWords({ enabled, samplingPercentage, directions, live }: DataCapture): string {
  return [
    enabled ? 'on' : 'off',
    `${samplingPercentage} %`,
    ...(directions ? [directions.join(' and ') || 'neither input nor output'] : []),
    ...(live === undefined ? [] : [live ? `${live.status} at ${live.samplingPercentage} %` : 'not shown as started']),
  ].join(', ');
}
