import { beforeEach, describe, expect, test } from 'vitest';
import { cloudwatch } from '../../local/aws/cloudwatch.ts';
import { events, kms, ses, sts } from '../../local/aws/small-services.ts';
import { readEvent } from '../../shared/model/aws-event.ts';
import { callerOf, detailTypes, fixture, inMemoryLoopback, shapeOf, type TestLoopback } from './in-memory-loopback.ts';

let loopback: TestLoopback;
let call: ReturnType<typeof callerOf>;

beforeEach(() => {
  loopback = inMemoryLoopback();
  call = callerOf({
    ...cloudwatch(loopback),
    ...sts(loopback),
    ...kms(loopback),
    ...ses(loopback),
    ...events(loopback),
  });
});

const NAME = 'fraud-prod-DataDriftAlarm';
const alarm = (more = {}) => ({
  AlarmName: NAME,
  Namespace: 'aws/sagemaker/Endpoints/data-metrics',
  MetricName: 'feature_baseline_drift_amount',
  Dimensions: [
    { Name: 'Endpoint', Value: 'fraud-prod' },
    { Name: 'MonitoringSchedule', Value: 'fraud-prod-data-quality' },
  ],
  Statistic: 'Maximum',
  Period: 3600,
  EvaluationPeriods: 1,
  Threshold: 0.2,
  ComparisonOperator: 'GreaterThanThreshold',
  AlarmActions: ['arn:aws:sns:us-east-1:111122223333:ml-oncall'],
  ...more,
});
type Alarm = { AlarmName: string; StateValue: string; ActionsEnabled: boolean; Threshold: number };
type Alarms = { MetricAlarms: Alarm[]; CompositeAlarms: Alarm[]; NextToken?: string };
const describeAlarms = (input = {}) => call<Alarms>('DescribeAlarms', input);
type Histories = { AlarmHistoryItems: { HistorySummary: string; HistoryData: string }[]; NextToken?: string };
const composite = { AlarmName: 'fraud-prod-any', AlarmRule: `ALARM("${NAME}")` };

describe('alarms', () => {
  test('a new alarm has insufficient data and its actions enabled', () => {
    call('PutMetricAlarm', alarm());
    expect(describeAlarms()).toMatchObject({
      MetricAlarms: [
        {
          AlarmName: NAME,
          AlarmArn: `arn:aws:cloudwatch:us-east-1:111122223333:alarm:${NAME}`,
          StateValue: 'INSUFFICIENT_DATA',
          ActionsEnabled: true,
          Dimensions: [{ Name: 'Endpoint', Value: 'fraud-prod' }, { Name: 'MonitoringSchedule' }],
        },
      ],
      CompositeAlarms: [],
    });
  });
  test('composite alarms are answered only to those who ask for them', () => {
    call('PutMetricAlarm', alarm());
    call('PutCompositeAlarm', composite);
    expect(describeAlarms().CompositeAlarms).toEqual([]);
    const both = describeAlarms({ AlarmTypes: ['MetricAlarm', 'CompositeAlarm', 'LogAlarm'] });
    expect(both).toMatchObject({ MetricAlarms: [{ AlarmName: NAME }], CompositeAlarms: [composite] });
  });
  test('they are found by name and by prefix, page by page; unknown names are just missing', () => {
    for (const name of ['a-1', 'a-2', 'a-3', 'b-1']) call('PutMetricAlarm', alarm({ AlarmName: name }));
    const names = ({ MetricAlarms }: Alarms) => MetricAlarms.map(({ AlarmName }) => AlarmName);
    expect(names(describeAlarms({ AlarmNames: ['b-1', 'none'] }))).toEqual(['b-1']);
    const first = describeAlarms({ AlarmNamePrefix: 'a-', MaxRecords: 2 });
    expect(names(first)).toEqual(['a-1', 'a-2']);
    const second = describeAlarms({ AlarmNamePrefix: 'a-', MaxRecords: 2, NextToken: first.NextToken });
    expect(names(second)).toEqual(['a-3']);
    expect(second).not.toHaveProperty('NextToken');
    expect(() => describeAlarms({ AlarmNames: ['a-1'], AlarmNamePrefix: 'a' })).toThrow('cannot be used together');
  });
  test('an update leaves the state as it is', () => {
    call('PutMetricAlarm', alarm());
    call('SetAlarmState', { AlarmName: NAME, StateValue: 'OK', StateReason: 'fine' });
    call('PutMetricAlarm', alarm({ Threshold: 0.9 }));
    expect(describeAlarms().MetricAlarms).toMatchObject([{ Threshold: 0.9, StateValue: 'OK' }]);
  });
  test('actions are disabled and enabled again', () => {
    call('PutMetricAlarm', alarm());
    call('DisableAlarmActions', { AlarmNames: [NAME, 'none'] });
    expect(describeAlarms().MetricAlarms).toMatchObject([{ ActionsEnabled: false }]);
    call('EnableAlarmActions', { AlarmNames: [NAME] });
    expect(describeAlarms().MetricAlarms).toMatchObject([{ ActionsEnabled: true }]);
  });
  test('deleting takes names that do not exist', () => {
    call('PutMetricAlarm', alarm());
    call('DeleteAlarms', { AlarmNames: ['none', NAME] });
    expect(describeAlarms().MetricAlarms).toEqual([]);
  });
  test('the state of an alarm that does not exist cannot be set', () => {
    const notFound = expect.objectContaining({ code: 'ResourceNotFound', status: 404 });
    expect(() => call('SetAlarmState', { AlarmName: 'none', StateValue: 'OK', StateReason: 'x' })).toThrow(notFound);
  });
  test('an alarm without a metric or with an unknown member is refused', () => {
    const invalid = expect.objectContaining({ code: 'ValidationError' });
    expect(() => call('PutMetricAlarm', alarm({ MetricName: undefined }))).toThrow(invalid);
    expect(() => call('PutMetricAlarm', alarm({ Treshold: 1 }))).toThrow('Unknown parameter in input: "Treshold"');
    expect(() => describeAlarms({ ChildrenOfAlarmName: 'a' })).toThrow('Unknown parameter');
    expect(loopback.events).toEqual([]);
  });
});

