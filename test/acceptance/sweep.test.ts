import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { SetAlarmStateCommand } from '@aws-sdk/client-cloudwatch';
import { DeleteEndpointCommand } from '@aws-sdk/client-sagemaker';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { auditQuery } from '../../cli/audit-query.ts';
import { auditReconcile } from '../../cli/audit-reconcile.ts';
import { auditVerify } from '../../cli/audit-verify.ts';
import { servicesFor } from '../../cli/context.ts';
import { CliError, type Output } from '../../cli/output.ts';
import { sweep } from '../../cli/sweep.ts';
import { watchedAccount } from '../../cli/up-watch.ts';
import { awsCli } from '../../scripts/audit-questions.ts';
import { type Answer, askAll } from '../../shared/aws/questions.ts';
import { type LedgerQuery, QUERIES, spanOfMonths } from '../../shared/model/ledger-question.ts';
import type { Reconciliation } from '../../shared/model/reconciliation-result.ts';
import { portcullis, printed } from '../cli/portcullis.ts';
import { deploy, eventually, outcomeOf, requestOf, update } from './gate.ts';
import { Runtime } from './runtime.ts';

const FULL = process.env.PORTCULLIS_PROOF === 'full';
const awsIsThere = (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, 'aws')));

// It starts processes, and the machine may be doing other things as well.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

