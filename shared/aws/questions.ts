import { type AttributeValue, QueryCommand } from '@aws-sdk/client-dynamodb';
import { refOfStream } from '../model/endpoint-ref.ts';
import { keptAs } from '../model/ledger-index.ts';
import { type AskedSpan, type AskedTime, expressionsOf, type LedgerQuery, QUERIES } from '../model/ledger-question.ts';
import type { With } from './services.ts';

// Asks the ledger what auditors ask: queries only, newest first. From indexes, so a moment behind; nothing is decided
// from it.

/** One record that answers a question: its place, and whatever the index shows of it, as texts. */
export type Answer = {
  stream: string;
  sequence: number;
  at: string;
  kind: string;
  /** What it was found by in the index of questions. */
  questionAt?: string;
  endpoint?: string;
  generation?: string;
} & { [Name in Shown]?: string };
type Shown =
  | 'environment'
  | 'cause'
  | 'result'
  | 'decision'
  | 'reason'
  | 'violations'
  | 'answer'
  | 'review'
  | 'actor'
  | 'request'
  | 'waiver'
  | 'policy'
  | 'from'
  | 'until';

/** What asking has cost so far, as DynamoDB counts it. */
export type AskingCost = { requests: number; readUnits: number };
export const noCost = (): AskingCost => ({ requests: 0, readUnits: 0 });

/** A page of answers; `next` goes on where it ends. */
export type AnswerPage = { answers: Answer[]; next: string | undefined };

type Key = Record<string, AttributeValue>;

/** What an item of the table itself is read as: its record says what an index would show. */
function fromTable(item: Key): Record<string, string> {
  const { record } = item;
  if (!record?.S) return {};
  try {
    const { at, body, actor } = JSON.parse(record.S) as Record<string, Record<string, unknown> & string>;
    return {
      at: String(at),
      kind: String(body?.kind),
      generation: String(body?.generation),
      ...(actor?.person !== undefined && { actor: String(actor.person) }),
      ...(body?.reason !== undefined && { reason: String(body.reason) }),
    };
  } catch {
    return { kind: 'unreadable' };
  }
}

function answerFrom(item: Key): Answer {
  const { pk, sk, record: _record, hash: _hash, question: _question, ...rest } = item;
  const texts = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, value.S ?? '']));
  const shown = { at: '', kind: '', ...fromTable(item), ...texts };
  return { ...shown, stream: pk?.S ?? '', sequence: Number(sk?.S?.slice(0, 9) ?? 0) } as unknown as Answer;
}

/** Asks one page of one query. */
async function ask(
  services: With<'dynamodb'>,
  query: LedgerQuery,
  cost: AskingCost,
  limit: number | undefined,
  from: Key | undefined,
): Promise<{ items: Key[]; next: Key | undefined }> {
  const { condition, names, values, filter } = expressionsOf(query);
  const { Items, LastEvaluatedKey, ConsumedCapacity } = await services.dynamodb.send(
    new QueryCommand({
      TableName: services.config.tables.ledger,
      IndexName: query.index,
      KeyConditionExpression: condition,
      FilterExpression: filter,
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: values,
      ScanIndexForward: false,
      ReturnConsumedCapacity: 'TOTAL',
      Limit: limit,
      ExclusiveStartKey: from,
    }),
  );
  cost.requests += 1;
  cost.readUnits += ConsumedCapacity?.CapacityUnits ?? 0;
  return { items: Items ?? [], next: LastEvaluatedKey };
}

const cursorOf = (query: number, from: Key) => Buffer.from(JSON.stringify([query, from])).toString('base64url');

/** Where a cursor goes on; throws where it is none of ours. */
function placeIn(cursor: string): { query: number; from: Key | undefined } {
  try {
    const [query, from] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as [number, Key];
    const start = typeof from === 'object' && from !== null && Object.keys(from).length > 0 ? from : undefined;
    if (Number.isInteger(query) && query >= 0) return { query, from: start };
  } catch {
    // Told below.
  }
  throw new RangeError('is no place to go on from; it must be what the page before ended with');
}

