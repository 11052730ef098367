import { describe, expect, test } from 'vitest';
import { closeTogether } from '../../cost/close-together.ts';
import type { Invocation } from '../../cost/invocation.ts';
import { newInvocation } from '../../cost/meter.ts';
import { ASSUMED, type Assumed, MIX } from '../../cost/mix.ts';
import { givenBy, type Line, type Prices, restLines, sumOf, usedLines } from '../../cost/model.ts';
import { NAIVE_STATES, naiveChange, naiveSizes } from '../../cost/naive.ts';
import prices from '../../cost/prices.json' with { type: 'json' };
import type { StateMachine, Template } from '../../cost/template.ts';
import { total, type Usage, usageOf } from '../../cost/usage.ts';

const lambda = (name: string, MemorySize: number) => ({
  Type: 'AWS::Lambda::Function',
  Properties: { Handler: `functions/${name}.handler`, MemorySize, Architectures: ['arm64'] },
});
const template: Template = {
  Resources: {
    Gather: lambda('gather-facts', 512),
    Check: lambda('check-policies', 1024),
    Sweep: lambda('sweep', 512),
    AlarmA: { Type: 'AWS::CloudWatch::Alarm', Properties: { MetricName: 'Errors' } },
    AlarmB: { Type: 'AWS::CloudWatch::Alarm', Properties: { Metrics: [{ MetricStat: {} }, { MetricStat: {} }, {}] } },
    KeyA: { Type: 'AWS::KMS::Key' },
    KeyB: { Type: 'AWS::KMS::Key', Condition: 'Never' },
    Logs: { Type: 'AWS::Logs::LogGroup', Properties: { RetentionInDays: 60 } },
    Schedule: { Type: 'AWS::Scheduler::Schedule', Properties: { ScheduleExpression: 'rate(15 minutes)' } },
  },
  Conditions: { Never: { 'Fn::Equals': ['a', 'b'] } },
};
const machine: StateMachine = {
  StartAt: 'GatherFacts',
  States: { GatherFacts: { Type: 'Task' }, CheckPolicies: { Type: 'Task' }, WhatWasFound: { Type: 'Choice' } },
};
const assumed: Assumed = {
  deploymentMinutes: 8,
  awsCallMs: 10,
  initMs: 200,
  endpoints: 50,
  changesPerMonth: 1_000,
  storedMonths: 12,
  trailRegions: 2,
  stateEventBytes: 1_000,
  stateMachineKeyRequests: 2,
};
const logLines = { done: 300, failed: 400, metric: 200, platform: 500 };
const basis = { machine, logLines, assumed };
const given = givenBy(template, prices.prices as Prices, assumed);
const usdOf = (lines: readonly Line[], id: string) => lines.find((line) => line.id === id)?.usd;

const gathered: Invocation = {
  ...newInvocation('gather-facts'),
  state: 'GatherFacts',
  execution: 'one-1',
  ms: 100,
  calls: { 'SageMaker.DescribeEndpoint': 1, 'S3.HeadObject': 2, 'DynamoDB.Query': 1, 'DynamoDB.ExecuteStatement': 1 },
  readUnits: 4,
  writeUnits: 6,
  tables: ['ledger', 'work'],
  inserts: [{ kind: 'change-opened', units: 6, bytes: 5_000 }],
  ledgerBytes: 5_000,
};
const checked: Invocation = {
  ...newInvocation('check-policies'),
  state: 'CheckPolicies',
  execution: 'one-1',
  ms: 50,
  calls: { 'DynamoDB.ExecuteStatement': 1 },
  writeUnits: 3,
  tables: ['ledger'],
  inserts: [{ kind: 'findings', units: 3, bytes: 3_000 }],
  ledgerBytes: 3_000,
  metrics: [{ name: 'EventToDecisionMs', unit: 'Milliseconds', value: 1 }],
};
const archived: Invocation = { ...newInvocation('archive-records'), calls: { 'S3.PutObject': 1 }, archiveBytes: 4_000 };
const asking: Invocation = { ...newInvocation('request-approval'), state: 'RequestApproval' };
const change = [gathered, checked];
const STATES = ['GatherFacts', 'CheckPolicies', 'WhatWasFound'];

