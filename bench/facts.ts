// `npm run bench:facts`: from an event to the gate's decision about a typical endpoint, with 40 ms for each call that reads
// the account (the gate's own tables, which both use alike, answer as fast as they can here), against a naive reader that
// makes the same calls one after another and keeps nothing. Cold is the first change of an
// endpoint in a container that has worked on another before, warm the next change of the same endpoint, once that has ended.
import { run as checkPolicies } from '../functions/check-policies.ts';
import { run as gatherFacts } from '../functions/gather-facts.ts';
import { run as verifyMonitoring } from '../functions/verify-monitoring.ts';
import { createServices } from '../shared/aws/all-services.ts';
import type { Services } from '../shared/aws/services.ts';
import { loadConfig } from '../shared/config-yaml.ts';
import { ACCOUNT, call, forgetCalls, gateCalls, percentile, readsOf, startRuntime, total } from './driver.ts';
import { BENCH_CONFIG } from './pipeline.ts';
import { typicalEndpoint } from './typical-endpoint.ts';

const LATENCY_MS = 40;
const ENDPOINTS = 9;
/** Rounds that are not counted, while code is compiled. */
const WARM_UP = 2;

const runtime = await startRuntime(BENCH_CONFIG);
const tell = (path: string, body: object) =>
  fetch(`${runtime.awsUrl}/_loopback/${path}`, { method: 'POST', body: JSON.stringify(body) });

function servicesWith(reading: { concurrency?: number; cacheSeconds?: number }): Services {
  const config = loadConfig({ AWS_REGION: 'us-east-1', PORTCULLIS_CONFIG: undefined });
  const stateMachineArn = `arn:aws:states:us-east-1:${ACCOUNT}:stateMachine:endpoint-compliance`;
  const file = { ...config.file, reading: { ...config.file.reading, ...reading } };
  return createServices({ ...config, file, stateMachineArn });
}

type Decided = { ms: number; calls: number };

/** What each task of a change is given. */
function inputOf(name: string, generation: number) {
  const change = {
    endpoint: { account: ACCOUNT, region: 'us-east-1', name },
    ...{ kind: 'endpoint' as const, cause: 'SageMaker Endpoint State Change', eventId: `event-${generation}` },
    ...{ at: new Date().toISOString(), sighting: { configName: `${name}-config` } },
  };
  return { change, generation, approvalTimeoutSeconds: 60 };
}

/** One change of one endpoint: its facts are read and judged, as the two tasks do it. */
async function decide(services: Services, name: string, generation: number): Promise<Decided> {
  const input = inputOf(name, generation);
  await forgetCalls(runtime.awsUrl);
  const started = performance.now();
  await gatherFacts(input, services);
  await checkPolicies(input, services);
  const ms = performance.now() - started;
  return { ms, calls: total(readsOf(await gateCalls(runtime.awsUrl))) };
}

/** The first change of a new endpoint, and the next one once that has ended. */
async function bothChanges(container: Services, name: string): Promise<{ cold: Decided; warm: Decided }> {
  await tell('latency', { ms: 0 });
  await typicalEndpoint(runtime.awsUrl, name);
  await tell('latency', { ms: LATENCY_MS });
  const cold = await decide(container, name, 1);
  await tell('latency', { ms: 0 });
  await verifyMonitoring(inputOf(name, 1), container);
  await call(runtime.awsUrl, 'SageMaker.UpdateEndpointWeightsAndCapacities', {
    EndpointName: name,
    DesiredWeightsAndCapacities: [{ VariantName: 'a', DesiredWeight: 5 }],
  });
  await tell('latency', { ms: LATENCY_MS });
  return { cold, warm: await decide(container, name, 2) };
}

const medianOf = (list: Decided[]): Decided => ({
  ms: percentile(
    list.map(({ ms }) => ms),
    0.5,
  ),
  calls: list.at(-1)?.calls ?? 0,
});

/** Both in turn, so that neither has the process to itself when it has become fast. */
async function measure(containers: Record<'gate' | 'naive', Services>) {
  const found = { gate: [] as { cold: Decided; warm: Decided }[], naive: [] as { cold: Decided; warm: Decided }[] };
  for (let index = 0; index < WARM_UP + ENDPOINTS; index += 1) {
    for (const name of ['gate', 'naive'] as const) {
      const both = await bothChanges(containers[name], `${name}-${index}`);
      if (index >= WARM_UP) found[name].push(both);
    }
  }
  const median = (of: 'gate' | 'naive') => ({
    cold: medianOf(found[of].map(({ cold }) => cold)),
    warm: medianOf(found[of].map(({ warm }) => warm)),
  });
  return { ours: median('gate'), naive: median('naive') };
}

try {
  process.env.AWS_ENDPOINT_URL = runtime.awsUrl;
  process.env.AWS_ACCESS_KEY_ID = 'portcullis';
  process.env.AWS_SECRET_ACCESS_KEY = 'none';
  await tell('events', { lost: true });
  const { ours, naive } = await measure({
    gate: servicesWith({}),
    naive: servicesWith({ concurrency: 1, cacheSeconds: 0 }),
  });
  const share = { cold: ours.cold.ms / naive.cold.ms, warm: ours.warm.ms / naive.warm.ms };
  const depth = (ms: number) => Math.floor(ms / LATENCY_MS);
  for (const [name, { cold, warm }] of Object.entries({ gate: ours, naive })) {
    console.log(
      `${name}: cold ${cold.calls} calls, ${depth(cold.ms)} deep, ${cold.ms.toFixed(0)} ms; warm ${warm.calls} calls, ${depth(warm.ms)} deep, ${warm.ms.toFixed(0)} ms`,
    );
  }
  const ok = share.cold <= 0.25 && share.warm <= 0.1;
  console.log(
    `event to decision with ${LATENCY_MS} ms for each read: cold ${share.cold.toFixed(3)} of the naive reader (goal 0.25), warm ${share.warm.toFixed(3)} (goal 0.1)`,
  );
  console.log(ok ? '    met' : '    MISSED');
  process.exitCode = ok ? 0 : 1;
} finally {
  await runtime.stop();
}
