import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CloudWatchClient, PutMetricAlarmCommand } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  CreateDataQualityJobDefinitionCommand,
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  CreateModelCommand,
  CreateMonitoringScheduleCommand,
  SageMakerClient,
  UpdateEndpointCommand,
} from '@aws-sdk/client-sagemaker';
import type { LedgerRecord, RecordBody, RecordOf } from '../../shared/model/ledger-record.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const ACCOUNT = '000000000000';
export const APPROVERS_YAML = `
approvals:
  timeoutHours: 24
  approvers:
    - { id: ada, name: Ada, email: ada@example.com }
    - { id: ben, name: Ben, email: ben@example.com }
    - { id: eve, name: Eve, email: eve@example.com, awsIdentities: [eve-role] }
`;

export type Ready = { ready: true; awsUrl: string; consoleUrl: string; resumed: number; ms: number };

/** The runtime as a process, in a directory of its own, on free ports. */
export class Runtime {
  readonly dataDir: string;
  readonly configPath: string;
  ready!: Ready;
  #child: ChildProcess | undefined;
  #args: string[];
  stderr = '';

  constructor(config = APPROVERS_YAML, args: string[] = []) {
    this.dataDir = mkdtempSync(join(tmpdir(), 'portcullis-'));
    this.configPath = join(this.dataDir, 'portcullis.yaml');
    writeFileSync(this.configPath, config);
    this.#args = args;
  }

  async start(): Promise<Ready> {
    const args = ['up', '--json', '--fleet', 'none', '--aws-port', '0', '--console-port', '0', '--transition-ms', '0'];
    const child = spawn(
      process.execPath,
      [join(root, 'bin/portcullis.mjs'), ...args, '--data', join(this.dataDir, 'data'), ...this.#args],
      { env: { ...process.env, PORTCULLIS_CONFIG: this.configPath }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#child = child;
    child.stderr?.on('data', (chunk) => {
      this.stderr += String(chunk);
    });
    let text = '';
    this.ready = await new Promise<Ready>((resolve, reject) => {
      child.stdout?.on('data', (chunk) => {
        text += String(chunk);
        const line = text.split('\n').find((each) => each.includes('"ready":true'));
        if (line) resolve(JSON.parse(line) as Ready);
      });
      child.once('exit', (code) => reject(new Error(`The runtime ended with ${code}: ${this.stderr}`)));
    });
    return this.ready;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Ends the process and waits for it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
    child.kill(signal);
    return ended;
  }

  async remove(): Promise<void> {
    await this.end('SIGKILL');
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  /** Clients as somebody would use them; the access key id says who. */
  clients(who = 'eve-role') {
    const options = {
      region: 'us-east-1',
      endpoint: this.ready.awsUrl,
      credentials: { accessKeyId: who, secretAccessKey: 'none' },
      maxAttempts: 2,
    };
    return {
      sagemaker: new SageMakerClient(options),
      cloudwatch: new CloudWatchClient(options),
      s3: new S3Client({ ...options, forcePathStyle: true }),
      dynamodb: new DynamoDBClient(options),
    };
  }

  /** A call of the loopback AWS that the SDKs have no client for here, by its target. */
  async call(target: string, input: object, who = 'eve-role'): Promise<Response> {
    return fetch(this.ready.awsUrl, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': target,
        authorization: `AWS4-HMAC-SHA256 Credential=${who}/20261120/us-east-1/x/aws4_request, SignedHeaders=host, Signature=0`,
      },
      body: JSON.stringify(input),
    });
  }

  /** Puts events on the bus as anybody may; account, region and id are the bus's own. */
  async putEvents(events: { source: string; 'detail-type': string; time?: string; detail: object }[]): Promise<void> {
    for (let start = 0; start < events.length; start += 10) {
      const Entries = events.slice(start, start + 10).map(({ source, 'detail-type': type, time, detail }) => ({
        Source: source,
        DetailType: type,
        Detail: JSON.stringify(detail),
        ...(time === undefined ? {} : { Time: Date.parse(time) / 1000 }),
      }));
      await this.call('AWSEvents.PutEvents', { Entries });
    }
  }

  /** Lets the loopback AWS fail an operation so many times. */
  async fail(operation: string, code: string, times: number, status = 400): Promise<void> {
    await fetch(`${this.ready.awsUrl}/_loopback/faults`, {
      method: 'POST',
      body: JSON.stringify({ operation, code, times, status }),
    });
  }

  async failNothing(): Promise<void> {
    await fetch(`${this.ready.awsUrl}/_loopback/faults`, { method: 'DELETE' });
  }

  /** Calls that the gate made, by `Service.Operation`. */
  async gateCalls(): Promise<Record<string, number>> {
    const all = (await (await fetch(`${this.ready.awsUrl}/_loopback/calls`)).json()) as Record<string, number>;
    return Object.fromEntries(
      Object.entries(all).flatMap(([key, count]) =>
        key.startsWith('portcullis ') ? [[key.slice('portcullis '.length), count]] : [],
      ),
    );
  }

  /** Every record of an endpoint, oldest first. */
  async records(endpoint: string): Promise<LedgerRecord[]> {
    const found: LedgerRecord[] = [];
    let from: Record<string, never> | undefined;
    do {
      const page = await this.clients('auditor').dynamodb.send(
        new QueryCommand({
          TableName: 'portcullis-ledger',
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: { ':pk': { S: `endpoint#${ACCOUNT}#us-east-1#${endpoint}` } },
          ConsistentRead: true,
          ExclusiveStartKey: from,
        }),
      );
      for (const item of page.Items ?? []) found.push(JSON.parse(item.record?.S ?? '') as LedgerRecord);
      from = page.LastEvaluatedKey as Record<string, never> | undefined;
    } while (from);
    return found;
  }

  async bodies<K extends RecordBody['kind']>(endpoint: string, kind: K): Promise<Extract<RecordBody, { kind: K }>[]> {
    return (await this.records(endpoint)).flatMap(({ body }) => (body.kind === kind ? [body as never] : []));
  }

  /** Mails that the loopback AWS accepted, newest last, as plain data behind the page. */
  async mails(): Promise<{ to: string; text: string }[]> {
    const page = await (await fetch(`${this.ready.consoleUrl}/outbox?format=json`)).json();
    return (page as { to: string[]; text: string }[]).map(({ to, text }) => ({ to: to[0] ?? '', text }));
  }

  /** The code that an approver was sent for a request. */
  async codeFor(request: string, email: string): Promise<string> {
    const mails = (await this.mails()).filter(({ to, text }) => to === email && text.includes(request));
    return /code for this request: (\S+)/.exec(mails.at(-1)?.text ?? '')?.[1] ?? '';
  }

  async decide(
    request: string,
    email: string,
    answer: 'approved' | 'rejected',
    reason = 'load test passed',
  ): Promise<Response> {
    const page = await (await fetch(`${this.ready.consoleUrl}/approvals/${request}`)).text();
    const digest = /name="digest"[^>]*value="([0-9a-f]{64})"/.exec(page)?.[1] ?? '0'.repeat(64);
    return fetch(`${this.ready.consoleUrl}/approvals/${request}`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: this.ready.consoleUrl },
      body: new URLSearchParams({ digest, code: await this.codeFor(request, email), reason, answer }),
    });
  }
}

