import {
  type Answer,
  type AskingCost,
  askPage,
  decidedUnderPrices,
  listBreakGlass,
  listWaivers,
  noCost,
} from '../shared/aws/questions.ts';
import type { Services } from '../shared/aws/services.ts';
import { csvLine } from '../shared/model/csv.ts';
import { refOfStream } from '../shared/model/endpoint-ref.ts';
import { Environment } from '../shared/model/environment.ts';
import {
  type AskedSpan,
  type LedgerQuery,
  QUERIES,
  spanBetween,
  spanOfMonths,
} from '../shared/model/ledger-question.ts';
import { auditList, streamFor } from './audit.ts';
import { type AwsOptions, monthOf, servicesFor } from './context.ts';
import { CliError, EXIT, json, type Output, table } from './output.ts';
import { momentOf, timeOf } from './trail-scope.ts';

/** What `audit list` can be asked; one question at a time, and when. */
export type QueryOptions = AwsOptions & {
  json?: boolean;
  csv?: boolean;
  month?: string;
  from?: string;
  to?: string;
  environment?: string;
  result?: string;
  blocked?: boolean;
  approvedBy?: string;
  unplanned?: boolean;
  outOfBand?: boolean;
  breakGlass?: boolean;
  open?: boolean;
  waiversOn?: string;
  policyDigest?: string;
  priceDigest?: string;
  reconciliations?: boolean;
  endpoint?: string;
  limit?: string;
  after?: string;
};

const FLAGS: Record<string, string> = {
  environment: '--environment',
  result: '--result',
  blocked: '--blocked',
  approvedBy: '--approved-by',
  unplanned: '--unplanned',
  outOfBand: '--out-of-band',
  breakGlass: '--break-glass',
  waiversOn: '--waivers-on',
  policyDigest: '--policy-digest',
  priceDigest: '--price-digest',
  reconciliations: '--reconciliations',
  endpoint: '--endpoint',
};

/** When is asked about: a month, or from one moment to another, or else this month and the two before. */
export function spanOf({ month, from, to }: QueryOptions, now: string): AskedSpan {
  const asked = monthOf(month);
  if (asked !== undefined && (from ?? to) !== undefined)
    throw new CliError('Say --month, or --from and --to, not both.', EXIT.usage);
  if (asked !== undefined) return spanOfMonths(asked);
  if (from === undefined && to === undefined) return spanOfMonths(now.slice(0, 7), 3);
  if (from === undefined) throw new CliError('--to needs --from.', EXIT.usage);
  const [first, last] = [momentOf('--from', from), to === undefined ? now : momentOf('--to', to)];
  if (!(first < last)) throw new CliError(`--from is ${first}; it must be before ${last}.`, EXIT.usage);
  return spanBetween(first, last);
}

const DIGEST = /^[0-9a-f]{64}$/;
function digestFrom(flag: string, text: string): string {
  if (DIGEST.test(text)) return text;
  throw new CliError(
    `${flag} is ${text}; it must be the 64 hexadecimal digits that a decision has on record.`,
    EXIT.usage,
  );
}

const GRANTED = 'waiver-granted';

/** What answers a question: queries that can be asked a page at a time, or all of it at once. */
type Asking =
  | { queries: readonly LedgerQuery[] }
  | { all: (services: Services, cost: AskingCost) => AsyncIterable<Answer> | Promise<readonly Answer[]> };

async function asked(options: QueryOptions, services: Services): Promise<Asking> {
  const span = spanOf(options, services.now());
  const { environment, result, approvedBy, waiversOn, policyDigest, priceDigest, endpoint } = options;
  if (environment !== undefined) {
    const { data } = Environment.safeParse(environment);
    if (!data) throw new CliError(`--environment is ${environment}; it must be dev, staging or prod.`, EXIT.usage);
    return { queries: QUERIES.environment(data, span) };
  }
  if (options.blocked) return { queries: QUERIES.result('blocked', span) };
  if (result !== undefined) return { queries: QUERIES.result(result, span) };
  if (approvedBy !== undefined) return { queries: QUERIES.approvedBy(approvedBy, span) };
  if (options.unplanned) return { queries: QUERIES.unplanned(span) };
  if (options.outOfBand) return { queries: QUERIES.outOfBand(span) };
  if (options.reconciliations) return { queries: QUERIES.reconciled(span) };
  if (policyDigest !== undefined) return { queries: QUERIES.underLimits(digestFrom('--policy-digest', policyDigest)) };
  if (endpoint !== undefined) return { queries: QUERIES.stream(await streamFor(services, endpoint)) };
  if (options.breakGlass)
    return {
      all: async (on, cost) => {
        const found = await listBreakGlass(on, span, cost);
        return options.open ? found.filter(({ review }) => review === undefined) : found;
      },
    };
  if (waiversOn !== undefined) {
    const on = timeOf('--waivers-on', waiversOn);
    return {
      all: async (services, cost) =>
        (await listWaivers(services, on, cost)).map(({ id, approver, ...waiver }) => ({
          ...waiver,
          waiver: id,
          actor: approver,
          at: waiver.from,
          kind: GRANTED,
          stream: `endpoint#${waiver.account}#${waiver.region}#${waiver.endpoint.toLowerCase()}`,
          sequence: 0,
        })),
    };
  }
  const digest = digestFrom('--price-digest', priceDigest ?? '');
  return { all: (on, cost) => decidedUnderPrices(on, digest, cost) };
}

