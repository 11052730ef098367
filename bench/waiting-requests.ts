import { join } from 'node:path';
import { openStore } from '../local/aws/store.ts';
import { createServices } from '../shared/aws/all-services.ts';
import { storeToken } from '../shared/aws/approvals.ts';
import { executionName } from '../shared/aws/executions.ts';
import { append, type Stream } from '../shared/aws/ledger.ts';
import type { Services } from '../shared/aws/services.ts';
import { loadConfig } from '../shared/config-yaml.ts';
import { gateActor } from '../shared/model/actor.ts';
import { sha256 } from '../shared/model/canonical-json.ts';
import { changeDigest } from '../shared/model/effective-deployment.ts';
import { historyOf } from '../shared/model/endpoint-history.ts';
import { GENESIS, type LedgerRecord, type RecordBody } from '../shared/model/ledger-record.ts';
import {
  ACCOUNT,
  call,
  createEndpoint,
  prepare,
  putGroupAlarms,
  type Running,
  records,
  sleep,
  startRuntime,
} from './driver.ts';
import { BENCH_CONFIG } from './pipeline.ts';

/** The gate's own functions over a thin wire: what fills the stores must not take longer than what is measured. */
export function thinServices(awsUrl: string): Services {
  const services = createServices(loadConfig({ AWS_REGION: 'us-east-1' }));
  const send =
    (service: string) =>
    (command: { constructor: { name: string }; input: object }): Promise<object> =>
      call(awsUrl, `${service}.${command.constructor.name.replace(/Command$/, '')}`, command.input);
  services.dynamodb.send = send('DynamoDB_20120810') as never;
  const encrypt = send('TrentService');
  // Bytes are base64 on the wire, which is where they stay here.
  services.kms.send = ((command: { constructor: { name: string }; input: { Plaintext: Uint8Array } }) => {
    const Plaintext = Buffer.from(command.input.Plaintext).toString('base64');
    return encrypt({ constructor: command.constructor, input: { ...command.input, Plaintext } });
  }) as never;
  return services;
}

type Bodies = Extract<RecordBody, { kind: 'change-opened' | 'findings' | 'approval-requested' }>;

/** The same record about another endpoint, with the digest that it has there. */
function about(body: Bodies, from: string, name: string, request: string, expiresAt: string): RecordBody {
  const renamed = JSON.parse(JSON.stringify(body).replaceAll(`"${from}"`, `"${name}"`)) as Bodies;
  return renamed.kind === 'approval-requested' ? { ...renamed, request, expiresAt } : renamed;
}

/** What a waiting execution was started with, and the token that would wake it. */
export type Parked = { name: string; input: string; token: string };

/**
 * Puts requests that wait on record, with everything a real one has: its records, chained by the ledger's own function;
 * its sealed token; and what its execution needs, for `parkExecutions`. Copies of one real request, `template`.
 */
export async function writeWaiting(
  services: Services,
  template: readonly LedgerRecord[],
  count: number,
): Promise<Parked[]> {
  const [first] = template;
  const from = first?.endpoint.name ?? '';
  const bodies = template.flatMap(({ body }) =>
    body.kind === 'change-opened' || body.kind === 'findings' || body.kind === 'approval-requested' ? [body] : [],
  );
  if (bodies.length !== 3) throw new Error('The template is no request that waits.');
  const parked: Parked[] = [];
  const write = async (index: number) => {
    const name = `waits-${String(index).padStart(5, '0')}`;
    const endpoint = { account: ACCOUNT, region: 'us-east-1', name };
    const request = services.newId();
    const expiresAt = new Date(Date.now() + 86_400_000 + index).toISOString();
    let stream: Stream = { ref: endpoint, records: [], history: historyOf([]), head: GENESIS };
    let digest = '';
    for (const body of bodies) {
      const own = about(body, from, name, request, expiresAt);
      if (own.kind === 'change-opened') digest = changeDigest(own.deployment);
      const draft = { id: `${own.kind}#1`, body: { ...own, digest } as RecordBody, actor: gateActor };
      stream = await append(services, stream, () => draft);
    }
    const token = sha256(request);
    await storeToken(services, { id: request, endpoint, generation: 1, expiresAt }, token);
    const change = {
      endpoint,
      kind: 'endpoint',
      cause: 'CreateEndpoint',
      eventId: name,
      at: services.now(),
      sighting: {},
    };
    const input = JSON.stringify({ change, generation: 1, approvalTimeoutSeconds: 86_400 });
    parked.push({ name: executionName({ endpoint }, 1, 0), input, token });
  };
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < count; index = next++) await write(index);
  };
  await Promise.all(Array.from({ length: 32 }, worker));
  return parked;
}

