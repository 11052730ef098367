import { DeleteAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import {
  DeleteEndpointCommand,
  DeleteMonitoringScheduleCommand,
  StopMonitoringScheduleCommand,
} from '@aws-sdk/client-sagemaker';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { APPROVERS_YAML, deploy, eventually, outcomeOf, Runtime, requestOf, update } from './runtime.ts';

/** The whole gate as a process, driven over the wire with the AWS SDK as a platform team would. */
describe('the gate on one machine', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = new Runtime();
    await runtime.start();
  });
  afterAll(() => runtime.remove());

  test('a compliant dev endpoint ends compliant, with every policy answered and its maker on record', async () => {
    await deploy(runtime, 'calm-dev', { who: 'lee' });
    expect(await outcomeOf(runtime, 'calm-dev')).toMatchObject({ result: 'compliant', environment: 'dev' });
    const [findings] = await runtime.bodies('calm-dev', 'findings');
    expect(findings?.findings).toHaveLength(11);
    await eventually('the maker', async () =>
      (await runtime.records('calm-dev')).some(({ actor, body }) =>
        [actor, 'event' in body ? body.event.actor : undefined].some((each) => each?.person === 'lee'),
      ),
    );
  });

  test('a staging endpoint of a wrong type is blocked and the record names the policy', async () => {
    await deploy(runtime, 'big-staging', { environment: 'staging', instanceType: 'ml.g5.xlarge' });
    const outcome = await outcomeOf(runtime, 'big-staging');
    expect(outcome.result).toBe('blocked');
    expect(outcome.violations).toEqual(['staging-instance-type', 'approved-instance-types']);
  });

  test('one instance in prod is blocked without asking anybody', async () => {
    await deploy(runtime, 'lonely-prod', { environment: 'prod', instances: 1, monitor: true });
    const outcome = await outcomeOf(runtime, 'lonely-prod');
    expect(outcome.violations).toContain('prod-min-instances');
    expect(await runtime.bodies('lonely-prod', 'approval-requested')).toEqual([]);
  });

  test('prod waits for a person, and one approval by somebody else ends it approved', async () => {
    await deploy(runtime, 'fraud-prod', { environment: 'prod', instances: 2, monitor: true });
    const { request } = await requestOf(runtime, 'fraud-prod');
    expect((await runtime.decide(request, 'ada@example.com', 'approved')).status).toBe(303);
    expect(await outcomeOf(runtime, 'fraud-prod')).toMatchObject({ result: 'approved', decision: 'compliant' });
    const [given] = await runtime.bodies('fraud-prod', 'approval-given');
    expect(given).toMatchObject({ approver: 'ada', answer: 'approved', decides: true, reason: 'load test passed' });
  });

  test('the same deployment again asks nobody, and another one asks anew with the difference', async () => {
    await update(runtime, 'fraud-prod', 'fraud-prod-again', { instances: 2 });
    const again = await outcomeOf(runtime, 'fraud-prod', { result: 'unchanged' });
    expect(again.cause).not.toContain('Alarm');
    expect(await runtime.bodies('fraud-prod', 'approval-requested')).toHaveLength(1);
    await update(runtime, 'fraud-prod', 'fraud-prod-bigger', { instances: 3 });
    const { request, generation } = await requestOf(runtime, 'fraud-prod', 2);
    const page = await (await fetch(`${runtime.ready.consoleUrl}/approvals/${request}`)).text();
    expect(page).toContain('highest instance count');
    await runtime.decide(request, 'ben@example.com', 'rejected', 'too expensive');
    expect(await outcomeOf(runtime, 'fraud-prod', { generation })).toMatchObject({
      result: 'rejected',
      decision: 'blocked',
    });
  });

  test('who made the change cannot approve it, whatever the code', async () => {
    await deploy(runtime, 'own-prod', { environment: 'prod', instances: 2, monitor: true, who: 'eve-role' });
    const { request } = await requestOf(runtime, 'own-prod');
    expect(await runtime.codeFor(request, 'eve@example.com')).toBe('');
    expect([400, 403]).toContain((await runtime.decide(request, 'eve@example.com', 'approved')).status);
    expect(await runtime.bodies('own-prod', 'approval-given')).toEqual([]);
    await runtime.decide(request, 'ada@example.com', 'approved');
    const second = await runtime.decide(request, 'ben@example.com', 'rejected');
    expect(second.status).toBe(409);
    expect(await outcomeOf(runtime, 'own-prod')).toMatchObject({ result: 'approved' });
  });

  test('a config that changes while people think supersedes the request and asks anew', async () => {
    await deploy(runtime, 'moving-prod', { environment: 'prod', instances: 2, monitor: true });
    const first = await requestOf(runtime, 'moving-prod');
    await update(runtime, 'moving-prod', 'moving-prod-2', { instances: 4 });
    const second = await requestOf(runtime, 'moving-prod', 2);
    expect(await outcomeOf(runtime, 'moving-prod', { generation: first.generation })).toMatchObject({
      result: 'superseded',
    });
    expect((await runtime.decide(first.request, 'ada@example.com', 'approved')).status).toBe(409);
    expect((await runtime.decide(second.request, 'ada@example.com', 'approved')).status).toBe(303);
    expect(await outcomeOf(runtime, 'moving-prod', { generation: second.generation })).toMatchObject({
      result: 'approved',
    });
  });

  test('an alarm deleted under a running endpoint blocks it, with who did it on record', async () => {
    await deploy(runtime, 'guarded-dev');
    await outcomeOf(runtime, 'guarded-dev', { result: 'compliant' });
    await runtime
      .clients('mallory')
      .cloudwatch.send(new DeleteAlarmsCommand({ AlarmNames: ['guarded-dev-DataDriftAlarm'] }));
    const outcome = await outcomeOf(runtime, 'guarded-dev', { result: 'blocked' });
    expect(outcome.violations).toEqual(['rollback-alarms']);
  });

  test('a deleted endpoint is on record as deleted', async () => {
    await deploy(runtime, 'gone-dev');
    await outcomeOf(runtime, 'gone-dev');
    await runtime.clients().sagemaker.send(new DeleteEndpointCommand({ EndpointName: 'gone-dev' }));
    expect(await outcomeOf(runtime, 'gone-dev', { result: 'deleted' })).toMatchObject({ environment: 'dev' });
  });

  test('a schedule that is stopped or deleted makes the gate look again', async () => {
    await deploy(runtime, 'watched-dev', { monitor: true });
    await outcomeOf(runtime, 'watched-dev', { result: 'compliant' });
    const { sagemaker } = runtime.clients('mallory');
    const seen = async (cause: string) =>
      (await runtime.records('watched-dev')).some(
        ({ body }) => ('event' in body ? body.event.cause : 'cause' in body && body.cause) === cause,
      );
    await sagemaker.send(new StopMonitoringScheduleCommand({ MonitoringScheduleName: 'watched-dev-schedule' }));
    await eventually('the stop on record', () => seen('StopMonitoringSchedule'));
    await sagemaker.send(new DeleteMonitoringScheduleCommand({ MonitoringScheduleName: 'watched-dev-schedule' }));
    await eventually('the deletion on record', () => seen('DeleteMonitoringSchedule'));
  });

  test('an operation that the loopback AWS does not do is refused by name', async () => {
    const response = await runtime.call('SageMaker.CreateTrainingJob', {});
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      __type: 'UnknownOperationException',
      message: expect.stringContaining('SageMaker.CreateTrainingJob'),
    });
  });
});

describe('a request that nobody answers', () => {
  test('expires and denies', async () => {
    const runtime = new Runtime(APPROVERS_YAML.replace('timeoutHours: 24', 'timeoutHours: 0.0008'));
    await runtime.start();
    try {
      await deploy(runtime, 'slow-prod', { environment: 'prod', instances: 2, monitor: true });
      expect(await outcomeOf(runtime, 'slow-prod')).toMatchObject({ result: 'expired', decision: 'blocked' });
      expect(await runtime.bodies('slow-prod', 'decided')).toMatchObject([{ answer: 'expired' }]);
    } finally {
      await runtime.remove();
    }
  });
});
