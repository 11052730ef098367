import { describe, expect, test } from 'vitest';
import { readEndpoint } from '../../shared/aws/endpoint-reader.ts';
import { endpoint } from '../builders.ts';
import { awsError, fakeAws, type World } from '../fake-aws.ts';

async function read(uri: string, change: (world: World) => void = () => undefined) {
  const aws = fakeAws();
  aws.world.models['fraud-2026-11-19'] = { PrimaryContainer: { ModelDataUrl: uri } };
  change(aws.world);
  const [artifact] = (await readEndpoint(aws.services, endpoint))?.artifacts ?? [];
  if (!artifact) throw new Error('no artifact was read');
  return artifact;
}
const URI = 's3://b/m.tar.gz';
const object = (answer: World['objects'][string]) =>
  read(URI, (world) => {
    world.objects['b/m.tar.gz'] = answer;
  });
const bucket = (answer: World['buckets'][string] | undefined) => async () => {
  const { bucket: seen } = await read(URI, (world) => {
    world.objects['b/m.tar.gz'] = { ServerSideEncryption: 'AES256' };
    if (answer !== undefined) world.buckets.b = answer;
  });
  return seen;
};

describe('an object', () => {
  test.each([
    ['AES256', { ServerSideEncryption: 'AES256' }, 'SSE-S3', null],
    ['aws:kms', { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'key' }, 'SSE-KMS', 'key'],
    ['aws:kms:dsse', { ServerSideEncryption: 'aws:kms:dsse' }, 'DSSE-KMS', null],
    ['something newer', { ServerSideEncryption: 'aws:fsx' }, 'other', null],
    ["a customer's key", { SSECustomerAlgorithm: 'AES256', ServerSideEncryption: 'AES256' }, 'SSE-C', null],
  ])('encrypted with %s is read as such', async (_what, head, algorithm, keyId) => {
    expect((await object(head as never)).encryption).toEqual({ status: 'encrypted', algorithm, keyId });
  });
  test('without the header is unencrypted: it was stored before 2023', async () => {
    expect((await object({ ETag: '"1"' })).encryption).toEqual({ status: 'unencrypted' });
  });
  test.each([
    [404, { status: 'missing' }],
    [403, { status: 'unverifiable', reason: expect.stringContaining('access denied') }],
    [400, { status: 'unverifiable', reason: expect.stringContaining('SSE-C') }],
  ])('that S3 refuses with %d is a fact of its own', async (status, encryption) => {
    expect(await object(status)).toMatchObject({ version: null, encryption });
  });
  test.each([503, 500, 301])('that S3 answers with %d is not read at all', async (status) => {
    await expect(object(status)).rejects.toMatchObject({ name: String(status) });
  });
  test('is known by its version, else by its ETag, else not at all', async () => {
    const head = { ServerSideEncryption: 'AES256' as const };
    expect((await object({ ...head, VersionId: 'v1', ETag: '"1"' })).version).toBe('v1');
    expect((await object({ ...head, VersionId: 'null', ETag: '"1"' })).version).toBe('etag:1');
    expect((await object(head)).version).toBeNull();
  });
  test('may be written as https, in either style of host', async () => {
    for (const uri of ['https://b.s3.us-east-1.amazonaws.com/m.tar.gz', 'https://b.s3.amazonaws.com/m.tar.gz']) {
      const seen = await read(uri, (world) => {
        world.objects['b/m.tar.gz'] = { ServerSideEncryption: 'AES256' };
      });
      expect(seen).toMatchObject({ encryption: { status: 'encrypted' }, bucket: { name: 'b' } });
    }
  });
  test('at an address that is not S3 cannot be verified', async () => {
    expect(await read('https://models.example.com/m')).toMatchObject({
      version: null,
      encryption: { status: 'unverifiable', reason: 'not an S3 address' },
    });
  });
});

