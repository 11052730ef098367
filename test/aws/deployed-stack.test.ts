import { EventBridgeClient, ListEventBusesCommand, ListRulesCommand } from '@aws-sdk/client-eventbridge';
import { GetEmailIdentityCommand } from '@aws-sdk/client-sesv2';
import { GetQueueAttributesCommand, ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { listRules, readDeadLetters, readMailIdentity } from '../../shared/aws/deployed-stack.ts';
import { awsError, fakeAws, services } from '../fake-aws.ts';

const events = mockClient(EventBridgeClient);
const sqs = mockClient(SQSClient);
// Files share a process, and a mocked class would stay mocked.
afterAll(() => {
  events.restore();
  sqs.restore();
});
beforeEach(() => {
  events.reset();
  sqs.reset();
});

describe('rules', () => {
  test('are those on the default bus and on the buses of the gate, page by page', async () => {
    events
      .on(ListEventBusesCommand)
      .resolves({ EventBuses: [{ Name: 'portcullis-dev' }, { Name: 'portcullis-develop' }] });
    events
      .on(ListRulesCommand, { EventBusName: 'default', NamePrefix: 'portcullis-dev-' })
      .resolves({ Rules: [{ Name: 'portcullis-dev-a', State: 'ENABLED' }], NextToken: '2' })
      .on(ListRulesCommand, { EventBusName: 'default', NextToken: '2' })
      .resolves({ Rules: [{ Name: 'portcullis-dev-b', State: 'DISABLED' }, { Name: 'portcullis-dev-c' }] })
      .on(ListRulesCommand, { EventBusName: 'portcullis-dev' })
      .resolves({ Rules: [{ Name: 'portcullis-dev-d', State: 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS' }] });
    expect(await listRules(services(), 'portcullis-dev')).toEqual([
      { name: 'portcullis-dev-a', enabled: true },
      { name: 'portcullis-dev-b', enabled: false },
      { name: 'portcullis-dev-c', enabled: false },
      { name: 'portcullis-dev-d', enabled: true },
    ]);
    expect(events.commandCalls(ListRulesCommand, { EventBusName: 'portcullis-develop' })).toHaveLength(0);
  });
});

describe('dead letters', () => {
  test('are counted in every queue, those in flight too', async () => {
    sqs
      .on(ListQueuesCommand, { QueueNamePrefix: 'portcullis-dev-' })
      .resolves({ QueueUrls: ['https://sqs/1/portcullis-dev-a'], NextToken: '2' })
      .on(ListQueuesCommand, { NextToken: '2' })
      .resolves({ QueueUrls: ['https://sqs/1/portcullis-dev-b'] });
    sqs
      .on(GetQueueAttributesCommand, { QueueUrl: 'https://sqs/1/portcullis-dev-a' })
      .resolves({ Attributes: { ApproximateNumberOfMessages: '2', ApproximateNumberOfMessagesNotVisible: '1' } });
    sqs
      .on(GetQueueAttributesCommand, { QueueUrl: 'https://sqs/1/portcullis-dev-b' })
      .resolves({ Attributes: { ApproximateNumberOfMessages: '0' } });
    expect(await readDeadLetters(services(), 'portcullis-dev')).toEqual([
      { queue: 'portcullis-dev-a', messages: 3 },
      { queue: 'portcullis-dev-b', messages: Number.NaN },
    ]);
  });
  test('no queue is no dead letter', async () => {
    sqs.on(ListQueuesCommand).resolves({});
    expect(await readDeadLetters(services(), 'portcullis-dev')).toEqual([]);
  });
});

describe('the mail identity', () => {
  const setUp = (identities: Record<string, boolean>) => {
    const aws = fakeAws();
    aws.ses.on(GetEmailIdentityCommand).callsFake(({ EmailIdentity }: { EmailIdentity: string }) => {
      const verified = identities[EmailIdentity];
      if (verified === undefined) throw awsError('NotFoundException');
      return { VerifiedForSendingStatus: verified };
    });
    return readMailIdentity(aws.services, 'gate@ml.example.com');
  };
  test.each([
    ['the address', { 'gate@ml.example.com': true }, 'gate@ml.example.com'],
    [
      'its domain, though the address waits',
      { 'gate@ml.example.com': false, 'ml.example.com': true },
      'ml.example.com',
    ],
    ['a domain above', { 'example.com': true }, 'example.com'],
    ['none', { 'ml.example.com': false }, undefined],
    ['none, whoever owns .com', { com: true }, undefined],
  ])('is %s', async (_what, identities, expected) => expect(await setUp(identities)).toBe(expected));
  test('that may not be looked at is an error', async () => {
    const aws = fakeAws();
    aws.ses.on(GetEmailIdentityCommand).rejects(awsError('AccessDeniedException'));
    await expect(readMailIdentity(aws.services, 'a@example.com')).rejects.toThrow('AccessDeniedException');
  });
});
