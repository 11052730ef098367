import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { sha256 } from '../model/canonical-json.ts';
import { refOfStream, type StreamKind } from '../model/endpoint-ref.ts';
import type { With } from './services.ts';

/** The folder of the archive for each kind of stream. */
export const FOLDERS: Record<StreamKind, string> = {
  endpoint: 'ledger',
  plan: 'plans',
  fleet: 'fleet',
  settings: 'settings',
  audit: 'audit',
};

/**
 * Where the sealed copy of a record lies: `ledger/<account>/<region>/<endpoint>/<sequence>-<hash of the record before>.json`
 * (`plans/...` for the stream of its plans), so that listing a stream's copies gives them in order. Undefined for keys that the ledger would not write.
 */
export function archiveKey(pk: string, sk: string): string | undefined {
  const [kind = '', account, region, name] = pk.split('#');
  const [, sequence, previous] = /^(\d{9})#([0-9a-f]{64})$/.exec(sk) ?? [];
  if (refOfStream(pk) === undefined || sequence === undefined) return undefined;
  return `${FOLDERS[kind as StreamKind]}/${account}/${region}/${name}/${sequence}-${previous}.json`;
}

/** The bytes of an object of the archive. */
export async function readArchived(services: With<'s3'>, key: string): Promise<Uint8Array> {
  const { Body } = await services.s3.send(
    new GetObjectCommand({ Bucket: services.config.archiveBucket, Key: key, ChecksumMode: 'ENABLED' }),
  );
  if (!Body) throw new Error(`The archive gave no bytes for ${key}.`);
  return Body.transformToByteArray();
}

/**
 * Puts a text into the archive under a key that is free. Where it is taken, the answer says whether by the same bytes,
 * as after a repeated delivery, or by others. Object Lock takes nothing without a checksum; the bucket sets the retention.
 */
export async function keep(
  services: With<'s3'>,
  key: string,
  text: string,
  metadata: Record<string, string>,
): Promise<'kept' | 'kept-before' | 'differs'> {
  const bytes = Buffer.from(text, 'utf8');
  try {
    await services.s3.send(
      new PutObjectCommand({
        Bucket: services.config.archiveBucket,
        Key: key,
        Body: bytes,
        ContentType: 'application/json',
        ChecksumSHA256: Buffer.from(sha256(text), 'hex').toString('base64'),
        IfNoneMatch: '*',
        Metadata: metadata,
      }),
    );
    return 'kept';
  } catch (error) {
    if ((error as Error).name !== 'PreconditionFailed') throw error;
    return bytes.equals(await readArchived(services, key)) ? 'kept-before' : 'differs';
  }
}
