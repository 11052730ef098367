import { type AttributeValue, QueryCommand } from '@aws-sdk/client-dynamodb';
import { type ChangeHistory, historyOf } from '../model/endpoint-history.ts';
import { type EndpointRef, streamOf } from '../model/endpoint-ref.ts';
import type { LedgerRecord } from '../model/ledger-record.ts';
import type { With } from './services.ts';

/** Changes on a page, as far as one reading goes; a page has more where a stream is short of records. */
const WANTED = 15;
const PAGE = 60;
/** So many records are enough for one page, if they hold a whole change: a change can have had a flood of events. */
const ENOUGH = 300;

/** Where an older page begins: changes before this number, in records before this sequence. */
export type StreamPlace = { sequence: number; generation: number };

export type StreamPage = {
  /** Whole changes, newest first. */
  changes: ChangeHistory[];
  /** Their records and those around them, oldest first. */
  records: LedgerRecord[];
  older: StreamPlace | undefined;
};

export const streamCursor = ({ sequence, generation }: StreamPlace): string => `${sequence}-${generation}`;

/** The place that a cursor stands for; undefined for what is none of ours. */
export function streamPlace(cursor: string): StreamPlace | undefined {
  const [, sequence, generation] = /^([1-9]\d{0,8})-([1-9]\d{0,8})$/.exec(cursor) ?? [];
  return sequence && generation ? { sequence: Number(sequence), generation: Number(generation) } : undefined;
}

/** Begun in these records, so that nothing older belongs to it but an early word from CloudTrail. */
const isWhole = ({ opened, joined }: ChangeHistory) => (opened ?? joined) !== undefined;

/** The changes of a stream, newest first, from a place on, read consistently. */
export async function pageStream(
  services: With<'dynamodb'>,
  ref: EndpointRef,
  from?: StreamPlace,
): Promise<StreamPage> {
  const newestFirst: LedgerRecord[] = [];
  let key: Record<string, AttributeValue> | undefined;
  const changesIn = () =>
    historyOf([...newestFirst].reverse()).changes.filter(
      ({ generation }) => from === undefined || generation < from.generation,
    );
  const isEnough = () => {
    const whole = changesIn().filter(isWhole).length;
    return whole >= WANTED || (whole > 0 && newestFirst.length >= ENOUGH);
  };
  do {
    const { Items = [], LastEvaluatedKey } = await services.dynamodb.send(
      new QueryCommand({
        TableName: services.config.tables.ledger,
        KeyConditionExpression: from ? 'pk = :pk AND sk < :before' : 'pk = :pk',
        ExpressionAttributeValues: {
          ':pk': { S: streamOf(ref) },
          ...(from && { ':before': { S: String(from.sequence).padStart(9, '0') } }),
        },
        ScanIndexForward: false,
        ConsistentRead: true,
        Limit: PAGE,
        ExclusiveStartKey: key,
      }),
    );
    newestFirst.push(...Items.map(({ record }) => JSON.parse(record?.S ?? '') as LedgerRecord));
    key = LastEvaluatedKey;
  } while (key && !isEnough());
  const found = changesIn().reverse();
  const records = newestFirst.reverse();
  if (!key) return { changes: found, records, older: undefined };
  // A change of which the beginning was not read comes on the next page, with everything before it.
  const cut = found.find((change) => !isWhole(change))?.generation ?? 0;
  const changes = found.filter(({ generation }) => generation > cut);
  const oldest = changes.at(-1)?.generation ?? (found.at(-1)?.generation ?? 1) + 1;
  const before = records.findLast(({ body }) => body.generation < oldest)?.sequence;
  const sequence = before === undefined ? (records[0]?.sequence ?? 1) : before + 1;
  return { changes, records, older: { sequence, generation: oldest } };
}
