import { setTimeout as sleep } from 'node:timers/promises';
import { call } from '../bench/driver.ts';
import { type LedgerItem, readStream, readWholeStream } from '../shared/aws/ledger.ts';
import { streamOf } from '../shared/model/endpoint-ref.ts';
import type { Invocation } from './invocation.ts';
import type { Kind } from './mix.ts';
import type { Mail, Runtime } from './runtime.ts';

const ACCOUNT = '000000000000';
const INSTANCES = { dev: 1, staging: 1, prod: 2 };
const refOf = (name: string) => ({ account: ACCOUNT, region: 'us-east-1', name });

const sagemaker = (awsUrl: string, operation: string, input: object) => call(awsUrl, `SageMaker.${operation}`, input);

/** Two models with an artifact each, in one bucket. Returns their names. */
async function makeModels(awsUrl: string, version: string): Promise<string[]> {
  const put = (path: string) =>
    fetch(`${awsUrl}/artifacts${path}`, {
      method: 'PUT',
      body: path && 'weights',
      headers: {
        authorization:
          'AWS4-HMAC-SHA256 Credential=x/20261120/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0',
      },
    });
  await put('');
  const models = [`${version}-a`, `${version}-b`];
  for (const model of models) {
    await put(`/${model}.tar.gz`);
    await sagemaker(awsUrl, 'CreateModel', {
      ModelName: model,
      ExecutionRoleArn: `arn:aws:iam::${ACCOUNT}:role/hosting`,
      PrimaryContainer: { Image: 'model:1', ModelDataUrl: `s3://artifacts/${model}.tar.gz` },
    });
  }
  return models;
}

const makeConfig = (awsUrl: string, name: string, models: string[], type: string, instances: number) =>
  sagemaker(awsUrl, 'CreateEndpointConfig', {
    EndpointConfigName: name,
    ProductionVariants: models.map((model, index) => ({
      VariantName: `variant-${index}`,
      ModelName: model,
      InstanceType: type,
      InitialInstanceCount: instances,
    })),
  });

const deploymentOf = (endpoint: string) => ({
  BlueGreenUpdatePolicy: { TrafficRoutingConfiguration: { Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 0 } },
  AutoRollbackConfiguration: {
    Alarms: ['ModelMonitorAlarm', 'DataDriftAlarm'].map((role) => ({ AlarmName: `${endpoint}-${role}` })),
  },
});

/** A typical endpoint: two variants, two alarms, two monitoring schedules. */
export async function makeEndpoint(awsUrl: string, name: string, environment: Kind['environment']): Promise<string[]> {
  const models = await makeModels(awsUrl, `${name}-0`);
  await makeConfig(awsUrl, `${name}-0`, models, 'ml.m5.large', INSTANCES[environment]);
  for (const { AlarmName } of deploymentOf(name).AutoRollbackConfiguration.Alarms) {
    await call(awsUrl, 'GraniteServiceVersion20100801.PutMetricAlarm', {
      AlarmName,
      Namespace: 'aws/sagemaker/Endpoints/data-metrics',
      MetricName: 'drift',
      Dimensions: [{ Name: 'Endpoint', Value: name }],
      Statistic: 'Maximum',
      Period: 3600,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanThreshold',
    });
  }
  await sagemaker(awsUrl, 'CreateEndpoint', {
    EndpointName: name,
    EndpointConfigName: `${name}-0`,
    Tags: [{ Key: 'environment', Value: environment }],
    DeploymentConfig: deploymentOf(name),
  });
  for (const type of ['DataQuality', 'ModelQuality']) {
    const ground = type === 'ModelQuality';
    await sagemaker(awsUrl, `Create${type}JobDefinition`, {
      JobDefinitionName: `${name}-${type}`,
      [`${type}AppSpecification`]: { ImageUri: 'monitor:1', ...(ground && { ProblemType: 'Regression' }) },
      [`${type}BaselineConfig`]: { ConstraintsResource: { S3Uri: 's3://artifacts/constraints.json' } },
      [`${type}JobInput`]: {
        EndpointInput: { EndpointName: name, LocalPath: '/opt/ml' },
        ...(ground && { GroundTruthS3Input: { S3Uri: 's3://artifacts/truth' } }),
      },
      [`${type}JobOutputConfig`]: {
        MonitoringOutputs: [{ S3Output: { S3Uri: 's3://artifacts/out', LocalPath: '/opt/out' } }],
      },
      JobResources: { ClusterConfig: { InstanceCount: 1, InstanceType: 'ml.m5.large', VolumeSizeInGB: 20 } },
      RoleArn: `arn:aws:iam::${ACCOUNT}:role/monitor`,
    });
    await sagemaker(awsUrl, 'CreateMonitoringSchedule', {
      MonitoringScheduleName: `${name}-${type}`,
      MonitoringScheduleConfig: {
        MonitoringJobDefinitionName: `${name}-${type}`,
        MonitoringType: type,
        ScheduleConfig: { ScheduleExpression: 'cron(0 * ? * * *)' },
      },
    });
  }
  return models;
}

