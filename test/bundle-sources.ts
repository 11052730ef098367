import { checkpointer, newSigner } from '../bench/trail.ts';
import { whatOf } from '../cli/audit.ts';
import type { BundleSources } from '../cli/bundle/write-bundle.ts';
import { exportedLine } from '../cli/export-directory.ts';
import type { LedgerItem } from '../shared/aws/ledger.ts';
import { canonicalJson } from '../shared/model/canonical-json.ts';
import { streamOf } from '../shared/model/endpoint-ref.ts';
import { type LedgerRecord, recordHash, sortKey } from '../shared/model/ledger-record.ts';
import { WHOLE_TRAIL } from '../shared/model/trail-scope.ts';
import { later, NOW } from './builders.ts';

/** A record as the table holds it. */
export function itemOf(record: LedgerRecord): LedgerItem {
  const [pk, sk] = [streamOf(record.endpoint), sortKey(record.sequence, record.previous)];
  return { pk, sk, text: canonicalJson(record), hash: recordHash(record), record };
}

/** What a bundle of these streams is made from: every record signed, in checkpoints of three. */
export function bundleSources(streams: readonly (readonly LedgerRecord[])[]): BundleSources & { pem: string } {
  const signer = newSigner();
  const sign = checkpointer(signer);
  const items = streams.flat().map(itemOf);
  const written = items.map(({ pk, hash, record }) => ({ stream: pk, sequence: record.sequence, hash }));
  const checkpoints: string[] = [];
  for (let start = 0; start < written.length; start += 3)
    checkpoints.push(sign(written.slice(start, start + 3), later(60)) ?? '');
  async function* lines() {
    for (const item of items) yield { ...item, line: exportedLine(item) };
  }
  return {
    scope: WHOLE_TRAIL,
    now: NOW,
    items: lines(),
    checkpoints,
    publicKey: { pem: signer.pem },
    pem: signer.pem,
    reconciliation: { document: { reconciled: false, why: 'a test' }, told: ['Not reconciled: a test.'] },
    pseudonymised: false,
    says: whatOf,
  };
}