const keysOf = ({ lambdas }: Usage) => Object.values(lambdas).reduce((sum, { keyRequests }) => sum + keyRequests, 0);

describe('what a change uses', () => {
  const usage = usageOf(change, STATES, basis);
  test('every state entered is a transition, and every invocation counts with its calls', () => {
    expect(usage).toMatchObject({ transitions: 3, executions: 1, readUnits: 4, writeUnits: 9, ledgerWrites: 2 });
    expect(usage.lambdas).toEqual({
      'gather-facts': { invocations: 1, ms: 100, awsCalls: 5, starts: 1, keyRequests: 2 },
      'check-policies': { invocations: 1, ms: 50, awsCalls: 1, starts: 1, keyRequests: 1 },
    });
  });
  test('reads of the customer are told from the gate’s own calls', () => {
    expect(usage).toMatchObject({ awsReads: 3, artifactReads: 2 });
  });
  test('KMS is asked for each table and function once, and by Step Functions', () => {
    // ledger and work by gather-facts, ledger by check-policies, two for the execution
    expect(keysOf(usage)).toBe(3);
    expect(usage.machineKeyRequests).toBe(2);
  });
  test('a key is asked for again when it was not used for five minutes', () => {
    const again = [checked, { ...checked, waitedSeconds: 300 }, { ...checked, waitedSeconds: 301 }];
    expect(keysOf(usageOf(again, [], basis))).toBe(2);
  });
  test('events that come before the change is judged share a key, and each later one asks for it', () => {
    const event = { ...newInvocation('receive-event'), tables: ['ledger'] };
    expect(keysOf(usageOf([event, event, checked], [], basis))).toBe(1 + 1);
    expect(keysOf(usageOf([event, event, checked, event, event], [], basis))).toBe(1 + 1 + 2);
  });
  test('mails to those who are asked are told from codes for logging in', () => {
    const asked = { ...newInvocation('request-approval'), state: 'RequestApproval', calls: { 'SESv2.SendEmail': 3 } };
    const login = { ...newInvocation('show-console'), calls: { 'SESv2.SendEmail': 1 } };
    const failed = { ...asked, calls: {}, error: 'AlreadyDecidedError' };
    expect(usageOf([asked, failed, login], [], basis)).toMatchObject({ mails: 3, codes: 1, rounds: 1 });
  });
  test('checkpoints: signatures, a public key for a container, objects that are the gate’s own', () => {
    const calls = { 'KMS.GetPublicKey': 1, 'KMS.Sign': 1, 'S3.ListObjectsV2': 1, 'S3.GetObject': 1, 'S3.PutObject': 1 };
    const signed = { ...newInvocation('sign-checkpoints'), calls };
    expect(usageOf([signed, signed, archived], [], basis)).toMatchObject({
      ...{ signings: 2, checkpointPuts: 4, checkpointReads: 2, archivePuts: 1, kmsRequests: 0 },
      ...{ artifactReads: 0, awsReads: 0 },
    });
  });
  test('logs: a line and what Lambda writes for each call, and a line for each metric', () => {
    expect(usage.functionLogBytes).toBe(2 * (500 + 300) + 200);
    expect(usageOf([{ ...gathered, error: 'Oops' }], [], basis).functionLogBytes).toBe(500 + 400);
  });
  test('the history of an execution: three states entered and left, two tries of tasks, start and end', () => {
    expect(usage.stateEvents).toBe(3 * 2 + 2 * 3 + 2);
  });
  test('usages are added up, Lambda by Lambda', () => {
    const sum = total([
      { usage, times: 2 },
      { usage: usageOf([checked], ['CheckPolicies'], basis), times: 10 },
    ]);
    expect(sum.transitions).toBe(2 * 3 + 10);
    expect(sum.lambdas['check-policies']).toEqual({
      invocations: 12,
      ms: 600,
      awsCalls: 12,
      starts: 12,
      keyRequests: 12,
    });
    expect(sum.lambdas['gather-facts']?.invocations).toBe(2);
  });
});