/** Asks until the answer is there; the bound is for failing tests, not for passing ones. */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined | false>, ms = 15_000): Promise<T> {
  const until = Date.now() + ms;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > until) throw new Error(`Within ${ms} ms there was no ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export type Wanted = {
  instanceType?: string;
  instances?: number;
  environment?: string;
  alarms?: boolean;
  monitor?: boolean;
  who?: string;
};

/** What a platform team does to deploy: bucket, artifact, model, config, alarms, endpoint, monitor. */
export async function deploy(runtime: Runtime, name: string, wanted: Wanted = {}): Promise<void> {
  const { instanceType = 'ml.m5.large', instances = 1, environment = 'dev', alarms = true, monitor = false } = wanted;
  const { sagemaker, s3 } = runtime.clients(wanted.who);
  const bucket = `artifacts-${name}`;
  await s3.send(new CreateBucketCommand({ Bucket: bucket })).catch(() => undefined);
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'model.tar.gz', Body: 'weights' }));
  await sagemaker.send(
    new CreateModelCommand({
      ModelName: `${name}-model`,
      ExecutionRoleArn: `arn:aws:iam::${ACCOUNT}:role/hosting`,
      PrimaryContainer: {
        Image: `${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/model:1`,
        ModelDataUrl: `s3://${bucket}/model.tar.gz`,
      },
    }),
  );
  await config(runtime, `${name}-1`, name, { instanceType, instances, ...(wanted.who ? { who: wanted.who } : {}) });
  if (alarms) await putAlarms(runtime, name, wanted.who);
  await sagemaker.send(
    new CreateEndpointCommand({
      EndpointName: name,
      EndpointConfigName: `${name}-1`,
      Tags: [{ Key: 'environment', Value: environment }],
      ...(alarms ? { DeploymentConfig: deploymentConfig(name) } : {}),
    }),
  );
  if (monitor) {
    await sagemaker.send(
      new CreateDataQualityJobDefinitionCommand({
        JobDefinitionName: `${name}-quality`,
        DataQualityAppSpecification: { ImageUri: 'monitor:1' },
        DataQualityBaselineConfig: { ConstraintsResource: { S3Uri: `s3://${bucket}/constraints.json` } },
        DataQualityJobInput: { EndpointInput: { EndpointName: name, LocalPath: '/opt/ml' } },
        DataQualityJobOutputConfig: {
          MonitoringOutputs: [{ S3Output: { S3Uri: `s3://${bucket}/out`, LocalPath: '/opt/out' } }],
        },
        JobResources: { ClusterConfig: { InstanceCount: 1, InstanceType: 'ml.m5.large', VolumeSizeInGB: 20 } },
        RoleArn: `arn:aws:iam::${ACCOUNT}:role/monitor`,
      }),
    );
    await sagemaker.send(
      new CreateMonitoringScheduleCommand({
        MonitoringScheduleName: `${name}-schedule`,
        MonitoringScheduleConfig: {
          MonitoringJobDefinitionName: `${name}-quality`,
          MonitoringType: 'DataQuality',
          ScheduleConfig: { ScheduleExpression: 'cron(0 * ? * * *)' },
        },
      }),
    );
  }
}