/** Columns of an answer, as `--csv` has them too. */
const COLUMNS = ['at', 'account', 'region', 'endpoint', 'change', 'sequence', 'kind', 'what', 'who', 'reason'] as const;
type Row = Record<(typeof COLUMNS)[number], string>;

/** What a record says in a word: how a change ended, what was decided, what was answered. */
const whatOf = ({ result, decision, answer, review, policy, until, cause }: Answer) =>
  [
    result ?? decision ?? answer ?? (policy && `${policy}${until ? ` until ${until}` : ''}`) ?? cause,
    review && `review: ${review}`,
  ]
    .filter(Boolean)
    .join(', ');

function rowOf(answer: Answer): Row {
  const ref = refOfStream(answer.stream);
  const number = answer.generation ?? '';
  return {
    at: answer.at,
    account: ref?.account ?? '',
    region: ref?.region ?? '',
    endpoint: answer.endpoint ?? ref?.name ?? '',
    change: ref?.planned ? `plan ${number}` : number,
    sequence: answer.sequence > 0 ? String(answer.sequence) : '',
    kind: answer.kind,
    what: whatOf(answer),
    who: answer.actor ?? '',
    reason: answer.reason ?? '',
  };
}

const PAGE = 1_000;

/** `audit list`: with a question its answers, else the changes of some months. */
export async function auditQuery(options: QueryOptions, output: Output): Promise<number> {
  const given = Object.keys(FLAGS).filter((name) => options[name as keyof QueryOptions] !== undefined);
  // A whole month of one endpoint's changes was always asked for like this.
  if (given.length === 0 || (given.join() === 'endpoint' && options.month !== undefined))
    return auditList(options, output);
  if (given.length > 1)
    throw new CliError(`One question at a time: ${given.map((name) => FLAGS[name]).join(' or ')}.`, EXIT.usage);
  if (options.open && !options.breakGlass) throw new CliError('--open belongs to --break-glass.', EXIT.usage);
  const limit = Number(options.limit ?? PAGE);
  if (!Number.isInteger(limit) || limit < 1)
    throw new CliError(`--limit is ${options.limit}; it must be a whole number above 0.`, EXIT.usage);

  const services = servicesFor(options);
  const asking = await asked(options, services);
  const cost = noCost();
  let [answers, next]: [Answer[], string | undefined] = [[], undefined];
  if ('queries' in asking) {
    try {
      ({ answers, next } = await askPage(services, asking.queries, { limit, after: options.after, cost }));
    } catch (error) {
      if (error instanceof RangeError) throw new CliError(`--after ${error.message}.`, EXIT.usage);
      throw error;
    }
  } else for await (const answer of await asking.all(services, cost)) answers.push(answer);

  const rows = answers.map(rowOf);
  if (options.json) output.out(json({ answers, ...(next !== undefined && { next }), cost }));
  else if (options.csv)
    output.out([csvLine([...COLUMNS]), ...rows.map((row) => csvLine(COLUMNS.map((name) => row[name])))].join('\n'));
  else if (rows.length === 0) output.out('Nothing on record answers this.');
  else {
    const shown = ['at', 'endpoint', 'change', 'kind', 'what', 'who', 'reason'] as const;
    output.out(
      table(
        shown.map((name) => name.toUpperCase()),
        rows.map((row) => shown.map((name) => row[name])),
      ),
    );
  }
  if (!options.json) {
    output.err(`${rows.length} records, ${cost.requests} requests, ${cost.readUnits} read units.`);
    if (next !== undefined) output.err(`There are more: add --after ${next}`);
  }
  return EXIT.fine;
}
