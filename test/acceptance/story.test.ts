import { DeleteAlarmsCommand, DisableAlarmActionsCommand, EnableAlarmActionsCommand } from '@aws-sdk/client-cloudwatch';
import {
  DeleteEndpointCommand,
  DeleteMonitoringScheduleCommand,
  StopMonitoringScheduleCommand,
} from '@aws-sdk/client-sagemaker';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deploy, eventually, type Gate, outcomeOf, requestOf, update } from './gate.ts';
import { APPROVERS_YAML, Runtime } from './runtime.ts';
import { targetFrom } from './target.ts';

const target = targetFrom(process.env);
const decides = test.runIf(target.canDecide);
const here = test.runIf(target.isLoopback);

/** The whole gate, driven over the wire with the AWS SDK as a platform team would. */
describe('the gate', () => {
  let gate: Gate;
  beforeAll(async () => {
    gate = await target.open();
  });
  afterAll(() => target.close());

  test('a compliant dev endpoint ends compliant, with every policy answered and its maker on record', async () => {
    await deploy(gate, 'calm-dev', { who: 'lee' });
    expect(await outcomeOf(gate, 'calm-dev')).toMatchObject({ result: 'compliant', environment: 'dev' });
    const [findings] = await gate.bodies('calm-dev', 'findings');
    expect(findings?.findings).toHaveLength(12);
    await eventually('the maker', async () =>
      (await gate.records('calm-dev')).some(({ actor, body }) =>
        [actor, 'event' in body ? body.event.actor : undefined].some((each) => each?.person === 'lee'),
      ),
    );
  });

  test('a staging endpoint of a wrong type is blocked and the record names the policy', async () => {
    await deploy(gate, 'big-staging', { environment: 'staging', instanceType: 'ml.g5.xlarge' });
    const outcome = await outcomeOf(gate, 'big-staging');
    expect(outcome.result).toBe('blocked');
    expect(outcome.violations).toEqual(['staging-instance-type', 'approved-instance-types']);
  });

  test('one instance in prod is blocked without asking anybody', async () => {
    await deploy(gate, 'lonely-prod', { environment: 'prod', instances: 1, monitor: true });
    const outcome = await outcomeOf(gate, 'lonely-prod');
    expect(outcome.violations).toContain('prod-min-instances');
    expect(await gate.bodies('lonely-prod', 'approval-requested')).toEqual([]);
  });

  decides('prod waits for a person, and one approval by somebody else ends it approved', async () => {
    await deploy(gate, 'fraud-prod', { environment: 'prod', instances: 2, monitor: true });
    const { request } = await requestOf(gate, 'fraud-prod');
    expect((await gate.decide(request, 'ada@example.com', 'approved')).status).toBe(303);
    expect(await outcomeOf(gate, 'fraud-prod')).toMatchObject({ result: 'approved', decision: 'compliant' });
    const [given] = await gate.bodies('fraud-prod', 'approval-given');
    expect(given).toMatchObject({ approver: 'ada', answer: 'approved', decides: true, reason: 'load test passed' });
  });

  decides('the same deployment again asks nobody, and another one asks anew with the difference', async () => {
    await update(gate, 'fraud-prod', 'fraud-prod-again', { instances: 2 });
    const again = await outcomeOf(gate, 'fraud-prod', { result: 'unchanged' });
    expect(again.cause).not.toContain('Alarm');
    expect(await gate.bodies('fraud-prod', 'approval-requested')).toHaveLength(1);
    await update(gate, 'fraud-prod', 'fraud-prod-bigger', { instances: 3 });
    const { request, generation } = await requestOf(gate, 'fraud-prod', 2);
    const page = await (await fetch(`${gate.consoleUrl}/approvals/${request}`)).text();
    expect(page).toContain('highest instance count');
    await gate.decide(request, 'ben@example.com', 'rejected', 'too expensive');
    expect(await outcomeOf(gate, 'fraud-prod', { generation })).toMatchObject({
      result: 'rejected',
      decision: 'blocked',
    });
  });

  decides('who made the change cannot approve it, logged in or not', async () => {
    await deploy(gate, 'own-prod', { environment: 'prod', instances: 2, monitor: true, who: 'eve-role' });
    const { request } = await requestOf(gate, 'own-prod');
    // An event about its alarms may have come first and have asked her too: what counts is the moment of deciding.
    await eventually('the maker', async () =>
      (await gate.records('own-prod')).some(({ actor, body }) =>
        [actor, 'event' in body ? body.event.actor : undefined].some((each) => each?.person === 'eve-role'),
      ),
    );
    expect([400, 403, 409]).toContain((await gate.decide(request, 'eve@example.com', 'approved')).status);
    expect(await gate.bodies('own-prod', 'approval-given')).toEqual([]);
    await gate.decide(request, 'ada@example.com', 'approved');
    const second = await gate.decide(request, 'ben@example.com', 'rejected');
    expect(second.status).toBe(409);
    expect(await outcomeOf(gate, 'own-prod')).toMatchObject({ result: 'approved' });
  });

  decides('a config that changes while people think supersedes the request and asks anew', async () => {
    await deploy(gate, 'moving-prod', { environment: 'prod', instances: 2, monitor: true });
    const first = await requestOf(gate, 'moving-prod');
    await update(gate, 'moving-prod', 'moving-prod-2', { instances: 4 });
    const second = await requestOf(gate, 'moving-prod', 2);
    expect(await outcomeOf(gate, 'moving-prod', { generation: first.generation })).toMatchObject({
      result: 'superseded',
    });
    expect((await gate.decide(first.request, 'ada@example.com', 'approved')).status).toBe(409);
    expect((await gate.decide(second.request, 'ada@example.com', 'approved')).status).toBe(303);
    expect(await outcomeOf(gate, 'moving-prod', { generation: second.generation })).toMatchObject({
      result: 'approved',
    });
  });

  test('an alarm deleted under a running endpoint blocks it, with who did it on record', async () => {
    await deploy(gate, 'guarded-dev');
    await outcomeOf(gate, 'guarded-dev', { result: 'compliant' });
    await gate
      .clients('mallory')
      .cloudwatch.send(new DeleteAlarmsCommand({ AlarmNames: [gate.named('guarded-dev-DataDriftAlarm')] }));
    const outcome = await outcomeOf(gate, 'guarded-dev', { result: 'blocked' });
    expect(outcome.violations).toEqual(['rollback-alarms']);
  });

  decides(
    'a guard of an approved prod endpoint that is switched off blocks it, and approvers are told at once',
    async () => {
      await deploy(gate, 'kept-prod', { environment: 'prod', instances: 2, monitor: true });
      const { request } = await requestOf(gate, 'kept-prod');
      await gate.decide(request, 'ada@example.com', 'approved');
      await outcomeOf(gate, 'kept-prod', { result: 'approved' });
      const { cloudwatch } = gate.clients('mallory');
      const AlarmNames = [gate.named('kept-prod-DataDriftAlarm')];
      await cloudwatch.send(new DisableAlarmActionsCommand({ AlarmNames }));
      expect((await outcomeOf(gate, 'kept-prod', { result: 'blocked' })).violations).toEqual(['rollback-alarms']);
      const told = await eventually('the message', async () =>
        (await gate.mails()).find(({ to, text }) => to === 'ada@example.com' && text.includes('What is down')),
      );
      expect(told.text).toContain('kept-prod-DataDriftAlarm are disabled');
      await cloudwatch.send(new EnableAlarmActionsCommand({ AlarmNames }));
      await outcomeOf(gate, 'kept-prod', { result: 'unchanged' });
    },
  );

  test('a deleted endpoint is on record as deleted', async () => {
    await deploy(gate, 'gone-dev');
    await outcomeOf(gate, 'gone-dev');
    await gate.clients().sagemaker.send(new DeleteEndpointCommand({ EndpointName: gate.named('gone-dev') }));
    expect(await outcomeOf(gate, 'gone-dev', { result: 'deleted' })).toMatchObject({ environment: 'dev' });
  });

  test('a schedule that is stopped or deleted makes the gate look again', async () => {
    await deploy(gate, 'watched-dev', { monitor: true });
    await outcomeOf(gate, 'watched-dev', { result: 'compliant' });
    const { sagemaker } = gate.clients('mallory');
    const seen = async (cause: string) =>
      (await gate.records('watched-dev')).some(
        ({ body }) => ('event' in body ? body.event.cause : 'cause' in body && body.cause) === cause,
      );
    await sagemaker.send(
      new StopMonitoringScheduleCommand({ MonitoringScheduleName: gate.named('watched-dev-schedule') }),
    );
    await eventually('the stop on record', () => seen('StopMonitoringSchedule'));
    await sagemaker.send(
      new DeleteMonitoringScheduleCommand({ MonitoringScheduleName: gate.named('watched-dev-schedule') }),
    );
    await eventually('the deletion on record', () => seen('DeleteMonitoringSchedule'));
  });

  here('an operation that the loopback AWS does not do is refused by name', async () => {
    const response = await gate.call('SageMaker.CreateTrainingJob', {});
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      __type: 'UnknownOperationException',
      message: expect.stringContaining('SageMaker.CreateTrainingJob'),
    });
  });
});

describe('a request that nobody answers', () => {
  test.runIf(process.env.TEST_TARGET === undefined)('expires and denies', async () => {
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
