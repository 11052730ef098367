import { expect, test } from 'vitest';
import type { RollbackAlarm } from '../../shared/model/endpoint-facts.ts';
import { evaluatePolicy } from '../../shared/policies/policy.ts';
import { rollbackAlarms } from '../../shared/policies/rollback-alarms.ts';
import { alarm, endpoint, facts, inDev, serverlessVariant, settings } from '../builders.ts';

const good = [alarm('fraud-prod-ModelMonitorAlarm'), alarm('fraud-prod-DataDriftAlarm')];
const withAlarms = (alarms: RollbackAlarm[]) =>
  facts({ deployment: { known: true, strategy: 'blue-green', rollbackAlarms: alarms } });
const held = (alarms: RollbackAlarm[], by = settings()) => evaluatePolicy(rollbackAlarms, withAlarms(alarms), by);
const drift = (overrides: Parameters<typeof alarm>[1]) =>
  held([alarm('ModelMonitorAlarm'), alarm('DataDriftAlarm', overrides)]);

test('both alarms under the name of the endpoint pass', () =>
  expect(held(good)).toMatchObject({ outcome: 'pass', messages: [] }));
test('both alarms under their plain names pass, in any case', () => {
  expect(held([alarm('ModelMonitorAlarm'), alarm('datadriftalarm')]).outcome).toBe('pass');
});

test('a role that no alarm fills is a violation that says which names were looked for', () => {
  expect(held(good.slice(0, 1))).toMatchObject({
    outcome: 'violation',
    messages: [
      'The deployment names no DataDriftAlarm in AutoRollbackConfiguration (looked for DataDriftAlarm, fraud-prod-DataDriftAlarm).',
    ],
  });
});
test('no alarms at all is a violation for each role', () => expect(held([]).messages).toHaveLength(2));
test('the alarm of another endpoint does not fill the role', () => {
  expect(held([good[0] ?? alarm('x'), alarm('other-prod-DataDriftAlarm')]).outcome).toBe('violation');
});

test('an alarm that does not exist is a violation', () => {
  expect(held([alarm('ModelMonitorAlarm'), { name: 'DataDriftAlarm', exists: false }]).messages).toEqual([
    'Alarm DataDriftAlarm does not exist in CloudWatch.',
  ]);
});
test('an alarm that watches something else is a violation', () => {
  expect(drift({ watchesEndpoint: false }).messages).toEqual(['Alarm DataDriftAlarm does not watch this endpoint.']);
});
test('an alarm of which nobody can tell what it watches is a violation that says so', () => {
  expect(drift({ watchesEndpoint: null }).messages).toEqual([
    'Whether alarm DataDriftAlarm watches this endpoint cannot be told from its definition.',
  ]);
});
test('one good alarm fills the role, whatever else is named for it', () => {
  expect(held([...good, { name: 'DataDriftAlarm', exists: false }]).outcome).toBe('pass');
});
test('a composite alarm fills a role like any other', () => expect(drift({ type: 'composite' }).outcome).toBe('pass'));
test('an alarm without actions still rolls back: SageMaker looks at its state', () => {
  expect(drift({ actionsEnabled: false }).outcome).toBe('pass');
});

test('while a deployment is under way the alarms are not known yet, which is advice and not a pass', () => {
  const underWay = facts({ deployment: { known: false, reason: 'A deployment is under way.' } });
  expect(evaluatePolicy(rollbackAlarms, underWay, settings())).toMatchObject({
    outcome: 'advice',
    messages: ['A deployment is under way. The rollback alarms are verified when it has ended.'],
  });
});

test('it applies to every endpoint: in dev and to serverless ones too', () => {
  const none = { known: true, strategy: 'none', rollbackAlarms: [] } as const;
  const dev = facts({
    environment: inDev,
    variants: [serverlessVariant()],
    deployment: { ...none, rollbackAlarms: [] },
  });
  expect(evaluatePolicy(rollbackAlarms, dev, settings()).outcome).toBe('violation');
});

test('other roles and other names are set by the settings', () => {
  const by = settings({ requiredAlarms: ['Latency'], alarmNamePatterns: ['team-*-{role}'] });
  expect(held([alarm('team-risk-Latency')], by).outcome).toBe('pass');
  expect(held(good, by)).toMatchObject({
    outcome: 'violation',
    messages: [expect.stringContaining('looked for team-*-Latency')],
  });
});

test('signs in an alarm name are signs, not a pattern', () => {
  const by = settings({ requiredAlarms: ['a.b'], alarmNamePatterns: ['{role}'] });
  expect(held([alarm('aXb')], by).outcome).toBe('violation');
  expect(evaluatePolicy(rollbackAlarms, facts({ endpoint: { ...endpoint, name: 'x' } }), settings()).outcome).toBe(
    'violation',
  );
});