/** Lets their executions wait, as the engine keeps them on disk. While the runtime is stopped. */
export function parkExecutions(dataDir: string, parked: readonly Parked[]): void {
  const store = openStore(join(dataDir, 'data', 'executions.sqlite'));
  const startDate = new Date().toISOString();
  store.together(() => {
    for (const { name, input, token } of parked) {
      const until = Date.now() + 86_400_000;
      const row = { name, input, status: 'RUNNING', startDate, parked: { tokenHash: sha256(token), until } };
      store.put('execution', name, row);
    }
  });
  store.close();
}

const TEMPLATE = 'asks-template';

/** How many requests are on the list of open ones. */
export const openCount = async (awsUrl: string): Promise<number> => {
  let [count, from]: [number, object | undefined] = [0, undefined];
  do {
    const page: { Count: number; LastEvaluatedKey?: object } = await call(awsUrl, 'DynamoDB_20120810.Query', {
      TableName: 'portcullis-approvals',
      IndexName: 'by-open',
      Select: 'COUNT',
      KeyConditionExpression: '#open = :open',
      ExpressionAttributeNames: { '#open': 'open' },
      ExpressionAttributeValues: { ':open': { S: 'open' } },
      ...(from && { ExclusiveStartKey: from }),
    });
    count += page.Count;
    from = page.LastEvaluatedKey;
  } while (from);
  return count;
};

async function until(what: string, is: () => Promise<boolean>, ms = 120_000): Promise<void> {
  for (const end = Date.now() + ms; !(await is()); ) {
    if (Date.now() > end) throw new Error(`Within ${ms} ms there was no ${what}.`);
    await sleep(200);
  }
}

/** What people were asked about an endpoint first. */
export const askedOf = async (awsUrl: string, name: string) =>
  (await records(awsUrl, name)).flatMap(({ body }) => (body.kind === 'approval-requested' ? [body] : []))[0];

/** A runtime in which so many requests wait, `real` ones of endpoints that are there among them. */
export async function withWaiting(
  waiting: number,
  real: number,
): Promise<Running & { parked: Parked[]; fillMs: number }> {
  const runtime = await startRuntime(BENCH_CONFIG);
  // Three instances in staging need approval.
  await prepare(runtime.awsUrl, 3);
  const names = [TEMPLATE, ...Array.from({ length: real }, (_, index) => `asks-${index}`)];
  for (let start = 0; start < names.length; start += 100) {
    const group = names.slice(start, start + 100);
    await putGroupAlarms(runtime.awsUrl, `group-${start}`, group);
    for (const name of group) await createEndpoint(runtime.awsUrl, name, `group-${start}`, 'staging');
  }
  await until('requests of the endpoints', async () => (await openCount(runtime.awsUrl)) === names.length);
  const started = performance.now();
  const template = await records(runtime.awsUrl, TEMPLATE);
  const parked = await writeWaiting(thinServices(runtime.awsUrl), template, waiting - names.length);
  const fillMs = performance.now() - started;
  await runtime.end('SIGTERM');
  parkExecutions(runtime.dataDir, parked);
  const again = await startRuntime(BENCH_CONFIG, [], runtime.dataDir);
  if ((await openCount(again.awsUrl)) !== waiting) throw new Error(`There are not ${waiting} requests waiting.`);
  return { ...again, parked, fillMs };
}