describe('the bill of a thousand changes', () => {
  const thousand = total([{ usage: usageOf(change, STATES, basis), times: 1_000 }]);
  const lines = usedLines(thousand, given);
  test.each([
    // 3,000 transitions at 25 USD a million
    ['transitions', 0.075],
    // 2,000 requests at 0.20 a million
    ['lambda-requests', 0.0004],
    // (100 + 5 x 10 + 200) ms x 0.5 GB + (50 + 10 + 200) ms x 1 GB = 0.435 GB-s, a thousand times
    ['lambda-time', 435 * 0.0000133334],
    ['writes', 0.005625],
    ['reads', 0.0005],
    // 5,000 requests at 0.03 for 10,000
    ['kms', 0.015],
    ['artifact-reads', 0.0008],
    ['trail-events', 0.002],
    // 1,800 bytes a change
    ['function-logs', 0.0009],
    // 14 events of 1,000 bytes a change
    ['execution-logs', 0.007],
    ['traces', 0.005],
    ['mails', 0],
    ['archive-puts', 0],
    ['signings', 0],
  ])('%s cost %d USD', (id, usd) => {
    expect(usdOf(lines, id)).toBeCloseTo(usd, 10);
  });
  test('asked in Slack nobody is mailed, and the secret is read and decrypted for each round', () => {
    const asking = { ...thousand, mails: 600, codes: 100, rounds: 200 };
    const [mailed, posted] = (['by mail', 'in Slack'] as const).map((how) => usedLines(asking, given, how));
    const of = (bill: readonly Line[] = []) => ['mails', 'codes', 'secret-reads', 'kms'].map((id) => usdOf(bill, id));
    expect(of(mailed)).toEqual([0.06, 0.01, 0, 0.015].map((usd) => expect.closeTo(usd, 10)));
    // 200 requests at 0.05 for 10,000, and 200 more of KMS at 0.03 for 10,000
    expect(of(posted)).toEqual([0, 0.01, 0.001, 0.0156].map((usd) => expect.closeTo(usd, 10)));
  });
  test('its sum is that of its lines', () => {
    expect(sumOf(lines)).toBeCloseTo(
      0.075 + 0.0004 + 435 * 0.0000133334 + 0.005625 + 0.0005 + 0.015 + 0.0008 + 0.002 + 0.0009 + 0.007 + 0.005,
      10,
    );
  });
  test('a Lambda that the template does not have is not priced as nothing', () => {
    const usage = usageOf([archived], [], basis);
    expect(() => usedLines(usage, given)).toThrow('no Lambda archive-records');
  });
  test('nor is what has no price', () => {
    const { mail: _mail, ...others } = given.prices;
    expect(() => usedLines(thousand, { ...given, prices: others })).toThrow('no price mail');
  });
});

