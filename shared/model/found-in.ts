import type { ChangeGroup } from './change-groups.ts';
import type { Finding } from './finding.ts';
import type { LedgerRecord } from './ledger-record.ts';

/** One finding of a change, with the record that holds it. */
export type Found = { group: ChangeGroup; record: LedgerRecord; when: 'checked' | 'settled'; finding: Finding };

/** Every finding of a change, those of before and those once it had settled, in the order of their records. */
export function foundIn(group: ChangeGroup): Found[] {
  return group.change.records.flatMap((record): Found[] => {
    const { body } = record;
    if (body.kind !== 'findings' && body.kind !== 'monitoring-verified') return [];
    const when = body.kind === 'findings' ? 'checked' : 'settled';
    return body.findings.map((finding) => ({ group, record, when, finding }));
  });
}

/** Why a change could not be determined; undefined where it could be, or has not ended. */
export const undeterminedWhy = ({ change }: ChangeGroup): string | undefined =>
  change.outcome?.result === 'undetermined' ? change.outcome.reason : undefined;
