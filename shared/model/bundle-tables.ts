import { type ChangeGroup, environmentOf } from './change-groups.ts';
import { csvLine } from './csv.ts';
import { foundIn } from './found-in.ts';

type Cells = Parameters<typeof csvLine>[0];

const ABOUT = ['account', 'region', 'endpoint', 'planned', 'change', 'environment'] as const;
const about = ({ endpoint, change }: ChangeGroup): Cells => [
  endpoint.account,
  endpoint.region,
  endpoint.name,
  endpoint.planned === true,
  change.generation,
  environmentOf(change),
];

/** One line for each change: what started it, who made it, how it was decided and by whom, and how it ended. */
function changeRows(group: ChangeGroup): Cells[] {
  const { change } = group;
  const { opened, findings, verified, decided, outcome, records } = change;
  const requesters = [...new Set(change.requesters.map(({ person }) => person))];
  return [
    [
      opened?.cause ?? change.joined?.cause ?? outcome?.cause,
      opened?.changedAt ?? outcome?.changedAt,
      (outcome?.requesters ?? requesters).join(' '),
      opened?.digest ?? outcome?.digest,
      findings?.decision,
      verified?.decision,
      change.joined ? `joined ${change.joined.joined}` : (outcome?.result ?? 'open'),
      outcome?.reason,
      outcome && records.findLast(({ body }) => body.kind === 'outcome')?.at,
      outcome?.violations.join(' '),
      findings?.plan?.generation,
      decided?.approvers.join(' ') ?? findings?.plan?.approvers.join(' '),
      change.breakGlass !== undefined,
      findings?.cost.floorUsd,
      findings?.cost.ceilingUsd,
      findings?.policyDigest,
      findings?.priceDigest,
      findings?.version,
      records[0]?.sequence,
      records.at(-1)?.sequence,
    ],
  ];
}

/** One line for each finding; a waived one says so in its outcome. */
const findingRows = (group: ChangeGroup): Cells[] =>
  foundIn(group).map(({ record, when, finding }) => [
    record.sequence,
    record.at,
    when,
    finding.policy,
    finding.outcome,
    finding.messages.join(' '),
    finding.statement,
  ]);

/** One line for each answer of a person, and for each request that ended without one. */
const approvalRows = (group: ChangeGroup): Cells[] =>
  group.change.records.flatMap(({ sequence, at, body }): Cells[] => {
    const start = [sequence, at];
    if (body.kind === 'approval-given') {
      const { approver, answer, reason, via, breakGlass, decides, request } = body;
      return [[...start, request, approver, answer, reason, via, breakGlass === true, decides]];
    }
    if (body.kind === 'decided')
      return [[...start, body.request, body.approvers?.join(' '), body.answer, body.reason, '', false, true]];
    if (body.kind === 'break-glass-reviewed')
      return [[...start, body.request, body.reviewer, `review: ${body.finding}`, body.reason, '', true, false]];
    return [];
  });

/** A CSV file: its headings, and the lines that a change has in it. */
export type BundleTable = { file: string; what: string; headings: string; rows: (group: ChangeGroup) => string[] };

const tableOf = (
  file: string,
  what: string,
  columns: readonly string[],
  rows: (group: ChangeGroup) => Cells[],
): BundleTable => ({
  file,
  what,
  headings: csvLine([...ABOUT, ...columns]),
  rows: (group) => {
    const start = csvLine(about(group));
    return rows(group).map((cells) => `${start},${csvLine(cells)}`);
  },
});

export const BUNDLE_TABLES: readonly BundleTable[] = [
  tableOf(
    'changes.csv',
    'One line for each change: who made it, how it was decided and by whom, how it ended',
    [
      ...[
        'cause',
        'changed_at',
        'changed_by',
        'digest',
        'decision',
        'decision_settled',
        'result',
        'reason',
        'ended_at',
      ],
      ...['violations', 'plan', 'approvers', 'break_glass', 'cost_floor_usd_per_hour', 'cost_ceiling_usd_per_hour'],
      ...['policy_digest', 'price_digest', 'version', 'first_record', 'last_record'],
    ],
    changeRows,
  ),
  tableOf(
    'findings.csv',
    'One line for each finding of each policy',
    ['record', 'at', 'when', 'policy', 'outcome', 'messages', 'statement'],
    findingRows,
  ),
  tableOf(
    'approvals.csv',
    'One line for each answer of a person, and for each request that ended without one',
    ['record', 'at', 'request', 'person', 'answer', 'reason', 'via', 'break_glass', 'decides'],
    approvalRows,
  ),
];
