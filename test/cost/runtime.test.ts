import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DeleteItemCommand,
  ExecuteStatementCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callsOf, isRead } from '../../cost/invocation.ts';
import { measureLogLines } from '../../cost/log-lines.ts';
import { meteredServices, newInvocation } from '../../cost/meter.ts';
import { openRuntime, type Runtime } from '../../cost/runtime.ts';
import { deploy, makeConfig, makeEndpoint, untilInService } from '../../cost/typical-endpoint.ts';
import { createTable } from '../../local/tables.ts';
import { readEndpoint } from '../../shared/aws/endpoint-reader.ts';
import type { PackagedSettings } from '../../shared/config.ts';
import { loadPrices, parseConfigFile } from '../../shared/config-yaml.ts';
import { change } from '../builders.ts';

const textOf = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const settings = {
  file: parseConfigFile(textOf('portcullis.yaml'), 'portcullis.yaml', []),
  prices: loadPrices(undefined, '', []),
} as PackagedSettings;
// Without rules no event starts anything, so whoever reads is alone.
const template = {
  Resources: {
    Machine: {
      Type: 'AWS::StepFunctions::StateMachine',
      Properties: { DefinitionString: textOf('statemachines/endpoint-compliance.asl.json') },
    },
  },
};

let runtime: Runtime;
let models: string[];
const endpoint = { account: '000000000000', region: 'us-east-1', name: 'typical' };
beforeAll(async () => {
  runtime = await openRuntime(template, settings);
  // Counts the fleet, which is empty; what is not counted people are asked about.
  await runtime.call('sweep', {});
  models = await makeEndpoint(runtime.awsUrl, 'typical', 'dev');
  await untilInService(runtime.awsUrl, 'typical');
}, 20_000);
afterAll(() => runtime?.stop());

// The bounds of bench/footprint.ts: eleven of SageMaker and CloudWatch, two for scaling, four of S3; then three.
const COLD = 17;
const WARM = 3;
test(`one reading of a typical endpoint makes at most ${COLD} AWS reads, and the next one at most ${WARM}`, async () => {
  const invocation = newInvocation('reader');
  const services = meteredServices(runtime.config, invocation);
  const reading = async () => {
    invocation.calls = {};
    const facts = await readEndpoint(services, endpoint);
    expect(facts).toMatchObject({ underWay: false, variants: [{}, {}], monitors: [{}, {}], artifacts: [{}, {}] });
    return callsOf(invocation, isRead);
  };
  const cold = await reading();
  expect(cold).toBeLessThanOrEqual(COLD);
  expect(cold).toBeGreaterThan(WARM);
  expect(await reading()).toBeLessThanOrEqual(WARM);
});
describe('a change of it, from first sight until its outcome is on record,', () => {
  /** Deploys it as change number `generation`. Returns what runs a task of that, in a container of its own, and counts. */
  async function changed(generation: number, type: string) {
    const config = `typical-${generation}`;
    await makeConfig(runtime.awsUrl, config, models, type, 1);
    await deploy(runtime.awsUrl, endpoint.name, config);
    const about = change({ endpoint, at: runtime.services.now(), sighting: {} });
    runtime.take();
    return {
      run: (task: string) =>
        runtime
          .call(task, { change: about, generation, approvalTimeoutSeconds: 60 })
          .catch(({ name }: Error) => ({ state: name })) as Promise<{ state?: string }>,
      reads: () => runtime.take().reduce((sum, each) => sum + callsOf(each, isRead), 0),
    };
  }
  test(`makes at most ${2 * COLD}, and one for each look at a deployment that is under way`, async () => {
    const { run, reads } = await changed(1, 'ml.m5.large');
    await run('gather-facts');
    await run('check-policies');
    let looks = 0;
    while ((await run('verify-monitoring')).state === 'NotSettledError') {
      looks += 1;
      await untilInService(runtime.awsUrl, endpoint.name);
    }
    expect(await run('verify-monitoring')).toEqual({ state: 'ended' });
    const made = reads();
    expect(made).toBeLessThanOrEqual(2 * COLD + looks);
    expect(made).toBeGreaterThan(WARM);
  });
  test(`makes at most ${3 * COLD} where it is refused and the way back is looked for`, async () => {
    const { run, reads } = await changed(2, 'ml.m5.2xlarge');
    await run('gather-facts');
    expect(await run('check-policies')).toMatchObject({ state: 'RefusedError' });
    expect(await run('remediate')).toEqual({ state: 'over' });
    const made = reads();
    expect(made).toBeLessThanOrEqual(3 * COLD);
    expect(made).toBeGreaterThan(2 * COLD);
  });
  test('docs/cost.md states these bounds', () => {
    const page = textOf('docs/cost.md');
    expect(page).toContain(`One reading makes at most ${COLD} with nothing remembered and at most ${WARM} right after`);
    expect(page).toContain(`a change at most ${2 * COLD} and one for each look`);
    expect(page).toContain(`at most ${3 * COLD} where it is refused`);
  });
});

