import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LedgerRecord } from '../shared/model/ledger-record.ts';
import { give, spawnGate } from '../test/spawn-gate.ts';

export const ACCOUNT = '000000000000';
const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** A call of the loopback AWS without an SDK around it: the load must not cost more than what it measures. */
export function call<T = Record<string, unknown>>(awsUrl: string, target: string, input: object): Promise<T> {
  const body = JSON.stringify(input);
  return new Promise((resolve, reject) => {
    const outgoing = request(
      awsUrl,
      {
        method: 'POST',
        agent,
        headers: {
          'content-type': 'application/x-amz-json-1.0',
          'content-length': Buffer.byteLength(body),
          'x-amz-target': target,
          'x-amz-date': '20261120T000000Z',
          authorization:
            'AWS4-HMAC-SHA256 Credential=bench/20261120/us-east-1/x/aws4_request, SignedHeaders=host, Signature=0',
        },
      },
      (incoming) => {
        let text = '';
        incoming.setEncoding('utf8');
        incoming.on('data', (chunk: string) => {
          text += chunk;
        });
        incoming.on('end', () => {
          if (incoming.statusCode === 200) resolve(JSON.parse(text) as T);
          else reject(new Error(`${target}: ${incoming.statusCode} ${text}`));
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

export type Running = {
  awsUrl: string;
  consoleUrl: string;
  pid: number;
  /** Milliseconds from the start of the process to its ready line. */
  readyMs: number;
  dataDir: string;
  /** Ends it and forgets everything. */
  stop: () => Promise<void>;
  /** Ends it like this and keeps what it has stored, for the next start in the same directory. */
  end: (signal: 'SIGTERM' | 'SIGKILL') => Promise<void>;
};

/** The runtime as users start it, in an empty directory or in that of an earlier one. */
export async function startRuntime(
  config: string,
  args: string[] = [],
  dataDir = mkdtempSync(join(tmpdir(), 'portcullis-bench-')),
): Promise<Running> {
  const configPath = join(dataDir, 'portcullis.yaml');
  writeFileSync(configPath, config);
  give(dataDir);
  const started = performance.now();
  const fixed = ['up', '--json', '--fleet', 'none', '--aws-port', '0', '--console-port', '0', '--transition-ms', '0'];
  const child: ChildProcess = spawnGate([...fixed, '--data', join(dataDir, 'data'), ...args], {
    env: { ...process.env, PORTCULLIS_CONFIG: configPath },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ready = await new Promise<{ awsUrl: string; consoleUrl: string }>((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (chunk) => {
      text += String(chunk);
      const line = text.split('\n').find((each) => each.includes('"ready":true'));
      if (line) resolve(JSON.parse(line));
    });
    child.once('exit', (code) => reject(new Error(`The runtime ended with ${code}.`)));
  });
  const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  };
  return {
    ...ready,
    pid: child.pid ?? 0,
    readyMs: performance.now() - started,
    dataDir,
    end,
    stop: async () => {
      await end('SIGTERM');
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Resident memory of a process in MB, from /proc (Linux); undefined elsewhere. */
export function residentMb(pid: number): number | undefined {
  try {
    const kb = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kb === undefined ? undefined : Number(kb) / 1024;
  } catch {
    return undefined;
  }
}

const SAGEMAKER = 'SageMaker';

/** A model and a config of two weights, so that changes of endpoints are one call each. */
export async function prepare(awsUrl: string, instances: number): Promise<void> {
  await call(awsUrl, `${SAGEMAKER}.CreateModel`, {
    ModelName: 'model',
    ExecutionRoleArn: `arn:aws:iam::${ACCOUNT}:role/hosting`,
    PrimaryContainer: { Image: 'model:1' },
  });
  await call(awsUrl, `${SAGEMAKER}.CreateEndpointConfig`, {
    EndpointConfigName: 'config',
    ProductionVariants: [
      {
        VariantName: 'A',
        ModelName: 'model',
        InstanceType: 'ml.m5.large',
        InitialInstanceCount: instances,
        InitialVariantWeight: 1,
      },
    ],
  });
}

/** One alarm for each role that watches up to a hundred endpoints, so that alarms do not outweigh what is measured. */
export async function putGroupAlarms(awsUrl: string, group: string, endpoints: string[]): Promise<void> {
  for (const role of ['ModelMonitorAlarm', 'DataDriftAlarm']) {
    await call(awsUrl, 'GraniteServiceVersion20100801.PutMetricAlarm', {
      AlarmName: `${group}-${role}`,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanThreshold',
      Metrics: endpoints.map((endpoint, index) => ({
        Id: `m${index}`,
        MetricStat: {
          Metric: {
            Namespace: 'aws/sagemaker/Endpoints/data-metrics',
            MetricName: 'drift',
            Dimensions: [{ Name: 'Endpoint', Value: endpoint }],
          },
          Period: 3600,
          Stat: 'Maximum',
        },
        ReturnData: index === 0,
      })),
    });
  }
}

export async function createEndpoint(awsUrl: string, name: string, group: string, environment: string): Promise<void> {
  await call(awsUrl, `${SAGEMAKER}.CreateEndpoint`, {
    EndpointName: name,
    EndpointConfigName: 'config',
    Tags: [{ Key: 'environment', Value: environment }],
    DeploymentConfig: {
      BlueGreenUpdatePolicy: { TrafficRoutingConfiguration: { Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 0 } },
      AutoRollbackConfiguration: {
        Alarms: [{ AlarmName: `${group}-ModelMonitorAlarm` }, { AlarmName: `${group}-DataDriftAlarm` }],
      },
    },
  });
}

export const changeWeight = (awsUrl: string, name: string, weight: number) =>
  call(awsUrl, `${SAGEMAKER}.UpdateEndpointWeightsAndCapacities`, {
    EndpointName: name,
    DesiredWeightsAndCapacities: [{ VariantName: 'A', DesiredWeight: weight }],
  });

type QueryPage = { Items: { record: { S: string } }[]; LastEvaluatedKey?: object };

/** Every record of an endpoint, oldest first. */
export async function records(awsUrl: string, endpoint: string): Promise<LedgerRecord[]> {
  const found: LedgerRecord[] = [];
  let from: object | undefined;
  do {
    const page: QueryPage = await call<QueryPage>(awsUrl, 'DynamoDB_20120810.Query', {
      TableName: 'portcullis-ledger',
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': { S: `endpoint#${ACCOUNT}#us-east-1#${endpoint}` } },
      ConsistentRead: true,
      ...(from ? { ExclusiveStartKey: from } : {}),
    });
    found.push(...page.Items.map(({ record }) => JSON.parse(record.S) as LedgerRecord));
    from = page.LastEvaluatedKey;
  } while (from);
  return found;
}

/** Calls that the gate made at the loopback AWS since they were last forgotten, by `Service.Operation`. */
export async function gateCalls(awsUrl: string): Promise<Map<string, number>> {
  const all = (await (await fetch(`${awsUrl}/_loopback/calls`)).json()) as Record<string, number>;
  const prefix = 'portcullis ';
  return new Map(
    Object.entries(all).flatMap(([key, count]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), count]] : [])),
  );
}

export const forgetCalls = (awsUrl: string) => fetch(`${awsUrl}/_loopback/calls`, { method: 'DELETE' });

/** Services whose calls are the gate's own bookkeeping, not reads of the customer's account. */
const OWN = ['DynamoDB', 'AWSStepFunctions', 'SESv2', 'TrentService', 'STS'];

export function readsOf(calls: Map<string, number>): Map<string, number> {
  return new Map([...calls].filter(([name]) => !OWN.includes(name.split('.')[0] ?? '')));
}

export const total = (calls: Map<string, number>) => [...calls.values()].reduce((sum, count) => sum + count, 0);

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
