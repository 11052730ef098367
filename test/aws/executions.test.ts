import { describe, expect, test } from 'vitest';
import {
  ExecutionInput,
  executionName,
  executionStatus,
  startExecution,
  startedAfter,
} from '../../shared/aws/executions.ts';
import { change, endpoint, later, NOW, person } from '../builders.ts';
import { awsError, fakeAws } from '../fake-aws.ts';

test('an execution is named for its endpoint and its number, whatever the case of the name', () => {
  const name = executionName(change(), 7, 0);
  expect(name).toMatch(/^chg-[0-9a-f]{32}-7$/);
  expect(executionName(change({ endpoint: { ...endpoint, name: 'FRAUD-prod' } }), 7, 0)).toBe(name);
  expect(executionName(change({ eventId: 'another' }), 7, 0)).toBe(name);
  expect(executionName(change({ endpoint: { ...endpoint, region: 'eu-west-1' } }), 7, 0)).not.toBe(name);
  expect(executionName(change(), 7, 2)).toBe(`${name}-2`);
  expect(executionName(change(), 999_999_999, 99).length).toBeLessThanOrEqual(80);
});

test('starting one hands over the change, its number and the time that approvers have', async () => {
  const aws = fakeAws();
  expect(await startExecution(aws.services, change(), 3)).toBe('started');
  const [[name, { input }] = ['', { input: '' }]] = [...aws.world.executions];
  expect(name).toBe(executionName(change(), 3, 0));
  expect(ExecutionInput.parse(JSON.parse(input))).toEqual({
    change: change(),
    generation: 3,
    approvalTimeoutSeconds: 86_400,
  });
});

test('the same event delivered twice starts one', async () => {
  const aws = fakeAws();
  await startExecution(aws.services, change(), 1);
  expect(await startExecution(aws.services, change(), 1)).toBe('started');
  expect(aws.world.executions.size).toBe(1);
});

test('another event about the same change finds it running', async () => {
  const aws = fakeAws();
  await startExecution(aws.services, change(), 1);
  expect(await startExecution(aws.services, change({ eventId: 'another' }), 1)).toBe('running');
  expect(aws.world.executions.size).toBe(1);
});

test('behind executions that ended without a record the next free name is taken', async () => {
  const aws = fakeAws();
  for (const attempt of [0, 1])
    aws.world.executions.set(executionName(change(), 1, attempt), { input: '', status: 'ABORTED' });
  expect(await startExecution(aws.services, change(), 1)).toBe('started');
  expect([...aws.world.executions.keys()].at(-1)).toBe(executionName(change(), 1, 2));
  expect(await startExecution(aws.services, change({ eventId: 'another' }), 1)).toBe('running');
});

test('any other error is thrown', async () => {
  const aws = fakeAws();
  aws.world.before = () => {
    throw awsError('StateMachineDoesNotExist');
  };
  await expect(startExecution(aws.services, change(), 1)).rejects.toMatchObject({ name: 'StateMachineDoesNotExist' });
});

describe('startedAfter', () => {
  const event = (lastModifiedAt?: string) =>
    change({ sighting: lastModifiedAt === undefined ? {} : { lastModifiedAt } });

  test('is true of what was modified no later than an execution was started here: its reading will show it', async () => {
    const { services } = fakeAws();
    await startExecution(services, change(), 1);
    expect(startedAfter(services, event(NOW))).toBe(true);
    expect(startedAfter(services, event(later(0.001)))).toBe(false);
  });
  test('says nothing about events without a modification time or with a name, deletions, other endpoints or other containers', async () => {
    const { services } = fakeAws();
    expect(startedAfter(services, event(NOW))).toBe(false);
    await startExecution(services, change(), 1);
    expect(startedAfter(services, event())).toBe(false);
    expect(startedAfter(services, { ...event(NOW), kind: 'deleted' })).toBe(false);
    expect(startedAfter(services, { ...event(NOW), actor: person('asha') })).toBe(false);
    expect(startedAfter(services, { ...event(NOW), endpoint: { ...endpoint, name: 'other' } })).toBe(false);
    expect(startedAfter(fakeAws().services, event(NOW))).toBe(false);
  });
  test('is told by Step Functions where somebody else had started it', async () => {
    const aws = fakeAws();
    const name = executionName(change(), 1, 0);
    aws.world.executions.set(name, { input: '{}', status: 'RUNNING', startDate: new Date(NOW) });
    await startExecution(aws.services, change(), 1);
    expect(startedAfter(aws.services, event(NOW))).toBe(true);
    expect(startedAfter(aws.services, event(later(0.001)))).toBe(false);
  });
  test('does not count the time at which the same event was delivered again', async () => {
    const { services, clock } = fakeAws();
    await startExecution(services, change(), 1);
    clock.advance(60);
    await startExecution(services, change(), 1);
    expect(startedAfter(services, event(NOW))).toBe(true);
    expect(startedAfter(services, event(later(30)))).toBe(false);
  });
  test('says nothing where an execution runs whose start nobody knows', async () => {
    const aws = fakeAws();
    aws.world.executions.set(executionName(change(), 1, 0), { input: '{}', status: 'RUNNING' });
    await startExecution(aws.services, change(), 1);
    expect(startedAfter(aws.services, event(NOW))).toBe(false);
  });
});

test('how a change stands is told by its last execution, and a running one counts wherever it is', async () => {
  const aws = fakeAws();
  const status = () => executionStatus(aws.services, change(), 1);
  expect(await status()).toBeUndefined();
  for (const [attempt, each] of ['FAILED', 'ABORTED', 'RUNNING'].entries()) {
    aws.world.executions.set(executionName(change(), 1, attempt), { input: '', status: each });
    expect(await status()).toBe(each);
  }
  aws.world.before = () => {
    throw awsError('ThrottlingException');
  };
  await expect(status()).rejects.toThrow('ThrottlingException');
});
