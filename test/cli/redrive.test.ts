import { readFileSync } from 'node:fs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { DeleteMessageCommand, ListQueuesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { redriveEvents } from '../../cli/redrive.ts';
import { awsError } from '../fake-aws.ts';
import { printed } from './portcullis.ts';

const fixture = (name: string) => readFileSync(new URL(`../fixtures/events/${name}.json`, import.meta.url), 'utf8');
const UPDATE = fixture('cloudtrail-sagemaker-UpdateEndpoint');
const UNGATED = fixture('sagemaker-model-state-change');
const wrapped = (event: string) => JSON.stringify({ version: '1.0', requestPayload: JSON.parse(event) });
const POISON = JSON.stringify({ ...JSON.parse(UPDATE), time: 'never' });
const A = 'https://sqs.us-east-1.amazonaws.com/111122223333/portcullis-prod-a';
const B = 'https://sqs.us-east-1.amazonaws.com/111122223333/portcullis-prod-b';

const sqs = mockClient(SQSClient);
const sfn = mockClient(SFNClient);
const dynamodb = mockClient(DynamoDBClient);
// Other files in this process talk to the loopback.
afterAll(() => {
  for (const mock of [sqs, sfn, dynamodb]) mock.restore();
});

/** Queues that give up a letter only to whoever removes it, and hide what they have given for the rest of the run. */
function queues(bodies: Record<string, string[]>) {
  const left = new Map(Object.entries(bodies).map(([queue, list]) => [queue, new Map(list.entries())]));
  const given = new Set<string>();
  sqs.on(ListQueuesCommand).resolves({ QueueUrls: Object.keys(bodies) });
  sqs.on(ReceiveMessageCommand).callsFake(({ QueueUrl = '' }: { QueueUrl?: string }) => ({
    Messages: [...(left.get(QueueUrl) ?? [])].flatMap(([id, Body]) => {
      if (given.has(`${QueueUrl}/${id}`)) return [];
      given.add(`${QueueUrl}/${id}`);
      return [{ MessageId: String(id), ReceiptHandle: String(id), Body }];
    }),
  }));
  sqs.on(DeleteMessageCommand).callsFake(({ QueueUrl = '', ReceiptHandle }) => {
    left.get(QueueUrl)?.delete(Number(ReceiptHandle));
    return {};
  });
  return {
    left: (queue: string) => [...(left.get(queue)?.values() ?? [])],
    /** What was given is visible again. */
    later: () => given.clear(),
  };
}

const redrive = (options: Parameters<typeof redriveEvents>[0] = {}) =>
  printed((output) => redriveEvents({ region: 'us-east-1', ...options }, output));
const rows = async (options = {}) => {
  const { code, out } = await redrive({ json: true, ...options });
  return { code, rows: JSON.parse(out) as Record<string, unknown>[] };
};

beforeEach(() => {
  for (const mock of [sqs, sfn, dynamodb]) mock.reset();
  vi.stubEnv('PORTCULLIS_CONFIG', '/dev/null');
  vi.stubEnv(
    'PORTCULLIS_STATE_MACHINE_ARN',
    'arn:aws:states:us-east-1:111122223333:stateMachine:portcullis-prod-endpoint-compliance',
  );
  dynamodb.onAnyCommand().resolves({});
  sfn.on(StartExecutionCommand).resolves({});
});
afterEach(() => vi.unstubAllEnvs());

