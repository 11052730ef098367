import { readFileSync } from 'node:fs';
import type { LedgerItem } from '../shared/aws/ledger.ts';
import { readTrail } from '../shared/aws/scoped-trail.ts';
import type { Services } from '../shared/aws/services.ts';
import { namesOf } from '../shared/model/approver.ts';
import { canonicalJson } from '../shared/model/canonical-json.ts';
import { type Pseudonyms, pseudonyms } from '../shared/model/pseudonym.ts';
import type { TrailScope } from '../shared/model/trail-scope.ts';
import { exportedLine } from './export-directory.ts';
import { CliError, EXIT } from './output.ts';

/** A record as it is exported, and the line that it is: in its own bytes, or with persons replaced. */
export type ExportedItem = LedgerItem & { line: string };

/** The line of a record in which persons were replaced: with the hash of the original, and another word than `record`. */
function replacedItem(item: LedgerItem, hide: Pseudonyms): ExportedItem {
  const { pk, sk, hash } = item;
  const record = hide.record(item.record);
  const keys = `{"pk":${JSON.stringify(pk)},"sk":${JSON.stringify(sk)},"hash":${JSON.stringify(hash)}`;
  return { ...item, record, text: '', line: `${keys},"pseudonymised":${canonicalJson(record)}}` };
}

/** The part of the trail that was asked for, one stream after the other. */
export async function* trailItems(
  services: Services,
  scope: TrailScope,
  hide?: Pseudonyms | undefined,
): AsyncGenerator<ExportedItem> {
  for await (const item of readTrail(services, scope))
    yield hide ? replacedItem(item, hide) : { ...item, line: exportedLine(item) };
}

/** What replaces persons, where that is wanted: keyed with a file that only the owner should have. */
export function hiderFrom(keyFile: string | undefined, services: Services): Pseudonyms | undefined {
  if (keyFile === undefined) return undefined;
  let key: string;
  try {
    key = readFileSync(keyFile, 'utf8').trim();
  } catch (error) {
    throw new CliError(`--pseudonymise ${keyFile} cannot be read: ${(error as Error).message}`, EXIT.usage);
  }
  if (Buffer.byteLength(key) < 32)
    throw new CliError(
      `--pseudonymise ${keyFile} holds ${Buffer.byteLength(key)} bytes; a key has at least 32. Make one with: openssl rand -base64 32`,
      EXIT.usage,
    );
  // People of the settings may be mentioned before any record names them.
  const people = services.readApprovals().approvers.map((approver) => [...namesOf(approver), approver.name]);
  return pseudonyms(key, people);
}
