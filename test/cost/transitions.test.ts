import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Invocation } from '../../cost/invocation.ts';
import { newInvocation } from '../../cost/meter.ts';
import type { StateMachine } from '../../cost/template.ts';
import { atPace, statesOf, waitsFor } from '../../cost/transitions.ts';

const machine = JSON.parse(
  readFileSync(new URL('../../statemachines/endpoint-compliance.asl.json', import.meta.url), 'utf8'),
) as StateMachine;

const task = (state: string, result: Pick<Invocation, 'output' | 'error'> = {}, execution = 'fraud-1'): Invocation => ({
  ...newInvocation(state),
  state,
  execution,
  ...result,
});
const gather = task('GatherFacts');
const compliant = task('CheckPolicies', { output: { decision: 'compliant' } });
const check = (error: string) => task('CheckPolicies', { error });
const refused = task('VerifyMonitoring', { error: 'RefusedError' });
const early = task('VerifyMonitoring', { error: 'NotSettledError' });
const verified = task('VerifyMonitoring', { output: { state: 'verified' } });
const remediated = task('Remediate', { output: { state: 'over' } });
const notYet = task('Remediate', { error: 'NotPutBackYetError' });
const record = task('RecordOutcome');

describe('the states that an execution enters', () => {
  test.each([
    ['compliant', [gather, compliant, verified], 3],
    ['blocked', [gather, check('BlockedError'), record], 3],
    ['blocked, with a way back', [gather, check('RefusedError'), remediated], 3],
    ['put back after a while', [gather, check('RefusedError'), notYet, notYet, remediated], 5],
    ['refused once verified', [gather, compliant, refused, remediated], 4],
    ['approved', [gather, check('ApprovalNeededError'), task('RequestApproval'), verified], 4],
    ['replacing a request', [gather, check('ReplacesRequestError'), task('WakeSuperseded'), compliant, verified], 5],
    ['joined', [gather, check('JoinedError')], 3],
    ['gone', [gather, check('GoneError'), record], 3],
    ['failed', [task('GatherFacts', { error: 'UnreadableFactsError' }), record], 2],
  ])('%s: ends are counted with the tasks', async (_name, taken, count) => {
    expect(await statesOf(machine, taken)).toHaveLength(count);
  });
  test('every retry is one more', async () => {
    const states = await statesOf(machine, [gather, compliant, early, early, verified]);
    expect(states).toHaveLength(5);
    expect(states.filter((state) => state === 'VerifyMonitoring')).toHaveLength(3);
  });
  test('two executions of one change are walked both', async () => {
    const other = [task('GatherFacts', {}, 'fraud-2'), task('CheckPolicies', { error: 'JoinedError' }, 'fraud-2')];
    expect(await statesOf(machine, [gather, check('BlockedError'), ...other, record])).toHaveLength(6);
  });
  test('what no state called is no part of it', async () => {
    const event = newInvocation('receive-event');
    expect(await statesOf(machine, [event, gather, check('BlockedError'), record])).toHaveLength(3);
  });
  test('a walk that does not fit what was counted is refused', async () => {
    await expect(statesOf(machine, [gather, check('BlockedError'), verified, record])).rejects.toThrow('never enters');
  });
});

describe('AWS’s pace', () => {
  const slow: StateMachine = {
    StartAt: 'VerifyMonitoring',
    States: {
      VerifyMonitoring: {
        Type: 'Task',
        Retry: [{ ErrorEquals: ['NotSettledError'], IntervalSeconds: 60, BackoffRate: 2, MaxDelaySeconds: 300 }],
      },
    },
  };
  test.each([
    [0, []],
    [1, [60]],
    [2, [60, 120]],
    [8, [60, 120, 240, 300]],
    [13, [60, 120, 240, 300, 300]],
  ])('a deployment of %d minutes is waited for so: %j', (minutes, waits) => {
    expect(waitsFor(slow, minutes)).toEqual(waits);
  });
  test('looks that came too early are as many as there are waits, each after its own', () => {
    const paced = atPace(slow, [gather, { ...early }, { ...early }, verified, record], 8);
    expect(paced.map(({ state, waitedSeconds }) => [state, waitedSeconds])).toEqual([
      ['GatherFacts', undefined],
      ['VerifyMonitoring', 0],
      ['VerifyMonitoring', 60],
      ['VerifyMonitoring', 120],
      ['VerifyMonitoring', 240],
      ['VerifyMonitoring', 300],
      ['RecordOutcome', undefined],
    ]);
  });
  test('a change that never looked too early stays as it is', () => {
    const change = [gather, verified, record];
    expect(atPace(slow, change, 60)).toEqual(change);
  });
});
