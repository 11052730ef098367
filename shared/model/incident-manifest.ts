import * as z from 'zod';
import { BundleFile } from './bundle-manifest.ts';

/** `manifest.json` of an incident archive: what is in it, by SHA-256, and what could not be had and why. */
export const IncidentManifest = z.strictObject({
  schema: z.literal(1).describe('Version of this format. A reader refuses one that it does not know.'),
  kind: z.literal('portcullis-incident'),
  product: z.strictObject({ name: z.literal('portcullis'), version: z.string() }),
  createdAt: z.iso.datetime(),
  notIncluded: z.array(z.string()).describe('What was asked for and is not in the archive, and why.'),
  files: z.array(BundleFile),
});
export type IncidentManifest = z.infer<typeof IncidentManifest>;
