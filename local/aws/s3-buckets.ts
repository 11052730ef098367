import { callEvent, type RecordedService, recorded } from './cloudtrail.ts';
import { pageOf, present } from './input.ts';
import { AwsError, type Caller, type Loopback } from './loopback.ts';
import { elements, empty, type S3Answer, type S3Call, xml } from './s3-wire.ts';

const S3: RecordedService = { source: 'aws.s3', eventSource: 's3.amazonaws.com' };

export const ALGORITHMS = ['AES256', 'aws:kms', 'aws:kms:dsse'];
export type BucketRow = {
  name: string;
  createdAt: number;
  /** Without a setting it is SSE-S3, which cannot be turned off since 2023. */
  encryption?: { algorithm: string; keyId?: string; bucketKey: boolean };
  versioning?: string;
};
export type ObjectRow = {
  bucket: string;
  key: string;
  etag: string;
  size: number;
  at: number;
  /** `none`: stored before 2023, when S3 did not yet encrypt everything. Only the seed makes such objects. */
  encryption: string;
  keyId?: string;
  versionId?: string;
  contentType?: string;
  metadata: Record<string, string>;
  /** Base64; absent where there was more than we keep. */
  content?: string;
};

export const objectKey = (bucket: string, key: string) => `${bucket}/${key}`;

export function requireBucket(loopback: Loopback, name: string): BucketRow {
  const row = loopback.store.get<BucketRow>('bucket', name);
  if (!row) throw new AwsError('NoSuchBucket', 'The specified bucket does not exist', 404);
  return row;
}

/** A change of a bucket and its CloudTrail event; S3 writes its parameters in a form of its own. */
function record(
  loopback: Loopback,
  caller: Caller,
  eventName: string,
  { bucket, query }: S3Call,
  parameters: object,
  change: () => void,
) {
  const subresource = [...query.keys()].find((key) => query.get(key) === '');
  recorded(loopback, () => {
    change();
    const requestParameters = {
      bucketName: bucket,
      ...(subresource ? { [subresource]: '' } : {}),
      Host: `${bucket}.s3.${loopback.region}.amazonaws.com`,
      ...parameters,
    };
    return { result: undefined, call: (own) => callEvent(own, caller, { ...S3, eventName, requestParameters }) };
  });
}

const put = (loopback: Loopback, row: BucketRow) => loopback.store.put('bucket', row.name, row);

export type BucketOperation = (loopback: Loopback, call: S3Call, caller: Caller) => S3Answer;

export const createBucket: BucketOperation = (loopback, call, caller) => {
  const { bucket: name } = call;
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name))
    throw new AwsError('InvalidBucketName', 'The specified bucket is not valid.');
  if (loopback.store.get('bucket', name)) {
    // us-east-1 alone says yes to an owner who creates a bucket again (CreateBucket API).
    if (loopback.region === 'us-east-1') return empty(200, { location: `/${name}` });
    throw new AwsError('BucketAlreadyOwnedByYou', 'You already own this bucket.', 409);
  }
  record(loopback, caller, 'CreateBucket', call, {}, () =>
    put(loopback, { name, createdAt: loopback.now().getTime() }),
  );
  return empty(200, { location: `/${name}` });
};

export const deleteBucket: BucketOperation = (loopback, call, caller) => {
  const { name } = requireBucket(loopback, call.bucket);
  if (loopback.store.keys('object').some((key) => key.startsWith(`${name}/`))) {
    throw new AwsError('BucketNotEmpty', 'The bucket you tried to delete is not empty.', 409);
  }
  record(loopback, caller, 'DeleteBucket', call, {}, () => loopback.store.delete('bucket', name));
  return empty(204);
};

export const headBucket: BucketOperation = (loopback, { bucket }) => {
  requireBucket(loopback, bucket);
  return empty(200, { 'x-amz-bucket-region': loopback.region });
};

export const listBuckets: BucketOperation = (loopback) => {
  const rows = loopback.store.list<BucketRow>('bucket').toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const buckets = rows.map(
    ({ name, createdAt }) =>
      `<Bucket>${elements({ Name: name, CreationDate: new Date(createdAt).toISOString() })}</Bucket>`,
  );
  const owner = `<Owner>${elements({ ID: loopback.account, DisplayName: loopback.account })}</Owner>`;
  return xml('ListAllMyBucketsResult', `${owner}<Buckets>${buckets.join('')}</Buckets>`);
};

export const getBucketEncryption: BucketOperation = (loopback, { bucket }) => {
  const { algorithm, keyId, bucketKey } = requireBucket(loopback, bucket).encryption ?? {
    algorithm: 'AES256',
    bucketKey: false,
  };
  const byDefault = elements({ SSEAlgorithm: algorithm, KMSMasterKeyID: keyId });
  const setting = `<ApplyServerSideEncryptionByDefault>${byDefault}</ApplyServerSideEncryptionByDefault>`;
  const rule = `<Rule>${setting}${elements({ BucketKeyEnabled: bucketKey })}</Rule>`;
  return xml('ServerSideEncryptionConfiguration', rule);
};

