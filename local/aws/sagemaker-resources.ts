import * as z from 'zod';
import type { RecordedService } from './cloudtrail.ts';
import { type Json, pageOf, readInput } from './input.ts';
import { AwsError, type Loopback, missing } from './loopback.ts';

export const SAGEMAKER: RecordedService = { source: 'aws.sagemaker', eventSource: 'sagemaker.amazonaws.com' };

/** Names of endpoints, configs, models, variants, schedules and components: one pattern, two lengths. */
export const Name = z
  .string()
  .max(63, 'Member must have length less than or equal to 63')
  .regex(
    /^[a-zA-Z0-9](-*[a-zA-Z0-9])*$/,
    'Member must satisfy regular expression pattern: ^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}',
  );

export const TagList = z
  .array(z.strictObject({ Key: z.string().min(1).max(128), Value: z.string().max(256) }))
  .max(50, 'Member must have length less than or equal to 50');

/** What every resource's row holds. Times are epoch milliseconds: AWS shows seconds in answers and these in events. */
export type ResourceRow = { name: string; arn: string; createdAt: number; modifiedAt: number; status?: string };

/** Names are unique without regard to case, and ARNs are written in lower case. */
export const keyOf = (name: string) => name.toLowerCase();

export const arnOf = ({ account, region }: Loopback, kind: string, name: string) =>
  `arn:aws:sagemaker:${region}:${account}:${kind}/${keyOf(name)}`;

export const seconds = (ms: number) => ms / 1000;

/** SageMaker's kinds of things: the store's kind, the word in messages, the part of the ARN. */
const WORDS: Record<string, string> = {
  endpoint: 'endpoint',
  'endpoint-config': 'endpoint configuration',
  model: 'model',
  'inference-component': 'inference component',
  'model-package': 'model package',
};
const wordFor = (kind: string) => WORDS[kind] ?? kind;

export function find<Row>(loopback: Loopback, kind: string, name: string): Row {
  const row = loopback.store.get<Row>(kind, keyOf(name));
  if (!row) throw missing(wordFor(kind), arnOf(loopback, kind, name));
  return row;
}

export function refuseExisting(loopback: Loopback, kind: string, name: string): void {
  if (!loopback.store.get(kind, keyOf(name))) return;
  throw new AwsError(
    'ValidationException',
    `Cannot create already existing ${wordFor(kind)} "${arnOf(loopback, kind, name)}".`,
  );
}

export function putTags(loopback: Loopback, arn: string, tags: z.infer<typeof TagList> | undefined): void {
  if (tags && tags.length > 0) loopback.store.put('tags', arn, { tags });
}

export function removeResource(loopback: Loopback, kind: string, row: ResourceRow): void {
  loopback.store.delete(kind, keyOf(row.name));
  loopback.store.delete('tags', row.arn);
}

const Limit = z.number().int().min(1).max(100).default(10);
const ListInput = z.looseObject({
  MaxResults: Limit,
  NextToken: z.string().optional(),
  NameContains: z.string().optional(),
  StatusEquals: z.string().optional(),
  CreationTimeAfter: z.number().optional(),
  CreationTimeBefore: z.number().optional(),
  LastModifiedTimeAfter: z.number().optional(),
  LastModifiedTimeBefore: z.number().optional(),
  SortBy: z.enum(['Name', 'CreationTime', 'Status', 'LastModifiedTime']).default('CreationTime'),
  SortOrder: z.enum(['Ascending', 'Descending']).default('Descending'),
});

/** What all of SageMaker's List operations do: filter, sort, and answer page by page. */
export function listResources<Row extends ResourceRow>(
  rows: Row[],
  input: Json,
): { items: Row[]; next: string | undefined } {
  const wanted = readInput(ListInput, input);
  const after = (limit: number | undefined, ms: number) => limit === undefined || seconds(ms) > limit;
  const before = (limit: number | undefined, ms: number) => limit === undefined || seconds(ms) < limit;
  const found = rows.filter(
    (row) =>
      row.name.toLowerCase().includes((wanted.NameContains ?? '').toLowerCase()) &&
      (wanted.StatusEquals === undefined || row.status === wanted.StatusEquals) &&
      after(wanted.CreationTimeAfter, row.createdAt) &&
      before(wanted.CreationTimeBefore, row.createdAt) &&
      after(wanted.LastModifiedTimeAfter, row.modifiedAt) &&
      before(wanted.LastModifiedTimeBefore, row.modifiedAt),
  );
  const time = (ms: number) => String(ms).padStart(15, '0');
  const sortKey = (row: Row) => {
    const first = {
      Name: '',
      CreationTime: time(row.createdAt),
      LastModifiedTime: time(row.modifiedAt),
      Status: row.status ?? '',
    }[wanted.SortBy];
    return `${first}/${row.name}`;
  };
  const request = { token: wanted.NextToken, limit: wanted.MaxResults, descending: wanted.SortOrder === 'Descending' };
  return pageOf(found, sortKey, request);
}
