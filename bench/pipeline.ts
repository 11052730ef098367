import { openStore } from '../local/aws/store.ts';
import { createEngine } from '../local/engine.ts';
import { createServices } from '../shared/aws/all-services.ts';
import { loadConfig } from '../shared/config-yaml.ts';
import {
  changeWeight,
  createEndpoint,
  forgetCalls,
  gateCalls,
  percentile,
  prepare,
  putGroupAlarms,
  type Running,
  readsOf,
  records,
  sleep,
  startRuntime,
  total,
} from './driver.ts';

/** Alarms are shared by groups of endpoints here; everything else is as shipped. */
export const BENCH_CONFIG = `
policies:
  alarmNamePatterns: ["*-{role}"]
  # What is measured is how many can be asked about, not what they may cost together.
  staging: { maxHourlyCostUsd: 1000000 }
approvals:
  approvers:
    - { id: one, name: One, email: one@example.com }
    - { id: two, name: Two, email: two@example.com }
`;

/** As many as an alarm may read (CloudWatch guide, "Limits that apply to alarms based on metric math expressions"). */
const METRICS_OF_AN_ALARM = 10;

const nameOf = (index: number) => `bench-${index}`;

/** Endpoints that comply, created and judged before anything is measured. */
async function fleetOf(runtime: Running, endpoints: number): Promise<void> {
  await prepare(runtime.awsUrl, 1);
  for (let start = 0; start < endpoints; start += METRICS_OF_AN_ALARM) {
    const length = Math.min(METRICS_OF_AN_ALARM, endpoints - start);
    const names = Array.from({ length }, (_, index) => nameOf(start + index));
    const group = `group-${start / METRICS_OF_AN_ALARM}`;
    await putGroupAlarms(runtime.awsUrl, group, names);
    for (const name of names) await createEndpoint(runtime.awsUrl, name, group, 'dev');
  }
  await untilOutcomes(
    runtime,
    Array.from({ length: endpoints }, (_, index) => ({ name: nameOf(index), weight: 1, sentAt: 0 })),
  );
}

type Sent = { name: string; weight: number; sentAt: number };
type Answered = Sent & { outcomes: number; endedAt: number; result: string };

/** What became of each change: the outcomes of the deployment with its weight. */
async function answersOf(runtime: Running, sent: readonly Sent[]): Promise<Answered[]> {
  const byName = Map.groupBy(sent, ({ name }) => name);
  const answers: Answered[] = [];
  for (const [name, changes] of byName) {
    const all = await records(runtime.awsUrl, name);
    const weights = new Map<number, number>();
    for (const { body } of all) {
      if (body.kind === 'change-opened') weights.set(body.generation, body.facts.variants[0]?.weight ?? Number.NaN);
    }
    for (const change of changes) {
      const outcomes = all.flatMap(({ at, body }) =>
        body.kind === 'outcome' && weights.get(body.generation) === change.weight
          ? [{ at: Date.parse(at), result: body.result }]
          : [],
      );
      const first = outcomes[0];
      answers.push({
        ...change,
        outcomes: outcomes.length,
        endedAt: first?.at ?? Number.NaN,
        result: first?.result ?? 'none',
      });
    }
  }
  return answers;
}

async function untilOutcomes(runtime: Running, sent: readonly Sent[], ms = 120_000): Promise<Answered[]> {
  const until = Date.now() + ms;
  for (;;) {
    const answers = await answersOf(runtime, sent);
    if (answers.every(({ outcomes }) => outcomes > 0) || Date.now() > until) return answers;
    await sleep(500);
  }
}

/** Changes at a steady pace, whether or not the gate keeps up. */
async function load(
  runtime: Running,
  perSecond: number,
  seconds: number,
  endpoints: number,
  firstWeight: number,
): Promise<Sent[]> {
  const sent: Sent[] = [];
  const started = performance.now();
  const calls: Promise<unknown>[] = [];
  for (let index = 0; index < perSecond * seconds; index += 1) {
    const due = started + (index * 1000) / perSecond;
    const wait = due - performance.now();
    if (wait > 0) await sleep(wait);
    const change = {
      name: nameOf(index % endpoints),
      weight: firstWeight + Math.floor(index / endpoints),
      sentAt: Date.now(),
    };
    sent.push(change);
    calls.push(changeWeight(runtime.awsUrl, change.name, change.weight));
  }
  await Promise.all(calls);
  return sent;
}

