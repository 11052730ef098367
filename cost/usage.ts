import { callsOf, type Invocation, isRead } from './invocation.ts';
import type { LogLines } from './log-lines.ts';
import type { Assumed } from './mix.ts';
import type { StateMachine } from './template.ts';

/** What one Lambda was used for. */
export type LambdaUsage = {
  invocations: number;
  ms: number;
  awsCalls: number;
  /** Changes in which it was used: each finds no container of it, and DynamoDB no key. */
  starts: number;
  /** KMS requests of DynamoDB for the keys of tables. */
  keyRequests: number;
};

/** Everything that something costs money for: a change, a thousand of them, a sweep. All of it can be added. */
export type Usage = {
  transitions: number;
  executions: number;
  lambdas: Record<string, LambdaUsage>;
  readUnits: number;
  writeUnits: number;
  /** Calls of KMS by ourselves, but for signatures. */
  kmsRequests: number;
  /** Of Step Functions, for what executions carry. */
  machineKeyRequests: number;
  /** To those who are asked, and with codes for logging in. */
  mails: number;
  codes: number;
  /** Rounds in which people were asked. */
  rounds: number;
  httpRequests: number;
  archivePuts: number;
  /** KMS takes more for keys that sign. */
  signings: number;
  /** What S3 takes as much for as for puts: checkpoints kept and listed. */
  checkpointPuts: number;
  checkpointReads: number;
  artifactReads: number;
  ledgerWrites: number;
  functionLogBytes: number;
  /** Events in the execution's own log. */
  stateEvents: number;
  ledgerBytes: number;
  archiveBytes: number;
  /** Reads of the customer's account, which cost nothing but share quotas with everybody there. */
  awsReads: number;
};

/** The functions behind the HTTP API. */
export const ANSWERING = ['show-console', 'take-answers', 'take-plans'];

/** The function that signs checkpoints, whose objects are the gate's own. */
export const SIGNER = 'sign-checkpoints';

/** DynamoDB keeps a table's key in memory for each caller and asks KMS again when it was not used for five minutes. */
export const KEY_KEPT_SECONDS = 300;

/**
 * KMS requests that DynamoDB makes for each function, given that functions other than the receiver of events do all their
 * work of one change at once. Events that come before the change is judged come within seconds; each later one comes late.
 */
function tableKeyRequests(invocations: readonly Invocation[]): Map<string, number> {
  const judged = invocations.findIndex(({ state }) => state === 'CheckPolicies');
  const known = new Set<string>();
  const requests = new Map<string, number>();
  for (const [index, { lambda, tables, waitedSeconds = 0 }] of invocations.entries()) {
    const late = lambda === 'receive-event' && index > judged;
    for (const table of tables) {
      const key = `${lambda} ${table}`;
      if (!known.has(key) || late || waitedSeconds > KEY_KEPT_SECONDS) {
        requests.set(lambda, (requests.get(lambda) ?? 0) + 1);
      }
      known.add(key);
    }
  }
  return requests;
}

/** Entered and exited, and for each try of a task scheduled, started and ended; start and end of the execution. */
function stateEvents(machine: StateMachine, states: readonly string[], executions: number): number {
  const tries = states.filter((state) => !['Choice', 'Succeed'].includes(machine.States[state]?.Type ?? '')).length;
  return 2 * new Set(states).size + 3 * tries + 2 * executions;
}

export function usageOf(
  invocations: readonly Invocation[],
  states: readonly string[],
  { machine, logLines, assumed }: { machine: StateMachine; logLines: LogLines; assumed: Assumed },
): Usage {
  const sum = (of: (invocation: Invocation) => number) => invocations.reduce((total, each) => total + of(each), 0);
  const calls = (pattern: RegExp, by: (lambda: string) => boolean = () => true) =>
    sum((each) => (by(each.lambda) ? callsOf(each, (name) => pattern.test(name)) : 0));
  const executions = new Set(invocations.flatMap(({ execution }) => execution ?? [])).size;
  const keyRequests = tableKeyRequests(invocations);
  const lambdas: Record<string, LambdaUsage> = {};
  for (const invocation of invocations) {
    const lambda = lambdas[invocation.lambda] ?? {
      ...{ invocations: 0, ms: 0, awsCalls: 0, starts: 1 },
      keyRequests: keyRequests.get(invocation.lambda) ?? 0,
    };
    lambdas[invocation.lambda] = lambda;
    lambda.invocations += 1;
    lambda.ms += invocation.ms;
    lambda.awsCalls += callsOf(invocation);
  }
  return {
    transitions: states.length,
    executions,
    lambdas,
    readUnits: sum(({ readUnits }) => readUnits),
    writeUnits: sum(({ writeUnits }) => writeUnits),
    kmsRequests: calls(/^KMS\.(Encrypt|Decrypt)$/),
    machineKeyRequests: executions * assumed.stateMachineKeyRequests,
    mails: calls(/^SESv2\.SendEmail$/, (lambda) => !ANSWERING.includes(lambda)),
    rounds: sum(({ state, error }) => (state === 'RequestApproval' && error === undefined ? 1 : 0)),
    codes: calls(/^SESv2\.SendEmail$/, (lambda) => ANSWERING.includes(lambda)),
    httpRequests: sum(({ lambda }) => (ANSWERING.includes(lambda) ? 1 : 0)),
    archivePuts: calls(/^S3\.PutObject$/, (lambda) => lambda !== SIGNER),
    signings: calls(/^KMS\.Sign$/),
    checkpointPuts: calls(/^S3\.(Put|List)/, (lambda) => lambda === SIGNER),
    checkpointReads: calls(/^S3\.(Head|Get)/, (lambda) => lambda === SIGNER),
    artifactReads: calls(/^S3\.(Head|Get|List)/, (lambda) => lambda !== SIGNER),
    ledgerWrites: calls(/^DynamoDB\.ExecuteStatement$/),
    functionLogBytes: sum(
      ({ error, metrics }) =>
        logLines.platform + (error ? logLines.failed : logLines.done) + metrics.length * logLines.metric,
    ),
    stateEvents: stateEvents(machine, states, executions),
    ledgerBytes: sum(({ ledgerBytes }) => ledgerBytes),
    archiveBytes: sum(({ archiveBytes }) => archiveBytes),
    awsReads: sum((each) => (each.lambda === SIGNER ? 0 : callsOf(each, isRead))),
  };
}

type Amounts = { [name: string]: number | Amounts };

function addUp(into: Amounts, more: Amounts, times: number): Amounts {
  for (const [name, value] of Object.entries(more)) {
    const so = into[name];
    into[name] =
      typeof value === 'number'
        ? ((so as number | undefined) ?? 0) + value * times
        : addUp((so ?? {}) as Amounts, value, times);
  }
  return into;
}

/** The sum of usages, each so many times. */
export const total = (parts: readonly { usage: Usage; times: number }[]): Usage =>
  parts.reduce(
    (sum, { usage, times }) => addUp(sum, usage as unknown as Amounts, times),
    {} as Amounts,
  ) as unknown as Usage;