/** An approver's browser: it keeps cookies, and says that forms come from the console's own pages. */
function browserOf({ call, config }: Runtime) {
  const cookies = new Map<string, string>();
  return async (address: string, fields?: Record<string, string>) => {
    const [rawPath = '', rawQueryString = ''] = address.split('?');
    const method = fields === undefined ? 'GET' : 'POST';
    const reply = (await call('http-api', {
      version: '2.0',
      rawPath,
      rawQueryString,
      headers: {
        host: new URL(config.consoleUrl).host,
        ...(fields && { 'content-type': 'application/x-www-form-urlencoded', origin: config.consoleUrl }),
      },
      cookies: [...cookies].map(([name, value]) => `${name}=${value}`),
      requestContext: { http: { method, path: rawPath } },
      ...(fields && { body: new URLSearchParams(fields).toString() }),
      isBase64Encoded: false,
    })) as { statusCode: number; body: string; cookies?: string[] };
    for (const line of reply.cookies ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    return reply;
  };
}

const LINK = /\/approvals\/[a-z0-9]{26}\?to=[a-z0-9]{26}/;

/**
 * An approver follows the link in the mail, logs in with a code that is mailed to them, approves, and is shown the page
 * again; the browser asks for the stylesheet once.
 */
async function approve(runtime: Runtime, { text, to }: Mail, endpoint: string): Promise<void> {
  const visit = browserOf(runtime);
  const link = LINK.exec(text)?.[0] ?? '';
  const [path = ''] = link.split('?');
  await visit(link);
  await visit(`/login?${new URLSearchParams({ next: link })}`);
  await visit('/style.css');
  await visit('/login/code', { next: link });
  await visit(`/login/code?${new URLSearchParams({ next: link })}`);
  const isCode = (mail: Mail) => mail.to[0] === to[0] && /Your code/.test(mail.text);
  // The outbox is in no order, and a code of the approval before this one is of no use any more.
  const newest = (await runtime.mails())
    .filter(isCode)
    .sort((a, b) => (a.at < b.at ? -1 : 1))
    .at(-1);
  const code = /log in to Portcullis: (\S+)/.exec(newest?.text ?? '')?.[1] ?? '';
  await visit('/login/verify', { next: link, code });
  const { body } = await visit(link);
  const form = body.slice(body.indexOf(`action="${path}/answer"`));
  const field = (name: string) => new RegExp(`name="${name}"[^>]*value="([0-9a-f]{64})"`).exec(form)?.[1] ?? '';
  const answer = { digest: field('digest'), token: field('token'), name: endpoint };
  const { statusCode } = await visit(`${path}/answer`, {
    ...answer,
    reason: 'The load test passed.',
    answer: 'approved',
  });
  if (statusCode !== 303) throw new Error(`The approval was answered with ${statusCode}.`);
  await visit(path);
}

export async function untilInService(awsUrl: string, endpoint: string): Promise<void> {
  const status = async () => (await sagemaker(awsUrl, 'DescribeEndpoint', { EndpointName: endpoint })).EndpointStatus;
  while ((await status()) !== 'InService') await sleep(50);
  // Its last event is on its way.
  await sleep(100);
}

/** How the newest change ended, and what was found where it is not how it had to end. */
async function endOf(runtime: Runtime, endpoint: string): Promise<{ generation: number; result?: string; why: string }> {
  const { generation, changes } = (await readStream(runtime.services, refOf(endpoint))).history;
  const { outcome, findings, verified } = changes.at(-1) ?? {};
  const found = [...(findings?.findings ?? []), ...(verified?.findings ?? [])]
    .filter(({ outcome }) => outcome === 'violation' || outcome === 'needs-approval')
    .map(({ policy, messages }) => `${policy}: ${messages.join(' ')}`);
  const why = [outcome?.reason ?? 'It has not ended.', ...found].join('\n  ');
  return { generation, ...(outcome && { result: outcome.result }), why };
}

/** Long after the slowest of what is waited for here. */
const PATIENCE_MS = 30_000;

/** Asks again until there is an answer; where none comes, says what was waited for and how the endpoint's newest change stands. */
async function until<T>(runtime: Runtime, endpoint: string, what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    if (Date.now() > deadline) {
      const { generation, result, why } = await endOf(runtime, endpoint);
      throw new Error(`${endpoint}: ${what}. Change ${generation} ended as ${result}: ${why}`);
    }
    await sleep(50);
  }
}

