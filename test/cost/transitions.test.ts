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
const check = (decision: string) => task('CheckPolicies', { output: { decision } });
const putBack = task('CheckPolicies', { output: { decision: 'blocked', putBack: true } });
const refused = task('VerifyMonitoring', { error: 'RefusedError' });
const early = task('VerifyMonitoring', { error: 'NotSettledError' });
const verified = task('VerifyMonitoring', { output: { state: 'verified' } });
const remediated = task('Remediate', { output: { state: 'over' } });
const notYet = task('Remediate', { error: 'NotPutBackYetError' });
const record = task('RecordOutcome');

describe('the states that an execution enters', () => {
  test.each([
    ['compliant', [gather, check('compliant'), verified], 4],
    ['blocked', [gather, check('blocked'), record], 4],
    ['blocked, with a way back', [gather, putBack, remediated], 4],
    ['put back after a while', [gather, putBack, notYet, notYet, remediated], 6],
    ['refused once verified', [gather, check('compliant'), refused, remediated], 5],
    ['approved', [gather, check('needs-approval'), task('RequestApproval'), verified], 5],
    ['joined', [gather, check('joined')], 4],
    ['failed', [task('GatherFacts', { error: 'UnreadableFactsError' }), record], 2],
  ])('%s: choices and ends are counted with the tasks', async (_name, taken, count) => {
    expect(await statesOf(machine, taken)).toHaveLength(count);
  });
  test('every retry is one more', async () => {
    const states = await statesOf(machine, [gather, check('compliant'), early, early, verified]);
    expect(states).toHaveLength(6);
    expect(states.filter((state) => state === 'VerifyMonitoring')).toHaveLength(3);
  });
  test('two executions of one change are walked both', async () => {
    const other = [
      task('GatherFacts', {}, 'fraud-2'),
      task('CheckPolicies', { output: { decision: 'joined' } }, 'fraud-2'),
    ];
    expect(await statesOf(machine, [gather, check('blocked'), ...other, record])).toHaveLength(8);
  });
  test('what no state called is no part of it', async () => {
    const event = newInvocation('receive-event');
    expect(await statesOf(machine, [event, gather, check('blocked'), record])).toHaveLength(4);
  });
  test('a walk that does not fit what was counted is refused', async () => {
    await expect(statesOf(machine, [gather, check('blocked'), verified, record])).rejects.toThrow('never enters');
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
