import { EventBridgeClient, ListEventBusesCommand, ListRulesCommand } from '@aws-sdk/client-eventbridge';
import { GetEmailIdentityCommand } from '@aws-sdk/client-sesv2';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { deadLetters } from './dead-letters.ts';
import type { With } from './services.ts';

export type DeployedRule = { name: string; enabled: boolean };

/** The gate's rules: those of its names on the default bus, and all on the buses that are its own. */
export async function listRules({ config }: With, stack: string): Promise<DeployedRule[]> {
  const events = new EventBridgeClient({ region: config.region });
  const { EventBuses = [] } = await events.send(new ListEventBusesCommand({ NamePrefix: stack, Limit: 100 }));
  const own = EventBuses.flatMap(({ Name }) => (Name === stack || Name?.startsWith(`${stack}-`) ? [Name] : []));
  const found: DeployedRule[] = [];
  for (const EventBusName of ['default', ...own]) {
    let from: string | undefined;
    do {
      const page = await events.send(
        new ListRulesCommand({ EventBusName, NamePrefix: `${stack}-`, NextToken: from, Limit: 100 }),
      );
      found.push(
        ...(page.Rules ?? []).map(({ Name = '', State }) => ({
          name: Name,
          enabled: State?.startsWith('ENABLED') === true,
        })),
      );
      from = page.NextToken;
    } while (from);
  }
  return found;
}

export type DeadLetters = { queue: string; messages: number };

/** How much lies in each queue of the gate, in flight or not. All its queues are for what could not be delivered. */
export async function readDeadLetters(services: With, stack: string): Promise<DeadLetters[]> {
  const sqs = new SQSClient({ region: services.config.region });
  const found: DeadLetters[] = [];
  for (const QueueUrl of await deadLetters(services).queues(`${stack}-`)) {
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl,
        AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
      }),
    );
    const { ApproximateNumberOfMessages: waiting, ApproximateNumberOfMessagesNotVisible: taken } = Attributes;
    // What is not said is not 0.
    found.push({ queue: QueueUrl.split('/').at(-1) ?? QueueUrl, messages: Number(waiting) + Number(taken) });
  }
  return found;
}

/** `a@b.example.com` can be sent from when it, its domain or a domain above is verified. */
function identitiesFor(address: string): string[] {
  const labels = (address.split('@')[1] ?? '').split('.');
  return [address, ...labels.slice(0, -1).map((_, index) => labels.slice(index).join('.'))];
}

/** The identity by which SES lets the gate send from an address; undefined where none is verified. */
export async function readMailIdentity({ ses }: With<'ses'>, address: string): Promise<string | undefined> {
  for (const EmailIdentity of identitiesFor(address)) {
    try {
      const { VerifiedForSendingStatus } = await ses.send(new GetEmailIdentityCommand({ EmailIdentity }));
      if (VerifiedForSendingStatus) return EmailIdentity;
    } catch (error) {
      if ((error as Error).name !== 'NotFoundException') throw error;
    }
  }
  return undefined;
}
