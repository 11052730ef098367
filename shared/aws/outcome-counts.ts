import { paginateQuery } from '@aws-sdk/client-dynamodb';
import pLimit from 'p-limit';
import { Result } from '../model/ledger-record.ts';
import { monthsFrom } from '../model/month.ts';
import type { With } from './services.ts';

/** How many changes ended in each way on one day. */
export type DayCounts = Partial<Record<Result, number>>;

const AT_ONCE = 16;
/** The ledger only grows, and at its end: a day that has been over for so long has all the outcomes it will ever have. */
const SETTLED_AFTER_MS = 10 * 60_000;
const DAY_MS = 86_400_000;

/** Days that are over, as this container has counted them. By its cache, which tells containers apart. */
const containers = new WeakMap<object, Map<string, DayCounts>>();

/** `2026-11-20` and 1 -> `2026-11-21` */
export const dayFrom = (day: string, count: number): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + count * DAY_MS).toISOString().slice(0, 10);

/** Reads one result's outcomes of one month, from a day on, and counts them by day. */
async function count(services: With<'dynamodb'>, result: Result, month: string, from: string) {
  const days = new Map<string, number>();
  const pages = paginateQuery(
    { client: services.dynamodb },
    {
      TableName: services.config.tables.ledger,
      IndexName: 'by-outcome-month',
      KeyConditionExpression: 'outcomeMonth = :hash AND #at >= :from',
      ExpressionAttributeNames: { '#at': 'at' },
      ExpressionAttributeValues: { ':hash': { S: `${result}#${month}` }, ':from': { S: from } },
      ProjectionExpression: '#at',
    },
  );
  for await (const { Items = [] } of pages) {
    for (const { at } of Items) {
      const day = at?.S?.slice(0, 10) ?? '';
      days.set(day, (days.get(day) ?? 0) + 1);
    }
  }
  return days;
}

/**
 * Outcomes by day from `first` until now, from an index that can lag by a moment. What is over is counted once in the
 * life of a container; afterwards it takes one small query for each result.
 */
export async function countOutcomes(services: With<'dynamodb'>, first: string): Promise<Map<string, DayCounts>> {
  const now = services.now();
  const today = now.slice(0, 10);
  const known = containers.get(services.cache) ?? new Map<string, DayCounts>();
  containers.set(services.cache, known);
  let from = first;
  while (from < today && known.has(from)) from = dayFrom(from, 1);
  const months: string[] = [];
  for (let month = from.slice(0, 7); month <= today.slice(0, 7); month = monthsFrom(month, 1)) months.push(month);
  const limited = pLimit(AT_ONCE);
  const found = await Promise.all(
    months.flatMap((month) =>
      Result.options.map((result) =>
        limited(async () => ({ result, days: await count(services, result, month, from) })),
      ),
    ),
  );
  const counted = new Map<string, DayCounts>();
  for (let day = first; day < from; day = dayFrom(day, 1)) counted.set(day, known.get(day) ?? {});
  for (let day = from; day <= today; day = dayFrom(day, 1)) counted.set(day, {});
  for (const { result, days } of found) {
    for (const [day, number] of days) {
      const counts = counted.get(day);
      if (counts) counts[result] = number;
    }
  }
  for (const [day, counts] of counted) {
    if (Date.parse(`${day}T00:00:00Z`) + DAY_MS + SETTLED_AFTER_MS <= Date.parse(now)) known.set(day, counts);
  }
  return counted;
}
