import { callsOf, type Invocation } from './invocation.ts';
import type { LambdaSize } from './template.ts';

/*
 * The design that most would write first, in the quantities that were counted for ours: twelve states, a Lambda for each
 * read, nothing kept from step to step. It makes the same reads, keeps the same evidence, asks the same people in the
 * same way (a callback, no polling) and waits for a deployment at the same pace. It is spared what would make it dearer:
 *
 * - One rule lets through the calls that CloudTrail tells of and starts the state machine, so that a change starts once
 *   and no function has to sort events out. (What that loses: calls that nobody told of, and all that happens to an
 *   endpoint while one of its changes is open.)
 * - Facts go from state to state as data and are recorded once.
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
const KEPT = ['CheckPolicies', 'RequestApproval', 'VerifyMonitoring', 'RecordOutcome'];
export const NAIVE_STATES = [...READ_STEPS.map(([name]) => name), 'WhatWasFound', ...KEPT];

/** The counted reading, taken apart: each step gets its calls and its share of the time. */
function readSteps(gather: Invocation): Invocation[] {
  const all = Object.entries(gather.calls).filter(([name]) => !name.startsWith('DynamoDB.'));
  const unknown = all.find(([name]) => !READ_STEPS.some(([, pattern]) => pattern.test(name)));
  if (unknown) throw new Error(`No step of the naive design makes the call ${unknown[0]}.`);
  const count = all.reduce((sum, [, times]) => sum + times, 0);
  return READ_STEPS.map(([state, pattern]) => {
    const calls = Object.fromEntries(all.filter(([name]) => pattern.test(name)));
    const step = { ...gather, lambda: state, state, calls, readUnits: 0, writeUnits: 0, ledgerBytes: 0, tables: [] };
    return { ...step, ms: count === 0 ? 0 : (gather.ms * callsOf(step)) / count };
  });
}

/** What the naive design would do for a change of which ours is counted: its invocations and the states it enters. */
export function naiveChange(change: readonly Invocation[]): { invocations: Invocation[]; states: string[] } {
  const gather = change.find(({ state }) => state === 'GatherFacts');
  if (!gather) throw new Error('A change without a reading cannot be compared.');
  const tasks = change.filter(({ state }) => KEPT.includes(state ?? ''));
  const { 'DynamoDB.ExecuteStatement': inserts = 0, 'DynamoDB.PutItem': notes = 0 } = gather.calls;
  // Without what ours spends on inserts that lose a race, and on noting which endpoint a schedule belongs to.
  const factUnits = gather.writeUnits - Math.max(0, inserts - 1) - notes;
  // The facts are recorded with the findings, by the step that checks them.
  const recorded = tasks.map((task) =>
    task.state === 'CheckPolicies'
      ? {
          ...task,
          calls: { ...task.calls, 'DynamoDB.ExecuteStatement': 1 + (task.calls['DynamoDB.ExecuteStatement'] ?? 0) },
          writeUnits: task.writeUnits + factUnits,
          ledgerBytes: task.ledgerBytes + gather.ledgerBytes,
        }
      : task,
  );
  const steps = readSteps(gather);
  const visits = change.filter(({ lambda }) => lambda === 'http-api');
  const written = [...recorded, ...visits].reduce(
    (sum, each) => sum + (each.calls['DynamoDB.ExecuteStatement'] ?? 0),
    0,
  );
  const archived = change.filter(({ lambda }) => lambda === 'archive-records').slice(0, written);
  const invocations = [...steps, ...recorded, ...visits, ...archived];
  const states = [...steps, ...recorded].map(({ state }) => state ?? '');
  return { invocations, states: [...states, 'WhatWasFound'] };
}

/** Its Lambdas are as large as ours: those that read as the one that reads. */
export function naiveSizes(sizes: ReadonlyMap<string, LambdaSize>): Map<string, LambdaSize> {
  const reader = sizes.get('gather-facts');
  return new Map([
    ...sizes,
    ...READ_STEPS.flatMap(([name]): [string, LambdaSize][] => (reader ? [[name, reader]] : [])),
  ]);
}
