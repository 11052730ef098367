import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { StateMachine } from 'aws-local-stepfunctions';
import * as checkPolicies from '../functions/check-policies.ts';
import * as gatherFacts from '../functions/gather-facts.ts';
import * as recordOutcome from '../functions/record-outcome.ts';
import * as remediate from '../functions/remediate.ts';
import * as requestApproval from '../functions/request-approval.ts';
import * as tellApprovers from '../functions/tell-approvers.ts';
import * as tendRequests from '../functions/tend-requests.ts';
import * as verifyMonitoring from '../functions/verify-monitoring.ts';
import type { Services } from '../shared/aws/services.ts';
import { sha256 } from '../shared/model/canonical-json.ts';
import { AwsError } from './aws/loopback.ts';
import type { Store } from './aws/store.ts';

type Json = Parameters<StateMachine['run']>[0];
type Handler = (input: unknown, services: Services) => Promise<unknown>;

/** Tasks by the name of their state; the same handlers that AWS runs. */
const handlers: Record<string, Handler> = {
  GatherFacts: gatherFacts.run,
  CheckPolicies: checkPolicies.run,
  WakeSuperseded: tendRequests.run,
  RequestApproval: requestApproval.run,
  VerifyMonitoring: verifyMonitoring.run,
  Remediate: remediate.run,
  TellGuardsDown: tellApprovers.run,
  TellNews: tellApprovers.run,
  RecordOutcome: recordOutcome.run,
};