/** Waits until the deployment is over, the change too, and whoever had to approve has. */
async function settle(runtime: Runtime, endpoint: string, asked: boolean, known: readonly Mail[]): Promise<void> {
  if (asked) {
    const mail = await until(runtime, endpoint, 'no approver was asked', async () => {
      const unknown = (await runtime.mails()).filter(({ text }) => !known.some((each) => each.text === text));
      // Of those who are asked, somebody whose answer is enough.
      return unknown.find(
        ({ to, text }) => text.includes(endpoint) && LINK.test(text) && to[0]?.startsWith('approver-one@'),
      );
    });
    // People take longer than a deployment.
    await untilInService(runtime.awsUrl, endpoint);
    await runtime.delivered();
    await approve(runtime, mail, endpoint);
  }
  await untilInService(runtime.awsUrl, endpoint);
  await runtime.idle();
}

async function itemsOf(runtime: Runtime, endpoint: string): Promise<LedgerItem[]> {
  const items: LedgerItem[] = [];
  for await (const item of readWholeStream(runtime.services, streamOf(refOf(endpoint)))) items.push(item);
  return items;
}

/** What the ledger's stream does with new records: one call for each, since they are written seconds apart. */
async function archive(runtime: Runtime, endpoint: string, from: number): Promise<void> {
  for (const { pk, sk, text, hash } of (await itemsOf(runtime, endpoint)).slice(from)) {
    const NewImage = { pk: { S: pk }, sk: { S: sk }, record: { S: text }, hash: { S: hash } };
    const record = { eventID: 'x', eventName: 'INSERT', dynamodb: { SequenceNumber: '1', NewImage } };
    await runtime.call('archive-records', { Records: [record] });
  }
}

/** Makes so many changes of a kind, one after the other, and counts each from its first event to its archived records. */
export async function countChanges(runtime: Runtime, kind: Kind, runs: number): Promise<Invocation[][]> {
  const { awsUrl } = runtime;
  const endpoint = kind.name.replaceAll(' ', '-');
  const asked = kind.result === 'approved';
  const models = await makeEndpoint(awsUrl, endpoint, kind.environment);
  await settle(runtime, endpoint, asked, []);
  const counted: Invocation[][] = [];
  for (let run = 1; run <= runs; run += 1) {
    const recordsBefore = (await itemsOf(runtime, endpoint)).length;
    const known = await runtime.mails();
    const { generation: before } = (await readStream(runtime.services, refOf(endpoint))).history;
    runtime.take();
    const version = `${endpoint}-${run}`;
    const deployed = kind.change === 'again' ? models : await makeModels(awsUrl, version);
    const type = kind.change === 'other-type' ? 'ml.m5.2xlarge' : 'ml.m5.large';
    await makeConfig(awsUrl, version, deployed, type, INSTANCES[kind.environment]);
    await sagemaker(awsUrl, 'UpdateEndpoint', {
      EndpointName: endpoint,
      EndpointConfigName: version,
      DeploymentConfig: deploymentOf(endpoint),
    });
    await settle(runtime, endpoint, asked, known);
    const { history } = await readStream(runtime.services, refOf(endpoint));
    const { outcome, generation } = history.changes.at(-1) ?? {};
    if (outcome?.result !== kind.result || generation !== before + 1) {
      const what = `${outcome?.result} after ${history.generation - before} changes: ${outcome?.reason}`;
      throw new Error(`${endpoint} ended as ${what}`);
    }
    await archive(runtime, endpoint, recordsBefore);
    counted.push(runtime.take());
  }
  return counted;
}