describe('changes that come close together', () => {
  const signed: Invocation = {
    ...newInvocation('sign-checkpoints'),
    ms: 20,
    calls: { 'KMS.GetPublicKey': 1, 'KMS.Sign': 1, 'S3.PutObject': 1, 'S3.GetObject': 1 },
  };
  const thousand = total([{ usage: usageOf([...change, signed, signed], STATES, basis), times: 1_000 }]);
  test('are as dear as each alone where half an hour lies between them', () => {
    const alone = closeTogether(thousand, 1_800_000);
    expect(alone.lambdas['gather-facts']).toEqual(thousand.lambdas['gather-facts']);
    expect(alone.machineKeyRequests).toBe(2_000);
    // 2,000 checkpoints 900 s apart: of 31, one shares the half minute of another
    expect(alone.signings).toBeCloseTo((2_000 * 30) / 31);
  });
  test('find containers and keys, and share checkpoints', () => {
    const close = closeTogether(thousand, 60_000);
    expect(keysOf(close) + close.machineKeyRequests).toBe(0);
    expect(close.lambdas['check-policies']).toMatchObject({ invocations: 1_000, ms: 50_000, starts: 0 });
    // 2,000 within 60,000 s are 30 s apart: every other one shares
    expect(close).toMatchObject({ signings: 1_000, checkpointPuts: 1_000, checkpointReads: 1_000 });
    expect(close.lambdas['sign-checkpoints']).toMatchObject({ invocations: 1_000, ms: 20_000, awsCalls: 4_000 });
    // 1,000 signatures at 0.15 for 10,000, and no public key
    const sizes = new Map([...given.sizes, ['sign-checkpoints', { memoryMb: 512, architecture: 'arm64' }] as const]);
    expect(usdOf(usedLines(close, { ...given, sizes }), 'signings')).toBeCloseTo(0.015, 10);
  });
  test('what few of them use starts anew for each', () => {
    const rare = total([
      { usage: thousand, times: 1 },
      { usage: usageOf([asking], [], basis), times: 100 },
    ]);
    expect(closeTogether(rare, 60_000).lambdas['request-approval']).toMatchObject({ starts: 100 });
  });
});

describe('a month at rest', () => {
  const sweep: Usage = usageOf(
    [{ ...newInvocation('sweep'), ms: 250, calls: { 'DynamoDB.Query': 5 }, readUnits: 10, tables: ['ledger'] }],
    [],
    basis,
  );
  const lines = restLines({ template, sweep, change: usageOf(change, STATES, basis), metrics: 4 }, given);
  test.each([
    // one metric and two metrics
    ['alarms', 0.3],
    // one of the two keys is not made
    ['keys', 1],
    ['metrics', 1.2],
    ['dashboards', 0],
    ['trail-files', 0],
    // every 15 minutes for 30 days
    ['schedule', 2_880 / 1e6],
    ['sweep-lambda-requests', (2_880 * 0.2) / 1e6],
    // (250 + 5 x 10 + 200) ms x 0.5 GB
    ['sweep-lambda-time', 2_880 * 0.25 * 0.0000133334],
    ['sweep-reads', (28_800 * 0.125) / 1e6],
    ['sweep-kms', (2_880 * 0.03) / 1e4],
    // 8,000 bytes of 12,000 changes
    ['ledger-storage', 0.096 * 0.25],
    ['ledger-recovery', 0.096 * 0.2],
    ['archive-storage', 0],
    // two months of 2,880 x 800 bytes and 1,000 x (1,800 + 14,000) bytes
    ['log-storage', ((2_880 * 800 + 1_000 * 15_800) / 1e9) * 2 * 0.03],
  ])('%s cost %d USD', (id, usd) => {
    expect(usdOf(lines, id)).toBeCloseTo(usd, 10);
  });
  test('what a sweep does not use is not listed', () => {
    expect(lines.map(({ id }) => id)).not.toContain('sweep-mails');
  });
});

