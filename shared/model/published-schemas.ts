import * as z from 'zod';
import { BundleManifest } from './bundle-manifest.ts';
import { LedgerRecord } from './ledger-record.ts';

/**
 * JSON Schemas (2020-12) of what auditors read with programs of their own, by file name. The last part of `$id` is the
 * version, the same as `schema` in what it describes: fields that are added and may be absent leave it as it is.
 */
export function publishedSchemas(): { file: string; text: string }[] {
  const published = { 'bundle-manifest': BundleManifest, 'ledger-record': LedgerRecord };
  return Object.entries(published).map(([name, schema]) => {
    const { $schema, ...rest } = z.toJSONSchema(schema, { reused: 'ref' });
    const identified = { $schema, $id: `urn:portcullis:${name}:1`, ...rest };
    return { file: `${name}.schema.json`, text: `${JSON.stringify(identified, null, 2)}\n` };
  });
}
