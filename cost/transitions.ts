import { StateMachine as LocalMachine } from 'aws-local-stepfunctions';
import type { Invocation } from './invocation.ts';
import type { StateMachine } from './template.ts';

/** Waits before each next try of `VerifyMonitoring` while a deployment is under way, in seconds. */
function* waits({ States }: StateMachine): Generator<number> {
  const retrier = States.VerifyMonitoring?.Retry?.find(({ ErrorEquals }) => ErrorEquals.includes('NotSettledError'));
  if (!retrier) return;
  const { IntervalSeconds = 1, BackoffRate = 2, MaxDelaySeconds = Number.POSITIVE_INFINITY } = retrier;
  for (let wait = IntervalSeconds; ; wait *= BackoffRate) yield Math.min(wait, MaxDelaySeconds);
}

/** The waits until a deployment of so many minutes is found settled: as many as looks that come too early. */
export function waitsFor(machine: StateMachine, deploymentMinutes: number): number[] {
  const found: number[] = [];
  let elapsed = 0;
  for (const wait of waits(machine)) {
    if (elapsed >= deploymentMinutes * 60) break;
    found.push(wait);
    elapsed += wait;
  }
  return found;
}

/**
 * The same change at AWS's pace: where the local deployment was looked at too early, so often as a deployment of so
 * many minutes would have been. Each of these looks was counted; only how many there are is worked out.
 */
export function atPace(machine: StateMachine, change: readonly Invocation[], deploymentMinutes: number): Invocation[] {
  const early = change.filter(({ error }) => error === 'NotSettledError');
  const [first] = early;
  if (!first) return [...change];
  const gaps = waitsFor(machine, deploymentMinutes);
  const looks = gaps.map((_, index) => ({
    ...(early[index % early.length] ?? first),
    waitedSeconds: index === 0 ? 0 : (gaps[index - 1] ?? 0),
  }));
  let settled = false;
  return change.flatMap((invocation) => {
    if (invocation === first) return looks;
    if (early.includes(invocation)) return [];
    if (invocation.state !== first.state || settled) return [invocation];
    settled = true;
    return [{ ...invocation, waitedSeconds: gaps.at(-1) ?? 0 }];
  });
}

const built = new WeakMap<StateMachine, LocalMachine>();

/** A machine that can be walked; building one takes longer than all its walks. */
function localMachine(machine: StateMachine): LocalMachine {
  let local = built.get(machine);
  if (!local) {
    const text = JSON.stringify(machine).replace(/\$\{(\w+)\}/g, 'arn:aws:lambda:us-east-1:000000000000:function:$1');
    const definition = JSON.parse(text) as StateMachine;
    // Nothing takes time here, and the walk's input is not what the path is for.
    for (const state of Object.values(definition.States)) delete state.TimeoutSecondsPath;
    local = new LocalMachine(definition as never, { validationOptions: { checkArn: false } });
    built.set(machine, local);
  }
  return local;
}

/**
 * Every state that an execution enters, retries included, since AWS bills each: the state machine is walked again with
 * what its tasks had returned or thrown.
 */
async function walk(machine: StateMachine, taken: readonly Invocation[]): Promise<string[]> {
  const left = Map.groupBy(taken, ({ state }) => state);
  const entered: string[] = [];
  const tasks = Object.entries(machine.States).filter(([, { Type }]) => Type === 'Task');
  const handlers = tasks.map(([state]) => [
    state,
    async () => {
      const next = left.get(state)?.shift();
      if (!next) throw new Error(`The walk enters ${state}, which the execution did not.`);
      entered.push(state);
      if (next.error) throw Object.assign(new Error(next.error), { name: next.error });
      return next.output ?? {};
    },
  ]);
  const { result, eventLogs } = localMachine(machine).run({ change: {}, generation: 1, approvalTimeoutSeconds: 60 }, {
    overrides: {
      taskResourceLocalHandlers: Object.fromEntries(handlers),
      retryIntervalOverrides: Object.fromEntries(tasks.map(([state]) => [state, 0])),
    },
    context: { Task: { Token: 'token' } },
  } as never);
  for await (const event of eventLogs) {
    if (event.type === 'StateEntered' && event.state.type !== 'Task') entered.push(event.state.name);
  }
  await result;
  const unused = [...left.values()].flat();
  if (unused.length > 0) throw new Error(`The walk never enters ${unused[0]?.state}, which the execution did.`);
  return entered;
}

/** The states that all executions of a change enter. */
export async function statesOf(machine: StateMachine, change: readonly Invocation[]): Promise<string[]> {
  const byExecution = Map.groupBy(
    change.filter(({ state }) => state !== undefined),
    ({ execution }) => execution,
  );
  const walked = await Promise.all([...byExecution.values()].map((taken) => walk(machine, taken)));
  return walked.flat();
}
