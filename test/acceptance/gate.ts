import { CloudWatchClient, PutMetricAlarmCommand } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient, GetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
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
import { formToken } from '../../shared/model/form-token.ts';
import type { LedgerRecord, RecordBody, RecordOf } from '../../shared/model/ledger-record.ts';

type Clients = { sagemaker: SageMakerClient; cloudwatch: CloudWatchClient; s3: S3Client; dynamodb: DynamoDBClient };

/** A gate that is up, wherever it is, and the AWS account it watches. */
export abstract class Gate {
  /** Where AWS calls go; undefined for AWS itself. */
  abstract readonly awsUrl: string | undefined;
  abstract readonly consoleUrl: string;
  readonly region: string = 'us-east-1';
  readonly account: string = '000000000000';
  readonly ledgerTable: string = 'portcullis-ledger';
  readonly approvalsTable: string = 'portcullis-approvals';
  /** Put before every name, so that runs against one account do not meet. */
  readonly prefix: string = '';
  /** The longest that anything takes: endpoints on AWS take minutes to start. */
  readonly patienceMs: number = 15_000;
  readonly hosting: { role: string; image: string } = {
    role: 'arn:aws:iam::000000000000:role/hosting',
    image: '000000000000.dkr.ecr.us-east-1.amazonaws.com/model:1',
  };

  named(name: string): string {
    return `${this.prefix}${name}`;
  }

  /** Credentials to act as somebody; undefined for the ordinary ones. */
  credentials(who: string): { accessKeyId: string; secretAccessKey: string } | undefined {
    return { accessKeyId: who, secretAccessKey: 'none' };
  }

  readonly #clients = new Map<string, Clients>();

  /** Clients as somebody would use them; the access key id says who. Made once: tests look again and again. */
  clients(who = 'eve-role'): Clients {
    // A gate that was started again is elsewhere.
    const key = `${who} ${this.awsUrl}`;
    const made = this.#clients.get(key) ?? this.#makeClients(who);
    this.#clients.set(key, made);
    return made;
  }

  #makeClients(who: string): Clients {
    const credentials = this.credentials(who);
    const options = {
      region: this.region,
      ...(this.awsUrl === undefined ? {} : { endpoint: this.awsUrl, maxAttempts: 2 }),
      ...(credentials && { credentials }),
    };
    return {
      sagemaker: new SageMakerClient(options),
      cloudwatch: new CloudWatchClient(options),
      s3: new S3Client({ ...options, forcePathStyle: this.awsUrl !== undefined }),
      dynamodb: new DynamoDBClient(options),
    };
  }

  /** A call of the loopback AWS that the SDKs have no client for here, by its target. */
  async call(target: string, input: object, who = 'eve-role'): Promise<Response> {
    return fetch(this.awsUrl ?? '', {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': target,
        authorization: `AWS4-HMAC-SHA256 Credential=${who}/20261120/us-east-1/x/aws4_request, SignedHeaders=host, Signature=0`,
      },
      body: JSON.stringify(input),
    });
  }

  /** Every record of an endpoint, oldest first. */
  records(endpoint: string): Promise<LedgerRecord[]> {
    return this.recordsOf('endpoint', this.named(endpoint));
  }

  /** Every record of an endpoint or of the plans of it, by its whole name. */
  async recordsOf(stream: string, name: string): Promise<LedgerRecord[]> {
    const found: LedgerRecord[] = [];
    let from: Record<string, never> | undefined;
    do {
      const page = await this.clients('auditor').dynamodb.send(
        new QueryCommand({
          TableName: this.ledgerTable,
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: {
            ':pk': { S: `${stream}#${this.account}#${this.region}#${name.toLowerCase()}` },
          },
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
    const page = await (await fetch(`${this.consoleUrl}/outbox?format=json`)).json();
    return (page as { to: string[]; text: string; at: string }[])
      .sort((a, b) => (a.at < b.at ? -1 : 1))
      .map(({ to, text }) => ({ to: to[0] ?? '', text }));
  }

  /** Secrets of sessions by mail address, so that one code lasts for a whole story, as it does for people. */
  readonly #sessions = new Map<string, string>();

  #post(path: string, fields: Record<string, string>, cookie = ''): Promise<Response> {
    return fetch(`${this.consoleUrl}${path}`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: this.consoleUrl, cookie },
      body: new URLSearchParams(fields),
    });
  }

  /** Logs in as a person does: has a code mailed, looks into the mailbox, types it. Returns the session's secret. */
  async login(email: string): Promise<string> {
    const known = this.#sessions.get(email);
    if (known) return known;
    const asked = await this.#post('/login/code', { email, next: '/approvals' });
    const binding = asked.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const mail = (await this.mails()).findLast(({ to, text }) => to === email && CODE.test(text));
    const code = CODE.exec(mail?.text ?? '')?.[1] ?? '';
    const answered = await this.#post('/login/verify', { code, next: '/approvals' }, binding);
    const cookie = answered.headers.getSetCookie().find((each) => each.startsWith('portcullis='));
    const secret = cookie?.split(';')[0]?.slice('portcullis='.length) ?? '';
    if (secret === '') throw new Error(`${email} could not log in: ${answered.status}`);
    this.#sessions.set(email, secret);
    return secret;
  }

  /** The personal link that an approver was sent for a request. */
  async linkFor(request: string, email: string): Promise<string> {
    const link = new RegExp(`/approvals/${request}\\?to=[a-z0-9]{26}`);
    const links = (await this.mails()).flatMap(({ to, text }) => (to === email ? (link.exec(text) ?? []) : []));
    return links.at(-1) ?? '';
  }

  /** What a request is about, from the tables behind the page. */
  async about(request: string): Promise<{ endpoint: string; digest: string }> {
    const { dynamodb } = this.clients('auditor');
    const key = { TableName: this.approvalsTable, Key: { id: { S: request } }, ConsistentRead: true };
    const { Item } = await dynamodb.send(new GetItemCommand(key));
    const endpoint = Item?.endpoint?.S ?? '';
    const asked = await this.recordsOf(`${Item?.planned?.BOOL ? 'plan' : 'endpoint'}`, endpoint);
    const digests = asked.flatMap(({ body }) =>
      body.kind === 'approval-requested' && body.request === request ? [body.digest] : [],
    );
    return { endpoint, digest: digests[0] ?? '0'.repeat(64) };
  }

  /** Answers on the page of the request, logged in as whoever has the mailbox. */
  async decide(
    request: string,
    email: string,
    answer: 'approved' | 'rejected',
    reason = 'load test passed',
  ): Promise<Response> {
    const [secret, { endpoint, digest }] = await Promise.all([this.login(email), this.about(request)]);
    const token = formToken(secret, 'answer', request, digest);
    const fields = { digest, token, reason, answer, name: endpoint };
    return this.#post(`/approvals/${request}/answer`, fields, `portcullis=${secret}`);
  }
}

