import * as z from 'zod';
import { BundleFile } from './bundle-manifest.ts';

/** A path below the directory that is restored: no part of it is empty, begins with a dot, or leads elsewhere. */
const SAFE_PATH = /^[A-Za-z0-9_][\w.-]*(?:\/[A-Za-z0-9_][\w.-]*)*$/;

/** `manifest.json` of a backup of the store of a gate on one machine. */
export const BackupManifest = z.strictObject({
  schema: z.literal(1).describe('Version of this format. A reader refuses one that it does not know.'),
  kind: z.literal('portcullis-backup'),
  product: z.strictObject({ name: z.literal('portcullis'), version: z.string() }),
  createdAt: z.iso.datetime(),
  /** Whether the gate had been stopped, and not killed. */
  stoppedCleanly: z.boolean(),
  files: z.array(BundleFile.extend({ path: z.string().regex(SAFE_PATH) })),
});
export type BackupManifest = z.infer<typeof BackupManifest>;
