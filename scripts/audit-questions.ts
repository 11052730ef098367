import { expressionsOf, type LedgerQuery, QUERIES, spanOfMonths } from '../shared/model/ledger-question.ts';

// The questions of docs/audit.md: each with our command, and with the queries that it makes, as the AWS CLI would. The
// same list is what bench/questions.ts measures.

const MONTH = spanOfMonths('2026-11');
const DIGEST = { limits: '4f'.repeat(32), prices: 'c2'.repeat(32) };
const STREAM = 'endpoint#111122223333#us-east-1#fraud-prod';

export type AuditQuestion = {
  id: string;
  asks: string;
  command: string;
  queries: readonly LedgerQuery[];
  /** What is read, so what it costs: half a read unit for each 4 KB, as indexes and these queries are eventually consistent. */
  reads: string;
};

/** In the order in which they are documented. */
export const auditQuestions: readonly AuditQuestion[] = [
  {
    id: 'endpoint',
    asks: 'What is on record about one endpoint?',
    command: 'audit list --endpoint fraud-prod',
    queries: QUERIES.stream(STREAM),
    reads: 'all records of the endpoint, whole: facts are some kilobytes each',
  },
  {
    id: 'prod-changes',
    asks: 'Which changes were there in prod in a month?',
    command: 'audit list --environment prod --month 2026-11',
    queries: QUERIES.environment('prod', MONTH),
    reads: 'an entry for the opening of each change and one for its end',
  },
  {
    id: 'blocked',
    asks: 'What was blocked?',
    command: 'audit list --blocked --month 2026-11',
    queries: QUERIES.result('blocked', MONTH),
    reads: 'an entry for each blocked change; a request for each month',
  },
  {
    id: 'approved-by',
    asks: 'What did a person approve?',
    command: 'audit list --approved-by approver-one --month 2026-11',
    queries: QUERIES.approvedBy('approver-one', MONTH),
    reads:
      'an entry for everything that the person did in that time; what is no approval is left out after it was read',
  },
  {
    id: 'unplanned',
    asks: 'Which changes had no accepted plan before them?',
    command: 'audit list --unplanned --month 2026-11',
    queries: QUERIES.unplanned(MONTH),
    reads: 'an entry for each; a request for each month',
  },
  {
    id: 'out-of-band',
    asks: 'Which changes were another than the plan that was accepted?',
    command: 'audit list --out-of-band --month 2026-11',
    queries: QUERIES.outOfBand(MONTH),
    reads: 'an entry for each; a request for each month',
  },
  {
    id: 'break-glass',
    asks: 'Who broke the glass, and what is still to be reviewed?',
    command: 'audit list --break-glass --open --from 2026-11-01',
    queries: QUERIES.breakGlass({ ...MONTH, to: '9999-12-31T23:59:59.999Z' }),
    reads: 'an entry for each such approval and one for its review, from the first day to now: reviews come later',
  },
  {
    id: 'waivers',
    asks: 'Which waivers were in force on a day?',
    command: 'audit list --waivers-on 2026-11-15',
    queries: QUERIES.waiversOn({ from: '2026-11-15T00:00:00.000Z', to: '2026-11-15T23:59:59.999Z' }),
    reads:
      'an entry for each waiver that ends on that day or within 366 days after it, which is the longest that one can be for',
  },
  {
    id: 'settings',
    asks: 'Which policies, with which limits, was a decision made under?',
    command: 'audit settings fraud-prod --change 3',
    queries: QUERIES.settings('limits', DIGEST.limits),
    reads: 'one entry, and then the one record that it names, whole; the digest is in the findings of the decision',
  },
  {
    id: 'under-limits',
    asks: 'Which decisions were made under these limits?',
    command: `audit list --policy-digest ${DIGEST.limits}`,
    queries: QUERIES.underLimits(DIGEST.limits),
    reads: 'an entry for each',
  },
  {
    id: 'under-prices',
    asks: 'Which decisions were made under these prices?',
    command: `audit list --price-digest ${DIGEST.prices}`,
    queries: [...QUERIES.allLimits(), ...QUERIES.underPrices(DIGEST.prices, [DIGEST.limits])],
    reads: 'an entry for each, and an entry and a request for each set of limits that was ever in force',
  },
];

const quoted = (value: unknown) => `'${JSON.stringify(value)}'`;

/** A query as the AWS CLI makes it. */
export function awsCli(query: LedgerQuery, table = 'portcullis-prod-ledger'): string {
  const { condition, names, values, filter } = expressionsOf(query);
  return [
    `aws dynamodb query --table-name ${table}${query.index ? ` --index-name ${query.index}` : ''}`,
    `--key-condition-expression '${condition}'`,
    ...(filter ? [`--filter-expression '${filter}'`] : []),
    `--expression-attribute-names ${quoted(names)}`,
    `--expression-attribute-values ${quoted(values)}`,
    '--no-scan-index-forward --return-consumed-capacity TOTAL',
  ].join(' \\\n  ');
}

/** The part of docs/audit.md about them. */
export const auditQuestionsMarkdown = (): string =>
  auditQuestions
    .map(
      ({ asks, command, queries, reads }) =>
        `### ${asks}\n\n\`\`\`bash\nportcullis ${command}\n\`\`\`\n\n\`\`\`bash\n${queries.map((query) => awsCli(query)).join('\n')}\n\`\`\`\n\nUses ${queries[0]?.index ? `the index \`${queries[0].index}\`` : 'the table itself'}. Reads ${reads}.\n`,
    )
    .join('\n');
