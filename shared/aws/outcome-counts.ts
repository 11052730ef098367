import { paginateQuery } from '@aws-sdk/client-dynamodb';
import pLimit from 'p-limit';
import { Environment } from '../model/environment.ts';
import { monthly } from '../model/ledger-index.ts';
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

/** Reads the outcomes of one partition of an index, from a day on, and counts them by day. */
async function count(
  services: With<'dynamodb'>,
  { index, key, value }: { index: string; key: string; value: string },
  from: string,
): Promise<Map<string, DayCounts>> {
  const days = new Map<string, DayCounts>();
  const pages = paginateQuery(
    { client: services.dynamodb },
    {
      TableName: services.config.tables.ledger,
      IndexName: index,
      KeyConditionExpression: '#hash = :hash AND #at >= :from',
      // An opening has no result.
      FilterExpression: 'attribute_exists(#result)',
      ExpressionAttributeNames: { '#hash': key, '#at': 'at', '#result': 'result' },
      ExpressionAttributeValues: { ':hash': { S: value }, ':from': { S: from } },
      ProjectionExpression: '#at, #result',
    },
  );
  for await (const { Items = [] } of pages) {
    for (const { at, result } of Items) {
      const day = at?.S?.slice(0, 10) ?? '';
      const { data } = Result.safeParse(result?.S);
      if (!data) continue;
      const counts = days.get(day) ?? {};
      counts[data] = (counts[data] ?? 0) + 1;
      days.set(day, counts);
    }
  }
  return days;
}

/** A long time is read from the index that holds nothing but outcomes; the present day from the one with fewer partitions. */
const partitions = (month: string, today: boolean) =>
  today
    ? Environment.options.map((each) => ({
        index: 'by-environment-month',
        key: 'environmentMonth',
        value: monthly(each, month),
      }))
    : Result.options.map((each) => ({ index: 'by-outcome-month', key: 'outcomeMonth', value: monthly(each, month) }));

/**
 * Outcomes by day from `first` until now, from an index that can lag by a moment. What is over is counted once in the
 * life of a container; afterwards it takes one small query for each environment.
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
      partitions(month, from === today).map((partition) => limited(() => count(services, partition, from))),
    ),
  );
  const counted = new Map<string, DayCounts>();
  for (let day = first; day < from; day = dayFrom(day, 1)) counted.set(day, known.get(day) ?? {});
  for (let day = from; day <= today; day = dayFrom(day, 1)) counted.set(day, {});
  for (const [day, of] of found.flatMap((days) => [...days])) {
    const counts = counted.get(day);
    if (!counts) continue;
    for (const [result, number] of Object.entries(of) as [Result, number][])
      counts[result] = (counts[result] ?? 0) + number;
  }
  for (const [day, counts] of counted) {
    if (Date.parse(`${day}T00:00:00Z`) + DAY_MS + SETTLED_AFTER_MS <= Date.parse(now)) known.set(day, counts);
  }
  return counted;
}
