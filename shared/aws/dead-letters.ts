import { DeleteMessageCommand, paginateListQueues, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { With } from './services.ts';

/** Long enough to handle ten letters; what is not handled by then is there again for the next who asks. */
const HIDDEN_SECONDS = 300;

/** A message in a dead-letter queue. */
export type DeadLetter = {
  /** The event that could not be delivered; undefined where it is something else. */
  event: Record<string, unknown> | undefined;
  /** Takes the letter out of its queue, once it was handled. */
  remove: () => Promise<void>;
};

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/**
 * The event in the body of a dead letter. EventBridge keeps it as it was, and so does the dead-letter queue of a
 * function; the on-failure destination of a function wraps it as `requestPayload`. Undefined for anything else, such as
 * what a stream or a schedule leaves behind.
 */
export function eventIn(body: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    const payload = isObject(parsed) && 'requestPayload' in parsed ? parsed.requestPayload : parsed;
    return isObject(payload) && typeof payload['detail-type'] === 'string' ? payload : undefined;
  } catch {
    return undefined;
  }
}

/** The dead-letter queues of an account and region. Only the command line reads them, so no Lambda carries this client. */
export function deadLetters({ config }: With) {
  const client = new SQSClient({ region: config.region });
  return {
    /** URLs of the queues whose names begin like this. */
    queues: async (prefix: string): Promise<string[]> => {
      const found: string[] = [];
      for await (const page of paginateListQueues({ client, pageSize: 1000 }, { QueueNamePrefix: prefix })) {
        found.push(...(page.QueueUrls ?? []));
      }
      return found.sort();
    },
    /** Every letter in a queue once, until nothing new comes. What is not removed stays in the queue. */
    letters: async function* (QueueUrl: string): AsyncGenerator<DeadLetter> {
      const seen = new Set<string>();
      for (;;) {
        const { Messages = [] } = await client.send(
          new ReceiveMessageCommand({
            QueueUrl,
            MaxNumberOfMessages: 10,
            // Without waiting, SQS asks only some of its servers, and a queue that is not empty may look so.
            WaitTimeSeconds: 2,
            VisibilityTimeout: HIDDEN_SECONDS,
          }),
        );
        const fresh = Messages.filter(({ MessageId = '' }) => !seen.has(MessageId));
        if (fresh.length === 0) return;
        for (const { MessageId = '', Body = '', ReceiptHandle } of fresh) {
          seen.add(MessageId);
          yield {
            event: eventIn(Body),
            remove: async () => {
              await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
            },
          };
        }
      }
    },
  };
}