/** One execution as it is kept on disk: running ones are started again after a crash. */
export type StoredExecution = {
  name: string;
  input: string;
  status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'ABORTED';
  startDate: string;
  stopDate?: string;
  /** Waiting for a callback with the token of this hash, until then (epoch milliseconds). */
  parked?: { tokenHash: string; until: number };
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

type ExecutionTime = { approvalTimeoutSeconds: number };

/** New executions wait while so many tasks are at work. */
const TASKS_AT_ONCE = 32;
/** A wait shorter than this is not worth leaving the memory for. */
const PARK_FROM_SECONDS = 60;
/** A woken execution finds the decision at once; this is for the case that somebody woke it without one. */
const WOKEN_SECONDS = 30;
const PARKED = 'parked until its callback comes';

/** Ends an execution in memory, past its `Retry` and `Catch` (the engine asks these two properties). */
class ParkedError extends Error {
  readonly isRetryable = false;
  readonly isCatchable = false;
  constructor() {
    super(PARKED);
  }
}

const closed = () => new AwsError('TaskTimedOut', 'Task Timed Out: the token is expired or its task is closed.');

/** The engine keeps every event of an execution, with its input, until somebody has read it. */
async function discard(events: AsyncIterable<unknown>): Promise<void> {
  for await (const _event of events);
}

export function createEngine({
  store,
  services,
  stateMachineArn,
  settleMs,
  onEnd,
  tasks = handlers,
}: EngineOptions): Engine {
  // Every execution shares one. A test validates the definition; doing it at each start would be a quarter of the start.
  const machine = new StateMachine(loadDefinition() as never, { validationOptions: { noValidate: true } });
  const waiting = new Map<string, { resolve: (output: Json) => void; reject: (error: Error) => void }>();
  const aborts = new Map<string, () => void>();
  let stopped = false;

  const arnOf = (name: string) => `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;

  const retryIntervalOverrides = { VerifyMonitoring: [settleMs, -1, -1, -1], Remediate: [settleMs, -1, -1] };
  /** Executions that wait for a callback and are not in memory, by the hash of the token that wakes them. */
  const parked = new Map<string, { name: string; timer: NodeJS.Timeout }>();

  /**
   * Executions that are to start when there is room. A task's time runs from the moment it is called, so a crowd of
   * them at once would time out waiting for each other, and start over.
   */
  const queue: (() => void)[] = [];
  let atWorkNow = 0;

  async function atWork<T>(work: () => Promise<T>): Promise<T> {
    atWorkNow += 1;
    try {
      return await work();
    } finally {
      atWorkNow -= 1;
      if (atWorkNow < TASKS_AT_ONCE) queue.shift()?.();
    }
  }

  function admit(start: () => void): void {
    if (atWorkNow < TASKS_AT_ONCE) start();
    else queue.push(start);
  }

  function park(name: string, tokenHash: string, until: number): void {
    const timer = setTimeout(() => wake(tokenHash, 1), Math.max(0, until - Date.parse(services.now()) - 1_000));
    parked.set(tokenHash, { name, timer });
  }

  /**
   * `lambda:invoke.waitForTaskToken`: runs the function with the wrapped payload and waits for SendTaskSuccess. People
   * may take days, so what waits for long leaves the memory: when the callback comes or the time is up it is started
   * again, as after a crash, and finds what it did before in the ledger.
   */
  async function runAndWait(run: Handler, payload: Record<string, Json>, execution: StoredExecution): Promise<Json> {
    const token = String(payload.taskToken);
    const { promise, resolve, reject } = Promise.withResolvers<Json>();
    let called = false;
    waiting.set(token, {
      resolve: (output) => {
        called = true;
        resolve(output);
      },
      reject: (error) => {
        called = true;
        reject(error);
      },
    });
    try {
      await atWork(() => run(payload, services));
      const seconds = Number(payload.approvalTimeoutSeconds);
      if (called || seconds < PARK_FROM_SECONDS) return await promise;
      const until = Date.parse(services.now()) + seconds * 1000;
      store.put('execution', execution.name, { ...execution, parked: { tokenHash: sha256(token), until } });
      park(execution.name, sha256(token), until);
      throw new ParkedError();
    } finally {
      waiting.delete(token);
    }
  }

  /** Starts a parked execution again, with the time that people have left. */
  function wake(tokenHash: string, secondsLeft: number): boolean {
    const found = parked.get(tokenHash);
    const execution = found && store.get<StoredExecution>('execution', found.name);
    if (!found || !execution) return false;
    parked.delete(tokenHash);
    clearTimeout(found.timer);
    const { parked: _parked, ...running } = execution;
    store.put('execution', found.name, running);
    const input = JSON.parse(running.input) as ExecutionTime;
    admit(() => run(running, { ...input, approvalTimeoutSeconds: secondsLeft } as Json));
    return true;
  }

  function tasksOf(execution: StoredExecution) {
    return Object.fromEntries(
      Object.entries(tasks).map(([state, runTask]) => [
        state,
        async (input: Json): Promise<Json> => {
          const { Payload } = input as { Payload?: Record<string, Json> };
          if (Payload) return runAndWait(runTask, Payload, execution);
          return (await atWork(() => runTask(input, services))) as Json;
        },
      ]),
    );
  }

  function run(execution: StoredExecution, input: Json): void {
    const { result, abort, eventLogs } = machine.run(input, {
      overrides: { taskResourceLocalHandlers: tasksOf(execution), retryIntervalOverrides },
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
    void discard(eventLogs);
    const end = (rest: Partial<StoredExecution>) => {
      aborts.delete(execution.name);
      if (stopped) return;
      const ended = { ...execution, stopDate: services.now(), ...rest } as StoredExecution;
      // The input was kept to start it again. Now it is of use only where the end is still to be recorded.
      store.put('execution', execution.name, ended.status === 'SUCCEEDED' ? { ...ended, input: '' } : ended);
      onEnd?.(ended);
    };
    result.then(
      () => end({ status: 'SUCCEEDED' }),
      (error: Error) => {
        if (error.message.includes(PARKED)) {
          aborts.delete(execution.name);
          return;
        }
        end({
          status: error.name === 'ExecutionAbortedError' ? 'ABORTED' : 'FAILED',
          error: error.name,
          cause: error.message,
        });
      },
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
      setImmediate(() => admit(() => run(execution, JSON.parse(text) as Json)));
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
      // One that waits is started for a moment, to be stopped like any other.
      for (const [tokenHash, waiter] of parked) if (waiter.name === name) wake(tokenHash, 1);
      aborts.get(name)?.();
      return { stopDate: Date.now() / 1000 };
    },
    SendTaskSuccess: ({ taskToken, output }) => {
      let value: Json;
      try {
        value = JSON.parse(String(output)) as Json;
      } catch {
        throw new AwsError('InvalidOutput', 'output is not JSON.');
      }
      const task = waiting.get(String(taskToken));
      if (task) task.resolve(value);
      else if (!wake(sha256(String(taskToken)), WOKEN_SECONDS)) throw closed();
      return {};
    },
    SendTaskFailure: ({ taskToken, error, cause }) => {
      const task = waiting.get(String(taskToken));
      if (!task) throw closed();
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
        if (execution.parked) {
          park(execution.name, execution.parked.tokenHash, execution.parked.until);
          continue;
        }
        const input = JSON.parse(execution.input) as ExecutionTime;
        // Waiting starts anew, but not the time that people have.
        const elapsed = (Date.parse(services.now()) - Date.parse(execution.startDate)) / 1000;
        // The request's own clock started a little later than the execution's, and it is the one that counts.
        const approvalTimeoutSeconds = Math.max(1, Math.round(input.approvalTimeoutSeconds - elapsed) + 60);
        admit(() => run(execution, { ...input, approvalTimeoutSeconds } as Json));
      }
      return unfinished.length;
    },
    running: () => queue.length + aborts.size + parked.size,
    stop: () => {
      stopped = true;
      for (const abort of aborts.values()) abort();
      for (const { timer } of parked.values()) clearTimeout(timer);
    },
  };
}
