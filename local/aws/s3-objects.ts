import { createHash } from 'node:crypto';
import { sha256 } from '../../shared/model/canonical-json.ts';
import { present } from './input.ts';
import { AwsError, type Loopback } from './loopback.ts';
import { ALGORITHMS, type BucketRow, type ObjectRow, objectKey, requireBucket } from './s3-buckets.ts';
import { empty, headerOf, type S3Answer, type S3Call } from './s3-wire.ts';

/** Artifacts matter here by their metadata; what is longer is not kept. */
const KEPT_BYTES = 64 * 1024;

const SSE = 'x-amz-server-side-encryption';

/** The key of the account that S3 takes where nobody names one. */
function managedKey({ account, region }: Loopback): string {
  const hex = sha256(`aws/s3 ${account} ${region}`);
  const uuid = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
  return `arn:aws:kms:${region}:${account}:key/${uuid}`;
}

/** By the request's header, else by the bucket's default, else SSE-S3. */
function encryptionFor(
  loopback: Loopback,
  bucket: BucketRow,
  { headers }: S3Call,
): Pick<ObjectRow, 'encryption' | 'keyId'> {
  const asked = headerOf(headers, SSE);
  if (asked !== undefined && !ALGORITHMS.includes(asked)) {
    throw new AwsError('InvalidArgument', 'The encryption method specified is not supported');
  }
  const encryption = asked ?? bucket.encryption?.algorithm ?? 'AES256';
  if (encryption === 'AES256') return { encryption };
  const keyId = headerOf(headers, `${SSE}-aws-kms-key-id`) ?? (asked ? undefined : bucket.encryption?.keyId);
  return { encryption, keyId: keyId ?? managedKey(loopback) };
}

const encryptionHeaders = ({ encryption, keyId }: ObjectRow): Record<string, string> => ({
  ...(encryption === 'none' ? {} : { [SSE]: encryption }),
  ...(keyId ? { [`${SSE}-aws-kms-key-id`]: keyId } : {}),
});
const versionHeader = ({ versionId }: ObjectRow): Record<string, string> =>
  versionId ? { 'x-amz-version-id': versionId } : {};

function metadataIn({ headers }: S3Call): Record<string, string> {
  const prefix = 'x-amz-meta-';
  return Object.fromEntries(
    Object.keys(headers)
      .filter((name) => name.toLowerCase().startsWith(prefix))
      .map((name) => [name.toLowerCase(), headerOf(headers, name) ?? '']),
  );
}

export function putObject(loopback: Loopback, call: S3Call): S3Answer {
  const { bucket: name, key, body, headers } = call;
  const bucket = requireBucket(loopback, name);
  if (headerOf(headers, 'if-none-match') === '*' && loopback.store.get('object', objectKey(name, key))) {
    throw new AwsError('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', 412);
  }
  const row: ObjectRow = {
    bucket: name,
    key,
    etag: createHash('md5').update(body).digest('hex'),
    size: body.length,
    at: loopback.now().getTime(),
    ...encryptionFor(loopback, bucket, call),
    metadata: metadataIn(call),
    ...present({
      versionId: bucket.versioning === 'Enabled' ? loopback.newId().replaceAll('-', '') : undefined,
      contentType: headerOf(headers, 'content-type'),
      content: body.length <= KEPT_BYTES ? body.toString('base64') : undefined,
    }),
  };
  loopback.store.put('object', objectKey(name, key), row);
  return empty(200, { etag: `"${row.etag}"`, ...encryptionHeaders(row), ...versionHeader(row) });
}

function find(loopback: Loopback, { bucket, key, query }: S3Call): ObjectRow {
  requireBucket(loopback, bucket);
  const row = loopback.store.get<ObjectRow>('object', objectKey(bucket, key));
  if (!row) throw new AwsError('NoSuchKey', 'The specified key does not exist.', 404);
  const version = query.get('versionId');
  // Only the current version of an object is kept.
  if (version && version !== (row.versionId ?? 'null')) {
    throw new AwsError('NoSuchVersion', 'The loopback AWS keeps current versions only.', 404);
  }
  return row;
}

const headersOf = (row: ObjectRow): Record<string, string> => ({
  'accept-ranges': 'bytes',
  'content-length': String(row.size),
  'content-type': row.contentType ?? 'binary/octet-stream',
  'last-modified': new Date(row.at).toUTCString(),
  etag: `"${row.etag}"`,
  ...row.metadata,
  ...encryptionHeaders(row),
  ...versionHeader(row),
});

export const headObject = (loopback: Loopback, call: S3Call): S3Answer => empty(200, headersOf(find(loopback, call)));

export function getObject(loopback: Loopback, call: S3Call): S3Answer {
  const row = find(loopback, call);
  if (row.content === undefined) {
    throw new AwsError(
      'NotImplemented',
      `GetObject: the loopback AWS keeps no more than ${KEPT_BYTES} bytes of an object.`,
      501,
    );
  }
  return { status: 200, headers: headersOf(row), body: Buffer.from(row.content, 'base64') };
}

export function deleteObject(loopback: Loopback, { bucket, key }: S3Call): S3Answer {
  const { versioning } = requireBucket(loopback, bucket);
  loopback.store.delete('object', objectKey(bucket, key));
  if (versioning !== 'Enabled') return empty(204);
  return empty(204, { 'x-amz-delete-marker': 'true', 'x-amz-version-id': loopback.newId().replaceAll('-', '') });
}
