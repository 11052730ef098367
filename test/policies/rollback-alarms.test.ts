import { describe, expect, test } from 'vitest';
import type { RollbackAlarm } from '../../shared/model/endpoint-facts.ts';
import { evaluatePolicy } from '../../shared/policies/policy.ts';
import { rollbackAlarms } from '../../shared/policies/rollback-alarms.ts';
import {
  alarm,
  componentHost,
  endpoint,
  facts,
  inDev,
  instanceVariant,
  later,
  poolVariant,
  serverlessVariant,
  settings,
} from '../builders.ts';

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

describe('an alarm that is there and may not speak', () => {
  const silenced: [string, Parameters<typeof alarm>[1], string][] = [
    [
      'without actions',
      { actionsEnabled: false },
      'The actions of alarm DataDriftAlarm are disabled (ActionsEnabled false).',
    ],
    ['muted', { mutedBy: ['quiet-friday'] }, 'Alarm DataDriftAlarm is muted by mute rule quiet-friday.'],
    [
      'suppressed',
      { suppressedBy: 'maintenance' },
      'The actions of alarm DataDriftAlarm are suppressed by maintenance.',
    ],
    [
      'blind for long',
      { state: 'INSUFFICIENT_DATA', stateSince: later(-24 * 3600 - 1) },
      'Alarm DataDriftAlarm has had INSUFFICIENT_DATA since 2026-11-19T09:59:59.000Z.',
    ],
  ];
  test.each(silenced)('%s is a violation in production and advice elsewhere', (_what, overrides, message) => {
    expect(drift(overrides)).toMatchObject({ outcome: 'violation', messages: [message] });
    const dev = facts({
      ...withAlarms([alarm('ModelMonitorAlarm'), alarm('DataDriftAlarm', overrides)]),
      environment: inDev,
    });
    expect(evaluatePolicy(rollbackAlarms, dev, settings())).toMatchObject({ outcome: 'advice', messages: [message] });
  });
  test('is not yet blind within a day, or as long as the settings say', () => {
    const quiet = { state: 'INSUFFICIENT_DATA', stateSince: later(-24 * 3600) } as const;
    expect(drift(quiet).outcome).toBe('pass');
    const alarms = [alarm('ModelMonitorAlarm'), alarm('DataDriftAlarm', quiet)];
    expect(held(alarms, settings({ alarmSilentHours: 2 })).outcome).toBe('violation');
  });
  test('and trips at this moment is worth knowing', () => {
    expect(drift({ state: 'ALARM' })).toMatchObject({
      outcome: 'advice',
      messages: ['Alarm DataDriftAlarm is in ALARM now.'],
    });
  });
});

describe('an alarm whose metric never has a value', () => {
  test('because its variant is gone is a violation', () => {
    expect(drift({ variants: ['OldTraffic'] }).messages).toEqual([
      'Alarm DataDriftAlarm watches variant OldTraffic, which this endpoint does not have.',
    ]);
    expect(drift({ variants: ['AllTraffic'] }).outcome).toBe('pass');
  });
  test('because its schedule is gone is a violation', () => {
    expect(drift({ schedules: ['deleted-schedule'] }).messages).toEqual([
      'Alarm DataDriftAlarm watches monitoring schedule deleted-schedule, which does not watch this endpoint.',
    ]);
    expect(drift({ schedules: ['fraud-prod-data-quality'] }).outcome).toBe('pass');
  });
});

describe('whether an alarm could have stopped the deployment', () => {
  const baked = (bakeSeconds: number, alarms: RollbackAlarm[]) =>
    evaluatePolicy(
      rollbackAlarms,
      facts({ deployment: { known: true, strategy: 'blue-green', rollbackAlarms: alarms, bakeSeconds } }),
      settings(),
    );
  test('is advice where only hourly ones watch', () => {
    expect(baked(600, good)).toMatchObject({
      outcome: 'advice',
      messages: [expect.stringContaining('None of its alarms could trip within the 600 s that it baked')],
    });
  });
  test('is advice where the quickest takes longer than the bake, and nothing where it does not', () => {
    const quick = (tripsAfterSeconds: number) => [...good, alarm('fraud-prod-5xx', { tripsAfterSeconds })];
    expect(baked(600, quick(601)).outcome).toBe('advice');
    expect(baked(600, quick(600)).outcome).toBe('pass');
  });
  test('is advice where nothing baked at all', () => {
    expect(baked(0, good).messages).toEqual([expect.stringContaining('The deployment kept no old fleet')]);
  });
  test('does not matter where alarms are missing', () => {
    expect(baked(0, []).messages).toHaveLength(2);
  });
});

test('a deployment without a DeploymentConfig has dropped the alarms, which is said', () => {
  const deployment = {
    known: true,
    strategy: 'none',
    rollbackAlarms: [],
    bakeSeconds: 0,
    deploymentConfig: null,
  } as const;
  const found = evaluatePolicy(
    rollbackAlarms,
    facts({ deployment: { ...deployment, rollbackAlarms: [] } }),
    settings(),
  );
  expect(found.messages[0]).toBe(
    'The last deployment came without a DeploymentConfig, which drops the alarms of those before it.',
  );
});

describe('inference components', () => {
  const with_ = (rollback: RollbackAlarm[] | null) =>
    evaluatePolicy(
      rollbackAlarms,
      facts({ variants: [componentHost()], componentAlarms: [{ component: 'fraud-a', rollbackAlarms: rollback }] }),
      settings(),
    );
  test('whose updates nothing would roll back are advice', () => {
    for (const none of [null, []]) {
      expect(with_(none)).toMatchObject({
        outcome: 'advice',
        messages: [expect.stringMatching(/^Inference component fraud-a: its last update named no alarms/)],
      });
    }
  });
  test('whose alarms are not there are a violation that names the component', () => {
    expect(with_([{ name: 'x', exists: false }])).toMatchObject({
      outcome: 'violation',
      messages: ['Inference component fraud-a: Alarm x does not exist in CloudWatch.'],
    });
    expect(with_([alarm('x')]).outcome).toBe('pass');
  });
});

test.each([
  instanceVariant({ instanceType: 'ml.inf1.xlarge' }),
  poolVariant({ pools: [{ instanceType: 'ml.inf1.2xlarge', priority: 1 }] }),
  componentHost({ instanceTypes: ['ml.inf1.6xlarge'] }),
])('on Inf1 AWS has no guardrails, so it does not apply: $kind', (variant) => {
  expect(evaluatePolicy(rollbackAlarms, facts({ variants: [variant] }), settings())).toMatchObject({
    outcome: 'not-applicable',
    messages: [expect.stringContaining('no deployment guardrails for Inf1 instances')],
  });
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
