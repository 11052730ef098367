import { noteAudit } from '../shared/aws/audit-note.ts';
import type { Services } from '../shared/aws/services.ts';
import type { Exported } from '../shared/model/ledger-record.ts';
import { tried } from './witnesses.ts';

export type Noted = { recorded: true } | { recorded: false; reason: string };

/**
 * Puts on record who took what along. On AWS an auditor may have no right to write: their copy is theirs all the same,
 * CloudTrail's data events hold what they read, and that it is not on record here is said.
 */
export async function noteExport(services: Services, exported: Omit<Exported, 'kind' | 'generation'>): Promise<Noted> {
  const id = `exported#${services.newId()}`;
  const done = await tried(() => noteAudit(services, id, { kind: 'exported', generation: 1, ...exported }));
  return 'reason' in done ? { recorded: false, reason: done.reason } : { recorded: true };
}
