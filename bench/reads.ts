import { createServices } from '../shared/aws/all-services.ts';
import { readEndpoint } from '../shared/aws/endpoint-reader.ts';
import { loadConfig } from '../shared/config-yaml.ts';
import {
  ACCOUNT,
  call,
  forgetCalls,
  gateCalls,
  type Running,
  readsOf,
  records,
  sleep,
  startRuntime,
  total,
} from './driver.ts';
import { BENCH_CONFIG } from './pipeline.ts';
import { deployNext, typicalEndpoint } from './typical-endpoint.ts';
import { putInlineMonitors, putMonitors } from './typical-parts.ts';

/**
 * Goals of a reading of an endpoint with two variants and two schedules: calls of SageMaker and CloudWatch. The goal of nine
 * is older than the guards. What they added is read once for each schedule whose definition has a name, and once for the
 * open mute rules, and nothing else that is as fresh says the same (ADR 0023); so it is missed, and stays the goal.
 */
const GOALS = { cold: 9, warm: 3, depth: 4 };
/** How long a deployment is under way: longer than it takes to read it three times. */
const TRANSITION_MS = 5_000;

type Calls = Map<string, number>;
type Kind = { what: string; cold: Calls; warm: Calls; slowMs: number; depth: number };

const shown = (calls: Calls) =>
  [...calls]
    .map(
      ([name, count]) =>
        `${name.replace('GraniteServiceVersion20100801', 'CloudWatch').replace('AnyScaleFrontendService', 'AutoScaling')} ${count}`,
    )
    .join(', ');

/** Services by whose calls the goals of 9 and 3 are counted; scaling bounds and S3 objects are shown beside them. */
const control = (calls: Calls): Calls =>
  new Map([...calls].filter(([name]) => /^(SageMaker|GraniteServiceVersion20100801)\./.test(name)));

const tell = ({ awsUrl }: Running, path: string, body: object) =>
  fetch(`${awsUrl}/_loopback/${path}`, { method: 'POST', body: JSON.stringify(body) });

/** As in a container of its own, which has read nothing yet. */
const newServices = () => createServices(loadConfig({ AWS_REGION: 'us-east-1' }));

/** One reading by these services; `config` is what an event would have said that it runs. */
async function readOnce(
  { awsUrl }: Running,
  services: ReturnType<typeof newServices>,
  name: string,
  underWay: boolean,
  config?: string,
) {
  await forgetCalls(awsUrl);
  const started = performance.now();
  const ref = { account: ACCOUNT, region: 'us-east-1', name };
  const facts = await readEndpoint(services, ref, { expectedConfig: config });
  const ms = performance.now() - started;
  const whole = facts?.variants.length === 2 && facts.monitors.every(({ baselineUris }) => baselineUris.length === 1);
  if (!whole || facts.monitors.length !== 2) throw new Error('The endpoint was not read whole.');
  if (facts.underWay !== underWay) throw new Error(`Its deployment is ${underWay ? 'not' : 'still'} under way.`);
  return { ms, calls: readsOf(await gateCalls(awsUrl)) };
}

/** Cold, warm, and cold once more with so much latency that it shows how many reads wait for each other. */
async function measure(
  runtime: Running,
  what: string,
  read: (services: ReturnType<typeof newServices>) => ReturnType<typeof readOnce>,
  latencyMs: number,
): Promise<Kind> {
  const services = newServices();
  const cold = await read(services);
  const warm = await read(services);
  await tell(runtime, 'latency', { ms: latencyMs });
  const slow = await read(newServices());
  await tell(runtime, 'latency', { ms: 0 });
  // Each wait adds one latency; what the calls cost by themselves is far below it.
  return { what, cold: cold.calls, warm: warm.calls, slowMs: slow.ms, depth: Math.floor(slow.ms / latencyMs) };
}

