// `npm run bench:sweep`: a sweep over 10,000 endpoints and one over twice as many, of which 0.5 % and then 1 % changed
// without an event, at a loopback AWS that refuses more than 10 calls a second of each API. `--endpoints n` for less.
import { parseArgs } from 'node:util';
import { BatchWriteItemCommand } from '@aws-sdk/client-dynamodb';
import { wholeSweep } from '../local/whole-sweep.ts';
import { createServices } from '../shared/aws/all-services.ts';
import { readEndpoint } from '../shared/aws/endpoint-reader.ts';
import { listFleet } from '../shared/aws/fleet-listing.ts';
import { appendToFleet } from '../shared/aws/fleet-stream.ts';
import type { Services } from '../shared/aws/services.ts';
import { loadConfig } from '../shared/config-yaml.ts';
import { gateActor } from '../shared/model/actor.ts';
import { canonicalJson, sha256 } from '../shared/model/canonical-json.ts';
import { changeDigest, effectiveDeployment } from '../shared/model/effective-deployment.ts';
import type { EndpointFacts } from '../shared/model/endpoint-facts.ts';
import { streamOf } from '../shared/model/endpoint-ref.ts';
import { placeKey } from '../shared/model/fleet-budget.ts';
import type { FleetEntry } from '../shared/model/fleet-entry.ts';
import { loadOf } from '../shared/model/instance-load.ts';
import { GENESIS, type LedgerRecord, type RecordBody, sortKey } from '../shared/model/ledger-record.ts';
import { fingerprintOf, watchedAlarms } from '../shared/model/shown-endpoint.ts';
import {
  ACCOUNT,
  call,
  forgetCalls,
  prepare,
  type Running,
  records,
  residentMb,
  sleep,
  startRuntime,
} from './driver.ts';
import { BENCH_CONFIG } from './pipeline.ts';

const CALLS_PER_SECOND = 10;
const place = { account: ACCOUNT, region: 'us-east-1' };
const nameOf = (index: number) => `bench-${index}`;
const isScaled = (index: number) => index % 5 === 0;
const ROLES = ['ModelMonitorAlarm', 'DataDriftAlarm'];

/** Calls `work` for every index, so many at once. */
async function many(count: number, work: (index: number) => Promise<unknown>, atOnce = 32): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < count; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

async function createFleet(awsUrl: string, from: number, to: number): Promise<void> {
  await many(to - from, async (offset) => {
    const index = from + offset;
    const name = nameOf(index);
    for (const role of ROLES) {
      await call(awsUrl, 'GraniteServiceVersion20100801.PutMetricAlarm', {
        AlarmName: `${name}-${role}`,
        ...{ EvaluationPeriods: 1, Threshold: 1, ComparisonOperator: 'GreaterThanThreshold', Period: 3600 },
        ...{ Statistic: 'Maximum', Namespace: 'aws/sagemaker/Endpoints/data-metrics', MetricName: 'drift' },
        Dimensions: [{ Name: 'Endpoint', Value: name }],
      });
    }
    await call(awsUrl, 'SageMaker.CreateEndpoint', {
      EndpointName: name,
      EndpointConfigName: 'config',
      Tags: [{ Key: 'environment', Value: 'dev' }],
      DeploymentConfig: {
        BlueGreenUpdatePolicy: { TrafficRoutingConfiguration: { Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 0 } },
        AutoRollbackConfiguration: { Alarms: ROLES.map((role) => ({ AlarmName: `${name}-${role}` })) },
      },
    });
    if (isScaled(index)) {
      await call(awsUrl, 'AnyScaleFrontendService.RegisterScalableTarget', {
        ...{ ServiceNamespace: 'sagemaker', ScalableDimension: 'sagemaker:variant:DesiredInstanceCount' },
        ...{ ResourceId: `endpoint/${name}/variant/A`, MinCapacity: 1, MaxCapacity: 2 },
      });
    }
  });
}