/** A page of the answers to several queries, one after the other. Throws RangeError for what is no cursor of ours. */
export async function askPage(
  services: With<'dynamodb'>,
  queries: readonly LedgerQuery[],
  { limit, after, cost = noCost() }: { limit: number; after?: string | undefined; cost?: AskingCost },
): Promise<AnswerPage> {
  const answers: Answer[] = [];
  let { query, from } = after === undefined ? { query: 0, from: undefined } : placeIn(after);
  for (; query < queries.length; query += 1) {
    do {
      const { items, next } = await ask(services, queries[query] as LedgerQuery, cost, limit - answers.length, from);
      answers.push(...items.map(answerFrom));
      from = next;
      if (answers.length >= limit && (next || query + 1 < queries.length)) {
        return { answers, next: next ? cursorOf(query, next) : cursorOf(query + 1, {}) };
      }
    } while (from);
  }
  return { answers, next: undefined };
}

/** Every answer. */
export async function* askAll(
  services: With<'dynamodb'>,
  queries: readonly LedgerQuery[],
  cost: AskingCost = noCost(),
): AsyncGenerator<Answer> {
  for (const query of queries) {
    let from: Key | undefined;
    do {
      const { items, next } = await ask(services, query, cost, undefined, from);
      for (const item of items) yield answerFrom(item);
      from = next;
    } while (from);
  }
}

/** A waiver as auditors see it, and the endpoint that it is for. */
export type ListedWaiver = {
  id: string;
  account: string;
  region: string;
  endpoint: string;
  policy: string;
  environment: string;
  from: string;
  until: string;
  approver: string;
  reason: string;
};

const placeOf = (stream: string) => {
  const { account = '', region = '' } = refOfStream(stream) ?? {};
  return { account, region };
};

/** Waivers that were in force at a moment, or at any moment of a time, soonest end last. */
export async function listWaivers(
  services: With<'dynamodb'>,
  on: AskedTime,
  cost?: AskingCost,
): Promise<ListedWaiver[]> {
  const revokedAt = new Map<string, string>();
  const granted: Answer[] = [];
  for await (const answer of askAll(services, QUERIES.waiversOn(on), cost)) {
    if (answer.kind === 'waiver-granted') granted.push(answer);
    else revokedAt.set(answer.waiver ?? '', answer.at);
  }
  return granted
    .filter(({ from = '', until = '', waiver = '' }) => {
      const begins = from > on.from ? from : on.from;
      const ended = revokedAt.get(waiver);
      return begins <= on.to && begins < until && (ended === undefined || begins < ended);
    })
    .map(({ stream, waiver, endpoint, policy, environment, from, until, actor, reason }) => ({
      id: waiver ?? '',
      ...placeOf(stream),
      endpoint: endpoint ?? '',
      policy: policy ?? '',
      environment: environment ?? '',
      from: from ?? '',
      until: until ?? '',
      approver: actor ?? '',
      reason: reason ?? '',
    }));
}

/** Approvals by broken glass, each with what was found about it, or nothing where that is still open. */
export async function listBreakGlass(
  services: With<'dynamodb'>,
  span: AskedSpan,
  cost?: AskingCost,
): Promise<(Answer & { review?: string })[]> {
  // A review may come long after: those of everything that was asked about come after it in time, so they are read to the end.
  const reviews = new Map<string, string>();
  const approvals: Answer[] = [];
  const { from, to } = span;
  for await (const answer of askAll(services, QUERIES.breakGlass({ ...span, to: LATEST }), cost)) {
    if (answer.kind === 'break-glass-reviewed') reviews.set(answer.request ?? '', answer.answer ?? '');
    else if (answer.at >= from && answer.at < to) approvals.push(answer);
  }
  return approvals.map((answer) => {
    const review = reviews.get(answer.request ?? '');
    return { ...answer, ...(review !== undefined && { review }) };
  });
}
const LATEST = '9999-12-31T23:59:59.999Z';

/** Decisions that were made under some prices, whatever the limits. */
export async function* decidedUnderPrices(
  services: With<'dynamodb'>,
  priceDigest: string,
  cost?: AskingCost,
): AsyncGenerator<Answer> {
  const limits: string[] = [];
  for await (const { questionAt = '' } of askAll(services, QUERIES.allLimits(), cost)) {
    limits.push(questionAt.replace(keptAs('limits', ''), ''));
  }
  yield* askAll(services, QUERIES.underPrices(priceDigest, limits), cost);
}
