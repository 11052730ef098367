import { gzipSync } from 'node:zlib';
import { CloudTrailClient, LookupEventsCommand, type LookupEventsCommandInput } from '@aws-sdk/client-cloudtrail';
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { noteAudit } from '../../shared/aws/audit-note.ts';
import { rememberGuards } from '../../shared/aws/guard-index.ts';
import { reconcile } from '../../shared/aws/reconcile.ts';
import { ConfigFile } from '../../shared/config.ts';
import { gatedCalls } from '../../shared/model/aws-event.ts';
import { forRecord, isReconciled } from '../../shared/model/reconciliation-result.ts';
import {
  approver,
  componentHost,
  config,
  endpoint,
  facts,
  findings,
  later,
  NOW,
  opened,
  outcome,
  type Written,
} from '../builders.ts';
import { awsError, fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';
import { fixture } from '../local/in-memory-loopback.ts';

const cloudtrail = mockClient(CloudTrailClient);
const sts = mockClient(STSClient);
// Files share a process, and a mocked class would stay mocked.
afterAll(() => {
  cloudtrail.restore();
  sts.restore();
});
beforeEach(() => {
  cloudtrail.reset();
  sts.reset();
  const identity = { Account: '111122223333', Arn: 'arn:aws:iam::111122223333:user/auditor' };
  sts.on(GetCallerIdentityCommand).resolves(identity);
});

type CallRecord = Record<string, unknown>;
/** A call as CloudTrail writes it down. */
const recordOf = (name: string, overrides: CallRecord = {}): CallRecord => ({
  ...(fixture(name).detail as CallRecord),
  ...overrides,
});
const UPDATE = recordOf('cloudtrail-sagemaker-UpdateEndpoint', {
  eventID: 'call-1',
  eventTime: '2026-11-20T09:59:00Z',
});

/** The event history: what a name is looked up for, `pageSize` at a time. */
function history(calls: CallRecord[], pageSize = 50) {
  cloudtrail.on(LookupEventsCommand).callsFake(({ LookupAttributes, NextToken }: LookupEventsCommandInput) => {
    const found = calls.filter(({ eventName }) => eventName === LookupAttributes?.[0]?.AttributeValue);
    const start = Number(NextToken ?? 0);
    const page = found.slice(start, start + pageSize).map((each) => ({ CloudTrailEvent: JSON.stringify(each) }));
    const end = start + pageSize;
    return { Events: page, ...(end < found.length && { NextToken: String(end) }) };
  });
}

const judged: Written[] = [
  { body: opened(1, facts(), { eventId: 'call-1', changedAt: '2026-11-20T09:59:00.000Z' }) },
  findings(1),
  outcome(1),
];

function setUp(written: Written[] = judged, overrides: Parameters<typeof fakeAws>[0] = {}) {
  const aws = fakeAws(overrides);
  const tables = fakeTables(aws);
  tables.seed(...written);
  aws.clock.now = later(86_400);
  const pauses: number[] = [];
  const pause = async (ms: number) => void pauses.push(ms);
  const run = (more = {}) => reconcile(aws.services, { from: later(-86_400), to: later(3_600), pause, ...more });
  return { aws, tables, run, pauses };
}

describe('what was called is held against what is on record', () => {
  test('and agrees where every call has a decision and every decision a call', async () => {
    history([UPDATE]);
    const result = await setUp().run();
    expect(isReconciled(result)).toBe(true);
    expect(result).toMatchObject({
      source: 'CloudTrail event history',
      read: ['111122223333 us-east-1'],
      calls: { total: 1, byName: { UpdateEndpoint: 1 }, matched: 1 },
      decisions: { total: 1, byCall: 1 },
    });
  });
  test('a call that never led to anything is a gap, also where nothing is on record about its endpoint', async () => {
    const other = recordOf('cloudtrail-sagemaker-CreateEndpoint', {
      eventID: 'call-2',
      eventTime: '2026-11-20T09:00:00Z',
    });
    const named = {
      ...other,
      requestParameters: { ...(other.requestParameters as object), endpointName: 'unheard-of' },
    };
    history([UPDATE, named]);
    const result = await setUp().run();
    expect(result.gaps).toMatchObject([
      { eventId: 'call-2', call: 'CreateEndpoint', stream: 'endpoint#111122223333#us-east-1#unheard-of' },
    ]);
  });
  test('a decision without a call is surplus, though no call names its endpoint', async () => {
    history([]);
    const result = await setUp().run();
    expect(result.surplus).toMatchObject([{ generation: 1, cause: 'UpdateEndpoint' }]);
  });
  test('calls that AWS refused, and those that guard nothing, are counted and left aside', async () => {
    const denied = recordOf('cloudtrail-sagemaker-UpdateEndpoint.denied', { eventID: 'call-3' });
    const alarm = recordOf('cloudtrail-cloudwatch-DeleteAlarms', { eventID: 'call-4' });
    history([UPDATE, denied, alarm]);
    expect((await setUp().run()).calls).toMatchObject({ total: 1, failed: 1, elsewhere: 1 });
  });
  test('a call on a guard counts for each endpoint that it guards', async () => {
    const alarm = recordOf('cloudtrail-cloudwatch-DeleteAlarms', {
      eventID: 'call-4',
      eventTime: '2026-11-20T09:58:00Z',
    });
    history([UPDATE, alarm]);
    const { tables, run } = setUp();
    const [name] = (alarm.requestParameters as { alarmNames: string[] }).alarmNames;
    for (const guarded of ['fraud-prod', 'churn-prod']) {
      const keys = {
        pk: { S: `guard#alarm#111122223333#us-east-1#${name}` },
        sk: { S: `111122223333#us-east-1#${guarded}` },
      };
      tables.work.set(`${keys.pk.S}|${keys.sk.S}`, { ...keys, endpoint: { S: guarded } });
    }
    const { calls, gaps } = await run();
    expect(calls).toMatchObject({ total: 3, byName: { DeleteAlarms: 2 } });
    expect(gaps.map(({ stream }) => stream)).toContain('endpoint#111122223333#us-east-1#churn-prod');
  });
  test('a call on an inference component that is gone is about the endpoint that it was remembered of', async () => {
    const gone = { eventID: 'call-6', eventName: 'DeleteInferenceComponent', eventTime: '2026-11-20T09:58:00Z' };
    history([UPDATE, { ...UPDATE, ...gone, requestParameters: { inferenceComponentName: 'ic' } }]);
    const { aws, run } = setUp();
    expect((await run()).gaps).toMatchObject([{ eventId: 'call-6', stream: null }]);
    const variants = [componentHost({ components: [{ name: 'ic', copies: 1, model: null, baseComponent: null }] })];
    await rememberGuards(aws.services, endpoint, facts({ variants }));
    expect((await run()).gaps).toEqual([]);
  });
  test('a record that cannot be read is a gap, not nothing', async () => {
    history([UPDATE, { ...UPDATE, eventID: 'call-5', requestParameters: { endpointName: 'not a name!' } }]);
    expect((await setUp().run()).gaps).toMatchObject([{ eventId: 'call-5', stream: null }]);
  });
  test('an event that CloudTrail has twice counts once', async () => {
    history([UPDATE, UPDATE]);
    expect((await setUp().run()).calls.total).toBe(1);
  });
});

describe('the event history', () => {
  test('is asked for each call by name, page by page, slower than twice a second', async () => {
    const many = Array.from({ length: 120 }, (_, index) => ({ ...UPDATE, eventID: `call-${index + 1}` }));
    history(many);
    const { run, pauses } = setUp();
    expect((await run()).calls.total).toBe(120);
    const asked = cloudtrail.commandCalls(LookupEventsCommand).map(({ args }) => args[0].input);
    expect(new Set(asked.map(({ LookupAttributes }) => LookupAttributes?.[0]?.AttributeValue))).toEqual(
      new Set(gatedCalls),
    );
    expect(asked.length).toBe(gatedCalls.length + 2);
    expect(pauses.length).toBe(asked.length);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(500);
    // The day before is read as well: it explains what was decided on the first.
    expect(asked[0]).toMatchObject({ StartTime: new Date(later(-2 * 86_400)), EndTime: new Date(later(3_600)) });
  });
  test('goes back ninety days, and what is before that is not taken for empty', async () => {
    history([UPDATE]);
    const result = await setUp().run({ from: later(-90 * 86_400) });
    expect(isReconciled(result)).toBe(false);
    expect(result.notRead[0]).toMatch(/goes back 90 days/);
    expect(result.decisions.total).toBe(0);
  });
  test.each([
    [awsError('AccessDeniedException', 'no'), /may not read .* Give them cloudtrail:LookupEvents, or name the bucket/],
    [awsError('ThrottlingException', 'Rate exceeded'), /Somebody else asks too: try again/],
    [new Error('socket hang up'), /the event history of CloudTrail could not be read: Error: socket hang up/],
  ])('that cannot be read is said, with what to do, and nothing is reconciled: %s', async (error, said) => {
    cloudtrail.on(LookupEventsCommand).rejects(error);
    const result = await setUp().run();
    expect(result).toMatchObject({ read: [], notRead: [expect.stringMatching(/^111122223333 us-east-1: /)] });
    expect(result.notRead[0]).toMatch(said);
    expect(isReconciled(result)).toBe(false);
  });
  test('of a member account cannot be looked up from here, which is said', async () => {
    history([UPDATE]);
    const file = ConfigFile.parse({
      approvals: { approvers: [approver('asha')] },
      members: { accounts: ['444455556666'] },
    });
    const result = await setUp(judged, { config: config({ file }) }).run();
    expect(result.read).toEqual(['111122223333 us-east-1']);
    expect(result.notRead).toEqual([
      expect.stringMatching(/^444455556666 us-east-1: .* in that account only\. Name the bucket of a trail/),
    ]);
  });
});

describe('the bucket of a trail', () => {
  /** Log files by key, as a trail delivers them. */
  function bucket(aws: ReturnType<typeof fakeAws>, files: Record<string, CallRecord[]>) {
    aws.s3.on(ListObjectsV2Command).callsFake(({ Prefix = '' }: { Prefix?: string }) => ({
      Contents: Object.keys(files)
        .filter((key) => key.startsWith(Prefix))
        .map((Key) => ({ Key })),
    }));
    aws.s3.on(GetObjectCommand).callsFake(({ Key = '' }: { Key?: string }) => {
      const bytes = gzipSync(JSON.stringify({ Records: files[Key] }));
      return { Body: { transformToByteArray: async () => new Uint8Array(bytes) } };
    });
  }
  const file = (day: string, region = 'us-east-1') =>
    `AWSLogs/111122223333/CloudTrail/${region}/${day}/111122223333_CloudTrail_${region}_20261120T1000Z_x.json.gz`;
  const source = { bucket: 'our-trail' };

  test('is read day by day, one day further than asked for, since files come late', async () => {
    const { aws, run } = setUp();
    const unrelated = { ...UPDATE, eventName: 'DescribeEndpoint', eventID: 'call-7', readOnly: true };
    bucket(aws, { [file('2026/11/20')]: [unrelated], [file('2026/11/21')]: [UPDATE], [file('2026/11/25')]: [UPDATE] });
    const result = await run({ source });
    expect(result).toMatchObject({ source: 's3://our-trail/AWSLogs/', calls: { total: 1, matched: 1 }, gaps: [] });
    expect(aws.s3.commandCalls(GetObjectCommand).length).toBe(2);
  });
  test('may be that of an organization, which stands before the account', async () => {
    const { aws, run } = setUp();
    bucket(aws, { [file('2026/11/20').replace('AWSLogs/', 'AWSLogs/o-example/')]: [UPDATE] });
    expect(await run({ source: { bucket: 'our-trail', prefix: 'AWSLogs/o-example' } })).toMatchObject({
      calls: { total: 1, matched: 1 },
    });
  });
  test('without a file for this time was not read: no calls and no files are two things', async () => {
    const { aws, run } = setUp();
    bucket(aws, {});
    const result = await run({ source });
    expect(result.notRead[0]).toMatch(/no log file of CloudTrail under s3:\/\/our-trail/);
    expect(isReconciled(result)).toBe(false);
  });
});

test('the result is on record, in the stream of the month, in the name of whoever asked', async () => {
  history([UPDATE]);
  const { aws, tables, run } = setUp();
  const result = await run();
  const body = { kind: 'reconciled', generation: 1, reconciled: isReconciled(result), ...forRecord(result) } as const;
  await noteAudit(aws.services, 'reconciled#1', body);
  await noteAudit(aws.services, 'reconciled#1', body);
  expect(tables.ofGate()).toMatchObject([
    {
      endpoint: { about: 'audit', name: aws.clock.now.slice(0, 7) },
      actor: { person: 'auditor' },
      body: { kind: 'reconciled', reconciled: true, result: { calls: { total: 1 } }, leftOut: 0 },
    },
  ]);
  expect(NOW.slice(0, 7)).toBe('2026-11');
});