const CODE = /Your code to log in to Portcullis: (\S+)/;

/** Asks until the answer is there, less and less often; the bound is for failing tests, not for passing ones. */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined | false>, ms = 15_000): Promise<T> {
  const until = Date.now() + ms;
  for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 1.4, 250)) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > until) throw new Error(`Within ${ms} ms there was no ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
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
export async function deploy(gate: Gate, name: string, wanted: Wanted = {}): Promise<void> {
  const { instanceType = 'ml.m5.large', instances = 1, environment = 'dev', alarms = true, monitor = false } = wanted;
  const { sagemaker, s3 } = gate.clients(wanted.who);
  const { role, image } = gate.hosting;
  const own = gate.named(name);
  const bucket = `artifacts-${own}`;
  await s3.send(new CreateBucketCommand({ Bucket: bucket })).catch(() => undefined);
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'model.tar.gz', Body: 'weights' }));
  await sagemaker.send(
    new CreateModelCommand({
      ModelName: `${own}-model`,
      ExecutionRoleArn: role,
      PrimaryContainer: {
        Image: image,
        ModelDataUrl: `s3://${bucket}/model.tar.gz`,
      },
    }),
  );
  await config(gate, `${name}-1`, name, { instanceType, instances, ...(wanted.who ? { who: wanted.who } : {}) });
  if (alarms) await putAlarms(gate, name, wanted.who);
  await sagemaker.send(
    new CreateEndpointCommand({
      EndpointName: own,
      EndpointConfigName: `${own}-1`,
      Tags: [{ Key: 'environment', Value: environment }],
      ...(alarms ? { DeploymentConfig: deploymentConfig(gate, name) } : {}),
    }),
  );
  if (monitor) {
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'constraints.json', Body: '{}' }));
    await sagemaker.send(
      new CreateDataQualityJobDefinitionCommand({
        JobDefinitionName: `${own}-quality`,
        DataQualityAppSpecification: { ImageUri: 'monitor:1' },
        DataQualityBaselineConfig: { ConstraintsResource: { S3Uri: `s3://${bucket}/constraints.json` } },
        DataQualityJobInput: { EndpointInput: { EndpointName: own, LocalPath: '/opt/ml' } },
        DataQualityJobOutputConfig: {
          MonitoringOutputs: [{ S3Output: { S3Uri: `s3://${bucket}/out`, LocalPath: '/opt/out' } }],
        },
        JobResources: { ClusterConfig: { InstanceCount: 1, InstanceType: 'ml.m5.large', VolumeSizeInGB: 20 } },
        RoleArn: role,
      }),
    );
    await sagemaker.send(
      new CreateMonitoringScheduleCommand({
        MonitoringScheduleName: `${own}-schedule`,
        MonitoringScheduleConfig: {
          MonitoringJobDefinitionName: `${own}-quality`,
          MonitoringType: 'DataQuality',
          ScheduleConfig: { ScheduleExpression: 'cron(0 * ? * * *)' },
        },
      }),
    );
  }
}

