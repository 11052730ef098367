import { expect, test } from 'vitest';
import type { Monitor } from '../../shared/model/endpoint-facts.ts';
import { evaluatePolicy } from '../../shared/policies/policy.ts';
import { prodModelMonitor } from '../../shared/policies/prod-model-monitor.ts';
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

test('a serverless variant cannot be monitored, so it cannot be in prod, however young it is', () => {
  expect(held({ variants: [serverlessVariant()], createdAt: NOW })).toMatchObject({
    outcome: 'violation',
    messages: [
      expect.stringMatching(
        /^SageMaker cannot monitor serverless variant AllTraffic, so this endpoint cannot be in production/,
      ),
    ],
  });
});
test('nor can a multi-model variant', () => {
  const containers = [{ image: 'mme', mode: 'MultiModel' as const, environmentSha256: null, artifactUris: [] }];
  expect(held({ variants: [instanceVariant({ models: [model({ containers })] })] }).messages[0]).toContain(
    'multi-model variant AllTraffic',
  );
});

test('outside of prod it does not apply', () => {
  expect(held({ environment: inStaging, monitors: [] })).toMatchObject({
    outcome: 'not-applicable',
    messages: [expect.stringContaining('about production endpoints; this one is staging')],
  });
});