describe('events of alarms', () => {
  const place = { id: 'e-1', account: '111122223333', region: 'us-east-1' };
  /** Paths of both, without what the envelope gets later and who called. */
  const shape = (event: unknown) =>
    shapeOf(event)
      .filter((path) => !/^\.(id|version|account|region)|sessionContext|reason/.test(path))
      .sort();

  test('each call and each change of configuration is told, the call first', () => {
    call('PutMetricAlarm', alarm());
    call('DisableAlarmActions', { AlarmNames: [NAME] });
    call('DisableAlarmActions', { AlarmNames: [NAME] });
    call('DeleteAlarms', { AlarmNames: [NAME] });
    const trail = 'AWS API Call via CloudTrail';
    const change = 'CloudWatch Alarm Configuration Change';
    expect(detailTypes(loopback)).toEqual([trail, change, trail, change, trail, trail, change]);
    expect(loopback.events.flatMap(({ detail }) => detail.operation ?? [])).toEqual(['create', 'update', 'delete']);
    expect(loopback.events.map(({ source }) => source).slice(0, 2)).toEqual(['aws.monitoring', 'aws.cloudwatch']);
  });
  test('they have the shape of the recorded ones', () => {
    call('PutMetricAlarm', alarm());
    call('DisableAlarmActions', { AlarmNames: [NAME] });
    call('DeleteAlarms', { AlarmNames: [NAME] });
    const [, , disabled, update, deleted, deletion] = loopback.events;
    expect(shape(update)).toEqual(shape(fixture('cloudwatch-alarm-configuration-change.update')));
    expect(shape(deletion)).toEqual(shape(fixture('cloudwatch-alarm-configuration-change.delete')));
    const recorded = (name: string) => fixture(name).detail.requestParameters;
    expect(disabled?.detail.requestParameters).toEqual(recorded('cloudtrail-cloudwatch-DisableAlarmActions'));
    expect(deleted?.detail.requestParameters).toEqual(recorded('cloudtrail-cloudwatch-DeleteAlarms'));
    expect(update).toHaveProperty('detail.configuration.metrics.0.metricStat.metric.dimensions', {
      Endpoint: 'fraud-prod',
      MonitoringSchedule: 'fraud-prod-data-quality',
    });
  });
  test('the gate reads a change of configuration as one of the endpoint that the alarm watches', () => {
    call('PutMetricAlarm', alarm());
    const reading = readEvent({ ...place, ...loopback.events[1] });
    expect(reading).toMatchObject({ as: 'guard', endpoints: [{ name: 'fraud-prod' }], change: { kind: 'guard' } });
  });
  test('an alarm on a list of metrics shows their dimensions as a map too', () => {
    const stat = {
      Metric: {
        Namespace: 'AWS/SageMaker',
        MetricName: 'Errors',
        Dimensions: [{ Name: 'EndpointName', Value: 'fraud-prod' }],
      },
      Period: 60,
      Stat: 'Sum',
    };
    const Metrics = [{ Id: 'm1', MetricStat: stat, ReturnData: true }];
    call('PutMetricAlarm', {
      AlarmName: 'math',
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanThreshold',
      Metrics,
    });
    expect(readEvent({ ...place, ...loopback.events[1] })).toMatchObject({
      as: 'guard',
      endpoints: [{ name: 'fraud-prod' }],
    });
  });
  test('a new state is told with the one before; the same state again is not', () => {
    call('PutMetricAlarm', alarm({ AlarmDescription: 'drift on fraud-prod' }));
    call('SetAlarmState', { AlarmName: NAME, StateValue: 'ALARM', StateReason: 'drift', StateReasonData: '{}' });
    call('SetAlarmState', { AlarmName: NAME, StateValue: 'ALARM', StateReason: 'still' });
    const changes = loopback.events.filter((event) => event['detail-type'] === 'CloudWatch Alarm State Change');
    expect(changes).toHaveLength(1);
    expect(changes[0]?.detail).toMatchObject({
      previousState: { value: 'INSUFFICIENT_DATA' },
      state: { value: 'ALARM', reason: 'drift' },
    });
    expect(shape(changes[0])).toEqual(shape(fixture('cloudwatch-alarm-state-change')));
  });
});

