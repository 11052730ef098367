import {
  GetBucketEncryptionCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3';
import { digestOf } from '../model/canonical-json.ts';
import type { Artifact, ObjectEncryption } from '../model/endpoint-facts.ts';
import type { Reading } from './endpoint-reader.ts';

/** Below a prefix every object is looked at, up to this many; more than that is `unverifiable`, not assumed. */
const MAX_OBJECTS = 200;

const ALGORITHMS: Record<string, 'SSE-S3' | 'SSE-KMS' | 'DSSE-KMS'> = {
  AES256: 'SSE-S3',
  'aws:kms': 'SSE-KMS',
  'aws:kms:dsse': 'DSSE-KMS',
};

function encryptionOf(head: HeadObjectCommandOutput): ObjectEncryption {
  if (head.SSECustomerAlgorithm) return { status: 'encrypted', algorithm: 'SSE-C', keyId: null };
  // Objects stored before 2023-01-05 may have no encryption at all; newer ones always have (S3 user guide).
  if (!head.ServerSideEncryption) return { status: 'unencrypted' };
  return {
    status: 'encrypted',
    algorithm: ALGORITHMS[head.ServerSideEncryption] ?? 'other',
    keyId: head.SSEKMSKeyId ?? null,
  };
}

/**
 * S3's ways to say no, by HTTP status: a missing object (404), one that we may not see (403), and one encrypted with
 * a customer's key (a bare 400). All three are facts about the artifact; anything else is a failed read and thrown.
 */
function refusal(error: unknown): ObjectEncryption {
  const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  if (status === 404) return { status: 'missing' };
  if (status === 403)
    return { status: 'unverifiable', reason: 'access denied; the gate needs s3:GetObject and s3:ListBucket' };
  if (status === 400) return { status: 'unverifiable', reason: 'refused by S3 without its key; probably SSE-C' };
  throw error;
}

/** `s3://bucket/key`, or the same as an https address. */
export function splitS3Uri(uri: string): { bucket: string; key: string } | undefined {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(uri) ?? [];
  if (bucket !== undefined && key !== undefined) return { bucket, key };
  const [, host, path] = /^https:\/\/([^./]+)\.s3[.a-z0-9-]*\.amazonaws\.com\/(.*)$/.exec(uri) ?? [];
  return host !== undefined && path !== undefined ? { bucket: host, key: path } : undefined;
}

const versionOf = ({ VersionId, ETag }: HeadObjectCommandOutput) =>
  VersionId && VersionId !== 'null' ? VersionId : ETag ? `etag:${ETag.replaceAll('"', '')}` : null;

type ObjectFacts = Pick<Artifact, 'version' | 'encryption'>;

async function readObject({ services, call }: Reading, bucket: string, key: string): Promise<ObjectFacts> {
  try {
    const head = await call(() => services.s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key })));
    return { version: versionOf(head), encryption: encryptionOf(head) };
  } catch (error) {
    return { version: null, encryption: refusal(error) };
  }
}

/** A prefix is as encrypted as its worst object; its version is a digest over all of them. */
async function readPrefix(reading: Reading, bucket: string, prefix: string): Promise<ObjectFacts> {
  const keys: string[] = [];
  try {
    await reading.call(async () => {
      const pages = paginateListObjectsV2({ client: reading.services.s3 }, { Bucket: bucket, Prefix: prefix });
      for await (const page of pages) {
        keys.push(...(page.Contents ?? []).flatMap(({ Key }) => (Key && !Key.endsWith('/') ? [Key] : [])));
        if (keys.length > MAX_OBJECTS) break;
      }
    });
  } catch (error) {
    return { version: null, encryption: refusal(error) };
  }
  if (keys.length === 0) return { version: null, encryption: { status: 'missing' } };
  if (keys.length > MAX_OBJECTS) {
    return {
      version: null,
      encryption: { status: 'unverifiable', reason: `more than ${MAX_OBJECTS} objects below it` },
    };
  }
  const objects = await Promise.all(keys.map(async (key) => ({ key, ...(await readObject(reading, bucket, key)) })));
  const worst =
    objects.find(({ encryption }) => encryption.status !== 'encrypted') ??
    objects.find(
      ({ encryption }) =>
        encryption.status === 'encrypted' && !(encryption.algorithm in { 'SSE-S3': 1, 'SSE-KMS': 1, 'DSSE-KMS': 1 }),
    ) ??
    objects[0];
  return {
    version: objects.every(({ version }) => version)
      ? `listing:${digestOf(objects.map(({ key, version }) => [key, version]))}`
      : null,
    encryption: worst?.encryption ?? { status: 'missing' },
  };
}

/** GetBucketEncryption has always answered since 2023; the older "not found" answer means unencrypted. */
async function readBucket({ services, call }: Reading, bucket: string): Promise<ObjectEncryption> {
  try {
    const { ServerSideEncryptionConfiguration } = await call(() =>
      services.s3.send(new GetBucketEncryptionCommand({ Bucket: bucket })),
    );
    const rule = ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault;
    if (!rule?.SSEAlgorithm) return { status: 'unencrypted' };
    return {
      status: 'encrypted',
      algorithm: ALGORITHMS[rule.SSEAlgorithm] ?? 'other',
      keyId: rule.KMSMasterKeyID ?? null,
    };
  } catch (error) {
    if ((error as Error).name === 'ServerSideEncryptionConfigurationNotFoundError') return { status: 'unencrypted' };
    return refusal(error);
  }
}

/** One artifact: its version, how it and its bucket are encrypted, or why that cannot be told. */
export async function readArtifact(reading: Reading, uri: string): Promise<Artifact> {
  const place = splitS3Uri(uri);
  if (!place) {
    const encryption: ObjectEncryption = { status: 'unverifiable', reason: 'not an S3 address' };
    return { uri, version: null, encryption, bucket: { name: uri, encryption } };
  }
  const { bucket, key } = place;
  const [object, bucketEncryption] = await Promise.all([
    reading.cache.get(`object:${uri}`, () =>
      key === '' || key.endsWith('/') ? readPrefix(reading, bucket, key) : readObjectOrPrefix(reading, bucket, key),
    ),
    reading.cache.get(`bucket:${bucket}`, () => readBucket(reading, bucket)),
  ]);
  return { uri, ...object, bucket: { name: bucket, encryption: bucketEncryption } };
}

/** ModelDataSource may name a prefix without a trailing slash; what is no object may still be one. */
async function readObjectOrPrefix(reading: Reading, bucket: string, key: string): Promise<ObjectFacts> {
  const object = await readObject(reading, bucket, key);
  return object.encryption.status === 'missing' ? readPrefix(reading, bucket, `${key}/`) : object;
}
