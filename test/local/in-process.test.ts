import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  PutMetricAlarmCommand,
  type PutMetricAlarmCommandInput,
} from '@aws-sdk/client-cloudwatch';
import {
  DynamoDBClient,
  ExecuteStatementCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { DecryptCommand, EncryptCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  CreateModelCommand,
  DescribeModelCommand,
  ListModelsCommand,
  SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { cloudwatch } from '../../local/aws/cloudwatch.ts';
import { type LocalDynamoDb, openDynamoDb } from '../../local/aws/dynamodb.ts';
import { callInProcess, OWN_SERVICES } from '../../local/aws/in-process.ts';
import { AwsError } from '../../local/aws/loopback.ts';
import { sagemaker } from '../../local/aws/sagemaker.ts';
import { createLoopback, createLoopbackServer, type WireRequest } from '../../local/aws/server.ts';
import { kms } from '../../local/aws/small-services.ts';
import { createMetrics } from '../../local/metrics.ts';
import { ensureTables } from '../../local/tables.ts';
import { createServices } from '../../shared/aws/all-services.ts';
import type { Services } from '../../shared/aws/services.ts';
import { loadConfig } from '../../shared/config-yaml.ts';
import { inMemoryLoopback } from './in-memory-loopback.ts';

type Clients = Pick<Services, 'dynamodb' | 'sagemaker' | 'kms' | 'cloudwatch'>;

let folder: string;
let database: LocalDynamoDb;
let server: Server;
let answer: (request: WireRequest) => ReturnType<ReturnType<typeof createLoopback>>;
let overHttp: Clients;
let inProcess: Services;
const asked: WireRequest[] = [];
const stateMachineArn = 'arn:aws:states:us-east-1:111122223333:stateMachine:endpoint-compliance';
const config = { ...loadConfig({ AWS_REGION: 'us-east-1', PORTCULLIS_CONFIG: undefined }), stateMachineArn };
const TABLE = config.tables.approvals;

/** A thread of one's own, as far as messages to it go: everything is copied. */
const thread = {
  call: async <T>(_method: string, request: unknown): Promise<T> => {
    asked.push(request as WireRequest);
    return structuredClone(await answer(structuredClone(request) as WireRequest)) as T;
  },
};

/** The engine, as far as it is asked here. */
const stepFunctions = (operation: string, { name }: Record<string, unknown>) => {
  if (name === 'taken') throw new AwsError('ExecutionAlreadyExists', `Execution Already Exists: '${name}'`);
  return { executionArn: `${operation} ${String(name)}`, startDate: 1_795_168_800.5 };
};

beforeAll(async () => {
  // As the runtime does for the gate.
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'portcullis');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'portcullis');
  folder = mkdtempSync(join(tmpdir(), 'portcullis-in-process-'));
  const loopback = inMemoryLoopback();
  database = openDynamoDb(join(folder, 'db'));
  answer = createLoopback({
    account: loopback.account,
    region: loopback.region,
    dynamodb: database,
    checkpoints: { directory: folder, flush: () => undefined },
    loseEvents: () => undefined,
    services: {
      SageMaker: sagemaker(loopback),
      TrentService: kms(loopback),
      GraniteServiceVersion20100801: cloudwatch(loopback),
    },
    s3: () => ({ status: 501, headers: {}, body: '' }),
  });
  server = createLoopbackServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const client = {
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'wire', secretAccessKey: 'none' },
  };
  overHttp = {
    dynamodb: new DynamoDBClient(client),
    sagemaker: new SageMakerClient(client),
    kms: new KMSClient(client),
    cloudwatch: new CloudWatchClient(client),
  };
  inProcess = createServices(config);
  callInProcess(inProcess, { aws: thread, stepFunctions }, 'portcullis');
  await ensureTables(inProcess.dynamodb, config.tables);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  server.close();
  server.closeAllConnections();
  await database.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What a call comes to, without what differs from call to call. */
async function outcomeOf(call: () => Promise<object>): Promise<object> {
  try {
    const { $metadata: _of, ...output } = (await call()) as { $metadata?: object };
    return output;
  } catch (error) {
    const { name, message } = error as Error;
    return { name, message };
  }
}

const ITEM = {
  id: { S: 'a' },
  token: { B: new Uint8Array([0, 255, 7]) },
  tokens: { BS: [new Uint8Array([1])] },
  list: { L: [{ S: 'ä"\n' }, { B: Buffer.from('b') }, { NULL: true }] },
  map: { M: { n: { N: '1' }, yes: { BOOL: true } } },
};
const metric = (Id: string) => ({
  Id,
  MetricStat: {
    Metric: { Namespace: 'n', MetricName: 'drift', Dimensions: [{ Name: 'Endpoint', Value: Id }] },
    Period: 3600,
    Stat: 'Maximum',
  },
  ReturnData: Id === 'm1',
});
const ALARM = {
  AlarmName: 'fraud-drift',
  EvaluationPeriods: 1,
  Threshold: 0.5,
  ComparisonOperator: 'GreaterThanThreshold',
  Metrics: [metric('m1'), metric('m2')],
} satisfies PutMetricAlarmCommandInput;
const keyOf = (id: string) => ({ TableName: TABLE, Key: { id: { S: id } } });
const calls: Record<string, (clients: Clients) => Promise<object>> = {
  'an item of every kind': ({ dynamodb }) => dynamodb.send(new GetItemCommand(keyOf('a'))),
  'an item that is not there': ({ dynamodb }) => dynamodb.send(new GetItemCommand(keyOf('b'))),
  'a list of items': ({ dynamodb }) =>
    dynamodb.send(
      new QueryCommand({
        TableName: TABLE,
        KeyConditionExpression: 'id = :id',
        ExpressionAttributeValues: { ':id': { S: 'a' } },
        Limit: 1,
      }),
    ),
  'what an update answers': ({ dynamodb }) =>
    dynamodb.send(
      new UpdateItemCommand({
        ...keyOf('a'),
        UpdateExpression: 'SET token = :token',
        ExpressionAttributeValues: { ':token': { B: new Uint8Array([0, 255, 7]) } },
        ReturnValues: 'ALL_NEW',
      }),
    ),
  'a condition that fails': ({ dynamodb }) =>
    dynamodb.send(
      new PutItemCommand({ TableName: TABLE, Item: ITEM, ConditionExpression: 'attribute_not_exists(id)' }),
    ),
  'a table that is not there': ({ dynamodb }) =>
    dynamodb.send(new GetItemCommand({ ...keyOf('a'), TableName: 'none' })),
  'a statement of another kind': ({ dynamodb }) =>
    dynamodb.send(new ExecuteStatementCommand({ Statement: 'SELECT 1' })),
  'a time': ({ sagemaker }) => sagemaker.send(new DescribeModelCommand({ ModelName: 'fraud' })),
  'times in a list': ({ sagemaker }) => sagemaker.send(new ListModelsCommand({})),
  'an alarm on several metrics': ({ cloudwatch }) => cloudwatch.send(new DescribeAlarmsCommand({})),
  'a thing that is not there': ({ sagemaker }) => sagemaker.send(new DescribeModelCommand({ ModelName: 'none' })),
};

describe('what the gate asks its loopback AWS within the process', () => {
  beforeAll(async () => {
    await inProcess.dynamodb.send(new PutItemCommand({ TableName: TABLE, Item: ITEM }));
    const model = { ModelName: 'fraud', ExecutionRoleArn: 'arn:aws:iam::111122223333:role/hosting' };
    await inProcess.sagemaker.send(new CreateModelCommand({ ...model, PrimaryContainer: { Image: 'fraud:1' } }));
    await inProcess.cloudwatch.send(new PutMetricAlarmCommand(ALARM));
  });
  test.each(Object.keys(calls))('is answered as over HTTP: %s', async (name) => {
    const call = calls[name] as (clients: Clients) => Promise<object>;
    const [wire, own] = [await outcomeOf(() => call(overHttp)), await outcomeOf(() => call(inProcess))];
    expect(JSON.parse(JSON.stringify(own))).toEqual(JSON.parse(JSON.stringify(wire)));
  });
  test('is read as what it is: bytes and times', async () => {
    const { Item } = await inProcess.dynamodb.send(new GetItemCommand(keyOf('a')));
    expect(Item?.token?.B).toBeInstanceOf(Uint8Array);
    expect([...(Item?.token?.B ?? [])]).toEqual([0, 255, 7]);
    const { CreationTime } = await inProcess.sagemaker.send(new DescribeModelCommand({ ModelName: 'fraud' }));
    expect(CreationTime).toBeInstanceOf(Date);
    const { Models } = await inProcess.sagemaker.send(new ListModelsCommand({}));
    expect(Models?.[0]?.CreationTime).toBeInstanceOf(Date);
  });
  test('goes to Step Functions without leaving the thread', async () => {
    const before = asked.length;
    const start = (name: string) => inProcess.sfn.send(new StartExecutionCommand({ stateMachineArn, name }));
    expect(await start('a')).toMatchObject({
      executionArn: 'StartExecution a',
      startDate: new Date(1_795_168_800_500),
    });
    await expect(start('taken')).rejects.toMatchObject({ name: 'ExecutionAlreadyExists', $metadata: { attempts: 1 } });
    const described = inProcess.sfn.send(new DescribeExecutionCommand({ executionArn: 'arn' }));
    expect(await described).toMatchObject({ executionArn: 'DescribeExecution undefined' });
    expect(asked).toHaveLength(before);
  });
  test('keeps a secret as it was', async () => {
    const named = { KeyId: 'alias/portcullis', EncryptionContext: { request: 'r' } };
    const { CiphertextBlob } = await inProcess.kms.send(new EncryptCommand({ ...named, Plaintext: Buffer.from('t') }));
    const { Plaintext } = await inProcess.kms.send(new DecryptCommand({ ...named, CiphertextBlob }));
    expect(Buffer.from(Plaintext ?? []).toString()).toBe('t');
  });
  test('is counted as the gate’s, as what comes over HTTP is counted as others’', async () => {
    const told = await answer({ method: 'GET', url: '/_loopback/calls', headers: {}, body: '' });
    const counted = JSON.parse(String(told.body)) as Record<string, number>;
    expect(counted['portcullis DynamoDB.GetItem']).toBeGreaterThan(0);
    expect(counted['portcullis SageMaker.DescribeModel']).toBeGreaterThan(0);
    expect(counted['wire SageMaker.DescribeModel']).toBeGreaterThan(0);
  });
  test('that is refused by a fault is tried again, as over HTTP', async () => {
    const fault = { operation: 'SageMaker.DescribeModel', code: 'InternalFailure', status: 500, times: 1 };
    const control = { method: 'POST', url: '/_loopback/faults', headers: {} };
    await answer({ ...control, body: JSON.stringify(fault) });
    const before = asked.length;
    expect(await calls['a time']?.(inProcess)).toMatchObject({ ModelName: 'fraud' });
    expect(asked.length - before).toBe(2);
  });
  test('is measured', async () => {
    const services = createServices(config);
    callInProcess(services, { aws: thread, stepFunctions }, 'portcullis');
    const metrics = createMetrics();
    metrics.watch({ services, eventsUnderWay: () => 0, executionsUnderWay: () => 0, sweepEverySeconds: 60 });
    await services.dynamodb.send(new GetItemCommand(keyOf('a')));
    await services.dynamodb.send(new GetItemCommand({ ...keyOf('a'), TableName: 'none' })).catch(() => undefined);
    const text = await metrics.text();
    expect(text).toMatch(/portcullis_aws_calls_total\{service="dynamodb",outcome="error"\} 1/);
  });
  test('is only the gate’s own where a real account is watched', () => {
    const services = createServices(config);
    const { requestHandler } = services.sagemaker.config;
    callInProcess(services, { aws: thread, stepFunctions }, 'portcullis', OWN_SERVICES);
    expect(services.sagemaker.config.requestHandler).toBe(requestHandler);
    expect(services.kms.config.requestHandler).not.toBe(requestHandler);
  });
});