/** The two alarms that every deployment must name, watching this endpoint. */
export async function putAlarms(runtime: Runtime, name: string, who?: string): Promise<void> {
  for (const role of ['ModelMonitorAlarm', 'DataDriftAlarm']) {
    await runtime.clients(who).cloudwatch.send(
      new PutMetricAlarmCommand({
        AlarmName: `${name}-${role}`,
        Namespace: 'aws/sagemaker/Endpoints/data-metrics',
        MetricName: 'feature_baseline_drift_x',
        Dimensions: [{ Name: 'Endpoint', Value: name }],
        Statistic: 'Maximum',
        Period: 3600,
        EvaluationPeriods: 1,
        Threshold: 0.2,
        ComparisonOperator: 'GreaterThanThreshold',
      }),
    );
  }
}

export const deploymentConfig = (name: string) => ({
  BlueGreenUpdatePolicy: { TrafficRoutingConfiguration: { Type: 'ALL_AT_ONCE' as const, WaitIntervalInSeconds: 0 } },
  AutoRollbackConfiguration: {
    Alarms: [{ AlarmName: `${name}-ModelMonitorAlarm` }, { AlarmName: `${name}-DataDriftAlarm` }],
  },
});

export async function config(
  runtime: Runtime,
  configName: string,
  name: string,
  { instanceType = 'ml.m5.large', instances = 1, who }: Wanted,
): Promise<void> {
  await runtime.clients(who).sagemaker.send(
    new CreateEndpointConfigCommand({
      EndpointConfigName: configName,
      ProductionVariants: [
        {
          VariantName: 'AllTraffic',
          ModelName: `${name}-model`,
          InstanceType: instanceType as 'ml.m5.large',
          InitialInstanceCount: instances,
          InitialVariantWeight: 1,
        },
      ],
    }),
  );
}

/** Moves an endpoint to a new config of its model. */
export async function update(runtime: Runtime, name: string, configName: string, wanted: Wanted): Promise<void> {
  await config(runtime, configName, name, wanted);
  await runtime.clients(wanted.who).sagemaker.send(
    new UpdateEndpointCommand({
      EndpointName: name,
      EndpointConfigName: configName,
      DeploymentConfig: deploymentConfig(name),
    }),
  );
}

/** The first outcome of an endpoint that fits; how many changes its events make of one deployment is up to timing. */
export const outcomeOf = (runtime: Runtime, name: string, wanted: Partial<RecordOf<'outcome'>> = {}, ms?: number) =>
  eventually(
    `outcome of ${name} with ${JSON.stringify(wanted)}`,
    async () =>
      (await runtime.bodies(name, 'outcome')).find((outcome) =>
        Object.entries(wanted).every(([key, value]) => outcome[key as keyof typeof outcome] === value),
      ),
    ms,
  );

export const requestOf = (runtime: Runtime, name: string, nth = 1) =>
  eventually(`request ${nth} for ${name}`, async () => {
    const requests = await runtime.bodies(name, 'approval-requested');
    const request = requests[nth - 1];
    return request && (await runtime.mails()).some(({ text }) => text.includes(request.request)) ? request : undefined;
  });