describe('the naive design', () => {
  const request = {
    ...newInvocation('request-approval'),
    state: 'RequestApproval',
    execution: 'one-1',
    calls: { 'SESv2.SendEmail': 2 },
  };
  const insert = (kind: string, units: number) => ({ kind, units, bytes: 1_000 });
  const verified: Invocation = {
    ...newInvocation('verify-monitoring'),
    state: 'VerifyMonitoring',
    execution: 'one-1',
    calls: { 'DynamoDB.ExecuteStatement': 2 },
    writeUnits: 5,
    tables: ['ledger'],
    inserts: [insert('monitoring-verified', 4), insert('outcome', 1)],
    ledgerBytes: 2_000,
    metrics: [{ name: 'Changes', unit: 'Count', value: 1, dimensions: { Outcome: 'approved' } }],
  };
  const event = { ...newInvocation('receive-event'), calls: { 'DynamoDB.ExecuteStatement': 1 } };
  const ours = [event, gathered, checked, request, verified, ...Array(5).fill(archived)];
  const { invocations, states } = naiveChange(ours);
  test('has twelve states', () => {
    expect(NAIVE_STATES).toHaveLength(12);
    expect(new Set(NAIVE_STATES).size).toBe(12);
  });
  test('reads step by step what ours reads at once, and takes as long for it', () => {
    const steps = invocations.slice(0, 7);
    expect(steps.map(({ calls }) => calls)).toEqual([
      { 'SageMaker.DescribeEndpoint': 1 },
      {},
      {},
      { 'S3.HeadObject': 2 },
      {},
      {},
      {},
    ]);
    expect(steps.reduce((sum, { ms }) => sum + ms, 0)).toBeCloseTo(100);
    expect(states).toHaveLength(7 + 4 + 1);
  });
  test('sends the same mails and keeps the same records, but for those of events', () => {
    const naive = usageOf(invocations, states, basis);
    expect(naive).toMatchObject({ mails: 2, ledgerWrites: 4, archivePuts: 4, writeUnits: 14, ledgerBytes: 10_000 });
  });
  test('records the outcome in a state of its own, which ours does where it verifies', () => {
    const [verifies, records] = ['VerifyMonitoring', 'RecordOutcome'].map((name) =>
      invocations.find(({ state }) => state === name),
    );
    expect(verifies).toMatchObject({ writeUnits: 4, calls: { 'DynamoDB.ExecuteStatement': 1 }, metrics: [] });
    expect(records).toMatchObject({ lambda: 'record-outcome', writeUnits: 1, metrics: verified.metrics });
  });
  test('leaves what was blocked as it is, with an outcome', () => {
    const remediated: Invocation = {
      ...newInvocation('remediate'),
      state: 'Remediate',
      execution: 'one-1',
      calls: { 'SageMaker.DescribeModel': 4, 'DynamoDB.ExecuteStatement': 2 },
      writeUnits: 7,
      tables: ['ledger', 'approvals'],
      inserts: [insert('outcome', 1), insert('remediation-proposed', 6)],
    };
    const naive = naiveChange([gathered, checked, remediated, archived, archived, archived, archived]);
    expect(naive.states).toHaveLength(7 + 2 + 1);
    expect(usageOf(naive.invocations, naive.states, basis)).toMatchObject({
      ...{ ledgerWrites: 3, archivePuts: 3, writeUnits: 6 + 3 + 1, awsReads: 3 },
    });
  });
  test('signs its trail as often as ours, but for records of events', () => {
    const signed: Invocation = { ...newInvocation('sign-checkpoints'), calls: { 'KMS.Sign': 1 } };
    const joined: Invocation = { ...newInvocation('receive-event'), inserts: [insert('event-joined', 3)] };
    const naive = naiveChange([...ours, joined, signed, signed, signed]);
    expect(usageOf(naive.invocations, naive.states, basis)).toMatchObject({ signings: 2 });
  });
  test('its Lambdas are as large as ours', () => {
    expect(naiveSizes(given.sizes).get('ReadModels')).toEqual(given.sizes.get('gather-facts'));
  });
  test('a call that no step of it makes is named', () => {
    const other = { ...gathered, calls: { 'SageMaker.ListHubs': 1 } };
    expect(() => naiveChange([other, verified])).toThrow('SageMaker.ListHubs');
  });
  test('a change that did not end is not compared', () => {
    expect(() => naiveChange([gathered, checked])).toThrow('without a reading and an outcome');
  });
});

test('the mix is a thousand changes, and every assumption says why', () => {
  expect(MIX.reduce((sum, { perThousand }) => sum + perThousand, 0)).toBe(1_000);
  for (const { why } of Object.values(ASSUMED)) expect(why).toMatch(/\.$/);
});

test.each(Object.entries(prices.prices))('the price of %s has a unit, a source and a date', (_name, price) => {
  expect(price.usd).toBeGreaterThan(0);
  expect(price.per).toBeGreaterThan(0);
  expect(`${price.unit}${price.source}`).not.toBe('');
  expect(price.asOf).toMatch(/^20\d\d/);
});
