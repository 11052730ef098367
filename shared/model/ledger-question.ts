import {
  BREAK_GLASS,
  decidedUnder,
  keptAs,
  monthly,
  outOfBandIn,
  pricedUnder,
  QUESTIONS,
  RECONCILED,
  SETTINGS,
  unplannedIn,
  WAIVERS,
} from './ledger-index.ts';

// What auditors ask, and the queries that answer it: no scan, and no more read than is asked for. Data only, so that the
// command, the page of documentation, the tests and the benchmark all have the same ones.

/** One query of the ledger: of the table where it names no index. */
export type LedgerQuery = {
  index?: string;
  key: [name: string, value: string];
  /** Bounds of the sort key, both of them in it; or what it begins with. */
  range?: { name: string } & ({ between: [string, string] } | { begins: string });
  /** What is read and left out again. */
  only?: Record<string, string>;
};

/** A query as DynamoDB takes it, of the API and of the AWS CLI alike. */
export function expressionsOf({ key: [name, value], range, only = {} }: LedgerQuery) {
  const names: Record<string, string> = { '#key': name };
  const values: Record<string, { S: string }> = { ':key': { S: value } };
  let condition = '#key = :key';
  if (range) {
    names['#range'] = range.name;
    if ('begins' in range) {
      condition += ' AND begins_with(#range, :begins)';
      values[':begins'] = { S: range.begins };
    } else {
      condition += ' AND #range BETWEEN :from AND :to';
      [values[':from'], values[':to']] = [{ S: range.between[0] }, { S: range.between[1] }];
    }
  }
  const filters = Object.entries(only).map(([attribute, wanted]) => {
    names[`#${attribute}`] = attribute;
    values[`:${attribute}`] = { S: wanted };
    return `#${attribute} = :${attribute}`;
  });
  return { condition, names, values, filter: filters.length > 0 ? filters.join(' AND ') : undefined };
}

/** The span of time that is asked about: moments (ISO 8601), the second not in it, and the months that it touches. */
export type AskedSpan = { from: string; to: string; months: readonly string[] };

/** A moment, or a day or another time: from its first moment to its last, both in it. */
export type AskedTime = { from: string; to: string };

/** The last moment of all, and a millisecond before a moment, for bounds that are part of their range. */
const before = (moment: string) => new Date(Date.parse(moment) - 1).toISOString();
const at = ({ from, to }: AskedSpan, name = 'at'): NonNullable<LedgerQuery['range']> => ({
  name,
  between: [from, before(to)],
});

/** No waiver is longer: see `waiverMaxDays` in shared/policies/settings.ts, whose highest value it is. */
const LONGEST_WAIVER_MS = 366 * 86_400_000;

const question = (value: string, range?: LedgerQuery['range']): LedgerQuery => ({
  index: QUESTIONS,
  key: ['question', value],
  ...(range && { range }),
});
/** One query for each month, newest first; a month's ends are cut where the span's are. */
const byMonth = (span: AskedSpan, of: (month: string) => LedgerQuery) => span.months.map(of);

/** The queries for each question. Waivers, open reviews and prices take a step more: see shared/aws/questions.ts. */
export const QUERIES = {
  /** Everything about one endpoint: the stream of it, or of its plans. */
  stream: (stream: string): LedgerQuery[] => [{ key: ['pk', stream] }],
  environment: (environment: string, span: AskedSpan) =>
    byMonth(span, (month) => ({
      index: 'by-environment-month',
      key: ['environmentMonth', monthly(environment, month)],
      range: at(span),
    })),
  result: (result: string, span: AskedSpan) =>
    byMonth(span, (month) => ({
      index: 'by-outcome-month',
      key: ['outcomeMonth', monthly(result, month)],
      range: at(span),
    })),
  approvedBy: (person: string, span: AskedSpan): LedgerQuery[] => [
    {
      index: 'by-actor',
      key: ['actor', person],
      range: at(span),
      only: { answer: 'approved' },
    },
  ],
  unplanned: (span: AskedSpan) => byMonth(span, (month) => question(unplannedIn(month), at(span, 'questionAt'))),
  outOfBand: (span: AskedSpan) => byMonth(span, (month) => question(outOfBandIn(month), at(span, 'questionAt'))),
  breakGlass: (span: AskedSpan) => [question(BREAK_GLASS, at(span, 'questionAt'))],
  /** Waivers that had not ended by `from`; those that began after `to` or were revoked before are left out afterwards. */
  waiversOn: ({ from, to }: AskedTime) => {
    const longest = new Date(Date.parse(to) + LONGEST_WAIVER_MS).toISOString();
    return [question(WAIVERS, { name: 'questionAt', between: [from, longest] })];
  },
  underLimits: (policyDigest: string) => [question(decidedUnder(policyDigest))],
  /** Under any of these limits and these prices. */
  underPrices: (priceDigest: string, policyDigests: readonly string[]) =>
    policyDigests.map((each) => question(decidedUnder(each), { name: 'questionAt', begins: pricedUnder(priceDigest) })),
  /** All limits that are on record. */
  allLimits: () => [question(SETTINGS, { name: 'questionAt', begins: keptAs('limits', '') })],
  settings: (what: 'limits' | 'prices', digest: string) => [
    question(SETTINGS, { name: 'questionAt', begins: keptAs(what, digest) }),
  ],
  reconciled: (span: AskedSpan) => [question(RECONCILED, at(span, 'questionAt'))],
} satisfies Record<string, (...given: never[]) => LedgerQuery[]>;

/** The sweep looks so far back for waivers that have ended, so that a sweep that failed for days misses none. */
export const WAIVERS_ENDED_WITHIN_MS = 3 * 86_400_000;

/** Waivers that ended by now, and not longer ago than that. */
export function waiversEnded(now: string, withinMs: number): LedgerQuery[] {
  const from = new Date(Date.parse(now) - withinMs).toISOString();
  return [question(WAIVERS, { name: 'questionAt', between: [from, now] })];
}

/** The months from a first moment to a last one, newest first: `2026-11`, `2026-10`. */
export function monthsBetween(from: string, to: string): string[] {
  const months: string[] = [];
  const last = before(to).slice(0, 7);
  const month = new Date(`${from.slice(0, 7)}-01T00:00:00Z`);
  while (month.toISOString().slice(0, 7) <= last) {
    months.unshift(month.toISOString().slice(0, 7));
    month.setUTCMonth(month.getUTCMonth() + 1);
  }
  return months;
}

/** From one moment to another. */
export const spanBetween = (from: string, to: string): AskedSpan => ({ from, to, months: monthsBetween(from, to) });

/** The whole of a month (`2026-11`), and so many before it. */
export function spanOfMonths(month: string, count = 1): AskedSpan {
  const start = new Date(`${month}-01T00:00:00Z`);
  const end = new Date(start);
  start.setUTCMonth(start.getUTCMonth() - (count - 1));
  end.setUTCMonth(end.getUTCMonth() + 1);
  return spanBetween(start.toISOString(), end.toISOString());
}
