import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { StateMachine } from 'aws-local-stepfunctions';
import * as checkPolicies from '../functions/check-policies.ts';
import * as gatherFacts from '../functions/gather-facts.ts';
import * as recordOutcome from '../functions/record-outcome.ts';
import * as requestApproval from '../functions/request-approval.ts';
import * as verifyMonitoring from '../functions/verify-monitoring.ts';
import type { Services } from '../shared/aws/services.ts';
import { AwsError } from './aws/loopback.ts';
import type { Store } from './aws/store.ts';

type Json = Parameters<StateMachine['run']>[0];
type Handler = (input: unknown, services: Services) => Promise<unknown>;

/** Tasks by the name of their state; the same handlers that AWS runs. */
const handlers: Record<string, Handler> = {
  GatherFacts: gatherFacts.run,
  CheckPolicies: checkPolicies.run,
  RequestApproval: requestApproval.run,
  VerifyMonitoring: verifyMonitoring.run,
  RecordOutcome: recordOutcome.run,
};

/** One execution as it is kept on disk: running ones are started again after a crash. */
export type StoredExecution = {
  name: string;
  input: string;
  status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'ABORTED';
  startDate: string;
  stopDate?: string;
  error?: string;
  cause?: string;
};

export type EngineOptions = {
  store: Store;
  services: Services;
  stateMachineArn: string;
  /** Milliseconds between looks at a deployment that is under way; the state machine's own pace is AWS's. */
  settleMs: number;
  onEnd?: (execution: StoredExecution) => void;
  /** Tasks to run instead, for measuring the engine alone. */
  tasks?: Record<string, Handler>;
};

/** The state machine, run by `aws-local-stepfunctions`, with executions that survive a crash and callbacks by token. */
export type Engine = {
  stepFunctions: (operation: string, input: Record<string, unknown>) => unknown;
  /** Starts unfinished executions again. */
  resume: () => number;
  running: () => number;
  stop: () => void;
};

type Definition = { States: Record<string, { TimeoutSecondsPath?: string; Parameters?: { Payload?: unknown } }> };

/** The state machine with its placeholders filled in. */
export function loadDefinition(): Definition {
  const text = readFileSync(new URL('../statemachines/endpoint-compliance.asl.json', import.meta.url), 'utf8');
  const definition = JSON.parse(
    text.replace(/\$\{(\w+)\}/g, 'arn:aws:lambda:us-east-1:000000000000:function:$1'),
  ) as Definition;
  for (const state of Object.values(definition.States)) {
    // Step Functions resolves this path against the state's input, the engine against what Parameters made of it.
    if (state.Parameters?.Payload)
      state.TimeoutSecondsPath = state.TimeoutSecondsPath?.replace(/^\$\./, '$.Payload.') ?? '';
  }
  return definition;
}

const seconds = (iso: string | undefined) => (iso ? Date.parse(iso) / 1000 : undefined);

