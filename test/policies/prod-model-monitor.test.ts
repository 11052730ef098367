import { describe, expect, test } from 'vitest';
import type { EndpointFacts, Monitor } from '../../shared/model/endpoint-facts.ts';
import { evaluatePolicy } from '../../shared/policies/policy.ts';
import { monitorsStillHaveTime, prodModelMonitor } from '../../shared/policies/prod-model-monitor.ts';
import {
  componentHost,
  facts,
  inStaging,
  instanceVariant,
  later,
  model,
  monitor,
  NOW,
  poolVariant,
  serverlessVariant,
  settings,
} from '../builders.ts';

const held = (overrides: Parameters<typeof facts>[0], by = settings()) =>
  evaluatePolicy(prodModelMonitor, facts(overrides), by);
const watched = (monitors: Monitor[]) => held({ monitors });
const age = (minutes: number) => ({ monitors: [], createdAt: later(-60 * minutes, NOW) });

test('one scheduled monitor with a baseline passes', () =>
  expect(watched([monitor()])).toMatchObject({ outcome: 'pass', messages: [] }));
test.each([poolVariant(), componentHost()])('so it does for the kind $kind', (variant) => {
  expect(held({ variants: [variant] }).outcome).toBe('pass');
});

test('no monitor is a violation that says so', () => {
  expect(watched([])).toMatchObject({
    outcome: 'violation',
    messages: ['Not monitored: no monitoring schedule names this endpoint.'],
  });
});
test.each(['Stopped', 'Failed', 'Pending'] as const)('a schedule that is %s does not count', (status) => {
  expect(watched([monitor({ status })]).messages).toEqual([
    `Not monitored: schedule fraud-prod-data-quality is ${status}, not Scheduled.`,
  ]);
});
test('a schedule without a baseline does not count', () => {
  expect(watched([monitor({ baselineUris: [] })]).messages).toEqual([
    'Not monitored: schedule fraud-prod-data-quality has no baseline to compare with.',
  ]);
});
test('what is wrong with each is said where none is good, and one good one is enough', () => {
  const bad = [monitor({ name: 'a', status: 'Stopped' }), monitor({ name: 'b', baselineUris: [] })];
  expect(watched(bad).messages[0]).toContain('schedule a is Stopped, not Scheduled; schedule b has no baseline');
  expect(watched([...bad, monitor({ name: 'c' })]).outcome).toBe('pass');
});

test('a young endpoint has time: advice that says how much is left', () => {
  expect(held(age(30))).toMatchObject({
    outcome: 'advice',
    messages: [
      'Not yet monitored: no monitoring schedule names this endpoint. It has 90 more minutes, then this is a violation.',
    ],
  });
});
test('the time is up at two hours, not a moment later', () => {
  expect(held(age(119.99)).outcome).toBe('advice');
  expect(held(age(120)).outcome).toBe('violation');
});
test('how long it has is set by the settings', () => {
  expect(held(age(30), settings({ monitoringGraceMinutes: 0 })).outcome).toBe('violation');
  expect(held(age(200), settings({ monitoringGraceMinutes: 240 })).outcome).toBe('advice');
});

describe('where AWS has no Model Monitor it does not apply, with the exclusion cited', () => {
  const multi = instanceVariant({
    models: [model({ containers: [{ image: 'mme', mode: 'MultiModel', environmentSha256: null, artifactUris: [] }] })],
  });
  test('for serverless', () => {
    expect(held({ variants: [serverlessVariant()], monitors: [] })).toMatchObject({
      outcome: 'not-applicable',
      messages: [
        expect.stringMatching(/serverless variant AllTraffic: SageMaker has no data capture.*developer guide/),
      ],
    });
  });
  test('for multi-model variants', () => {
    expect(held({ variants: [multi], monitors: [] })).toMatchObject({
      outcome: 'not-applicable',
      messages: [expect.stringContaining('multi-model variant AllTraffic: SageMaker monitors single-model endpoints')],
    });
  });
  test('but a variant that AWS excludes does not excuse the others', () => {
    const mixed = [instanceVariant(), serverlessVariant({ name: 'excuse', weight: 0 })];
    expect(held({ variants: mixed, monitors: [] }).outcome).toBe('violation');
  });
});

