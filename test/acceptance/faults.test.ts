import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listQuarantinedEvents, replayEvent } from '../../cli/events.ts';
import { deploy, eventually, outcomeOf, requestOf } from './gate.ts';
import { APPROVERS_YAML, Runtime } from './runtime.ts';

const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`../fixtures/events/${name}.json`, import.meta.url), 'utf8'));

/** What a command prints, for a runtime on a port of its own. */
async function printed(
  command: (out: (text: string) => void) => Promise<number>,
): Promise<{ code: number; text: string }> {
  let text = '';
  const code = await command((line) => {
    text += `${line}\n`;
  });
  return { code, text };
}

describe('when things go wrong', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = new Runtime(APPROVERS_YAML, ['--duplicate-events', '2', '--delay-events', '150']);
    await runtime.start();
  });
  afterAll(() => runtime.remove());

  test('events that come three times and overtake each other make one outcome of one change', async () => {
    await deploy(runtime, 'doubled-dev', { alarms: false });
    await outcomeOf(runtime, 'doubled-dev');
    await eventually('rest', async () => (await runtime.records('doubled-dev')).length > 0);
    const opened = await runtime.bodies('doubled-dev', 'change-opened');
    const outcomes = await runtime.bodies('doubled-dev', 'outcome');
    expect(opened).toHaveLength(1);
    expect(outcomes).toHaveLength(1);
  });

  test('throttled reads are retried, and the outcome is as if nothing had been', async () => {
    await runtime.fail('SageMaker.DescribeEndpointConfig', 'ThrottlingException', 2);
    await runtime.fail('GraniteServiceVersion20100801.DescribeAlarms', 'ThrottlingException', 1);
    await deploy(runtime, 'throttled-dev');
    expect(await outcomeOf(runtime, 'throttled-dev')).toMatchObject({ result: 'compliant' });
  });

  test('facts that cannot be read end undetermined with the cause, never compliant', async () => {
    await runtime.fail('SageMaker.DescribeModel', 'AccessDeniedException', 1_000);
    await deploy(runtime, 'unreadable-dev');
    const outcome = await outcomeOf(runtime, 'unreadable-dev', {}, 60_000);
    await runtime.failNothing();
    expect(outcome).toMatchObject({ result: 'undetermined', decision: 'undetermined' });
    expect(outcome.reason).toContain('AccessDeniedException');
  }, 70_000);

  test('a poison event is quarantined with its reason, and seen in console and command line', async () => {
    const { detail, ...rest } = fixture('sagemaker-endpoint-state-change.in-service');
    await runtime.putEvents([{ ...rest, detail: { ...detail, EndpointName: 'not a name!' } }]);
    const page = await eventually('the quarantined event', async () => {
      const text = await (await fetch(`${runtime.ready.consoleUrl}/quarantine`)).text();
      return text.includes('EndpointName') && text;
    });
    expect(page).toContain('must be an endpoint name');
    const awsPort = new URL(runtime.ready.awsUrl).port;
    const options = { local: true, awsPort, json: true };
    const listed = await printed((out) =>
      listQuarantinedEvents(options, { out, err: out, terminal: false, width: 80 }),
    );
    expect(listed.code).toBe(1);
    const [event] = (JSON.parse(listed.text) as { quarantined: { id: string }[] }).quarantined;
    const replayed = await printed((out) =>
      replayEvent(event?.id ?? '', options, { out, err: out, terminal: false, width: 80 }),
    );
    expect(replayed.code).toBe(1);
    expect(JSON.parse(replayed.text)).toMatchObject({ as: 'quarantined' });
  });

  test('an event about nothing we gate is dropped and counted', async () => {
    await runtime.putEvents([fixture('sagemaker-processing-job-state-change')]);
    await eventually('the count', async () =>
      (await (await fetch(`${runtime.ready.consoleUrl}/quarantine`)).text()).includes(
        'not-gated:SageMaker Processing Job State Change',
      ),
    );
  });

  test('a mail that does not go out loses neither the wait nor the request', async () => {
    await runtime.fail('SESv2.SendEmail', 'MessageRejected', 1);
    await deploy(runtime, 'mailless-prod', { environment: 'prod', instances: 2, monitor: true });
    const { request } = await requestOf(runtime, 'mailless-prod');
    // It is noted once everybody was written to.
    await eventually('the error on the page', async () =>
      (await (await fetch(`${runtime.ready.consoleUrl}/approvals/${request}`)).text()).includes('MessageRejected'),
    );
  });

  test('an execution that somebody stops leaves an undetermined outcome', async () => {
    await deploy(runtime, 'stopped-prod', { environment: 'prod', instances: 2, monitor: true });
    await requestOf(runtime, 'stopped-prod');
    const { executions } = (await (
      await runtime.call('AWSStepFunctions.ListExecutions', { statusFilter: 'RUNNING' })
    ).json()) as {
      executions: { executionArn: string }[];
    };
    for (const { executionArn } of executions) await runtime.call('AWSStepFunctions.StopExecution', { executionArn });
    expect(await outcomeOf(runtime, 'stopped-prod')).toMatchObject({ result: 'undetermined' });
  });

  test('a callback that nobody decided resumes nothing', async () => {
    await deploy(runtime, 'forged-prod', { environment: 'prod', instances: 2, monitor: true });
    await requestOf(runtime, 'forged-prod');
    const forged = await runtime.call('AWSStepFunctions.SendTaskSuccess', {
      taskToken: 'guessed',
      output: '{"approved":true}',
    });
    expect(forged.status).toBe(400);
    expect(await runtime.bodies('forged-prod', 'outcome')).toEqual([]);
  });
});

describe('crash and restart', () => {
  const runtime = new Runtime();
  beforeAll(async () => void (await runtime.start()));
  afterAll(() => runtime.remove());

  test('a waiting approval survives kill -9, and whoever had logged in decides it', async () => {
    await deploy(runtime, 'crashed-prod', { environment: 'prod', instances: 2, monitor: true });
    const { request } = await requestOf(runtime, 'crashed-prod');
    await runtime.login('ada@example.com');
    const link = await runtime.linkFor(request, 'ada@example.com');
    expect(link).toContain(request);
    await runtime.end('SIGKILL');
    expect((await runtime.start()).resumed).toBeGreaterThan(0);
    await eventually('the request open again', async () =>
      (await (await fetch(`${runtime.ready.consoleUrl}/approvals`)).text()).includes(request),
    );
    expect(await runtime.linkFor(request, 'ada@example.com')).toBe(link);
    expect((await runtime.decide(request, 'ada@example.com', 'approved')).status).toBe(303);
    expect(await outcomeOf(runtime, 'crashed-prod')).toMatchObject({ result: 'approved' });
    expect(await runtime.bodies('crashed-prod', 'approval-requested')).toHaveLength(1);
  }, 40_000);

  test('Ctrl-C stops cleanly with exit code 0', async () => {
    expect(await runtime.end('SIGINT')).toBe(0);
  });
});
