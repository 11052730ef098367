import { type AttributeValue, paginateQuery } from '@aws-sdk/client-dynamodb';
import type { ChangeRow } from '../model/change-row.ts';
import { Environment } from '../model/environment.ts';
import { Result } from '../model/ledger-record.ts';
import type { With } from './services.ts';

const INDEX = 'by-environment-month';
/** Without a month, this one and the two before are listed. */
const MONTHS = 3;
const PAGE = 500;
/** How far into the neighbouring months the other halves of changes are looked for. */
const NEIGHBOUR_PAGES = 2;

export type ChangeQuery = {
  environments?: readonly Environment[];
  /** `2026-11`; without one the last three months. */
  month?: string;
  state?: ChangeRow['state'];
  limit: number;
};

/** A row, and whether its opening was seen: that is the half which names who. */
type Half = { row: ChangeRow; opened: boolean };
type Halves = Map<string, Half>;

/** `2026-12` and 1 -> `2027-01` */
export function monthsFrom(month: string, count: number): string {
  const date = new Date(`${month}-01T00:00:00Z`);
  date.setUTCMonth(date.getUTCMonth() + count);
  return date.toISOString().slice(0, 7);
}

/** Adds one index item to the change it is about. Newest first, the outcome comes before the opening; order does not matter. */
function fold(
  halves: Halves,
  item: Record<string, AttributeValue>,
  environment: Environment,
  onlyKnown: boolean,
): void {
  const text = (name: string) => item[name]?.S ?? null;
  const key = `${text('pk')}#${text('generation')}`;
  const known = halves.get(key);
  if (!known && onlyKnown) return;
  const [stream, account = '', region = '', name = ''] = (text('pk') ?? '').split('#');
  const fresh: ChangeRow = {
    endpoint: text('endpoint') ?? name,
    account,
    region,
    environment,
    generation: Number(text('generation')),
    planned: stream === 'plan',
    at: text('at') ?? '',
    state: 'open',
    reason: null,
    cause: null,
    who: null,
  };
  const { row, opened } = known ?? { row: fresh, opened: false };
  const result = text('kind') === 'outcome' ? Result.safeParse(text('result')).data : undefined;
  halves.set(key, {
    row: {
      ...row,
      ...(result ? { state: result, reason: text('reason'), at: fresh.at } : {}),
      cause: row.cause ?? text('cause'),
      who: row.who ?? text('actor'),
    },
    opened: opened || text('kind') === 'change-opened',
  });
}

function pagesOf(services: With<'dynamodb'>, environment: Environment, month: string, newestFirst: boolean) {
  return paginateQuery(
    { client: services.dynamodb, pageSize: PAGE },
    {
      TableName: services.config.tables.ledger,
      IndexName: INDEX,
      KeyConditionExpression: 'environmentMonth = :month',
      ExpressionAttributeValues: { ':month': { S: `${environment}#${month}` } },
      ScanIndexForward: !newestFirst,
    },
  );
}

/** Looks into a neighbouring month for what is missing of the changes already found. */
async function complete(
  services: With<'dynamodb'>,
  halves: Halves,
  environment: Environment,
  month: string,
  newestFirst: boolean,
) {
  const missing = ({ row, opened }: Half) => (newestFirst ? !opened : row.state === 'open');
  let pages = 0;
  if (![...halves.values()].some(missing)) return;
  for await (const page of pagesOf(services, environment, month, newestFirst)) {
    for (const item of page.Items ?? []) fold(halves, item, environment, true);
    pages += 1;
    if (pages === NEIGHBOUR_PAGES || ![...halves.values()].some(missing)) return;
  }
}

async function listIn(
  environment: Environment,
  services: With<'dynamodb'>,
  { month, state, limit }: ChangeQuery,
): Promise<ChangeRow[]> {
  const halves: Halves = new Map();
  const rows = () =>
    [...halves.values()].map(({ row }) => row).filter((row) => state === undefined || row.state === state);
  const thisMonth = services.now().slice(0, 7);
  const months = month ? [month] : Array.from({ length: MONTHS }, (_, index) => monthsFrom(thisMonth, -index));
  for (const each of months) {
    for await (const page of pagesOf(services, environment, each, true)) {
      for (const item of page.Items ?? []) fold(halves, item, environment, false);
      if (rows().length >= limit) break;
    }
    if (rows().length >= limit) break;
  }
  // A change that opened in one month may end in the next.
  if (month && month < thisMonth) await complete(services, halves, environment, monthsFrom(month, 1), false);
  if (month) await complete(services, halves, environment, monthsFrom(month, -1), true);
  return rows();
}

/**
 * Changes, newest first, from an index of the ledger: quick, a moment behind, and good for looking around only.
 * Nothing is ever decided from it.
 */
export async function listChanges(services: With<'dynamodb'>, query: ChangeQuery): Promise<ChangeRow[]> {
  const environments = query.environments ?? Environment.options;
  const lists = await Promise.all(environments.map((environment) => listIn(environment, services, query)));
  return lists
    .flat()
    .sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0))
    .slice(0, query.limit);
}
