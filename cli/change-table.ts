import type { ChangeRow } from '../shared/model/change-row.ts';
import { table } from './output.ts';

/** Changes as a table, in the order given. */
export function changeTable(changes: readonly ChangeRow[]): string {
  return table(
    ['TIME', 'ENDPOINT', 'CHANGE', 'ENV', 'RESULT', 'WHO', 'REASON'],
    changes.map(({ at, endpoint, generation, planned, environment, state, who, reason }) => [
      at,
      endpoint,
      planned ? `plan ${generation}` : String(generation),
      environment,
      state,
      who ?? '-',
      reason ?? '',
    ]),
  );
}
