import { describe, expect, test } from 'vitest';
import { alarmHistoryFrom } from '../../shared/model/alarm-history.ts';
import { later } from '../builders.ts';

const stretch = { from: later(0), until: later(600) };
const item = (seconds: number, from: string, to: string) => ({
  at: later(seconds),
  data: JSON.stringify({ version: '1.0', oldState: { stateValue: from }, newState: { stateValue: to } }),
});

describe('the history of an alarm', () => {
  test('tells when it first went to ALARM in a stretch of time, though it is in OK again', () => {
    const items = [item(100, 'OK', 'ALARM'), item(200, 'ALARM', 'OK'), item(300, 'OK', 'ALARM')];
    expect(alarmHistoryFrom(items, stretch)).toEqual({ known: true, inAlarm: true, at: later(100) });
  });
  test('tells that it was in ALARM all the time before it changed', () => {
    const after = [item(900, 'ALARM', 'OK')];
    expect(alarmHistoryFrom(after, stretch)).toEqual({ known: true, inAlarm: true, at: null });
  });
  test.each([
    ['nothing happened', []],
    ['it went to ALARM after that', [item(601, 'OK', 'ALARM')]],
    ['it only had no data for a while', [item(10, 'OK', 'INSUFFICIENT_DATA'), item(20, 'INSUFFICIENT_DATA', 'OK')]],
  ])('tells that it was not, where %s', (_what, items) => {
    expect(alarmHistoryFrom(items, stretch)).toEqual({ known: true, inAlarm: false, at: null });
  });
  test.each([
    ['is not JSON', { at: later(1), data: 'Alarm updated from OK to ALARM' }],
    ['has no states', { at: later(1), data: '{"version":"1.0"}' }],
    ['has no time', { ...item(1, 'OK', 'ALARM'), at: undefined }],
    ['is empty', { at: later(1), data: undefined }],
  ])('that %s is unknown, and not a quiet one', (_what, odd) => {
    expect(alarmHistoryFrom([odd], stretch)).toEqual({ known: false, why: 'its history is not understood' });
  });
});
