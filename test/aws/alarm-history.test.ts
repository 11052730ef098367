import { describe, expect, test } from 'vitest';
import { readAlarmHistory } from '../../shared/aws/alarm-history.ts';
import { later } from '../builders.ts';
import { awsError, fakeAws } from '../fake-aws.ts';

const stretch = { from: later(-600), until: later(-60) };

function setUp(history?: Error | { at: string; from: string; to: string }[]) {
  const aws = fakeAws();
  aws.world.histories = history ? { errors: history } : {};
  return { ...aws, read: (over = stretch) => readAlarmHistory(aws.services, 'errors', over) };
}

describe('the history of an alarm', () => {
  test('is read to its end, page by page, for alarms of every type', async () => {
    const calm = { from: 'OK', to: 'INSUFFICIENT_DATA' };
    const { read, world } = setUp([
      { at: later(-300), ...calm },
      { at: later(-200), from: 'INSUFFICIENT_DATA', to: 'OK' },
      { at: later(-100), from: 'OK', to: 'ALARM' },
    ]);
    world.pageSize = 1;
    const asked: unknown[] = [];
    world.before = (_command, input) => void asked.push(input);
    expect(await read()).toEqual({ known: true, inAlarm: true, at: later(-100) });
    expect(asked).toHaveLength(3);
    expect(asked[0]).toMatchObject({
      AlarmName: 'errors',
      AlarmTypes: ['MetricAlarm', 'CompositeAlarm', 'LogAlarm'],
      HistoryItemType: 'StateUpdate',
    });
  });
  test('that may not be read is unknown, with what AWS said', async () => {
    const { read } = setUp(awsError('AccessDeniedException'));
    expect(await read()).toEqual({ known: false, why: 'its history could not be read (AccessDeniedException)' });
  });
  test('of a time that CloudWatch may have forgotten is unknown where it shows nothing', async () => {
    const { read } = setUp();
    const long = { from: later(-15 * 86_400), until: later(-60) };
    expect(await read(long)).toMatchObject({ known: false, why: expect.stringContaining('14 days') });
    expect(await read()).toEqual({ known: true, inAlarm: false, at: null });
  });
});