describe('while every event is lost', () => {
  let runtime: Runtime;
  /** Since when events are heard. */
  let heard = '';
  const swept = async () => {
    const options = { local: true, awsPort: new URL(runtime.ready.awsUrl).port, json: true };
    const { code, out } = await printed((output) => sweep(options, output));
    return { code, ...(JSON.parse(out) as Record<string, number>) };
  };
  beforeAll(async () => {
    runtime = new Runtime();
    await runtime.start();
    await runtime.loseEvents(true);
  });
  afterAll(() => runtime.remove());

  test('what was made is found by the sweep and judged like anything else', async () => {
    await deploy(runtime, 'silent-dev');
    await deploy(runtime, 'silent-staging', { environment: 'staging', instanceType: 'ml.g5.xlarge' });
    expect(await runtime.records('silent-dev')).toEqual([]);
    expect(await swept()).toMatchObject({ code: 0, endpoints: 2, started: 2, failed: 0 });
    expect(await outcomeOf(runtime, 'silent-dev')).toMatchObject({ result: 'compliant', cause: 'sweep' });
    expect(await outcomeOf(runtime, 'silent-staging')).toMatchObject({ result: 'blocked' });
    expect(await swept()).toMatchObject({ code: 0, endpoints: 2, started: 0, joined: 0 });
  });

  test('an update is found, and so is the end', async () => {
    await update(runtime, 'silent-dev', 'silent-dev-2', { instanceType: 'ml.p4d.24xlarge' });
    expect(await swept()).toMatchObject({ started: 1 });
    expect(await outcomeOf(runtime, 'silent-dev', { generation: 2 })).toMatchObject({ result: 'blocked' });
    await runtime.clients().sagemaker.send(new DeleteEndpointCommand({ EndpointName: 'silent-dev' }));
    expect(await swept()).toMatchObject({ endpoints: 1, started: 1 });
    expect(await outcomeOf(runtime, 'silent-dev', { generation: 3 })).toMatchObject({ result: 'deleted' });
    expect(await swept()).toMatchObject({ started: 0 });
  });

  test('what waits for people is asked about once, and left alone by every later sweep', async () => {
    await deploy(runtime, 'silent-prod', { environment: 'prod', instances: 2, monitor: true });
    await swept();
    await requestOf(runtime, 'silent-prod');
    expect(await swept()).toMatchObject({ started: 0, ended: 0, resumed: 0 });
    expect(await runtime.bodies('silent-prod', 'approval-requested')).toHaveLength(1);
    expect(await runtime.bodies('silent-prod', 'outcome')).toEqual([]);
  });

  test('a deployment that SageMaker took back without a word is on record as that, with the alarm that tripped', async () => {
    await runtime.loseEvents(false);
    // CloudTrail's times are whole seconds, and what was lost before is not to be among what is heard.
    heard = new Date(Math.ceil(Date.now() / 1_000) * 1_000).toISOString();
    await eventually('new second', async () => new Date().toISOString() >= heard);
    await deploy(runtime, 'taken-back');
    await outcomeOf(runtime, 'taken-back', { result: 'compliant' });
    const AlarmName = runtime.named('taken-back-DataDriftAlarm');
    const trip = (StateValue: 'ALARM' | 'OK') =>
      runtime
        .clients('asha')
        .cloudwatch.send(new SetAlarmStateCommand({ AlarmName, StateValue, StateReason: 'a test' }));
    await trip('ALARM');
    await update(runtime, 'taken-back', 'taken-back-rollback', { instanceType: 'ml.m5.xlarge' });
    // Whenever the gate looks, the alarm's history has it.
    await trip('OK');
    expect(await outcomeOf(runtime, 'taken-back', { result: 'rolled-back' })).toMatchObject({
      reason: expect.stringMatching(/rolled it back: in service is .*taken-back.* again, not .*taken-back-rollback/),
    });
    const [verified] = (await runtime.bodies('taken-back', 'monitoring-verified')).filter((each) => each.rolledBack);
    expect(verified?.rolledBack).toMatchObject({ alarms: [{ name: AlarmName }], unknown: [] });
    expect(verified?.rolledBack?.alarms[0]).toHaveProperty('trippedAt');
  });

  describe('watched from another machine, as an account that is only read', () => {
    const environment = () => ({
      AWS_ENDPOINT_URL: runtime.awsUrl,
      AWS_ACCESS_KEY_ID: 'watcher',
      AWS_SECRET_ACCESS_KEY: 'any',
      AWS_REGION: 'us-east-1',
      PORTCULLIS_CONFIG: runtime.configPath,
    });
    const watch = (...more: string[]) =>
      portcullis(['up', '--watch', '--once', '--json', '--aws-port', '0', '--console-port', '0', ...more], {
        env: environment(),
      });

    test('every endpoint is judged there, in a ledger of its own, and nothing but reads was sent', async () => {
      const { code, out, err } = await watch('--data', `${runtime.dataDir}/watching`);
      expect({ code, err }).toEqual({
        code: 0,
        err: expect.stringContaining('Watching account 000000000000 in us-east-1'),
      });
      const states = Object.fromEntries(
        (JSON.parse(out) as { endpoint: string; state: string }[]).map(({ endpoint, state }) => [endpoint, state]),
      );
      expect(states).toMatchObject({
        'silent-staging': 'blocked',
        'silent-prod': 'waiting',
        'taken-back': 'compliant',
      });
      const all = Object.keys((await (await fetch(`${runtime.awsUrl}/_loopback/calls`)).json()) as object);
      const calls = all.flatMap((call) => (call.startsWith('watcher ') ? [call.slice('watcher '.length)] : []));
      expect(calls).toContain('SageMaker.Search');
      expect(calls.filter((call) => !/\.(Describe|List|Search|Get|HEAD$|GET)/.test(call))).toEqual([]);
      expect(calls.filter((call) => /^(DynamoDB|AWSStepFunctions|TrentService|SESv2)/.test(call))).toEqual([]);
    });

    test('credentials that it could not read with are refused, with everything that they lack', async () => {
      for (const operation of ['SageMaker.Search', 'GraniteServiceVersion20100801.DescribeAlarms']) {
        const fault = { operation, code: 'AccessDeniedException', status: 400, times: 1 };
        await fetch(`${runtime.awsUrl}/_loopback/faults`, { method: 'POST', body: JSON.stringify(fault) });
      }
      const before = { ...process.env };
      Object.assign(process.env, environment());
      const refused = await watchedAccount(undefined).catch((error: Error) => error);
      process.env = before;
      await runtime.failNothing();
      expect(refused).toBeInstanceOf(CliError);
      const { message } = refused as CliError;
      expect(message).toContain(
        'user/watcher may not read what the gate has to read in us-east-1 of account 000000000000',
      );
      expect(message).toContain('sagemaker:Search: AccessDeniedException');
      expect(message).toContain('cloudwatch:DescribeAlarms: AccessDeniedException');
      expect(message).not.toContain('sagemaker:ListEndpoints:');
    });
  });

  describe('held against what CloudTrail has', () => {
    const options = (more: object = {}) => ({
      ...{ local: true, awsPort: new URL(runtime.ready.awsUrl).port, from: heard },
      ...more,
    });
    // Calls of the last minute may be under way; only the clock of who asks moves on.
    const later = async (command: (output: Output) => Promise<number>) => {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 });
      return printed(command).finally(() => vi.useRealTimers());
    };
    const reconciled = async (more: object = {}) => {
      const { code, out } = await later((output) => auditReconcile(options({ json: true, ...more }), output));
      return { code, result: JSON.parse(out) as Reconciliation & { recorded: boolean } };
    };

    test('every call has its decision, and every decision a cause', async () => {
      const { code, result } = await reconciled();
      expect({ code, gaps: result.gaps, surplus: result.surplus }).toEqual({ code: 0, gaps: [], surplus: [] });
      expect(result.read).toEqual(['000000000000 us-east-1']);
      expect(result.calls.byName).toMatchObject({ CreateEndpoint: 1, UpdateEndpoint: 1, PutMetricAlarm: 2 });
      expect(result.calls).toMatchObject({ total: 4, matched: 4, tooNew: 0 });
    });
    test('a call that nobody heard of is a gap, and goes on record as that', async () => {
      await runtime.loseEvents(true);
      await update(runtime, 'taken-back', 'taken-back-unheard', { instanceType: 'ml.m5.2xlarge', who: 'mallory' });
      const { code, result } = await reconciled();
      expect(code).toBe(1);
      expect(result).toMatchObject({ recorded: true, surplus: [], duplicates: [] });
      expect(result.gaps).toMatchObject([
        { call: 'UpdateEndpoint', stream: 'endpoint#000000000000#us-east-1#taken-back', who: 'mallory' },
      ]);
      const listed = await later((output) => auditQuery(options({ reconciliations: true }), output));
      expect(listed.out).toMatch(/reconciled +not-reconciled +cli/);
    });
    test('until the sweep finds what it did', async () => {
      await swept();
      await outcomeOf(runtime, 'taken-back', { cause: 'sweep' });
      expect(await reconciled({ record: false })).toMatchObject({
        code: 0,
        result: { recorded: false, gaps: [], calls: { seenLater: 1 } },
      });
    });
    test('where the credentials may not look, that is said and what to do', async () => {
      const fault = {
        operation: 'CloudTrail_20131101.LookupEvents',
        code: 'AccessDeniedException',
        status: 400,
        times: 1,
      };
      await fetch(`${runtime.awsUrl}/_loopback/faults`, { method: 'POST', body: JSON.stringify(fault) });
      const { code, out } = await printed((output) => auditReconcile(options({ record: false }), output));
      expect(code).toBe(2);
      expect(out).toMatch(/^NOT reconciled:\n/);
      expect(out).toMatch(/NOT READ {3}000000000000 us-east-1: these credentials may not read .*LookupEvents/);
    });
  });

  // Each takes a second of processor time; the other questions are asked where there is time for a proof.
  const month = spanOfMonths(new Date().toISOString().slice(0, 7));
  const blocked: [string, readonly LedgerQuery[]] = ['what was blocked', QUERIES.result('blocked', month)];
  const limits: [string, readonly LedgerQuery[]] = ['limits on record', QUERIES.allLimits()];
  const others: [string, readonly LedgerQuery[]][] = [
    ['everything about an endpoint', QUERIES.stream('endpoint#000000000000#us-east-1#silent-dev')],
    ['changes in an environment', QUERIES.environment('staging', month)],
    ['changes without a plan', QUERIES.unplanned(month)],
    ['what was reconciled', QUERIES.reconciled(month)],
  ];
  describe.skipIf(!awsIsThere)('the AWS CLI, asked as documented', () => {
    test.each([blocked, limits, ...(FULL ? others : [])])(
      'tells %s as the command line does',
      async (_what, queries) => {
        const services = servicesFor({ local: true, awsPort: new URL(runtime.ready.awsUrl).port });
        const ours: Answer[] = [];
        for await (const answer of askAll(services, queries)) ours.push(answer);
        const env = { ...process.env, AWS_ENDPOINT_URL: runtime.awsUrl, AWS_ACCESS_KEY_ID: 'auditor' };
        const [query, ...more] = queries;
        if (!query || more.length > 0) throw new Error('This is more than one query.');
        const { stdout, stderr } = spawnSync('bash', ['-c', awsCli(query, 'portcullis-ledger')], {
          env: { ...env, AWS_SECRET_ACCESS_KEY: 'any', AWS_DEFAULT_REGION: 'us-east-1', AWS_DEFAULT_OUTPUT: 'json' },
          encoding: 'utf8',
        });
        expect(stderr).toBe('');
        const { Items, ConsumedCapacity } = JSON.parse(stdout) as { Items: unknown[]; ConsumedCapacity: object };
        expect(Items.length).toBe(ours.length);
        expect(ours.length).toBeGreaterThan(0);
        expect(ConsumedCapacity).toMatchObject({ CapacityUnits: expect.any(Number) });
      },
    );
  });

  test('the trail is whole, and the gate only read', async () => {
    const options = { local: true, awsPort: new URL(runtime.ready.awsUrl).port };
    expect((await printed((output) => auditVerify(options, output))).code).toBe(0);
    const calls = Object.keys(await runtime.gateCalls()).filter((name) => name.startsWith('SageMaker.'));
    expect(calls.length).toBeGreaterThan(3);
    expect(calls.filter((name) => !/^SageMaker\.(Describe|List|Search)/.test(name))).toEqual([]);
  });
});