const textOf = (document: string, name: string) =>
  new RegExp(`<${name}>\\s*([^<]+?)\\s*</${name}>`).exec(document)?.[1];

export const putBucketEncryption: BucketOperation = (loopback, call, caller) => {
  const row = requireBucket(loopback, call.bucket);
  const document = call.body.toString('utf8');
  const algorithm = textOf(document, 'SSEAlgorithm');
  if (!algorithm || !ALGORITHMS.includes(algorithm)) {
    throw new AwsError('MalformedXML', 'The XML you provided does not name an encryption algorithm of S3.');
  }
  // The key is not looked at (PutBucketEncryption API): it may not exist.
  const keyId = textOf(document, 'KMSMasterKeyID');
  const bucketKey = textOf(document, 'BucketKeyEnabled') === 'true';
  const parameters = {
    ServerSideEncryptionConfiguration: {
      Rule: {
        ApplyServerSideEncryptionByDefault: { SSEAlgorithm: algorithm, ...present({ KMSMasterKeyID: keyId }) },
        BucketKeyEnabled: bucketKey,
      },
    },
  };
  record(loopback, caller, 'PutBucketEncryption', call, parameters, () =>
    put(loopback, { ...row, encryption: { algorithm, bucketKey, ...present({ keyId }) } }),
  );
  return empty(200);
};

/** Deleting the setting goes back to SSE-S3; there is no bucket without encryption any more. */
export const deleteBucketEncryption: BucketOperation = (loopback, call, caller) => {
  const { encryption: _setting, ...row } = requireBucket(loopback, call.bucket);
  record(loopback, caller, 'DeleteBucketEncryption', call, {}, () => put(loopback, row));
  return empty(204);
};

export const getBucketVersioning: BucketOperation = (loopback, { bucket }) =>
  xml('VersioningConfiguration', elements({ Status: requireBucket(loopback, bucket).versioning }));

export const putBucketVersioning: BucketOperation = (loopback, call, caller) => {
  const row = requireBucket(loopback, call.bucket);
  const versioning = textOf(call.body.toString('utf8'), 'Status');
  if (versioning !== 'Enabled' && versioning !== 'Suspended') {
    throw new AwsError(
      'IllegalVersioningConfigurationException',
      'The versioning status must be Enabled or Suspended.',
    );
  }
  const parameters = { VersioningConfiguration: { Status: versioning } };
  record(loopback, caller, 'PutBucketVersioning', call, parameters, () => put(loopback, { ...row, versioning }));
  return empty(200);
};

const MAX_KEYS = 1000;

export const listObjectsV2: BucketOperation = (loopback, { bucket, query }) => {
  requireBucket(loopback, bucket);
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const startAfter = query.get('start-after') ?? '';
  const asked = Number(query.get('max-keys') ?? MAX_KEYS);
  if (!Number.isInteger(asked) || asked < 0) throw new AwsError('InvalidArgument', 'max-keys must be a whole number.');
  const rows = loopback.store
    .list<ObjectRow>('object')
    .filter((row) => row.bucket === bucket && row.key.startsWith(prefix) && row.key > startAfter);
  // With a delimiter, everything below the next one after the prefix is one entry.
  const entries = new Map<string, ObjectRow | undefined>();
  for (const row of rows) {
    const end = delimiter === '' ? -1 : row.key.indexOf(delimiter, prefix.length);
    if (end < 0) entries.set(row.key, row);
    else entries.set(row.key.slice(0, end + delimiter.length), undefined);
  }
  const token = query.get('continuation-token') ?? undefined;
  const limit = Math.min(asked, MAX_KEYS);
  const { items, next } = pageOf([...entries], ([name]) => name, { token, limit });
  const asUrl = (text: string) => encodeURIComponent(text).replaceAll('%2F', '/');
  const encode = query.get('encoding-type') === 'url' ? asUrl : (text: string) => text;
  const contents = items.map(([name, row]) => {
    if (!row) return `<CommonPrefixes>${elements({ Prefix: encode(name) })}</CommonPrefixes>`;
    const { at, etag, size } = row;
    const members = { Key: encode(name), LastModified: new Date(at).toISOString(), ETag: `"${etag}"`, Size: size };
    return `<Contents>${elements({ ...members, StorageClass: 'STANDARD' })}</Contents>`;
  });
  const summary = elements({
    Name: bucket,
    Prefix: encode(prefix),
    Delimiter: delimiter === '' ? undefined : encode(delimiter),
    StartAfter: startAfter === '' ? undefined : encode(startAfter),
    EncodingType: query.get('encoding-type') ?? undefined,
    MaxKeys: limit,
    KeyCount: items.length,
    IsTruncated: next !== undefined,
    ContinuationToken: token,
    NextContinuationToken: next,
  });
  return xml('ListBucketResult', `${summary}${contents.join('')}`);
};
