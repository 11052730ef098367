import { type AttributeValue, QueryCommand } from '@aws-sdk/client-dynamodb';
import type { ChangeRow } from '../model/change-row.ts';
import { changeOf } from '../model/endpoint-history.ts';
import { refOfStream } from '../model/endpoint-ref.ts';
import type { LedgerRecord } from '../model/ledger-record.ts';
import { readStream } from './ledger.ts';
import type { With } from './services.ts';

/** What became of a change after it was opened. */
export type Aftermath = {
  /** Where its outcome stands, if it has one. */
  outcome?: { at: string; pk: string; sequence: string };
  /** What a list says of it. */
  row: Partial<Pick<ChangeRow, 'state' | 'at' | 'reason' | 'request'>>;
};

/** Small records follow an opening; the next large one is of the next change. */
const PAGE = 20;
/** More than that between an opening and its outcome is another's flood of events; then it counts as open. */
const MOST_PAGES = 5;

/** Reads on in a stream from the record that opened a change. For showing: one query as a rule, eventually consistent. */
export async function readAfterwards(
  services: With<'dynamodb'>,
  pk: string,
  sk: string,
  generation: number,
): Promise<Aftermath> {
  let request: string | undefined;
  let from: Record<string, AttributeValue> | undefined;
  for (let pages = 0; pages < MOST_PAGES; pages += 1) {
    const { Items = [], LastEvaluatedKey } = await services.dynamodb.send(
      new QueryCommand({
        TableName: services.config.tables.ledger,
        KeyConditionExpression: 'pk = :pk AND sk > :sk',
        FilterExpression: 'generation = :generation AND kind IN (:outcome, :requested, :given, :decided)',
        ExpressionAttributeValues: {
          ':pk': { S: pk },
          ':sk': { S: sk },
          ':generation': { S: String(generation) },
          ':outcome': { S: 'outcome' },
          ':requested': { S: 'approval-requested' },
          ':given': { S: 'approval-given' },
          ':decided': { S: 'decided' },
        },
        Limit: PAGE,
        ExclusiveStartKey: from,
      }),
    );
    for (const item of Items) {
      const { body, at, sequence } = JSON.parse(item.record?.S ?? '') as LedgerRecord;
      if (!('generation' in body) || body.generation !== generation) continue;
      if (body.kind === 'outcome') {
        const outcome = { at, pk, sequence: String(sequence).padStart(9, '0') };
        return { outcome, row: { state: body.result, at, reason: body.reason } };
      }
      if (body.kind === 'approval-requested') request = body.request;
      if (body.kind === 'decided' || (body.kind === 'approval-given' && body.decides)) request = undefined;
    }
    from = LastEvaluatedKey;
    if (!from) break;
  }
  return { row: request === undefined ? {} : { request } };
}

/**
 * A change whose maker an event named after it had been opened, as a row; undefined where it is listed by its outcome
 * already, or was never opened.
 */
export async function readNamed(
  services: With<'dynamodb'>,
  pk: string,
  generation: number,
  person: string,
): Promise<ChangeRow | undefined> {
  const ref = refOfStream(pk);
  if (!ref || ref.about) return undefined;
  const { history, records } = await readStream(services, ref, generation);
  const change = changeOf(history, generation);
  const { opened, outcome, request, decided } = change ?? {};
  if (!opened || outcome?.requesters[0] === person) return undefined;
  const at = change?.records.findLast(({ body }) => body.kind === 'outcome' || body.kind === 'change-opened')?.at ?? '';
  return {
    endpoint: records.at(-1)?.endpoint.name ?? ref.name,
    account: ref.account,
    region: ref.region,
    environment: opened.environment.name,
    generation,
    planned: ref.planned === true,
    at,
    state: outcome?.result ?? 'open',
    reason: outcome?.reason ?? null,
    cause: opened.cause,
    who: person,
    ...(request && !decided && !outcome && { request: request.request }),
  };
}