describe('the small services', () => {
  test('STS says who calls', () => {
    expect(call('GetCallerIdentity')).toMatchObject({
      Account: '111122223333',
      Arn: 'arn:aws:iam::111122223333:user/dana',
    });
  });

  const secret = Buffer.from('a task token').toString('base64');
  const encrypt = (context = {}) =>
    call<{ CiphertextBlob: string }>('Encrypt', {
      KeyId: 'alias/portcullis',
      Plaintext: secret,
      EncryptionContext: context,
    });
  test('KMS gives back what it encrypted, under the same context in any order', () => {
    const { CiphertextBlob } = encrypt({ request: 'r-1', use: 'token' });
    const answer = call('Decrypt', { CiphertextBlob, EncryptionContext: { use: 'token', request: 'r-1' } });
    expect(answer).toMatchObject({ Plaintext: secret, KeyId: 'arn:aws:kms:us-east-1:111122223333:alias/portcullis' });
    expect(encrypt().CiphertextBlob).not.toBe(encrypt().CiphertextBlob);
  });
  test('KMS refuses another context, a changed blob and a blob of no key', () => {
    const { CiphertextBlob } = encrypt({ request: 'r-1' });
    const invalid = expect.objectContaining({ code: 'InvalidCiphertextException' });
    const decrypt = (blob: string, request = 'r-1') =>
      call('Decrypt', { CiphertextBlob: blob, EncryptionContext: { request } });
    expect(() => decrypt(CiphertextBlob, 'r-2')).toThrow(invalid);
    const changed = Buffer.from(CiphertextBlob, 'base64');
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
    expect(() => decrypt(changed.toString('base64'))).toThrow(invalid);
    expect(() => decrypt(Buffer.from('x').toString('base64'))).toThrow(invalid);
    const other = { CiphertextBlob, KeyId: 'alias/other', EncryptionContext: { request: 'r-1' } };
    expect(() => call('Decrypt', other)).toThrow(expect.objectContaining({ code: 'IncorrectKeyException' }));
  });

  test('SES keeps mails in the outbox', () => {
    const Content = { Simple: { Subject: { Data: 'Please decide' }, Body: { Text: { Data: 'code ABCD' } } } };
    const mail = { FromEmailAddress: 'gate@example.com', Destination: { ToAddresses: ['ada@example.com'] }, Content };
    const { MessageId } = call('SendEmail', mail);
    expect(loopback.store.list('outbox')).toEqual([
      {
        id: MessageId,
        to: ['ada@example.com'],
        from: 'gate@example.com',
        subject: 'Please decide',
        text: 'code ABCD',
        at: '2026-11-20T10:00:00.250Z',
      },
    ]);
    expect(() => call('SendEmail', { ...mail, Destination: {} })).toThrow('must have a recipient');
    expect(() => call('SendEmail', { ...mail, Content: { Raw: { Data: '' } } })).toThrow(
      expect.objectContaining({ code: 'BadRequestException' }),
    );
  });

  test('EventBridge emits what it takes and says what it does not', () => {
    const entry = { Source: 'aws.sagemaker', DetailType: 'SageMaker Endpoint State Change', Time: 1_795_164_764 };
    const answer = call('PutEvents', {
      Entries: [
        { ...entry, Detail: '{"EndpointName":"fraud-prod"}', Resources: ['arn'] },
        { ...entry, Detail: '[1]' },
        { ...entry, Detail: 'no json' },
        { ...entry, Detail: '{}', EventBusName: 'mine' },
        { Detail: '{}' },
      ],
    });
    expect(answer).toMatchObject({
      FailedEntryCount: 4,
      Entries: [
        { EventId: expect.any(String) },
        { ErrorCode: 'MalformedDetail' },
        { ErrorCode: 'MalformedDetail' },
        { ErrorCode: 'ResourceNotFoundException' },
        { ErrorCode: 'InvalidArgument' },
      ],
    });
    expect(loopback.events).toMatchObject([
      {
        source: 'aws.sagemaker',
        time: '2026-11-20T08:52:44Z',
        resources: ['arn'],
        detail: { EndpointName: 'fraud-prod' },
      },
    ]);
  });
});

