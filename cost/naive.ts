import { callsOf, type Invocation } from './invocation.ts';
import { newInvocation } from './meter.ts';
import type { LambdaSize } from './template.ts';
import { ANSWERING, SIGNER } from './usage.ts';

/*
 * The design that most would write first, in the quantities that were counted for ours: twelve states, a Lambda for each
 * read, nothing kept from step to step. It makes the same reads, keeps the same evidence, asks the same people in the
 * same way (a callback, no polling) and waits for a deployment at the same pace. It is spared what would make it dearer:
 *
 * - One rule lets through the calls that CloudTrail tells of and starts the state machine, so that a change starts once
 *   and no function has to sort events out. (What that loses: calls that nobody told of, and all that happens to an
 *   endpoint while one of its changes is open.)
 * - Facts go from state to state as data and are recorded once.
 * - What was refused is left as it is: nobody finds out how it could be put back.
 *
 * Where ours remembers, it reads again and where ours has one Lambda for all reads, it has seven, each of which is a
 * state, an invocation and a container.
 */
const READ_STEPS: [name: string, calls: RegExp][] = [
  ['ReadEndpoint', /^SageMaker\.DescribeEndpoint$/],
  ['ReadConfig', /^SageMaker\.DescribeEndpointConfig$/],
  ['ReadTags', /^SageMaker\.ListTags$/],
  ['ReadModels', /^SageMaker\.(DescribeModel|DescribeModelPackage|\w*InferenceComponents?)$|^S3\./],
  ['ReadScaling', /^ApplicationAutoScaling\./],
  ['ReadMonitors', /^SageMaker\.(\w*MonitoringSchedules?|Describe\w+JobDefinition)$/],
  // While a deployment is under way there is no alarm to read yet, but the state is there.
  ['ReadAlarms', /^CloudWatch\./],
];
/** Tasks that are as ours. Each ends in the next; how a change ended is put on record by a task of its own. */
const KEPT = ['CheckPolicies', 'RequestApproval', 'VerifyMonitoring'];
const LAST = 'RecordOutcome';
export const NAIVE_STATES = [...READ_STEPS.map(([name]) => name), 'WhatWasFound', ...KEPT, LAST];

/** The counted reading, taken apart: each step gets its calls and its share of the time. */
function readSteps(gather: Invocation): Invocation[] {
  const all = Object.entries(gather.calls).filter(([name]) => !name.startsWith('DynamoDB.'));
  const unknown = all.find(([name]) => !READ_STEPS.some(([, pattern]) => pattern.test(name)));
  if (unknown) throw new Error(`No step of the naive design makes the call ${unknown[0]}.`);
  const count = all.reduce((sum, [, times]) => sum + times, 0);
  return READ_STEPS.map(([state, pattern]) => {
    const calls = Object.fromEntries(all.filter(([name]) => pattern.test(name)));
    const step = {
      ...gather,
      lambda: state,
      state,
      calls,
      readUnits: 0,
      writeUnits: 0,
      ledgerBytes: 0,
      tables: [],
      inserts: [],
    };
    return { ...step, ms: count === 0 ? 0 : (gather.ms * callsOf(step)) / count };
  });
}

type Insert = Invocation['inserts'][number];

/** An invocation that makes this insert too. */
const withInsert = (invocation: Invocation, { units, bytes, ...insert }: Insert, times: 1 | -1 = 1): Invocation => ({
  ...invocation,
  calls: {
    ...invocation.calls,
    'DynamoDB.ExecuteStatement': (invocation.calls['DynamoDB.ExecuteStatement'] ?? 0) + times,
  },
  writeUnits: invocation.writeUnits + times * units,
  ledgerBytes: invocation.ledgerBytes + times * bytes,
  inserts:
    times === 1
      ? [...invocation.inserts, { ...insert, units, bytes }]
      : invocation.inserts.filter(({ kind }) => kind !== insert.kind),
});

const insertOf = (invocation: Invocation, wanted: string) => invocation.inserts.find(({ kind }) => kind === wanted);

/** The last task: reads where the stream ends, with the least that this can consume, and records how the change ended. */
function lastStep(source: Invocation, outcome: Insert): Invocation {
  const step = {
    ...newInvocation('record-outcome'),
    state: LAST,
    ...(source.execution !== undefined && { execution: source.execution }),
    calls: { 'DynamoDB.Query': 1 },
    readUnits: 1,
    tables: source.tables.slice(0, 1),
    metrics: source.metrics.filter(({ name }) => name === 'Changes'),
  };
  return withInsert(step, outcome);
}

/** What the naive design would do for a change of which ours is counted: its invocations and the states it enters. */
export function naiveChange(change: readonly Invocation[]): { invocations: Invocation[]; states: string[] } {
  const gather = change.find(({ state }) => state === 'GatherFacts');
  const facts = gather && insertOf(gather, 'change-opened');
  const source = change.find((each) => insertOf(each, 'outcome'));
  const outcome = source && insertOf(source, 'outcome');
  if (!facts || !outcome) throw new Error('A change without a reading and an outcome cannot be compared.');
  const tasks = change.filter(({ state }) => KEPT.includes(state ?? ''));
  const recorded = tasks.map((task) => {
    // The facts are recorded with the findings, by the step that checks them.
    if (task.state === 'CheckPolicies') return withInsert(task, facts);
    if (task !== source) return task;
    return withInsert({ ...task, metrics: task.metrics.filter(({ name }) => name !== 'Changes') }, outcome, -1);
  });
  const steps = [...readSteps(gather), ...recorded, lastStep(source, outcome)];
  const visits = change.filter(({ lambda }) => ANSWERING.includes(lambda));
  const written = [...steps, ...visits].reduce((sum, { inserts }) => sum + inserts.length, 0);
  const archived = change.filter(({ lambda }) => lambda === 'archive-records').slice(0, written);
  const signed = change.filter(({ lambda }) => lambda === SIGNER);
  const events = change.filter((each) => insertOf(each, 'event-joined')).length;
  return {
    // Its trail is signed as ours is, but for what ours alone has: records of events, which come by themselves.
    invocations: [...steps, ...visits, ...archived, ...signed.slice(0, Math.max(1, signed.length - events))],
    states: [...steps.map(({ state }) => state ?? ''), 'WhatWasFound'],
  };
}

/** Its Lambdas are as large as ours: those that read as the one that reads. */
export function naiveSizes(sizes: ReadonlyMap<string, LambdaSize>): Map<string, LambdaSize> {
  const reader = sizes.get('gather-facts');
  return new Map([
    ...sizes,
    ...READ_STEPS.flatMap(([name]): [string, LambdaSize][] => (reader ? [[name, reader]] : [])),
  ]);
}
