import * as z from 'zod';
import { TrailScope } from './trail-scope.ts';

const Digest = z.string().regex(/^[0-9a-f]{64}$/);
const Count = z.int().nonnegative();

/** A file of a bundle: its path in the archive, the SHA-256 of its bytes, and what it is. */
export const BundleFile = z.strictObject({
  path: z.string().describe('Path in the archive, with forward slashes.'),
  sha256: Digest,
  bytes: Count,
  what: z.string().describe('What the file is, for people.'),
});
export type BundleFile = z.infer<typeof BundleFile>;

/** `manifest.json` of an evidence bundle: what is in it, what is not and why. */
export const BundleManifest = z.strictObject({
  schema: z.literal(1).describe('Version of this format. A reader refuses one that it does not know.'),
  kind: z.literal('portcullis-evidence-bundle'),
  product: z.strictObject({ name: z.literal('portcullis'), version: z.string() }),
  createdAt: z.iso.datetime(),
  scope: TrailScope.describe('The part of the trail that was asked for; null: not narrowed down in that way.'),
  pseudonymised: z
    .boolean()
    .describe(
      'Persons were replaced. The hashes are those of the original records, so what records say is not proven.',
    ),
  streams: Count,
  records: Count,
  changes: Count,
  checkpoint: z
    .strictObject({ number: Count, at: z.iso.datetime(), total: Count, sha256: Digest })
    .nullable()
    .describe('The newest checkpoint in checkpoints.jsonl, by the SHA-256 of its line.'),
  notIncluded: z.array(z.string()).describe('What belongs into a bundle and is not in this one, and why.'),
  files: z.array(BundleFile),
});
export type BundleManifest = z.infer<typeof BundleManifest>;