export function createEngine({
  store,
  services,
  stateMachineArn,
  settleMs,
  onEnd,
  tasks = handlers,
}: EngineOptions): Engine {
  // Building a machine validates the definition, which is slow; every execution shares one.
  const machine = new StateMachine(loadDefinition() as never, { validationOptions: { checkArn: false } });
  const waiting = new Map<string, { resolve: (output: Json) => void; reject: (error: Error) => void }>();
  const aborts = new Map<string, () => void>();
  let stopped = false;

  const arnOf = (name: string) => `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;

  const taskHandlers = Object.fromEntries(
    Object.entries(tasks).map(([state, run]) => [
      state,
      async (input: Json): Promise<Json> => {
        // `lambda:invoke.waitForTaskToken` wraps the payload and waits for SendTaskSuccess after the function returned.
        const payload = (input as { Payload?: Record<string, Json> }).Payload;
        if (!payload) return (await run(input, services)) as Json;
        const token = String(payload.taskToken);
        const { promise, resolve, reject } = Promise.withResolvers<Json>();
        waiting.set(token, { resolve, reject });
        try {
          await run(payload, services);
          return await promise;
        } finally {
          waiting.delete(token);
        }
      },
    ]),
  );
  const overrides = {
    taskResourceLocalHandlers: taskHandlers,
    retryIntervalOverrides: { VerifyMonitoring: [settleMs, -1, -1, -1] },
  };

  function run(execution: StoredExecution, input: Json): void {
    const { result, abort } = machine.run(input, {
      overrides,
      context: {
        Execution: { Id: arnOf(execution.name), Name: execution.name },
        Task: {
          get Token() {
            return randomBytes(48).toString('base64url');
          },
        },
      } as never,
    });
    aborts.set(execution.name, abort);
    const end = (rest: Partial<StoredExecution>) => {
      aborts.delete(execution.name);
      if (stopped) return;
      const ended = { ...execution, stopDate: services.now(), ...rest } as StoredExecution;
      // The input was kept to start it again; now nobody needs it.
      store.put('execution', execution.name, { ...ended, input: '' });
      onEnd?.(ended);
    };
    result.then(
      () => end({ status: 'SUCCEEDED' }),
      (error: Error) =>
        end({
          status: error.name === 'ExecutionAbortedError' ? 'ABORTED' : 'FAILED',
          error: error.name,
          cause: error.message,
        }),
    );
  }

  const operations: Record<string, (input: Record<string, unknown>) => unknown> = {
    StartExecution: ({ name, input, stateMachineArn: machineArn }) => {
      if (machineArn !== stateMachineArn)
        throw new AwsError('StateMachineDoesNotExist', `No state machine ${String(machineArn)}.`);
      const key = String(name ?? services.newId());
      const text = String(input ?? '{}');
      const known = store.get<StoredExecution>('execution', key);
      if (known?.status === 'RUNNING' && known.input === text) {
        return { executionArn: arnOf(key), startDate: seconds(known.startDate) };
      }
      if (known) throw new AwsError('ExecutionAlreadyExists', `Execution Already Exists: '${arnOf(key)}'`);
      const execution: StoredExecution = { name: key, input: text, status: 'RUNNING', startDate: services.now() };
      store.put('execution', key, execution);
      setImmediate(() => run(execution, JSON.parse(text) as Json));
      return { executionArn: arnOf(key), startDate: seconds(execution.startDate) };
    },
    DescribeExecution: ({ executionArn }) => {
      const found = store.get<StoredExecution>('execution', String(executionArn).split(':').at(-1) ?? '');
      if (!found) throw new AwsError('ExecutionDoesNotExist', `Execution Does Not Exist: '${String(executionArn)}'`);
      const { name, status, startDate, stopDate, error, cause, input } = found;
      return {
        executionArn: arnOf(name),
        stateMachineArn,
        name,
        status,
        input,
        error,
        cause,
        startDate: seconds(startDate),
        stopDate: seconds(stopDate),
      };
    },
    ListExecutions: ({ statusFilter }) => ({
      executions: store
        .list<StoredExecution>('execution')
        .filter(({ status }) => statusFilter === undefined || status === statusFilter)
        .slice(-1000)
        .reverse()
        .map(({ name, status, startDate, stopDate }) => ({
          executionArn: arnOf(name),
          stateMachineArn,
          name,
          status,
          startDate: seconds(startDate),
          stopDate: seconds(stopDate),
        })),
    }),
    StopExecution: ({ executionArn }) => {
      const name = String(executionArn).split(':').at(-1) ?? '';
      aborts.get(name)?.();
      return { stopDate: Date.now() / 1000 };
    },
    SendTaskSuccess: ({ taskToken, output }) => {
      const task = waiting.get(String(taskToken));
      if (!task) throw new AwsError('TaskTimedOut', 'Task Timed Out: the token is expired or its task is closed.');
      let value: Json;
      try {
        value = JSON.parse(String(output)) as Json;
      } catch {
        throw new AwsError('InvalidOutput', 'output is not JSON.');
      }
      task.resolve(value);
      return {};
    },
    SendTaskFailure: ({ taskToken, error, cause }) => {
      const task = waiting.get(String(taskToken));
      if (!task) throw new AwsError('TaskTimedOut', 'Task Timed Out: the token is expired or its task is closed.');
      task.reject(Object.assign(new Error(String(cause ?? '')), { name: String(error ?? 'TaskFailed') }));
      return {};
    },
  };

  return {
    stepFunctions: (operation, input) => {
      const handle = operations[operation];
      if (!handle)
        throw new AwsError('UnknownOperationException', `The loopback AWS does not do AWSStepFunctions.${operation}.`);
      return handle(input);
    },
    resume: () => {
      const unfinished = store.list<StoredExecution>('execution').filter(({ status }) => status === 'RUNNING');
      for (const execution of unfinished) {
        const input = JSON.parse(execution.input) as { approvalTimeoutSeconds: number };
        // Waiting starts anew, but not the time that people have.
        const elapsed = (Date.parse(services.now()) - Date.parse(execution.startDate)) / 1000;
        // The request's own clock started a little later than the execution's, and it is the one that counts.
        const approvalTimeoutSeconds = Math.max(1, Math.round(input.approvalTimeoutSeconds - elapsed) + 60);
        run(execution, { ...input, approvalTimeoutSeconds } as Json);
      }
      return unfinished.length;
    },
    running: () => aborts.size,
    stop: () => {
      stopped = true;
      for (const abort of aborts.values()) abort();
    },
  };
}
