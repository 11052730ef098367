import { DeleteEndpointCommand } from '@aws-sdk/client-sagemaker';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { auditVerify } from '../../cli/audit-verify.ts';
import { CliError } from '../../cli/output.ts';
import { sweep } from '../../cli/sweep.ts';
import { watchedAccount } from '../../cli/up-watch.ts';
import { portcullis, printed } from '../cli/portcullis.ts';
import { deploy, outcomeOf, requestOf, update } from './gate.ts';
import { Runtime } from './runtime.ts';

// It starts processes, and the machine may be doing other things as well.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

describe('while every event is lost', () => {
  let runtime: Runtime;
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

  test('a deployment that SageMaker took back without a word is on record as that', async () => {
    await runtime.loseEvents(false);
    await deploy(runtime, 'taken-back');
    await outcomeOf(runtime, 'taken-back', { result: 'compliant' });
    await update(runtime, 'taken-back', 'taken-back-rollback', { instanceType: 'ml.m5.xlarge' });
    expect(await outcomeOf(runtime, 'taken-back', { result: 'rolled-back' })).toMatchObject({
      reason: expect.stringMatching(/rolled it back: in service is .*taken-back.* again, not .*taken-back-rollback/),
    });
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

  test('the trail is whole, and the gate only read', async () => {
    const options = { local: true, awsPort: new URL(runtime.ready.awsUrl).port };
    expect((await printed((output) => auditVerify(options, output))).code).toBe(0);
    const calls = Object.keys(await runtime.gateCalls()).filter((name) => name.startsWith('SageMaker.'));
    expect(calls.length).toBeGreaterThan(3);
    expect(calls.filter((name) => !/^SageMaker\.(Describe|List|Search)/.test(name))).toEqual([]);
  });
});