/** Readings of an endpoint while the gate itself hears of nothing, so that all calls are theirs. */
async function readings(latencyMs: number): Promise<Kind[]> {
  const runtime = await startRuntime(BENCH_CONFIG, ['--transition-ms', String(TRANSITION_MS)]);
  process.env.AWS_ENDPOINT_URL = runtime.awsUrl;
  process.env.AWS_ACCESS_KEY_ID = 'portcullis';
  process.env.AWS_SECRET_ACCESS_KEY = 'none';
  try {
    await tell(runtime, 'events', { lost: true });
    const definitions = { inline: putInlineMonitors, named: putMonitors };
    for (const [name, putSchedules] of Object.entries(definitions))
      await typicalEndpoint(runtime.awsUrl, name, putSchedules);
    await sleep(TRANSITION_MS + 1_000);
    const kinds: Kind[] = [];
    for (const name of Object.keys(definitions)) {
      const settled = (services: ReturnType<typeof newServices>) => readOnce(runtime, services, name, false);
      kinds.push(await measure(runtime, `settled, definitions ${name}`, settled, latencyMs));
    }
    for (const name of Object.keys(definitions)) {
      const config = await deployNext(runtime.awsUrl, name);
      const underWay = (services: ReturnType<typeof newServices>) => readOnce(runtime, services, name, true, config);
      kinds.push(await measure(runtime, `under way, definitions ${name}`, underWay, latencyMs));
    }
    return kinds;
  } finally {
    await runtime.stop();
  }
}

/** One change through the whole pipeline, from event to outcome, of an endpoint that had its first change just before. */
async function warmChange(): Promise<{ reads: number; appended: number }> {
  const runtime = await startRuntime(BENCH_CONFIG);
  try {
    await typicalEndpoint(runtime.awsUrl, 'typical');
    await sleep(8_000);
    await forgetCalls(runtime.awsUrl);
    const before = (await records(runtime.awsUrl, 'typical')).length;
    await call(runtime.awsUrl, 'SageMaker.UpdateEndpointWeightsAndCapacities', {
      EndpointName: 'typical',
      DesiredWeightsAndCapacities: [{ VariantName: 'a', DesiredWeight: 5 }],
    });
    await sleep(2_000);
    const reads = total(readsOf(await gateCalls(runtime.awsUrl)));
    return { reads, appended: (await records(runtime.awsUrl, 'typical')).length - before };
  } finally {
    await runtime.stop();
  }
}

/** (d) AWS reads of one reading of a typical endpoint, cold and warm, and how many of them wait for each other. */
export async function benchReads({ latencyMs = 150 } = {}) {
  const kinds = await readings(latencyMs);
  const change = await warmChange();
  const verdict = (count: number, goal: number) => `goal ${goal}${count > goal ? ': MISSED' : ''}`;
  const found = kinds.map(({ what, cold, warm, slowMs, depth }) => {
    const reads = total(control(cold));
    const warmReads = total(warm);
    return {
      what,
      ok: reads <= GOALS.cold && warmReads <= GOALS.warm && depth <= GOALS.depth,
      cold: Object.fromEntries(cold),
      coldControl: reads,
      coldTotal: total(cold),
      warm: Object.fromEntries(warm),
      warmTotal: warmReads,
      depth,
      lines: [
        `    ${what}: cold ${reads} SageMaker and CloudWatch reads (${verdict(reads, GOALS.cold)}), ${total(cold)} with scaling bounds and S3: ${shown(cold)}`,
        `      warm ${warmReads} (${verdict(warmReads, GOALS.warm)}): ${shown(warm)}; ${depth} deep (${verdict(depth, GOALS.depth)}): ${slowMs.toFixed(0)} ms with ${latencyMs} ms for each call`,
      ],
    };
  });
  return {
    ok: found.every(({ ok }) => ok),
    result: {
      kinds: found.map(({ lines: _lines, ...kind }) => kind),
      warmChangeTotal: change.reads,
      recordsPerChange: change.appended,
    },
    lines: [
      '(d) reads of an endpoint with two variants and two schedules',
      ...found.flatMap(({ lines }) => lines),
      `    a whole warm change from event to outcome: ${change.reads} reads, ${change.appended} records`,
      '    of the twelve, three came with the guards: two schedules whose definitions have names, and the list of open mute rules',
    ],
  };
}
