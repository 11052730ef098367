import { expect, test } from 'vitest';
import { PolicyLimits } from '../../shared/policies/settings.ts';

const plans = { requirePlan: false, outOfBand: 'ask', remediation: 'propose' };

test('the defaults are the numbers and lists of the policy document', () => {
  expect(PolicyLimits.parse({})).toEqual({
    dev: { instanceTypes: ['ml.m5.large'], defaultInstances: 1, ...plans },
    staging: {
      instanceTypes: ['ml.m5.large', 'ml.m5.xlarge'],
      defaultInstances: 1,
      approvalFromInstances: 3,
      maxHourlyCostUsd: 15,
      ...plans,
    },
    prod: { minInstances: 2, maxHourlyCostUsd: 50, approvalAboveHourlyCostUsd: 30, instanceTypes: 'any', ...plans },
    requiredAlarms: ['ModelMonitorAlarm', 'DataDriftAlarm'],
    alarmNamePatterns: ['{role}', '{endpoint}-{role}'],
    monitoringGraceMinutes: 120,
    requiredMonitorTypes: [],
    alarmSilentHours: 24,
    budgetCounts: 'ceiling',
    encryption: ['SSE-S3', 'SSE-KMS'],
    planValidHours: 168,
    waiverMaxDays: 90,
  });
});

test('one number can be set and the others keep their defaults', () => {
  expect(PolicyLimits.parse({ prod: { minInstances: 3 } }).prod).toMatchObject({
    minInstances: 3,
    maxHourlyCostUsd: 50,
  });
});

test.each([
  ['a count of 0', { prod: { minInstances: 0 } }],
  ['half an instance', { staging: { approvalFromInstances: 2.5 } }],
  ['a budget of nothing', { prod: { maxHourlyCostUsd: 0 } }],
  ['an EC2 type', { dev: { instanceTypes: ['m5.large'] } }],
  ['no types at all', { dev: { instanceTypes: [] } }],
  ['no alarm roles', { requiredAlarms: [] }],
  ['a pattern without its role', { alarmNamePatterns: ['{endpoint}'] }],
  ['an encryption that we do not know', { encryption: ['ROT13'] }],
  ['a misspelt limit', { prod: { minInstance: 3 } }],
  ['a limit that only exists elsewhere', { dev: { maxHourlyCostUsd: 1 } }],
])('%s is refused', (_what, limits) => {
  expect(PolicyLimits.safeParse(limits).success).toBe(false);
});
