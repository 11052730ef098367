import { expect, test } from 'vitest';
import type { RollbackAlarm } from '../../shared/model/endpoint-facts.ts';
import { decayedParts } from '../../shared/model/guard-decay.ts';
import type { ShownAlarm, ShownEndpoint, ShownMonitor } from '../../shared/model/shown-endpoint.ts';
import { alarm, facts, inStaging, later, monitor, NOW, settings } from '../builders.ts';

const DAY = 86_400;
const TOMORROW = later(DAY);
type Run = ShownMonitor['lastRun'];
const run = (at: string, status: 'Completed' | 'Failed' = 'Completed'): Run => ({
  status,
  scheduledAt: at,
  failureReason: null,
});
const shown = (lastRun: Run, alarms?: ShownAlarm[]): ShownEndpoint => ({
  name: 'fraud-prod',
  status: 'InService',
  lastModifiedAt: undefined,
  searched: {
    configName: undefined,
    variants: [],
    tags: {},
    capture: undefined,
    monitors: [
      { name: 'fraud-prod-data-quality', status: 'Scheduled', config: 'c', lastModifiedAt: undefined, lastRun },
    ],
  },
  alarms,
  scaling: undefined,
  components: undefined,
});
const decayed = (seen: ShownEndpoint, read = facts()) => decayedParts(read, seen, TOMORROW, settings());

test('runs that go on are no decay', () => expect(decayed(shown(run(TOMORROW)))).toEqual([]));
test('a run that failed is one, and so are runs that do not come', () => {
  expect(decayed(shown(run(TOMORROW, 'Failed')))).toEqual(['monitors']);
  expect(decayed(shown(run(NOW)))).toEqual(['monitors']);
});
test('a monitor that has recovered is looked at too', () => {
  const failed = facts({
    monitors: [monitor({ lastRun: { status: 'Failed', scheduledAt: NOW, failureReason: null } })],
  });
  expect(decayed(shown(run(TOMORROW)), failed)).toEqual(['monitors']);
  expect(decayed(shown(run(TOMORROW, 'Failed')), failed)).toEqual([]);
});
test('where no run is shown nothing is concluded, but for one that never ran', () => {
  expect(decayed(shown(undefined))).toEqual([]);
  const never = facts({ monitors: [monitor({ lastRun: null, createdAt: NOW, modifiedAt: NOW })] });
  expect(decayed(shown(undefined), never)).toEqual(['monitors']);
});
test('outside of production monitors do not matter', () => {
  expect(decayed(shown(run(NOW)), facts({ environment: inStaging }))).toEqual([]);
});

const named = (state: ShownAlarm['state'], since: string): ShownAlarm[] => [
  {
    name: 'fraud-prod-DataDriftAlarm',
    exists: true,
    actionsEnabled: true,
    updatedAt: undefined,
    mutedBy: [],
    ...(state && { state, stateSince: since }),
  },
];
test('an alarm that has come to be without data for a day is a decay, one without data for an hour is none', () => {
  expect(decayed(shown(run(TOMORROW), named('INSUFFICIENT_DATA', later(-60))))).toEqual(['alarms']);
  expect(decayed(shown(run(TOMORROW), named('INSUFFICIENT_DATA', later(DAY - 3600))))).toEqual([]);
  expect(decayed(shown(run(TOMORROW), named('OK', NOW)))).toEqual([]);
  expect(decayed(shown(run(TOMORROW), named(undefined, NOW)))).toEqual([]);
});
test('one that has data again is looked at too', () => {
  const { deployment } = facts();
  if (!deployment.known) throw new Error('the perfect deployment is known');
  const blind = alarm('fraud-prod-DataDriftAlarm', { state: 'INSUFFICIENT_DATA', stateSince: later(-2 * DAY) });
  const rollbackAlarms: RollbackAlarm[] = [blind];
  const read = facts({ deployment: { ...deployment, rollbackAlarms } });
  expect(decayed(shown(run(TOMORROW), named('OK', NOW)), read)).toEqual(['alarms']);
});