describe('the history of an alarm', () => {
  const state = (StateValue: string) => call('SetAlarmState', { AlarmName: NAME, StateValue, StateReason: 'a test' });
  const history = (input = {}) =>
    call<Histories>('DescribeAlarmHistory', { AlarmName: NAME, HistoryItemType: 'StateUpdate', ...input });
  const shown = (input = {}) => history(input).AlarmHistoryItems.map(({ HistorySummary }) => HistorySummary);

  test('holds each change of its state, newest first, and outlives it', () => {
    call('PutMetricAlarm', alarm());
    for (const value of ['OK', 'OK', 'ALARM', 'OK']) state(value);
    call('DeleteAlarms', { AlarmNames: [NAME] });
    expect(shown()).toEqual([
      'Alarm updated from ALARM to OK',
      'Alarm updated from OK to ALARM',
      'Alarm updated from INSUFFICIENT_DATA to OK',
    ]);
    expect(JSON.parse(history().AlarmHistoryItems[1]?.HistoryData ?? '')).toEqual({
      version: '1.0',
      oldState: { stateValue: 'OK' },
      newState: { stateValue: 'ALARM', stateReason: 'a test' },
    });
  });
  test('is answered from the oldest on, page by page, and only of alarms of the types that are asked for', () => {
    call('PutMetricAlarm', alarm());
    for (const value of ['OK', 'ALARM', 'OK']) state(value);
    const oldest = { ScanBy: 'TimestampAscending', MaxRecords: 2 };
    const { NextToken } = history(oldest);
    expect(shown(oldest)).toEqual(['Alarm updated from INSUFFICIENT_DATA to OK', 'Alarm updated from OK to ALARM']);
    expect(shown({ ...oldest, NextToken })).toEqual(['Alarm updated from ALARM to OK']);
    expect(shown({ AlarmTypes: ['CompositeAlarm'] })).toEqual([]);
    expect(shown({ StartDate: 4_000_000_000 })).toEqual([]);
  });
  test('of anything but states is refused by name', () => {
    expect(() => history({ HistoryItemType: 'Action' })).toThrow('histories of states only');
  });
});
