import { type AttributeValue, BatchWriteItemCommand } from '@aws-sdk/client-dynamodb';
import type { With } from './services.ts';

type Item = Record<string, AttributeValue>;

/** Items that one BatchWriteItem takes (DynamoDB API reference). */
const AT_ONCE = 25;
const MAX_TRIES = 6;
const FIRST_WAIT_MS = 50;

/** DynamoDB took only a part of what was to be put, each time it was asked. */
export class UnprocessedItemsError extends Error {
  override readonly name = 'UnprocessedItemsError';
}

/**
 * Puts items of different keys into the work table, up to 25 with each call. No transaction: where it throws, some may be
 * there. DynamoDB may leave items over without an error, which are put again after a while, six times at most.
 */
export async function putTogether(services: With<'dynamodb'>, items: readonly Item[]): Promise<void> {
  const { work } = services.config.tables;
  let left = items.map((Item) => ({ PutRequest: { Item } }));
  for (let attempt = 0; left.length > 0; attempt += 1) {
    if (attempt === MAX_TRIES) {
      throw new UnprocessedItemsError(`${left.length} of ${items.length} items were not put in ${MAX_TRIES} tries.`);
    }
    if (attempt > 0) await services.wait(FIRST_WAIT_MS * 2 ** (attempt - 1));
    const portions = Array.from({ length: Math.ceil(left.length / AT_ONCE) }, (_, index) =>
      left.slice(index * AT_ONCE, (index + 1) * AT_ONCE),
    );
    const answers = await Promise.all(
      portions.map((portion) =>
        services.dynamodb.send(new BatchWriteItemCommand({ RequestItems: { [work]: portion } })),
      ),
    );
    left = answers.flatMap(({ UnprocessedItems }) => (UnprocessedItems?.[work] ?? []) as typeof left);
  }
}
