import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { CALL_HISTORY, cloudtrail } from '../../local/aws/call-history.ts';
import { cloudwatch } from '../../local/aws/cloudwatch.ts';
import { openStore } from '../../local/aws/store.ts';
import { caller, callerOf, inMemoryLoopback, START } from './in-memory-loopback.ts';

const DAY_MS = 86_400_000;
type Answer = {
  Events: { EventId: string; EventName: string; Username: string; CloudTrailEvent: string }[];
  NextToken?: string;
};
const by = (AttributeKey: string, AttributeValue: string) => ({ LookupAttributes: [{ AttributeKey, AttributeValue }] });
const alarm = (AlarmName: string) => ({
  ...{
    AlarmName,
    Namespace: 'n',
    MetricName: 'm',
    Statistic: 'Maximum',
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 1,
  },
  ComparisonOperator: 'GreaterThanThreshold',
});

/** An account in which alarms are put and deleted, and what CloudTrail has of that. */
function account() {
  const loopback = inMemoryLoopback();
  const run = callerOf(cloudwatch(loopback));
  return {
    loopback,
    lookUp: (input: object = {}, who = caller) => callerOf(cloudtrail(loopback))<Answer>('LookupEvents', input, who),
    put: (name: string, who = caller) => run('PutMetricAlarm', alarm(name), who),
    remove: (name: string) => run('DeleteAlarms', { AlarmNames: [name] }),
  };
}
const names = ({ Events }: Answer) =>
  Events.map(({ CloudTrailEvent }) => JSON.parse(CloudTrailEvent).requestParameters.alarmName);

describe('the event history', () => {
  test('has each call that changed something, the newest first, as its event tells of it', () => {
    const { loopback, lookUp, put } = account();
    put('first');
    loopback.pass(1_000);
    put('second');
    const answer = lookUp();
    expect(names(answer)).toEqual(['second', 'first']);
    const sent = loopback.events.filter((event) => event['detail-type'] === 'AWS API Call via CloudTrail');
    expect(answer.Events.map(({ CloudTrailEvent }) => JSON.parse(CloudTrailEvent))).toEqual(
      sent.map(({ detail }) => detail).reverse(),
    );
    expect(answer.Events[0]).toMatchObject({
      EventName: 'PutMetricAlarm',
      EventSource: 'monitoring.amazonaws.com',
      EventTime: Math.floor((START + 1_000) / 1_000),
      ReadOnly: 'false',
      Username: 'dana',
    });
  });
  test('does not have what was refused', () => {
    const { lookUp, remove } = account();
    expect(() => remove('')).toThrow();
    expect(lookUp().Events).toEqual([]);
  });
  test('answers for one attribute at a time, and for the region that is asked', () => {
    const { lookUp, put, remove } = account();
    put('mine');
    put('theirs', { ...caller, accessKeyId: 'mallory' });
    remove('mine');
    expect(names(lookUp(by('EventName', 'PutMetricAlarm')))).toEqual(expect.arrayContaining(['mine', 'theirs']));
    expect(names(lookUp(by('Username', 'mallory')))).toEqual(['theirs']);
    expect(lookUp(by('EventSource', 'sagemaker.amazonaws.com')).Events).toEqual([]);
    expect(lookUp({}, { ...caller, region: 'eu-west-1' }).Events).toEqual([]);
  });
  test('comes page by page, without loss or repetition, while calls are added', () => {
    const { loopback, lookUp, put } = account();
    const all = Array.from({ length: 7 }, (_each, index) => `alarm-${index}`);
    for (const name of all) {
      put(name);
      loopback.pass(Number(name.slice(6)) % 2 === 0 ? 0 : DAY_MS);
    }
    const seen: string[] = [];
    let token: string | undefined;
    do {
      const page = lookUp({ MaxResults: 3, ...(token && { NextToken: token }) });
      expect(page.Events.length).toBeLessThanOrEqual(3);
      seen.push(...names(page));
      token = page.NextToken;
      put('late');
    } while (token !== undefined);
    expect(seen.toSorted()).toEqual(all);
  });
  test('is asked about a time, both ends of which are in it', () => {
    const { loopback, lookUp, put } = account();
    const second = Math.floor(START / 1_000);
    for (const name of ['a', 'b', 'c']) {
      put(name);
      loopback.pass(DAY_MS);
    }
    const between = (StartTime: number, EndTime: number) => names(lookUp({ StartTime, EndTime }));
    expect(between(second + 86_400, second + 86_400)).toEqual(['b']);
    expect(between(second + 1, second + 2 * 86_400)).toEqual(['c', 'b']);
    expect(between(second + 3 * 86_400 + 1, second + 9 * 86_400)).toEqual([]);
  });
  test('goes back ninety days, and what is older is gone from the store as well', () => {
    const { loopback, lookUp, put } = account();
    const day = `${CALL_HISTORY} ${new Date(START).toISOString().slice(0, 10)}`;
    put('old');
    loopback.pass(90 * DAY_MS);
    expect(names(lookUp())).toEqual([]);
    expect(loopback.store.list(day)).toHaveLength(1);
    loopback.pass(DAY_MS);
    put('new');
    expect(loopback.store.list(day)).toEqual([]);
    expect(names(lookUp())).toEqual(['new']);
  });
  test('is cleared of what is older once a day, not at every call', () => {
    const { loopback, put } = account();
    const drop = vi.spyOn(loopback.store, 'drop');
    for (const name of ['a', 'b', 'c']) put(name);
    expect(drop).toHaveBeenCalledTimes(1);
    loopback.pass(DAY_MS);
    for (const name of ['d', 'e']) put(name);
    expect(drop).toHaveBeenCalledTimes(2);
  });
  test.each<[string, object, string]>([
    ['more than fifty at once', { MaxResults: 51 }, 'InvalidMaxResultsException'],
    ['an end before the start', { StartTime: 2, EndTime: 1 }, 'InvalidTimeRangeException'],
    ['an attribute that it does not know', by('ResourceName', 'x'), 'InvalidLookupAttributesException'],
    ['a token of another lookup', { NextToken: 'bm9uZQ' }, 'InvalidNextTokenException'],
    ['a member that it does not know', { EventCategory: 'insight' }, 'ValidationException'],
  ])('refuses %s', (_what, input, code) => {
    const { lookUp } = account();
    expect(() => lookUp(input)).toThrow(expect.objectContaining({ code }));
  });
});

describe('on the disk', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-history-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  test('it is there after a restart, and takes no memory', () => {
    const path = join(folder, 'aws.sqlite');
    const first = { ...inMemoryLoopback(), store: openStore(path, ['outbox', CALL_HISTORY]) };
    callerOf(cloudwatch(first))('PutMetricAlarm', alarm('kept'));
    first.store.close();
    const again = { ...inMemoryLoopback(), store: openStore(path, ['outbox', CALL_HISTORY]) };
    expect(names(callerOf(cloudtrail(again))<Answer>('LookupEvents'))).toEqual(['kept']);
    expect(again.store.keys(`${CALL_HISTORY} 2026-11-20`)).toEqual([]);
    expect(again.store.keys('alarm')).not.toEqual([]);
    again.store.close();
  });
});