/** The two records that a change leaves at least, chained as in the ledger. */
function itemsOf(
  facts: EndpointFacts,
): { pk: { S: string }; sk: { S: string }; record: { S: string }; hash: { S: string } }[] {
  const deployment = effectiveDeployment(facts);
  const digest = changeDigest(deployment);
  const common = { generation: 1, cause: 'CreateEndpoint', changedAt: facts.readAt };
  const bodies: RecordBody[] = [
    {
      ...{ kind: 'change-opened', ...common, eventId: 'event-1', digest, deployment, facts, baseline: null },
      environment: facts.environment,
    },
    {
      ...{ kind: 'outcome', ...common, digest, environment: 'dev', result: 'compliant', decision: 'compliant' },
      ...{ reason: 'Every policy that applies is met.', violations: [], requesters: [] },
    },
  ];
  let previous = GENESIS;
  return bodies.map((body, index) => {
    const record: LedgerRecord = {
      ...{ schema: 1, endpoint: facts.endpoint, sequence: index + 1, previous, id: `${body.kind}#1`, at: facts.readAt },
      actor: gateActor,
      body,
    };
    const text = canonicalJson(record);
    const sk = sortKey(index + 1, previous);
    previous = sha256(text);
    return { pk: { S: streamOf(facts.endpoint) }, sk: { S: sk }, record: { S: text }, hash: { S: previous } };
  });
}

async function putAll(services: Services, table: string, items: readonly object[]): Promise<void> {
  await many(
    Math.ceil(items.length / 25),
    async (batch) => {
      const requests = items.slice(batch * 25, batch * 25 + 25).map((Item) => ({ PutRequest: { Item } }));
      await services.dynamodb.send(new BatchWriteItemCommand({ RequestItems: { [table]: requests as never } }));
    },
    8,
  );
}

/** Puts the fleet on record as judged a moment ago, and as the sweep has seen it: what ten thousand executions would do. */
async function record(services: Services, from: number, to: number): Promise<FleetEntry[]> {
  const { ledger, work } = services.config.tables;
  const templates = new Map<boolean, string>();
  for (const scaled of [true, false]) {
    const name = nameOf(scaled ? from + ((5 - (from % 5)) % 5) : from + 1 + (from % 5 === 4 ? 1 : 0));
    const facts = await readEndpoint(services, { ...place, name }, { fresh: true });
    templates.set(scaled, JSON.stringify(facts).replaceAll(name, '{name}'));
  }
  const remembered = Array.from({ length: to - from }, (_, offset) => {
    const name = nameOf(from + offset);
    return { ref: { ...place, name }, alarms: ROLES.map((role) => `${name}-${role}`) };
  });
  const { shown, problems } = await listFleet(services, remembered);
  if (problems[0]) throw problems[0];
  const byName = new Map(shown.map((each) => [each.name, each]));
  const records: object[] = [];
  const seen: object[] = [];
  const entries: FleetEntry[] = [];
  for (const { ref } of remembered) {
    const endpoint = byName.get(ref.name);
    if (!endpoint) throw new Error(`${ref.name} is not listed.`);
    const index = Number(ref.name.split('-')[1]);
    const text = (templates.get(isScaled(index)) ?? '').replaceAll('{name}', ref.name);
    const facts = { ...(JSON.parse(text) as EndpointFacts), lastModifiedAt: endpoint.lastModifiedAt ?? '' };
    records.push(...itemsOf(facts));
    const load = loadOf(facts.variants);
    entries.push({ endpoint: ref, accepted: load, runs: load, generation: 1 });
    seen.push({
      ...{ pk: { S: `endpoint#${place.account}#${place.region}` }, sk: { S: ref.name } },
      ...{ endpoint: { S: ref.name }, touched: { S: '1' } },
      ...{ seen: { S: JSON.stringify(fingerprintOf(endpoint)) }, alarms: { S: JSON.stringify(watchedAlarms(facts)) } },
    });
  }
  await putAll(services, ledger, records);
  await putAll(services, work, seen);
  return entries;
}