/** The two alarms that every deployment must name, watching this endpoint. */
export async function putAlarms(gate: Gate, name: string, who?: string): Promise<void> {
  for (const role of ['ModelMonitorAlarm', 'DataDriftAlarm']) {
    await gate.clients(who).cloudwatch.send(
      new PutMetricAlarmCommand({
        AlarmName: gate.named(`${name}-${role}`),
        Namespace: 'aws/sagemaker/Endpoints/data-metrics',
        MetricName: 'feature_baseline_drift_x',
        Dimensions: [{ Name: 'Endpoint', Value: gate.named(name) }],
        Statistic: 'Maximum',
        Period: 3600,
        EvaluationPeriods: 1,
        Threshold: 0.2,
        ComparisonOperator: 'GreaterThanThreshold',
      }),
    );
  }
}

export const deploymentConfig = (gate: Gate, name: string) => ({
  BlueGreenUpdatePolicy: { TrafficRoutingConfiguration: { Type: 'ALL_AT_ONCE' as const, WaitIntervalInSeconds: 0 } },
  AutoRollbackConfiguration: {
    Alarms: ['ModelMonitorAlarm', 'DataDriftAlarm'].map((role) => ({ AlarmName: gate.named(`${name}-${role}`) })),
  },
});

export async function config(
  gate: Gate,
  configName: string,
  name: string,
  { instanceType = 'ml.m5.large', instances = 1, who }: Wanted,
): Promise<void> {
  await gate.clients(who).sagemaker.send(
    new CreateEndpointConfigCommand({
      EndpointConfigName: gate.named(configName),
      ProductionVariants: [
        {
          VariantName: 'AllTraffic',
          ModelName: gate.named(`${name}-model`),
          InstanceType: instanceType as 'ml.m5.large',
          InitialInstanceCount: instances,
          InitialVariantWeight: 1,
        },
      ],
      // Monitors read what it captures.
      DataCaptureConfig: {
        EnableCapture: true,
        InitialSamplingPercentage: 20,
        DestinationS3Uri: `s3://artifacts-${gate.named(name)}/capture`,
        CaptureOptions: [{ CaptureMode: 'Input' }, { CaptureMode: 'Output' }],
      },
    }),
  );
}

/** Moves an endpoint to a new config of its model. */
export async function update(gate: Gate, name: string, configName: string, wanted: Wanted): Promise<void> {
  await config(gate, configName, name, wanted);
  await gate.clients(wanted.who).sagemaker.send(
    new UpdateEndpointCommand({
      EndpointName: gate.named(name),
      EndpointConfigName: gate.named(configName),
      DeploymentConfig: deploymentConfig(gate, name),
    }),
  );
}

/** The first outcome of an endpoint that fits; how many changes its events make of one deployment is up to timing. */
export const outcomeOf = (
  gate: Gate,
  name: string,
  wanted: Partial<RecordOf<'outcome'>> = {},
  ms: number = gate.patienceMs,
) =>
  eventually(
    `outcome of ${name} with ${JSON.stringify(wanted)}`,
    async () =>
      (await gate.bodies(name, 'outcome')).find((outcome) =>
        Object.entries(wanted).every(([key, value]) => outcome[key as keyof typeof outcome] === value),
      ),
    ms,
  );

export const requestOf = (gate: Gate, name: string, nth = 1) =>
  eventually(
    `request ${nth} for ${name}`,
    async () => {
      const requests = await gate.bodies(name, 'approval-requested');
      const request = requests[nth - 1];
      return request && (await gate.mails()).some(({ text }) => text.includes(request.request)) ? request : undefined;
    },
    gate.patienceMs,
  );