/** The engine alone: the same state machine with empty tasks, as many executions as fit. Executions per second. */
async function engineAlone(executions: number): Promise<number> {
  const config = loadConfig({ AWS_REGION: 'us-east-1', PORTCULLIS_CONFIG: undefined });
  const stateMachineArn = 'arn:aws:states:us-east-1:000000000000:stateMachine:endpoint-compliance';
  const services = createServices({ ...config, stateMachineArn });
  let ended = 0;
  let finish: () => void = () => undefined;
  const all = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const nothing = async () => ({});
  const engine = createEngine({
    store: openStore(':memory:'),
    services,
    stateMachineArn,
    settleMs: 100,
    tasks: {
      GatherFacts: nothing,
      CheckPolicies: async () => ({ decision: 'compliant' }),
      WakeSuperseded: nothing,
      RequestApproval: nothing,
      VerifyMonitoring: async () => ({ state: 'verified' }),
      RecordOutcome: nothing,
    },
    onEnd: () => {
      ended += 1;
      if (ended === executions) finish();
    },
  });
  const started = performance.now();
  for (let index = 0; index < executions; index += 1) {
    const input = JSON.stringify({ change: { index }, generation: 1, approvalTimeoutSeconds: 60 });
    engine.stepFunctions('StartExecution', { stateMachineArn, name: `e-${index}`, input });
    if (index % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await all;
  return executions / ((performance.now() - started) / 1000);
}

const GOAL_PER_SECOND = 50;

/** (b) Steady load in windows, with the engine alone measured between them, in one run. */
export async function benchPipeline({ perSecond = 51, seconds = 60, windows = 3, endpoints = 300 } = {}) {
  const runtime = await startRuntime(BENCH_CONFIG);
  try {
    await fleetOf(runtime, endpoints);
    const answers: Answered[] = [];
    const rates: number[] = [];
    const alone: number[] = [];
    for (let window = 0; window < windows; window += 1) {
      const started = Date.now();
      const sent = await load(runtime, perSecond, seconds / windows, endpoints, 10 + window * 1_000);
      const answered = await untilOutcomes(runtime, sent);
      answers.push(...answered);
      const ended = answered.filter(({ outcomes }) => outcomes > 0);
      // Where some never end, the window lasts for as long as they were waited for.
      const last = ended.length < answered.length ? Date.now() : Math.max(...ended.map(({ endedAt }) => endedAt));
      rates.push(ended.length / ((last - started) / 1000));
      alone.push(await engineAlone(2_000));
    }
    const latencies = answers.filter(({ outcomes }) => outcomes > 0).map(({ sentAt, endedAt }) => endedAt - sentAt);
    const lost = answers.filter(({ outcomes }) => outcomes === 0).length;
    const doubled = answers.filter(({ outcomes }) => outcomes > 1).length;
    const result = {
      changes: answers.length,
      changesPerSecond: Math.min(...rates),
      p50Ms: percentile(latencies, 0.5),
      p99Ms: percentile(latencies, 0.99),
      maxMs: Math.max(0, ...latencies),
      lost,
      doubled,
      engineAlonePerSecond: percentile(alone, 0.5),
      // The load is what is asked for, not what the gate could do, so this is a floor.
      ratioToEngineAlone: percentile(rates, 0.5) / percentile(alone, 0.5),
    };
    const times =
      latencies.length > 0
        ? `event to outcome p50 ${result.p50Ms.toFixed(0)} ms, p99 ${result.p99Ms.toFixed(0)} ms (goal 500), max ${result.maxMs.toFixed(0)} ms`
        : 'no change ended (goal 500 ms)';
    // A window's last changes end after its last event, so a gate that keeps up shows a little less than the pace of the load.
    const ok = result.changesPerSecond >= GOAL_PER_SECOND && result.p99Ms <= 500 && lost === 0 && doubled === 0;
    return {
      ok,
      result,
      lines: [
        `(b) ${result.changes} changes at ${perSecond}/s for ${seconds} s: ${result.changesPerSecond.toFixed(1)}/s in the slowest window (goal ${GOAL_PER_SECOND}), ${times}; ${lost} lost, ${doubled} decided twice`,
        `    the engine alone with empty tasks: ${result.engineAlonePerSecond.toFixed(0)}/s; the pipeline at this pace is ${result.ratioToEngineAlone.toFixed(3)} of that`,
      ],
    };
  } finally {
    await runtime.stop();
  }
}

/** (b) Every event delivered five times, late and out of order, against every event delivered once. */
export async function benchDuplicates({ changes = 670, endpoints = 100, perSecond = 20 } = {}) {
  const run = async (args: string[]) => {
    const runtime = await startRuntime(BENCH_CONFIG, args);
    try {
      await fleetOf(runtime, endpoints);
      await sleep(3_000);
      await forgetCalls(runtime.awsUrl);
      const sent = await load(runtime, perSecond, changes / perSecond, endpoints, 10);
      const settled = await untilOutcomes(runtime, sent);
      await sleep(6_000);
      const answers = await answersOf(runtime, sent);
      return {
        reads: total(readsOf(await gateCalls(runtime.awsUrl))),
        answers: answers.length === settled.length ? answers : settled,
      };
    } finally {
      await runtime.stop();
    }
  };
  const single = await run([]);
  const many = await run(['--duplicate-events', '4', '--delay-events', '300']);
  const ratio = many.reads / single.reads;
  const exactlyOne = many.answers.filter(({ outcomes }) => outcomes === 1).length;
  // A weight change makes three events: the call, UPDATING and IN_SERVICE; deployment events come on top.
  const deliveries = changes * 3 * 5;
  return {
    ok: exactlyOne === changes && ratio <= 1.2,
    result: { changes, deliveries, exactlyOne, readsSingle: single.reads, readsMany: many.reads, ratio },
    lines: [
      `(b) at least ${deliveries} deliveries of the events of ${changes} changes, up to 300 ms late: ${exactlyOne} changes with exactly one outcome; AWS reads ${many.reads} against ${single.reads} with single delivery = ${ratio.toFixed(2)}x (goal 1.2x)`,
    ],
  };
}
