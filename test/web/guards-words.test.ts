import { expect, test } from 'vitest';
import { alarmWords, captureWords, monitorWords } from '../../web/guards-words.ts';
import { alarm, facts, monitor, plannedFacts } from '../builders.ts';

test('an alarm is told with what it watches and what silences it', () => {
  expect(alarmWords({ name: 'a', exists: false })).toBe('does not exist');
  expect(alarmWords(alarm('a'))).toBe('OK, watches this endpoint');
  expect(
    alarmWords(alarm('a', { tripsAfterSeconds: 180, actionsEnabled: false, mutedBy: ['q'], suppressedBy: 'm' })),
  ).toBe('OK, watches this endpoint, trips within 180 s, actions disabled, muted by q, suppressed by m');
});

test('a monitor is told with its baseline and its last run, and a planned one without', () => {
  expect(monitorWords(monitor())).toBe(
    'DataQuality, Scheduled, cron(0 * ? * * *), last run Completed (2026-11-20 09:00 UTC)',
  );
  const unseen = [{ uri: 's3://b/c', why: 'missing' as const }];
  expect(monitorWords(monitor({ unseenBaselines: unseen, lastRun: null }))).toContain(
    'baseline s3://b/c does not exist, cron(0 * ? * * *), never ran',
  );
  expect(plannedFacts().monitors.map(monitorWords)).toEqual(['DataQuality, Scheduled']);
});

test('capture is told as configured and as it is in fact', () => {
  const { dataCapture } = facts();
  if (!dataCapture) throw new Error('the perfect endpoint captures');
  expect(captureWords(dataCapture)).toBe('on, 20 %, Input and Output, Started at 20 %');
  expect(captureWords({ ...dataCapture, directions: [], live: null })).toBe(
    'on, 20 %, neither input nor output, not shown as started',
  );
});
