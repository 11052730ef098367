import { expect, test } from 'vitest';
import { longestPeriodMinutes } from '../../shared/model/schedule-period.ts';

test.each([
  ['cron(0 * ? * * *)', 60],
  ['cron(0 */2 ? * * *)', 120],
  ['cron(0 0/1 ? * * *)', 60],
  ['cron(0 0/6 ? * * *)', 360],
  // From noon on every five hours: 12, 17 and 22, and then not before the next noon.
  ['cron(0 12/5 ? * * *)', 840],
  ['cron(0 17 ? * * *)', 1440],
  ['cron(0 23/24 ? * * *)', 1440],
  [' cron(0 * ? * * *) ', 60],
])('%s runs at least every %i minutes', (expression, minutes) => {
  expect(longestPeriodMinutes(expression)).toBe(minutes);
});

test.each([
  'NOW',
  '',
  'cron(0 0 1 * ? *)',
  'cron(0 0/0 ? * * *)',
  'cron(0 25 ? * * *)x',
  'rate(1 hour)',
  'cron(0 24/1 ? * * *)',
])('how often %j runs is not known', (expression) => expect(longestPeriodMinutes(expression)).toBeUndefined());
