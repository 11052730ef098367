import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { approvalsCode } from '../../cli/approval-actions.ts';
import { auditVerify } from '../../cli/audit-verify.ts';
import { remediate } from '../../cli/remediate.ts';
import { printed } from '../cli/portcullis.ts';
import { deploy, deploymentConfig, eventually, outcomeOf, requestOf, update } from './gate.ts';
import { APPROVERS_YAML, Runtime } from './runtime.ts';

const ENFORCING = `${APPROVERS_YAML}
policies:
  prod: { remediation: enforce }
`;

describe('what was refused is put back', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = new Runtime(ENFORCING, ['--transition-ms', '50']);
    await runtime.start();
  });
  afterAll(() => runtime.remove());
  const options = () => ({ local: true, awsPort: new URL(runtime.ready.awsUrl).port });
  const putBack = (name: string) =>
    eventually('end of putting it back', async () => (await runtime.bodies(name, 'remediation-done'))[0]);

  test('by the gate itself in prod, once, and the ledger tells the story', async () => {
    await deploy(runtime, 'fraud-prod', { environment: 'prod', instances: 2, monitor: true });
    const { request } = await requestOf(runtime, 'fraud-prod');
    await runtime.decide(request, 'ada@example.com', 'approved');
    await outcomeOf(runtime, 'fraud-prod', { result: 'approved' });
    await update(runtime, 'fraud-prod', 'fraud-prod-small', { instances: 1 });
    const { generation } = await outcomeOf(runtime, 'fraud-prod', { result: 'blocked' });
    expect(await putBack('fraud-prod')).toMatchObject({ generation, result: 'done' });
    // Its own update is seen like any other, and is what was accepted.
    const after = await eventually('outcome of its own update', async () =>
      (await runtime.bodies('fraud-prod', 'outcome')).find((each) => each.generation > generation),
    );
    expect(after).toMatchObject({ result: 'unchanged' });
    const [intent, ...more] = await runtime.bodies('fraud-prod', 'remediation-intended');
    expect(more).toEqual([]);
    expect(intent?.calls).toEqual([
      {
        api: 'sagemaker:UpdateEndpoint',
        input: {
          EndpointName: 'fraud-prod',
          EndpointConfigName: 'fraud-prod-1',
          DeploymentConfig: deploymentConfig(runtime, 'fraud-prod'),
        },
      },
    ]);
    const calls = await runtime.gateCalls();
    expect(Object.keys(calls).filter((name) => /^SageMaker\.(?!Describe|List)/.test(name))).toEqual([
      'SageMaker.UpdateEndpoint',
    ]);
    expect(calls['SageMaker.UpdateEndpoint']).toBe(1);
  });

  test('by a person in staging, with what the dry run prints, from the page', async () => {
    await deploy(runtime, 'churn-staging', { environment: 'staging' });
    await outcomeOf(runtime, 'churn-staging', { result: 'compliant' });
    await update(runtime, 'churn-staging', 'churn-staging-big', { instanceType: 'ml.g5.xlarge' });
    // Its later events are changes of their own where the first has ended by then: what counts is the newest.
    const proposal = await eventually('a proposal for what has settled', async () => {
      const newest = (await runtime.bodies('churn-staging', 'remediation-proposed')).at(-1);
      const { code, out } = await printed((output) => remediate('churn-staging', { ...options(), json: true }, output));
      const shown = JSON.parse(out) as { change: number | null; moved: boolean; calls: unknown };
      if (!newest || code !== 0 || shown.change !== newest.generation || shown.moved) return undefined;
      expect(shown.calls).toEqual(newest.calls);
      return newest;
    });
    const secret = await runtime.login('ben@example.com');
    const path = `/changes/000000000000/us-east-1/churn-staging/${proposal.generation}`;
    const headers = { cookie: `portcullis=${secret}`, origin: runtime.consoleUrl };
    const page = await (await fetch(`${runtime.consoleUrl}${path}`, { headers })).text();
    expect(page).toContain('Carry it out');
    const hidden = (name: string) => new RegExp(`name="${name}" value="([^"]+)"`).exec(page)?.[1] ?? '';
    const sent = await fetch(`${runtime.consoleUrl}${path}/put-back`, {
      method: 'POST',
      redirect: 'manual',
      headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ digest: hidden('digest'), token: hidden('token'), reason: 'wrong type' }),
    });
    expect([sent.status, sent.headers.get('location')]).toEqual([303, path]);
    expect(await putBack('churn-staging')).toMatchObject({ result: 'done' });
    expect(await runtime.bodies('churn-staging', 'remediation-intended')).toMatchObject([
      { person: 'ben', calls: proposal.calls },
    ]);
    expect((await printed((output) => auditVerify(options(), output))).code).toBe(0);
  });

  test('by a person at the command line, which prints every call before', async () => {
    const asked = (name: string, more: object = {}) =>
      printed((output) => remediate(name, { ...options(), url: runtime.consoleUrl, ...more }, output));
    await deploy(runtime, 'calm-dev');
    await outcomeOf(runtime, 'calm-dev', { result: 'compliant' });
    expect(await asked('calm-dev')).toMatchObject({ code: 0, out: 'Nothing of calm-dev is to be put back.\n' });
    await update(runtime, 'calm-dev', 'calm-dev-big', { instanceType: 'ml.g5.xlarge' });
    await eventually('a proposal', async () => (await runtime.bodies('calm-dev', 'remediation-proposed'))[0]);
    const dry = await asked('calm-dev', { dryRun: true });
    expect(dry.code).toBe(0);
    expect(dry.out).toMatch(/The gate would call, in this order:\n {2}sagemaker:UpdateEndpoint\n {4}\{\n/);
    expect(dry.out).toContain('"EndpointConfigName": "calm-dev-1"');
    expect(await runtime.bodies('calm-dev', 'remediation-accepted')).toEqual([]);

    expect((await asked('calm-dev', { yes: true })).code).toBe(64);
    expect((await asked('calm-dev', { yes: true, dryRun: true, reason: 'back' })).code).toBe(64);
    expect((await asked('calm-dev', { change: 'two' })).code).toBe(64);
    const code = await printed((output) =>
      approvalsCode({ ...options(), url: runtime.consoleUrl, json: true, as: 'ben' }, output),
    );
    const mail = (await runtime.mails()).findLast(
      ({ to, text }) => to === 'ben@example.com' && text.includes('Your code'),
    );
    const login = {
      as: 'ben',
      login: (JSON.parse(code.out) as { login: string }).login,
      code: /Your code to log in to Portcullis: (\S+)/.exec(mail?.text ?? '')?.[1] ?? '',
    };
    expect(await asked('calm-dev', { yes: true, reason: 'wrong type', ...login })).toMatchObject({ code: 0 });
    expect(await putBack('calm-dev')).toMatchObject({ result: 'done' });
  });
});
