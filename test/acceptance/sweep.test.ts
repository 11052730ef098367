import { DeleteEndpointCommand } from '@aws-sdk/client-sagemaker';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditVerify } from '../../cli/audit-verify.ts';
import { sweep } from '../../cli/sweep.ts';
import { printed } from '../cli/portcullis.ts';
import { deploy, outcomeOf, requestOf, update } from './gate.ts';
import { Runtime } from './runtime.ts';

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

  test('the trail is whole, and the gate only read', async () => {
    const options = { local: true, awsPort: new URL(runtime.ready.awsUrl).port };
    expect((await printed((output) => auditVerify(options, output))).code).toBe(0);
    const calls = Object.keys(await runtime.gateCalls()).filter((name) => name.startsWith('SageMaker.'));
    expect(calls.length).toBeGreaterThan(3);
    expect(calls.filter((name) => !/^SageMaker\.(Describe|List)/.test(name))).toEqual([]);
  });
});
