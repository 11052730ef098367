import { DeleteMessageCommand, ListQueuesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { deadLetters, eventIn } from '../../shared/aws/dead-letters.ts';
import { services } from '../fake-aws.ts';

const event = { id: '1', 'detail-type': 'SageMaker Endpoint State Change', source: 'aws.sagemaker', detail: {} };
const QUEUE = 'https://sqs.us-east-1.amazonaws.com/111122223333/portcullis-prod-dead';

describe('eventIn', () => {
  test('finds an event as EventBridge leaves it, and in the envelope of a function', () => {
    expect(eventIn(JSON.stringify(event))).toEqual(event);
    const wrapped = { version: '1.0', requestContext: { condition: 'RetriesExhausted' }, requestPayload: event };
    expect(eventIn(JSON.stringify(wrapped))).toEqual(event);
  });
  test.each([
    '',
    'text',
    'null',
    '[]',
    '{}',
    '{"DDBStreamBatchInfo":{}}',
    '{"requestPayload":null}',
    '{"detail-type":1}',
  ])('takes %j for something else', (body) => expect(eventIn(body)).toBeUndefined());
});

describe('a queue', () => {
  const sqs = mockClient(SQSClient);
  // Files share a process, and a mocked class would stay mocked.
  afterAll(() => sqs.restore());
  beforeEach(() => {
    sqs.reset();
  });
  const message = (id: string) => ({
    MessageId: id,
    Body: JSON.stringify({ ...event, id }),
    ReceiptHandle: `handle-${id}`,
  });

  test('is found by the beginning of its name, page by page', async () => {
    sqs
      .on(ListQueuesCommand)
      .resolvesOnce({ QueueUrls: [`${QUEUE}-b`], NextToken: 'more' })
      .resolvesOnce({ QueueUrls: [`${QUEUE}-a`] });
    expect(await deadLetters(services()).queues('portcullis-prod-')).toEqual([`${QUEUE}-a`, `${QUEUE}-b`]);
    expect(sqs.commandCalls(ListQueuesCommand)[0]?.args[0].input).toMatchObject({
      QueueNamePrefix: 'portcullis-prod-',
    });
  });
  test('gives every letter once, and ends where only known ones come back', async () => {
    sqs
      .on(ReceiveMessageCommand)
      .resolvesOnce({ Messages: [message('1'), message('2')] })
      .resolvesOnce({ Messages: [message('2'), message('3')] })
      .resolves({ Messages: [message('1')] });
    const ids: unknown[] = [];
    for await (const letter of deadLetters(services()).letters(QUEUE)) {
      ids.push(letter.event?.id);
      if (letter.event?.id === '2') await letter.remove();
    }
    expect(ids).toEqual(['1', '2', '3']);
    expect(sqs.commandCalls(DeleteMessageCommand).map(({ args }) => args[0].input)).toEqual([
      { QueueUrl: QUEUE, ReceiptHandle: 'handle-2' },
    ]);
  });
});