describe('a prefix', () => {
  const encrypted = { ServerSideEncryption: 'AES256' as const, ETag: '"1"' };
  const prefix = (objects: World['objects'], uri = 's3://b/m/', pageSize = 1) =>
    read(uri, (world) => {
      Object.assign(world.objects, objects);
      world.pageSize = pageSize;
    });

  test('is as encrypted as its worst object, wherever that stands', async () => {
    const good = { 'b/m/1': encrypted, 'b/m/2': encrypted, 'b/m/3': encrypted };
    expect((await prefix(good)).encryption).toMatchObject({ status: 'encrypted', algorithm: 'SSE-S3' });
    expect((await prefix({ ...good, 'b/m/3': { ETag: '"1"' } })).encryption).toEqual({ status: 'unencrypted' });
    expect((await prefix({ ...good, 'b/m/2': 403 })).encryption).toMatchObject({ status: 'unverifiable' });
    expect((await prefix({ ...good, 'b/m/2': { ServerSideEncryption: 'aws:fsx' } })).encryption).toMatchObject({
      algorithm: 'other',
    });
  });
  test('changes its version when any object below it changes', async () => {
    const before = await prefix({ 'b/m/1': encrypted, 'b/m/2': encrypted });
    expect(before.version).toMatch(/^listing:[0-9a-f]{64}$/);
    expect((await prefix({ 'b/m/1': encrypted, 'b/m/2': encrypted })).version).toBe(before.version);
    expect((await prefix({ 'b/m/1': encrypted, 'b/m/2': { ...encrypted, ETag: '"2"' } })).version).not.toBe(
      before.version,
    );
    expect((await prefix({ 'b/m/1': encrypted, 'b/m/2': encrypted, 'b/m/3': encrypted })).version).not.toBe(
      before.version,
    );
  });
  test('without a trailing slash is found where there is no object of that name', async () => {
    expect(await prefix({ 'b/m/1': encrypted }, 's3://b/m')).toMatchObject({ encryption: { status: 'encrypted' } });
    expect(await prefix({ 'b/m': { ETag: '"1"' }, 'b/m/1': encrypted }, 's3://b/m')).toMatchObject({
      encryption: { status: 'unencrypted' },
    });
  });
  test('of folders only, or of nothing, is missing', async () => {
    expect((await prefix({ 'b/m/': encrypted })).encryption).toEqual({ status: 'missing' });
    expect((await prefix({})).encryption).toEqual({ status: 'missing' });
  });
  test('of more than 200 objects is not assumed to be fine', async () => {
    const many = Object.fromEntries(Array.from({ length: 201 }, (_, index) => [`b/m/${index}`, encrypted]));
    expect((await prefix(many, 's3://b/m/', 1000)).encryption).toEqual({
      status: 'unverifiable',
      reason: 'more than 200 objects below it',
    });
    delete many['b/m/0'];
    expect((await prefix(many, 's3://b/m/', 1000)).encryption.status).toBe('encrypted');
  });
  test('that may not be listed cannot be verified', async () => {
    const seen = await read('s3://b/m/', (world) => {
      world.before = (command) => {
        if (command === 'ListObjectsV2') throw awsError('AccessDenied', 'AccessDenied', 403);
      };
    });
    expect(seen.encryption).toMatchObject({ status: 'unverifiable' });
  });
});

describe('a bucket', () => {
  const rule = (SSEAlgorithm: string, KMSMasterKeyID?: string) => ({
    ServerSideEncryptionConfiguration: {
      Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: SSEAlgorithm as never, KMSMasterKeyID } }],
    },
  });
  test.each([
    ['its default', rule('aws:kms', 'key'), { status: 'encrypted', algorithm: 'SSE-KMS', keyId: 'key' }],
    ['a default that we do not know', rule('aws:backup'), { status: 'encrypted', algorithm: 'other', keyId: null }],
    ['no rule', { ServerSideEncryptionConfiguration: { Rules: [] } }, { status: 'unencrypted' }],
    ['no answer about it', {}, { status: 'unencrypted' }],
    ['a refusal', 403, { status: 'unverifiable', reason: expect.stringContaining('access denied') }],
    ['no bucket', 404, { status: 'missing' }],
  ])('with %s is read as such', async (_what, answer, encryption) => {
    expect(await bucket(answer)()).toEqual({ name: 'b', encryption });
  });
  test('that S3 says has no encryption is unencrypted', async () => {
    const seen = await read(URI, (world) => {
      world.before = (command) => {
        if (command === 'GetBucketEncryption')
          throw awsError('ServerSideEncryptionConfigurationNotFoundError', 'none', 404);
      };
    });
    expect(seen.bucket.encryption).toEqual({ status: 'unencrypted' });
  });
  test('that is throttled is not read at all', async () => {
    await expect(bucket(503)()).rejects.toMatchObject({ name: '503' });
  });
});
