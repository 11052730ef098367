import { paginateScan } from '@aws-sdk/client-dynamodb';
import { isWhole, mayHold, RangeFinder, type TrailScope } from '../model/trail-scope.ts';
import { itemFrom, type LedgerItem, readWholeStream } from './ledger.ts';
import type { With } from './services.ts';

/** Nearly every stream is shorter, and is read once then. */
const HELD = 500;

const numberOf = ({ sk }: LedgerItem) => Number(/^\d{9}/.exec(sk)?.[0] ?? 0);

/**
 * The whole table, in DynamoDB's own order: a stream's records stand together there, in the order of their numbers. To
 * find the streams takes reading every item anyway, so that this reads all of them once.
 */
async function* scanned(services: With<'dynamodb'>): AsyncGenerator<LedgerItem> {
  const pages = paginateScan(
    { client: services.dynamodb },
    {
      TableName: services.config.tables.ledger,
      ProjectionExpression: 'pk, sk, #hash, #record',
      ExpressionAttributeNames: { '#hash': 'hash', '#record': 'record' },
      ConsistentRead: true,
    },
  );
  for await (const page of pages) for (const item of page.Items ?? []) yield itemFrom(item, () => ({}));
}

/** A stream that came to pieces while it was read, which DynamoDB does not do. */
export class ScatteredStreamError extends Error {
  override readonly name = 'ScatteredStreamError';
}

/** What was asked for of one stream; `held` are its first records, and all where there are no more than `count`. */
async function* chosen(
  services: With<'dynamodb'>,
  stream: string,
  { finder, held, count }: { finder: RangeFinder; held: LedgerItem[]; count: number },
): AsyncGenerator<LedgerItem> {
  const range = finder.range();
  if (!range) return;
  for await (const item of count === held.length ? held : readWholeStream(services, stream)) {
    const number = numberOf(item);
    if (number >= range.first && number <= range.last) yield item;
  }
}

/**
 * The part of the trail that was asked for, one stream after the other, each oldest first. Of a long stream only the
 * part is kept in mind, and it is read again; memory does not grow with the trail.
 */
export async function* readTrail(services: With<'dynamodb'>, scope: TrailScope): AsyncGenerator<LedgerItem> {
  const whole = isWhole(scope);
  const done = new Set<string>();
  let current: string | undefined;
  let part = { finder: new RangeFinder('', scope), held: [] as LedgerItem[], count: 0 };
  for await (const item of scanned(services)) {
    if (item.pk !== current) {
      if (current !== undefined && !whole) yield* chosen(services, current, part);
      if (done.has(item.pk))
        throw new ScatteredStreamError(`The records of ${item.pk} did not come one after the other.`);
      done.add(item.pk);
      current = item.pk;
      part = { finder: new RangeFinder(current, scope), held: [], count: 0 };
    }
    if (whole) yield item;
    else if (mayHold(item.pk, scope)) {
      part.finder.see(numberOf(item), item.record);
      part.count += 1;
      if (part.count <= HELD) part.held.push(item);
    }
  }
  if (current !== undefined && !whole) yield* chosen(services, current, part);
}
