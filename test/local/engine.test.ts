import { expect, test } from 'vitest';
import { run as checkPolicies } from '../../functions/check-policies.ts';
import { run as remediate } from '../../functions/remediate.ts';
import { run as tellApprovers } from '../../functions/tell-approvers.ts';
import { openStore } from '../../local/aws/store.ts';
import { createEngine, type StoredExecution } from '../../local/engine.ts';
import { listToDo } from '../../shared/aws/to-do.ts';
import type { RemediationMode } from '../../shared/model/remediation.ts';
import * as a from '../builders.ts';
import { awsError } from '../fake-aws.ts';
import { putBackWorld } from '../put-back-world.ts';

type Tasks = NonNullable<Parameters<typeof createEngine>[0]['tasks']>;

const INPUT = { change: a.change(), generation: 2, approvalTimeoutSeconds: 60 };
const stateMachineArn = 'arn:aws:states:us-east-1:000000000000:stateMachine:endpoint-compliance';

/** A gate that accepted change 1, and change 2, which has lost an alarm: the state machine runs it with the real tasks. */
async function guardsLost(mode: RemediationMode) {
  const gate = await putBackWorld(mode);
  await gate.accept();
  await gate.block([a.finding('rollback-alarms', 'violation', 'The actions of alarm fraud-prod-5xx are disabled.')]);

  /** Returns the states from the first that puts back. `failing` fails with what is not tried again. */
  async function execute(failing?: string) {
    const entered: string[] = [];
    const ended = Promise.withResolvers<StoredExecution>();
    const real: Tasks = {
      GatherFacts: async () => ({}),
      CheckPolicies: checkPolicies,
      Remediate: remediate,
      TellGuardsDown: tellApprovers,
      TellNews: tellApprovers,
      RecordOutcome: async () => ({}),
    };
    const tasks = Object.fromEntries(
      Object.entries(real).map(([state, task]): [string, Tasks[string]] => [
        state,
        async (input, services) => {
          entered.push(state);
          if (entered.length > 12) {
            ended.reject(new Error(`It goes round and round: ${entered.join(', ')}.`));
            return new Promise(() => undefined);
          }
          if (state === failing) throw Object.assign(new Error(state), { name: 'InvalidInputError' });
          return task(input, services);
        },
      ]),
    );
    const store = openStore(':memory:');
    const services = gate.services as never;
    const engine = createEngine({ store, services, stateMachineArn, settleMs: 1, onEnd: ended.resolve, tasks });
    engine.stepFunctions('StartExecution', { stateMachineArn, name: 'one', input: JSON.stringify(INPUT) });
    const { status } = await ended.promise;
    engine.stop();
    expect([status, ...entered.slice(0, 2)]).toEqual(['SUCCEEDED', 'GatherFacts', 'CheckPolicies']);
    return entered.slice(2);
  }
  const told = () => gate.world.mails.map(({ to, subject }) => `${to.split('@')[0]}: ${subject.split(':')[0]}`);
  const unfinished = () => listToDo(gate.services, 'remediation');
  return { gate, execute, told, unfinished };
}

const TELLING_BOTH = ['Remediate', 'TellGuardsDown', 'Remediate', 'TellNews'];
const OF_GUARDS = ['asha: Guards down', 'ben: Guards down'];
const OF_NEWS = ['asha: Refused, and how to put it back', 'ben: Refused, and how to put it back'];

test('approvers are told of guards, then of what is proposed, and nothing is left over', async () => {
  const { execute, told, unfinished } = await guardsLost('propose');
  expect(await execute()).toEqual(TELLING_BOTH);
  expect(told()).toEqual([...OF_GUARDS, ...OF_NEWS]);
  expect(await unfinished()).toEqual([]);
});

test('where nobody puts it back there is no news, and no state for it', async () => {
  const { execute, told, unfinished } = await guardsLost('off');
  expect(await execute()).toEqual(['Remediate', 'TellGuardsDown', 'Remediate']);
  expect(told()).toEqual(OF_GUARDS);
  expect(await unfinished()).toEqual([]);
});

test('where mail is refused it goes the same way once, and ends', async () => {
  const { gate, execute, unfinished } = await guardsLost('propose');
  const counted: string[] = [];
  gate.services.measure = ({ name }) => counted.push(name);
  gate.world.before = (command) => {
    if (command === 'SendEmail') throw awsError('MessageRejected');
  };
  expect(await execute()).toEqual(TELLING_BOTH);
  expect(gate.world.mails).toEqual([]);
  expect(gate.bodiesOf('remediation-proposed')).toHaveLength(1);
  expect(counted.filter((name) => name === 'GuardsDown')).toHaveLength(1);
  expect(counted).toContain('NotificationFailures');
  expect(await unfinished()).toEqual([]);
});

test('where who tells breaks off, putting back goes on all the same', async () => {
  const { gate, execute, told } = await guardsLost('propose');
  expect(await execute('TellGuardsDown')).toEqual(TELLING_BOTH);
  expect(gate.bodiesOf('remediation-proposed')).toHaveLength(1);
  // Whoever tells of the proposal tells of the guards too, since nobody has been told of them.
  expect(told()).toEqual([...OF_GUARDS, ...OF_NEWS]);
});

test('where nobody was told how it ended, it stays on the list, and the next execution makes up for it', async () => {
  const { execute, told, unfinished } = await guardsLost('propose');
  expect(await execute('TellNews')).toEqual([...TELLING_BOTH, 'RecordOutcome']);
  expect(told()).toEqual(OF_GUARDS);
  expect(await unfinished()).toMatchObject([{ endpoint: a.endpoint, generation: 2 }]);
  expect(await execute()).toEqual(TELLING_BOTH);
  expect(told()).toEqual([...OF_GUARDS, ...OF_NEWS]);
  expect(await unfinished()).toEqual([]);
});

test('an execution that died before anybody was told of guards is made up for by the next, also where nothing is put back', async () => {
  const { gate, execute, told, unfinished } = await guardsLost('off');
  await expect(remediate(INPUT, gate.services)).rejects.toThrow('has lost guards');
  expect(gate.bodiesOf('outcome').at(-1)).toMatchObject({ generation: 2, result: 'blocked' });
  expect(await unfinished()).toHaveLength(1);
  await execute();
  expect(told()).toEqual(OF_GUARDS);
  expect(await unfinished()).toEqual([]);
});