describe('what the loopback AWS says a write consumed', () => {
  const TableName = 'consumed';
  const Key = { pk: { S: 'a' } };
  const item = (more: Record<string, string>) =>
    Object.fromEntries(Object.entries({ pk: 'a', ...more }).map(([name, S]) => [name, { S }]));
  /** 'x' so often that the whole item has so many KB. */
  const kb = (size: number) => 'x'.repeat(size * 1024 - 40);

  beforeAll(async () => {
    const index = (name: string) => ({
      IndexName: `by-${name}`,
      KeySchema: [{ AttributeName: name, KeyType: 'HASH' as const }],
      Projection: { ProjectionType: 'INCLUDE' as const, NonKeyAttributes: ['shown'] },
    });
    await createTable(runtime.services.dynamodb, {
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      AttributeDefinitions: ['pk', 'who', 'month'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      GlobalSecondaryIndexes: [index('who'), index('month')],
    });
  });
  const put = async (more: Record<string, string>) =>
    (
      await runtime.services.dynamodb.send(
        new PutItemCommand({ TableName, Item: item(more), ReturnConsumedCapacity: 'INDEXES' }),
      )
    ).ConsumedCapacity;

  test('an item that is in no index: its own size', async () => {
    expect(await put({ body: kb(3) })).toEqual({ TableName, CapacityUnits: 3, Table: { CapacityUnits: 3 } });
  });
  test('an item that gets into an index: what the index shows of it, too', async () => {
    expect(await put({ body: kb(3), who: 'ada' })).toMatchObject({
      CapacityUnits: 4,
      Table: { CapacityUnits: 3 },
      GlobalSecondaryIndexes: { 'by-who': { CapacityUnits: 1 } },
    });
  });
  test('a change that an index does not show costs nothing there', async () => {
    expect(await put({ body: kb(2), who: 'ada' })).toEqual({
      TableName,
      CapacityUnits: 3,
      Table: { CapacityUnits: 3 },
    });
  });
  test('an entry that moves is two writes, one that changes or goes is one of the larger size', async () => {
    expect((await put({ who: 'ben', month: 'may', shown: kb(2) }))?.GlobalSecondaryIndexes).toEqual({
      'by-who': { CapacityUnits: 1 + 2 },
      'by-month': { CapacityUnits: 2 },
    });
    const { ConsumedCapacity } = await runtime.services.dynamodb.send(
      new UpdateItemCommand({
        TableName,
        Key,
        UpdateExpression: 'REMOVE #month SET shown = :shown',
        ExpressionAttributeNames: { '#month': 'month' },
        ExpressionAttributeValues: { ':shown': { S: 'x' } },
        ReturnConsumedCapacity: 'INDEXES',
      }),
    );
    expect(ConsumedCapacity?.GlobalSecondaryIndexes).toEqual({
      'by-who': { CapacityUnits: 2 },
      'by-month': { CapacityUnits: 2 },
    });
  });
  test('who does not ask is not told, and the answer is the same', async () => {
    const { ConsumedCapacity, Attributes } = await runtime.services.dynamodb.send(
      new DeleteItemCommand({ TableName, Key, ReturnValues: 'ALL_OLD' }),
    );
    expect([ConsumedCapacity, Attributes?.who]).toEqual([undefined, { S: 'ben' }]);
  });
  test('the ledger’s insert says it as well, and what is read back counts by 4 KB', async () => {
    const invocation = newInvocation('writer');
    const { dynamodb } = meteredServices(runtime.config, invocation);
    const insert = () =>
      dynamodb.send(
        new ExecuteStatementCommand({
          Statement: `INSERT INTO "${TableName}" VALUE {'pk': 'b', 'who': ?, 'body': ?}`,
          Parameters: [{ S: 'ada' }, { S: kb(5) }],
        }),
      );
    await insert();
    expect(invocation).toMatchObject({ writeUnits: 5 + 1, tables: [TableName] });
    // One that loses to another is paid as well.
    await expect(insert()).rejects.toThrow();
    expect(invocation.writeUnits).toBe(6 + 1);
    await dynamodb.send(
      new QueryCommand({
        TableName,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: 'b' } },
        ConsistentRead: true,
      }),
    );
    expect(invocation).toMatchObject({
      readUnits: 2,
      calls: { 'DynamoDB.ExecuteStatement': 2, 'DynamoDB.Query': 1 },
    });
  });
});

test('lines of the log are measured on the logger of our Lambdas, and nothing of it is printed', async () => {
  const file = join(tmpdir(), `portcullis-cost-settings-${process.pid}.json`);
  writeFileSync(file, JSON.stringify(settings));
  const { done, failed, metric, platform } = await measureLogLines(file);
  expect(done).toBeGreaterThan(150);
  expect(failed).toBeGreaterThan(done);
  for (const bytes of [metric, platform]) expect(bytes).toBeGreaterThan(200);
  for (const bytes of [failed, metric, platform]) expect(bytes).toBeLessThan(2_000);
});