describe('events redrive', () => {
  test('hands every event to the gate, whatever it is wrapped in, and empties the queues', async () => {
    const { left } = queues({ [A]: [UPDATE, UNGATED], [B]: [wrapped(UNGATED)] });
    const { code, out, err } = await redrive();
    expect(code).toBe(0);
    expect(out).toMatch(/^QUEUE +STARTED +JOINED +RECORDED +DROPPED +QUARANTINED +LEFT +FAILED +ERRORS$/m);
    expect(out).toMatch(/^portcullis-prod-a +1 +0 +0 +1 +0 +0 +0 +-$/m);
    expect(out).toMatch(/^portcullis-prod-b +0 +0 +0 +1 +0 +0 +0 +-$/m);
    expect(err).toContain('portcullis-prod-a: 2 letters read');
    expect([...left(A), ...left(B)]).toEqual([]);
    expect(sqs.commandCalls(ListQueuesCommand)[0]?.args[0].input.QueueNamePrefix).toBe('portcullis-prod-');
    expect(sfn.commandCalls(StartExecutionCommand)).toHaveLength(1);
  });

  test('interrupted between handling and removing, starts nothing a second time', async () => {
    const { left, later } = queues({ [A]: [UPDATE] });
    sqs.on(DeleteMessageCommand).rejectsOnce(awsError('ServiceUnavailable'));
    expect(await rows()).toMatchObject({ code: 2, rows: [{ failed: 1, errors: ['ServiceUnavailable'] }] });
    expect(left(A)).toHaveLength(1);
    later();
    sfn.on(StartExecutionCommand).rejects(awsError('ExecutionAlreadyExists'));
    sfn.on(DescribeExecutionCommand).resolves({ status: 'RUNNING' });
    sqs.on(DeleteMessageCommand).resolves({});
    expect(await rows()).toMatchObject({ code: 0, rows: [{ joined: 1, failed: 0 }] });
    const names = sfn.commandCalls(StartExecutionCommand).map(({ args }) => args[0].input.name);
    expect(new Set(names).size).toBe(1);
  });

  test('leaves in its queue what could not be handled, and says why', async () => {
    const { left } = queues({ [A]: [UPDATE, UNGATED] });
    sfn.on(StartExecutionCommand).rejects(awsError('ThrottlingException'));
    expect(await rows()).toMatchObject({
      code: 2,
      rows: [{ queue: 'portcullis-prod-a', started: 0, dropped: 1, failed: 1, errors: ['ThrottlingException'] }],
    });
    expect(left(A)).toEqual([UPDATE]);
  });

  test('quarantines poison, and leaves what is no event, which people must look at', async () => {
    const { left } = queues({ [A]: [POISON, '{"DDBStreamBatchInfo":{}}', 'text'] });
    expect(await rows()).toMatchObject({ code: 1, rows: [{ quarantined: 1, left: 2, failed: 0 }] });
    expect(left(A)).toEqual(['{"DDBStreamBatchInfo":{}}', 'text']);
  });

  test('reads the queues that are named and no others', async () => {
    const { left } = queues({ [A]: [UNGATED], [B]: [UNGATED] });
    expect(await rows({ queue: [B] })).toMatchObject({ code: 0, rows: [{ queue: 'portcullis-prod-b', dropped: 1 }] });
    expect(left(A)).toHaveLength(1);
    expect(sqs.commandCalls(ListQueuesCommand)).toHaveLength(0);
  });

  test('does not mix stages, and needs to know where changes are to start', async () => {
    queues({});
    expect(await redrive({ stage: 'dev' })).toMatchObject({
      code: 64,
      err: expect.stringContaining('is that of prod'),
    });
    expect(await redrive({ stage: 'prod' })).toMatchObject({ code: 2, err: expect.stringContaining('No queue here') });
    vi.stubEnv('PORTCULLIS_STATE_MACHINE_ARN', 'arn:aws:states:us-east-1:111122223333:stateMachine:mine');
    expect(await redrive()).toMatchObject({ code: 64, err: expect.stringContaining('Say which queues') });
    vi.stubEnv('PORTCULLIS_STATE_MACHINE_ARN', '');
    expect(await redrive()).toMatchObject({ code: 2, err: expect.stringContaining('is not set') });
  });

  test('where SQS cannot be read says so in words', async () => {
    sqs.on(ListQueuesCommand).rejects(Object.assign(awsError('AccessDenied'), { $metadata: {} }));
    expect(await redrive()).toMatchObject({ code: 2, err: expect.stringContaining('AWS refused: AccessDenied') });
    sqs.on(ReceiveMessageCommand).rejects(Object.assign(awsError('AccessDenied'), { $metadata: {} }));
    expect(await redrive({ queue: [A] })).toMatchObject({ code: 2, err: expect.stringContaining('AWS refused') });
  });
});
