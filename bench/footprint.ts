import { createServices } from '../shared/aws/all-services.ts';
import { readEndpoint } from '../shared/aws/endpoint-reader.ts';
import { loadConfig } from '../shared/config-yaml.ts';
import {
  ACCOUNT,
  call,
  forgetCalls,
  gateCalls,
  percentile,
  putGroupAlarms,
  readsOf,
  records,
  residentMb,
  sleep,
  startRuntime,
  total,
} from './driver.ts';
import { BENCH_CONFIG } from './pipeline.ts';
import { putMonitors, putObject } from './typical-parts.ts';
import { openCount, withWaiting } from './waiting-requests.ts';

/** (c) From the start of the process to the ready line, with dependencies installed. */
export async function benchStart({ runs = 5 } = {}) {
  const times: number[] = [];
  for (let run = 0; run < runs + 1; run += 1) {
    const runtime = await startRuntime(BENCH_CONFIG);
    // The first start compiles and is not counted; what a first user sees is printed all the same.
    if (run > 0) times.push(runtime.readyMs);
    else times.unshift(runtime.readyMs);
    await runtime.stop();
  }
  const [first = Number.NaN, ...rest] = times;
  const medianMs = percentile(rest, 0.5);
  return {
    ok: medianMs <= 3_000 && first <= 3_000,
    result: { firstMs: first, medianMs, maxMs: Math.max(...rest) },
    lines: [
      `(c) start to ready: ${medianMs.toFixed(0)} ms (median of ${runs}), ${first.toFixed(0)} ms the first time (goal 3000)`,
    ],
  };
}

/**
 * (c) Memory of the whole runtime, loopback AWS included, with so many requests waiting for people. A hundred of them
 * came in as changes of endpoints; the others were written into the stores by the gate's own functions, and the runtime
 * was started again after that.
 */
export async function benchWaiting({ waiting = 10_000, real = 100 } = {}) {
  const runtime = await withWaiting(waiting, real);
  try {
    const started = residentMb(runtime.pid);
    // Somebody reads through the list, all of it, and decides nothing.
    let path: string | undefined = '/approvals';
    let listed = 0;
    for (; path; listed += 1) {
      const html: string = await (await fetch(`${runtime.consoleUrl}${path}`)).text();
      path = /href="(\/approvals\?after=[^"]+)">More/.exec(html)?.[1];
    }
    const busy = residentMb(runtime.pid);
    // People take their time: two collections once it is quiet, and V8 keeps free pages for another eight seconds.
    await sleep(45_000);
    const resident = residentMb(runtime.pid);
    const open = await openCount(runtime.awsUrl);
    return {
      ok: open === waiting && resident !== undefined && resident <= 300,
      result: { waiting: open, residentMb: resident, startedMb: started, listedMb: busy },
      lines: [
        `(c) ${open} of ${waiting} requests waiting: ${resident?.toFixed(0) ?? 'unknown'} MB resident (goal 300; ${started?.toFixed(0)} MB when started, ${busy?.toFixed(0)} MB after ${listed} pages of the list)`,
      ],
    };
  } finally {
    await runtime.stop();
  }
}

const target = (operation: string) => `SageMaker.${operation}`;

/** An endpoint with two variants (two models, two artifacts in one bucket) and two schedules with job definitions. */
export async function typicalEndpoint(awsUrl: string, name: string): Promise<void> {
  await putObject(awsUrl, '/artifacts');
  for (const model of ['a', 'b']) {
    await putObject(awsUrl, `/artifacts/${name}/${model}.tar.gz`, 'weights');
    await call(awsUrl, target('CreateModel'), {
      ModelName: `${name}-${model}`,
      ExecutionRoleArn: `arn:aws:iam::${ACCOUNT}:role/hosting`,
      PrimaryContainer: { Image: 'model:1', ModelDataUrl: `s3://artifacts/${name}/${model}.tar.gz` },
    });
  }
  await call(awsUrl, target('CreateEndpointConfig'), {
    EndpointConfigName: `${name}-config`,
    ProductionVariants: ['a', 'b'].map((model) => ({
      VariantName: model,
      ModelName: `${name}-${model}`,
      InstanceType: 'ml.m5.large',
      InitialInstanceCount: 1,
    })),
  });
  await putGroupAlarms(awsUrl, name, [name]);
  await call(awsUrl, target('CreateEndpoint'), {
    EndpointName: name,
    EndpointConfigName: `${name}-config`,
    Tags: [{ Key: 'environment', Value: 'dev' }],
    DeploymentConfig: {
      BlueGreenUpdatePolicy: { TrafficRoutingConfiguration: { Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 0 } },
      AutoRollbackConfiguration: {
        Alarms: [{ AlarmName: `${name}-ModelMonitorAlarm` }, { AlarmName: `${name}-DataDriftAlarm` }],
      },
    },
  });
  await putMonitors(awsUrl, name);
}

