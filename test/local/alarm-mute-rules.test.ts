import { expect, test } from 'vitest';
import { cloudwatch } from '../../local/aws/cloudwatch.ts';
import { durationMinutes, stateOf } from '../../local/aws/mute-window.ts';
import { callerOf, inMemoryLoopback } from './in-memory-loopback.ts';

// This is a Friday, ten in the morning.
const NOW = new Date('2026-11-20T10:00:00.000Z');

test.each([
  ['at(2026-11-20T09:00)', 'PT2H', 'open'],
  ['at(2026-11-20T10:00:00)', 'PT1M', 'open'],
  ['at(2026-11-20T08:00)', 'PT2H', 'over'],
  ['at(2026-11-20T10:01)', 'PT2H', 'closed'],
  ['cron(0 2 * * *)', 'PT8H1M', 'open'],
  ['cron(0 2 * * *)', 'PT8H', 'closed'],
  ['cron(0 18 * * THU)', 'P1D', 'open'],
  ['cron(0 18 * * FRI)', 'P2DT12H', 'closed'],
  ['cron(30 9 1-20 11 MON-FRI)', 'PT45M', 'open'],
  ['cron(0/15 * * * *)', 'PT5M', 'open'],
  ['cron(0 9,21 * * *)', 'PT90M', 'open'],
] as const)('the window of %s for %s is %s', (expression, duration, state) => {
  expect(stateOf({ expression, minutes: durationMinutes(duration) }, NOW)).toBe(state);
});

test.each(['PT0M', 'P16D', '2H', 'P', 'PT', 'P1W'])('%s is no duration of a window', (duration) => {
  expect(() => durationMinutes(duration)).toThrow('Duration must be an ISO 8601 duration');
});

function account() {
  const loopback = inMemoryLoopback();
  const call = callerOf(cloudwatch(loopback));
  const metric = { Namespace: 'n', MetricName: 'm', Period: 60, EvaluationPeriods: 1, Threshold: 1 };
  call('PutMetricAlarm', { AlarmName: 'a', ComparisonOperator: 'GreaterThanThreshold', ...metric });
  const put = (Name: string, Expression: string, more: object = {}) =>
    call('PutAlarmMuteRule', {
      Name,
      Rule: { Schedule: { Expression, Duration: 'PT2H' } },
      MuteTargets: { AlarmNames: ['a'] },
      ...more,
    });
  type Listed = { AlarmMuteRuleSummaries: { AlarmMuteRuleArn: string; Status: string; MuteType: string }[] };
  const list = (input: object = {}) =>
    call<Listed>('ListAlarmMuteRules', input).AlarmMuteRuleSummaries.map(
      ({ AlarmMuteRuleArn, Status, MuteType }) => `${AlarmMuteRuleArn.split(':').at(-1)} ${Status} ${MuteType}`,
    );
  return { loopback, call, put, list };
}

test('rules are listed by status and by alarm', () => {
  const { put, list } = account();
  put('now', 'at(2026-11-20T09:00)');
  put('nightly', 'cron(0 2 * * *)');
  put('done', 'at(2026-11-01T09:00)');
  put('ended', 'cron(0 9 * * *)', { ExpireDate: NOW.getTime() / 1000 - 60 });
  put('later', 'cron(0 9 * * *)', { StartDate: NOW.getTime() / 1000 + 60 });
  expect(list()).toEqual([
    'done EXPIRED ONE_TIME',
    'ended EXPIRED RECURRING',
    'later SCHEDULED RECURRING',
    'nightly SCHEDULED RECURRING',
    'now ACTIVE ONE_TIME',
  ]);
  expect(list({ Statuses: ['ACTIVE'] })).toEqual(['now ACTIVE ONE_TIME']);
  expect(list({ AlarmName: 'b' })).toEqual([]);
});

test('a rule is shown with its targets, announced as the call that made it, and gone when it is deleted', () => {
  const { call, put, list, loopback } = account();
  put('now', 'at(2026-11-20T09:00)');
  expect(call('GetAlarmMuteRule', { AlarmMuteRuleName: 'now' })).toMatchObject({
    Name: 'now',
    Status: 'ACTIVE',
    MuteTargets: { AlarmNames: ['a'] },
  });
  expect(loopback.events.at(-1)?.detail).toMatchObject({
    eventName: 'PutAlarmMuteRule',
    requestParameters: { name: 'now', muteTargets: { alarmNames: ['a'] } },
  });
  call('DeleteAlarmMuteRule', { AlarmMuteRuleName: 'now' });
  call('DeleteAlarmMuteRule', { AlarmMuteRuleName: 'now' });
  expect(list()).toEqual([]);
  expect(() => call('GetAlarmMuteRule', { AlarmMuteRuleName: 'now' })).toThrow('does not exist');
});

test('a rule about an alarm that is not there, or at a time that is none, is refused', () => {
  const { put } = account();
  expect(() => put('x', 'at(2026-11-20T09:00)', { MuteTargets: { AlarmNames: ['gone'] } })).toThrow(
    'Alarm gone does not exist',
  );
  expect(() => put('x', 'rate(1 day)')).toThrow('none of at(...) and cron(...)');
});
