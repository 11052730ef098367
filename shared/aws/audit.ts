import { paginateScan } from '@aws-sdk/client-dynamodb';
import { canonicalJson, sha256 } from '../model/canonical-json.ts';
import { streamOf } from '../model/endpoint-ref.ts';
import { GENESIS, LedgerRecord, recordHash, sortKey } from '../model/ledger-record.ts';
import type { Standing } from '../model/trail-comparison.ts';
import { type LedgerItem, readWholeStream } from './ledger.ts';
import type { With } from './services.ts';

/** The keys of all streams. Reads every key of the table, so it is for audits, not for pages. */
export async function listStreams(services: With<'dynamodb'>): Promise<string[]> {
  const found = new Set<string>();
  const pages = paginateScan(
    { client: services.dynamodb },
    { TableName: services.config.tables.ledger, ProjectionExpression: 'pk', ConsistentRead: true },
  );
  for await (const page of pages) for (const { pk } of page.Items ?? []) found.add(pk?.S ?? '');
  return [...found].sort();
}

export type Broken = { stream: string; sequence: number; sortKey: string; problem: string };
export type Verification = { stream: string; records: number; head: string; broken: Broken | undefined };

/** What is wrong with an item, given what the one before it leads to expect; undefined where nothing is. */
function problemOf(item: LedgerItem, stream: string, sequence: number, previous: string): string | undefined {
  const parsed = LedgerRecord.safeParse(item.record);
  if (!parsed.success)
    return `is no ledger record: ${parsed.error.issues[0]?.path.join('.')} ${parsed.error.issues[0]?.message}`;
  const { record, text } = item;
  if (canonicalJson(record) !== text) return 'is not stored in its canonical form';
  if (record.sequence > sequence) return `follows a gap: record ${sequence} is missing`;
  if (record.sequence !== sequence) return `has sequence ${record.sequence} where ${sequence} was expected`;
  if (record.previous !== previous) return 'does not continue the record before it, which was changed or replaced';
  if (item.sk !== sortKey(record.sequence, record.previous)) return 'is stored under a key that does not fit it';
  if (streamOf(record.endpoint) !== stream || item.pk !== stream) return 'belongs to another endpoint';
  if (item.hash !== recordHash(record)) return 'was changed after it was written: its hash does not fit';
  return undefined;
}

/**
 * Walks one stream from its first record and names the first that is broken. A chain alone cannot tell that records
 * are missing at its end: that takes checkpoints or a copy outside the table. `look` is shown every item, whatever is wrong.
 */
export async function verifyStream(
  services: With<'dynamodb'>,
  stream: string,
  look: (item: LedgerItem) => void = () => undefined,
): Promise<Verification> {
  let previous = GENESIS;
  let sequence = 0;
  let broken: Broken | undefined;
  for await (const item of readWholeStream(services, stream)) {
    look(item);
    if (broken) continue;
    sequence += 1;
    const problem = problemOf(item, stream, sequence, previous);
    if (problem) broken = { stream, sequence, sortKey: item.sk, problem };
    else previous = recordHash(item.record);
  }
  return { stream, records: sequence, head: previous, broken };
}

/** An item as it stands in its place, which its key tells, and not what its text says. */
export function standingOf({ sk, text, record }: LedgerItem): Standing {
  const at = (record as { at?: unknown }).at;
  return {
    sequence: Number(/^\d{9}/.exec(sk)?.[0] ?? 0),
    sortKey: sk,
    hash: sha256(text),
    at: typeof at === 'string' ? at : undefined,
  };
}