const shown = (calls: Map<string, number>) =>
  [...calls]
    .map(
      ([name, count]) =>
        `${name.replace('GraniteServiceVersion20100801', 'CloudWatch').replace('AnyScaleFrontendService', 'AutoScaling')} ${count}`,
    )
    .join(', ');

/** Services by whose calls the goals of 9 and 3 are counted; scaling bounds and S3 objects are shown beside them. */
const control = (calls: Map<string, number>) =>
  new Map([...calls].filter(([name]) => /^(SageMaker|GraniteServiceVersion20100801)\./.test(name)));

/** (d) AWS reads of one reading of a typical endpoint, cold and warm, and how many of them wait for each other. */
export async function benchReads({ latencyMs = 150 } = {}) {
  const runtime = await startRuntime(BENCH_CONFIG);
  try {
    await typicalEndpoint(runtime.awsUrl, 'typical');
    await sleep(8_000);
    process.env.AWS_ENDPOINT_URL = runtime.awsUrl;
    process.env.AWS_ACCESS_KEY_ID = 'portcullis';
    process.env.AWS_SECRET_ACCESS_KEY = 'none';
    const services = createServices(loadConfig({ AWS_REGION: 'us-east-1' }));
    const ref = { account: ACCOUNT, region: 'us-east-1', name: 'typical' };
    const read = async () => {
      await forgetCalls(runtime.awsUrl);
      const started = performance.now();
      const facts = await readEndpoint(services, ref);
      const ms = performance.now() - started;
      if (facts?.variants.length !== 2 || facts.monitors.length !== 2)
        throw new Error('The endpoint was not read whole.');
      return { ms, calls: readsOf(await gateCalls(runtime.awsUrl)) };
    };
    const cold = await read();
    const warm = await read();
    await fetch(`${runtime.awsUrl}/_loopback/latency`, { method: 'POST', body: JSON.stringify({ ms: latencyMs }) });
    services.cache.clear();
    const slow = await read();
    // Each wait adds one latency; what the calls cost by themselves is far below it.
    const depth = Math.floor(slow.ms / latencyMs);
    await fetch(`${runtime.awsUrl}/_loopback/latency`, { method: 'POST', body: JSON.stringify({ ms: 0 }) });

    // The same through the whole pipeline: one warm change from event to outcome.
    await sleep(6_000);
    await forgetCalls(runtime.awsUrl);
    const before = (await records(runtime.awsUrl, 'typical')).length;
    await call(runtime.awsUrl, target('UpdateEndpointWeightsAndCapacities'), {
      EndpointName: 'typical',
      DesiredWeightsAndCapacities: [{ VariantName: 'a', DesiredWeight: 5 }],
    });
    await sleep(2_000);
    const change = readsOf(await gateCalls(runtime.awsUrl));
    const appended = (await records(runtime.awsUrl, 'typical')).length - before;
    const result = {
      cold: Object.fromEntries(cold.calls),
      coldControl: total(control(cold.calls)),
      coldTotal: total(cold.calls),
      warm: Object.fromEntries(warm.calls),
      warmTotal: total(warm.calls),
      depth,
      warmChangeTotal: total(change),
      recordsPerChange: appended,
    };
    return {
      // Nine, and since guards are read live two schedules and the list of open mute rules.
      ok: result.coldControl <= 12 && result.warmTotal <= 3 && depth <= 4,
      result,
      lines: [
        `(d) cold: ${result.coldControl} SageMaker and CloudWatch reads (goal 12), ${result.coldTotal} with scaling bounds and S3: ${shown(cold.calls)}`,
        `    warm: ${result.warmTotal} (goal 3): ${shown(warm.calls)}; a whole warm change from event to outcome: ${result.warmChangeTotal} reads, ${appended} records`,
        `    sequential depth ${depth} (goal 4): ${slow.ms.toFixed(0)} ms with ${latencyMs} ms for each call`,
      ],
    };
  } finally {
    await runtime.stop();
  }
}