/** Counts all of them in the fleet of dev, as their judgements would have. */
async function countIn(services: Services, entries: readonly FleetEntry[]): Promise<void> {
  const unread = { [placeKey(place)]: 0 };
  const said = Math.random().toString(36);
  await appendToFleet(services, 'dev', () => ({
    id: `counted#${said}`,
    body: { kind: 'fleet-counted', generation: 1, unread },
  }));
  let upTo = 0;
  const parts = Math.ceil(entries.length / 400);
  for (let part = 1; part <= parts; part += 1) {
    await appendToFleet(services, 'dev', ({ sequence }) => {
      upTo ||= sequence;
      const some = entries.slice((part - 1) * 400, part * 400);
      const body = { kind: 'fleet-summed' as const, generation: upTo, upTo, part, parts, unread, entries: some };
      return { id: `summed#${said}#${part}`, body };
    });
  }
}

const throttle = (awsUrl: string, callsPerSecond: number | null) =>
  fetch(`${awsUrl}/_loopback/throttle`, { method: 'POST', body: JSON.stringify({ callsPerSecond }) });
const refusedBy = async (awsUrl: string) =>
  ((await (await fetch(`${awsUrl}/_loopback/throttle`)).json()) as { refused: number }).refused;

/** Calls since they were forgotten: of the sweep, and of the executions that it started. */
async function callsBy(awsUrl: string, who: string): Promise<Map<string, number>> {
  const all = (await (await fetch(`${awsUrl}/_loopback/calls`)).json()) as Record<string, number>;
  return new Map(
    Object.entries(all).flatMap(([key, count]) =>
      key.startsWith(`${who} `) ? [[key.slice(who.length + 1), count]] : [],
    ),
  );
}
const sum = (calls: Map<string, number>, own: boolean) =>
  [...calls].reduce((all, [name, count]) => (/^(DynamoDB|AWSStepFunctions)/.test(name) === own ? all + count : all), 0);

/** Changes of three kinds of which no event tells. */
async function change(awsUrl: string, names: readonly string[], round: number): Promise<void> {
  for (const [index, name] of names.entries()) {
    if (index % 5 === 3) {
      const AlarmNames = [`${name}-DataDriftAlarm`];
      await call(awsUrl, 'GraniteServiceVersion20100801.DisableAlarmActions', { AlarmNames });
    } else if (index % 5 === 4) {
      await call(awsUrl, 'SageMaker.AddTags', {
        ResourceArn: `arn:aws:sagemaker:us-east-1:${ACCOUNT}:endpoint/${name}`,
        Tags: [{ Key: 'environment', Value: 'staging' }],
      });
    } else {
      await call(awsUrl, 'SageMaker.UpdateEndpointWeightsAndCapacities', {
        EndpointName: name,
        DesiredWeightsAndCapacities: [{ VariantName: 'A', DesiredWeight: 10 + round }],
      });
    }
  }
}

/** Waits until each of these has a second change that was judged; returns those that have none. */
async function unjudged(awsUrl: string, names: readonly string[]): Promise<string[]> {
  let left = [...names];
  for (const until = Date.now() + 60_000; left.length > 0 && Date.now() < until; await sleep(500)) {
    const ended = await Promise.all(
      left.map(async (name) =>
        (await records(awsUrl, name)).some(({ body }) => body.kind === 'findings' && body.generation === 2),
      ),
    );
    left = left.filter((_, index) => !ended[index]);
  }
  return left;
}

type Measured = {
  endpoints: number;
  changed: number;
  ms: number;
  theirs: number;
  own: number;
  caused: number;
  refused: number;
  lost: number;
};

async function measure(
  runtime: Running,
  services: Services,
  endpoints: number,
  changed: number,
  from: number,
): Promise<Measured> {
  const names = Array.from({ length: changed }, (_, index) =>
    nameOf(from + index * Math.floor((endpoints - from) / Math.max(1, changed))),
  );
  await throttle(runtime.awsUrl, null);
  await change(runtime.awsUrl, names, changed);
  await throttle(runtime.awsUrl, CALLS_PER_SECOND);
  await forgetCalls(runtime.awsUrl);
  const started = performance.now();
  const summary = await wholeSweep(services);
  const ms = performance.now() - started;
  const calls = await callsBy(runtime.awsUrl, 'sweep');
  // One sweep starts so many changes at most and leaves the rest to the next: all are found within two.
  if (summary.postponed > 0) await wholeSweep(services);
  const lost = (await unjudged(runtime.awsUrl, names)).length;
  if (summary.started + summary.postponed !== changed)
    console.log(`    started ${summary.started} of ${changed}: ${JSON.stringify(summary)}`);
  else if (summary.postponed > 0)
    console.log(`    ${summary.postponed} were left to the next sweep, which is not counted`);
  return {
    ...{ endpoints, changed, ms, theirs: sum(calls, false), own: sum(calls, true), lost },
    caused: sum(await callsBy(runtime.awsUrl, 'portcullis'), false),
    refused: await refusedBy(runtime.awsUrl),
  };
}