describe('a schedule counts', () => {
  const wrong = (overrides: Parameters<typeof monitor>[0]) => watched([monitor(overrides)]).messages;
  test('if it runs again and again, not once', () => {
    expect(wrong({ expression: 'NOW' })).toEqual([
      'Not monitored: schedule fraud-prod-data-quality runs once only (ScheduleExpression NOW).',
    ]);
    expect(wrong({ expression: null })[0]).toContain('has no ScheduleExpression');
  });
  test('if its baseline is there, and may be seen to be', () => {
    expect(wrong({ unseenBaselines: [{ uri: 's3://b/c', why: 'missing' }] })).toEqual([
      'Not monitored: the baseline s3://b/c of schedule fraud-prod-data-quality does not exist.',
    ]);
    expect(wrong({ unseenBaselines: [{ uri: 's3://b/c', why: 'unverifiable' }] })[0]).toContain('is unknown');
  });
  const ran = (status: 'Failed' | 'Stopped' | 'Completed' | 'InProgress' | 'CompletedWithViolations', at = NOW) => ({
    lastRun: { status, scheduledAt: at, failureReason: status === 'Failed' ? 'no data' : null },
  });
  test('if its last run did not fail', () => {
    expect(wrong(ran('Failed'))).toEqual([
      'Not monitored: the last run of schedule fraud-prod-data-quality failed: no data.',
    ]);
    expect(wrong(ran('Stopped'))[0]).toContain('was stopped');
    expect(watched([monitor(ran('InProgress'))]).outcome).toBe('pass');
  });
  test('if it has not missed two runs: for an hourly one 140 minutes, with the delay of the start', () => {
    expect(watched([monitor(ran('Completed', later(-140 * 60)))]).outcome).toBe('pass');
    expect(wrong(ran('Completed', later(-140 * 60 - 1)))[0]).toContain('has not run since');
    const daily = { expression: 'cron(0 17 ? * * *)' };
    expect(watched([monitor({ ...daily, ...ran('Completed', later(-47 * 3600)) })]).outcome).toBe('pass');
    expect(watched([monitor({ ...daily, ...ran('Completed', later(-49 * 3600)) })]).outcome).toBe('violation');
  });
  test('if it was set going a moment ago, with a remark, but not for ever', () => {
    const fresh = { lastRun: null, createdAt: later(-3600), modifiedAt: later(-3600) };
    expect(watched([monitor(fresh)])).toMatchObject({
      outcome: 'advice',
      messages: [
        'Schedule fraud-prod-data-quality has not run yet; it counts as dead if it has not by 2026-11-20T11:20:00.000Z.',
      ],
    });
    expect(wrong({ lastRun: null })[0]).toContain('has never run');
  });
  test('if it found violations of its baseline: that is its work, and worth a remark', () => {
    expect(watched([monitor(ran('CompletedWithViolations'))])).toMatchObject({
      outcome: 'advice',
      messages: [expect.stringContaining('found violations of its baseline')],
    });
  });
});

describe('what monitors read', () => {
  const capture = (overrides: Partial<NonNullable<EndpointFacts['dataCapture']>>) => {
    const { dataCapture } = facts();
    if (!dataCapture) throw new Error('the perfect endpoint captures');
    return { dataCapture: { ...dataCapture, ...overrides } };
  };
  test.each([
    [{ dataCapture: null }, 'data capture is off (DataCaptureConfig), and monitors read what it captures'],
    [capture({ enabled: false }), 'data capture is off'],
    [capture({ samplingPercentage: 0 }), 'data capture samples 0 % (InitialSamplingPercentage)'],
    [capture({ directions: ['Input'] }), 'data capture takes no Output (CaptureOptions)'],
    [capture({ directions: [] }), 'data capture takes no Input and no Output (CaptureOptions)'],
    [capture({ live: null }), 'data capture is configured, and DescribeEndpoint shows none'],
    [capture({ live: { status: 'Stopped', samplingPercentage: 20 } }), 'data capture is Stopped (CaptureStatus)'],
    [capture({ live: { status: 'Started', samplingPercentage: 0 } }), 'samples 0 % (CurrentSamplingPercentage)'],
  ])('%j is nothing to read', (overrides, what) => {
    expect(held(overrides)).toMatchObject({ outcome: 'violation', messages: [expect.stringContaining(what)] });
  });
  test('is not known of a plan, and not while a deployment is under way', () => {
    const { directions: _d, live: _l, ...planned } = facts().dataCapture ?? { enabled: false };
    expect(held({ dataCapture: planned as never }).outcome).toBe('pass');
  });
  test('gets no time where only another deployment helps, and time where it may come by itself', () => {
    const young = { createdAt: later(-60) };
    expect(held({ ...young, ...capture({ enabled: false }) }).outcome).toBe('violation');
    expect(held({ ...young, ...capture({ live: null }) }).outcome).toBe('advice');
  });
});

describe('types of monitors that are wanted', () => {
  const by = settings({ requiredMonitorTypes: ['DataQuality', 'ModelBias'] });
  test('each need a good one', () => {
    expect(held({}, by).messages).toEqual(['Not monitored: no ModelBias monitoring schedule names this endpoint.']);
    expect(held({ monitors: [monitor(), monitor({ name: 'b', type: 'ModelBias' })] }, by).outcome).toBe('pass');
    const stopped = [monitor(), monitor({ name: 'b', type: 'ModelBias', status: 'Stopped' })];
    expect(held({ monitors: stopped }, by).messages).toEqual(['Not monitored: schedule b is Stopped, not Scheduled.']);
  });
});

describe('whether monitors still have time', () => {
  const waits = (overrides: Parameters<typeof facts>[0]) => monitorsStillHaveTime(facts(overrides), settings());
  test('they do while a young endpoint lacks them, and not where nothing is missing or it does not apply', () => {
    expect(waits(age(30))).toBe(true);
    expect(waits(age(120))).toBe(false);
    expect(waits({ createdAt: later(-60) })).toBe(false);
    expect(waits({ ...age(30), environment: inStaging })).toBe(false);
    expect(waits({ ...age(30), dataCapture: null })).toBe(false);
  });
});

test('outside of prod it does not apply', () => {
  expect(held({ environment: inStaging, monitors: [] })).toMatchObject({
    outcome: 'not-applicable',
    messages: [expect.stringContaining('about production endpoints; this one is staging')],
  });
});