const line = ({ endpoints, changed, ms, theirs, own, caused, refused, lost }: Measured) =>
  `${endpoints} endpoints, ${changed} changed: ${(ms / 1000).toFixed(1)} s; ${theirs} calls of SageMaker, CloudWatch, auto scaling and S3, ${own} of the gate's own tables and workflow = ${((theirs + own) / endpoints).toFixed(4)} for each endpoint; the changes' own readings ${caused} calls; ${refused} refused; ${lost} changes not found`;

const { values } = parseArgs({ options: { endpoints: { type: 'string', default: '10000' } } });
const size = Number(values.endpoints);
const runtime = await startRuntime(BENCH_CONFIG);
try {
  process.env.AWS_ENDPOINT_URL = runtime.awsUrl;
  process.env.AWS_ACCESS_KEY_ID = 'sweep';
  process.env.AWS_SECRET_ACCESS_KEY = 'sweep';
  const config = loadConfig({ AWS_REGION: 'us-east-1', PORTCULLIS_CONFIG: undefined });
  const stateMachineArn = `arn:aws:states:us-east-1:${ACCOUNT}:stateMachine:endpoint-compliance`;
  const newServices = () => createServices({ ...config, stateMachineArn });
  const lose = { method: 'POST', body: JSON.stringify({ lost: true }) };
  await fetch(`${runtime.awsUrl}/_loopback/events`, lose);
  await prepare(runtime.awsUrl, 1);
  const results: Measured[] = [];
  const entries: FleetEntry[] = [];
  let most = 0;
  const sampling = setInterval(() => {
    most = Math.max(most, residentMb(process.pid) ?? 0);
  }, 200);
  for (const [round, endpoints] of [size, size * 2].entries()) {
    const before = performance.now();
    await throttle(runtime.awsUrl, null);
    await createFleet(runtime.awsUrl, round * size, endpoints);
    entries.push(...(await record(newServices(), round * size, endpoints)));
    await countIn(newServices(), entries);
    const services = newServices();
    console.log(
      `    ${endpoints} endpoints are there and judged after ${((performance.now() - before) / 1000).toFixed(0)} s`,
    );
    most = 0;
    for (const share of [0, 0.005, 0.01]) {
      const measured = await measure(
        runtime,
        services,
        endpoints,
        Math.round(size * share) * (round + 1),
        round * size + Math.round(share * 1000),
      );
      results.push(measured);
      console.log(`${line(measured)}; memory up to ${most.toFixed(0)} MB`);
    }
  }
  clearInterval(sampling);
  const at = (round: number, index: number) => results[round * 3 + index] as Measured;
  const perEndpoint = ({ theirs, own, endpoints }: Measured) => (theirs + own) / endpoints;
  const time = at(1, 1).ms / at(0, 1).ms;
  const calls = (at(1, 1).theirs + at(1, 1).own) / (at(0, 1).theirs + at(0, 1).own);
  const ok =
    results.every(({ refused, lost }) => refused === 0 && lost === 0) &&
    perEndpoint(at(0, 2)) <= 0.08 &&
    perEndpoint(at(1, 2)) <= 0.08 &&
    time <= 2.2 &&
    calls <= 2.2;
  console.log(
    `twice the fleet: ${time.toFixed(2)}x the time, ${calls.toFixed(2)}x the calls (goal 2.2x); at 1 % change ${perEndpoint(at(0, 2)).toFixed(4)} calls for each endpoint (goal 0.08)`,
  );
  console.log(ok ? '    met' : '    MISSED');
  process.exitCode = ok ? 0 : 1;
} finally {
  await runtime.stop();
}
