import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { handleS3 } from '../../local/aws/s3.ts';
import { caller, fixture, inMemoryLoopback, type TestLoopback } from './in-memory-loopback.ts';

let loopback: TestLoopback;
beforeEach(() => {
  loopback = inMemoryLoopback();
  s3('PUT', '/models');
  loopback.events.length = 0;
});

function s3(method: string, address: string, body: string | Buffer = '', headers: Record<string, string> = {}) {
  const url = new URL(address, 'http://loopback');
  const answer = handleS3(
    loopback,
    { method, path: url.pathname, query: url.searchParams, headers, body: Buffer.from(body) },
    caller,
  );
  return { ...answer, text: answer.body.toString() };
}
const code = ({ text }: { text: string }) => /<Code>(.*)<\/Code>/.exec(text)?.[1];
const keysIn = (text: string) => [...text.matchAll(/<Key>(.*?)<\/Key>/g)].map(([, key]) => key);

describe('buckets', () => {
  test('they are made, listed, found and, once empty, deleted', () => {
    expect(s3('HEAD', '/models').status).toBe(200);
    expect(s3('GET', '/').text).toContain('<Name>models</Name>');
    s3('PUT', '/models/a');
    expect(s3('DELETE', '/models')).toMatchObject({ status: 409 });
    s3('DELETE', '/models/a');
    expect(s3('DELETE', '/models').status).toBe(204);
    expect(s3('HEAD', '/models')).toMatchObject({ status: 404, body: '' });
    expect(code(s3('GET', '/models?encryption'))).toBe('NoSuchBucket');
  });
  test('a bucket without a setting is encrypted with SSE-S3, and deleting the setting goes back to that', () => {
    expect(s3('GET', '/models?encryption').text).toContain('<SSEAlgorithm>AES256</SSEAlgorithm>');
    const setting = '<SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>key-1</KMSMasterKeyID>';
    const byDefault = `<ApplyServerSideEncryptionByDefault>${setting}</ApplyServerSideEncryptionByDefault>`;
    const rule = `${byDefault}<BucketKeyEnabled>true</BucketKeyEnabled>`;
    s3(
      'PUT',
      '/models?encryption',
      `<ServerSideEncryptionConfiguration><Rule>${rule}</Rule></ServerSideEncryptionConfiguration>`,
    );
    expect(s3('GET', '/models?encryption').text).toContain(rule);
    expect(s3('DELETE', '/models?encryption').status).toBe(204);
    expect(s3('GET', '/models?encryption').text).toContain('AES256');
    expect(code(s3('PUT', '/models?encryption', '<SSEAlgorithm>rot13</SSEAlgorithm>'))).toBe('MalformedXML');
  });
  test('changes of encryption are told as CloudTrail records them', () => {
    const setting = '<SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>key-1</KMSMasterKeyID>';
    s3('PUT', '/models?encryption', `${setting}<BucketKeyEnabled>true</BucketKeyEnabled>`);
    s3('DELETE', '/models?encryption');
    const recorded = ['PutBucketEncryption', 'DeleteBucketEncryption'].map((name) => fixture(`cloudtrail-s3-${name}`));
    const text = JSON.stringify(recorded.map(({ detail }) => detail.requestParameters));
    const expected = text.replaceAll('ml-artifacts-prod', 'models').replace(/arn:aws:kms:[^"]*/, 'key-1');
    expect(loopback.events.map(({ detail }) => detail.requestParameters)).toEqual(JSON.parse(expected));
    expect(loopback.events).toMatchObject([
      {
        source: 'aws.s3',
        detail: {
          eventName: 'PutBucketEncryption',
          eventSource: 's3.amazonaws.com',
          userIdentity: { userName: 'dana' },
        },
      },
      { source: 'aws.s3', detail: { eventName: 'DeleteBucketEncryption' } },
    ]);
  });
  test('versioning is set and shown', () => {
    expect(s3('GET', '/models?versioning').text).not.toContain('<Status>');
    s3('PUT', '/models?versioning', '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>');
    expect(s3('GET', '/models?versioning').text).toContain('<Status>Enabled</Status>');
  });
});

describe('objects', () => {
  test('an object keeps its bytes, its MD5 and how it is encrypted', () => {
    const etag = `"${createHash('md5').update('weights').digest('hex')}"`;
    const headers = { 'x-amz-meta-run': '17', 'content-type': 'application/gzip' };
    expect(s3('PUT', '/models/fraud/a%20b.tar.gz', 'weights', headers)).toMatchObject({
      status: 200,
      headers: { etag },
    });
    expect(s3('HEAD', '/models/fraud/a%20b.tar.gz')).toMatchObject({
      status: 200,
      body: '',
      headers: {
        etag,
        'content-length': '7',
        'x-amz-server-side-encryption': 'AES256',
        'x-amz-meta-run': '17',
        'content-type': 'application/gzip',
      },
    });
    expect(s3('GET', '/models/fraud/a%20b.tar.gz').text).toBe('weights');
    expect(s3('DELETE', '/models/fraud/a%20b.tar.gz').status).toBe(204);
    expect(s3('HEAD', '/models/fraud/a%20b.tar.gz')).toMatchObject({ status: 404, body: '' });
    expect(code(s3('GET', '/models/fraud/a%20b.tar.gz'))).toBe('NoSuchKey');
  });
  test('its encryption is that of the request, else that of the bucket', () => {
    s3('PUT', '/models?encryption', '<SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>key-1</KMSMasterKeyID>');
    s3('PUT', '/models/by-bucket', 'x');
    s3('PUT', '/models/by-request', 'x', { 'x-amz-server-side-encryption': 'AES256' });
    s3('PUT', '/models/managed', 'x', { 'x-amz-server-side-encryption': 'aws:kms' });
    const sse = (key: string) => s3('HEAD', `/models/${key}`).headers;
    expect(sse('by-bucket')).toMatchObject({
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'key-1',
    });
    expect(sse('by-request')['x-amz-server-side-encryption']).toBe('AES256');
    expect(sse('managed')['x-amz-server-side-encryption-aws-kms-key-id']).toMatch(
      /^arn:aws:kms:us-east-1:111122223333:key\//,
    );
    expect(code(s3('PUT', '/models/x', 'x', { 'x-amz-server-side-encryption': 'rot13' }))).toBe('InvalidArgument');
  });
  test('an object from before 2023 says nothing about encryption', () => {
    s3('PUT', '/models/old', 'x');
    loopback.store.put('object', 'models/old', {
      ...loopback.store.get<object>('object', 'models/old'),
      encryption: 'none',
    });
    expect(s3('HEAD', '/models/old').headers).not.toHaveProperty('x-amz-server-side-encryption');
  });
  test('in a bucket with versioning every put has a version of its own, and the current one is kept', () => {
    s3('PUT', '/models?versioning', '<Status>Enabled</Status>');
    const versions = ['x', 'x'].map((body) => s3('PUT', '/models/a', body).headers['x-amz-version-id']);
    expect(new Set(versions).size).toBe(2);
    expect(s3('HEAD', '/models/a').headers['x-amz-version-id']).toBe(versions[1]);
    expect(s3('GET', `/models/a?versionId=${versions[1]}`).status).toBe(200);
    expect(code(s3('GET', `/models/a?versionId=${versions[0]}`))).toBe('NoSuchVersion');
  });
  test('a body in chunks with a trailing checksum is decoded', () => {
    const chunks = '5\r\nhello\r\n6;chunk-signature=00\r\n world\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n';
    const headers = {
      'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      'x-amz-decoded-content-length': '11',
    };
    s3('PUT', '/models/a', chunks, headers);
    expect(s3('GET', '/models/a').text).toBe('hello world');
    expect(code(s3('PUT', '/models/b', '5\r\nhel', headers))).toBe('IncompleteBody');
    expect(code(s3('PUT', '/models/b', '5\r\nhello\r\n0\r\n\r\n', headers))).toBe('IncompleteBody');
    expect(code(s3('GET', '/models/b'))).toBe('NoSuchKey');
  });
  test('of large objects the bytes are not kept, all else is', () => {
    s3('PUT', '/models/large', Buffer.alloc(64 * 1024 + 1));
    expect(s3('HEAD', '/models/large').headers['content-length']).toBe('65537');
    expect(s3('GET', '/models/large')).toMatchObject({ status: 501 });
  });
  test('if-none-match keeps what is there', () => {
    s3('PUT', '/models/a', 'first');
    expect(s3('PUT', '/models/a', 'second', { 'if-none-match': '*' })).toMatchObject({ status: 412 });
    expect(s3('GET', '/models/a').text).toBe('first');
  });
});

describe('listing', () => {
  beforeEach(() => {
    for (const key of ['a/1', 'a/2', 'a/b/3', 'c', 'd%26e']) s3('PUT', `/models/${key}`, 'x');
    s3('PUT', '/models-other');
    s3('PUT', '/models-other/z', 'x');
  });

  test('all keys of the bucket come in order, those below a prefix alone', () => {
    expect(keysIn(s3('GET', '/models?list-type=2').text)).toEqual(['a/1', 'a/2', 'a/b/3', 'c', 'd&#38;e']);
    expect(keysIn(s3('GET', '/models?list-type=2&prefix=a/').text)).toEqual(['a/1', 'a/2', 'a/b/3']);
    expect(keysIn(s3('GET', '/models?list-type=2&start-after=a/2').text)).toEqual(['a/b/3', 'c', 'd&#38;e']);
    expect(keysIn(s3('GET', '/models?list-type=2&prefix=d&encoding-type=url').text)).toEqual(['d%26e']);
  });
  test('a delimiter folds what is below it', () => {
    const { text } = s3('GET', '/models?list-type=2&prefix=a/&delimiter=/');
    expect(keysIn(text)).toEqual(['a/1', 'a/2']);
    expect(text).toContain('<CommonPrefixes><Prefix>a/b/</Prefix></CommonPrefixes>');
    expect(text).toContain('<KeyCount>3</KeyCount>');
  });
  test('pages follow each other until nothing is left', () => {
    const seen: (string | undefined)[] = [];
    let token = '';
    do {
      const { text } = s3('GET', `/models?list-type=2&max-keys=2${token && `&continuation-token=${token}`}`);
      seen.push(...keysIn(text));
      token = /<NextContinuationToken>(.*)<\/NextContinuationToken>/.exec(text)?.[1] ?? '';
      expect(text).toContain(`<IsTruncated>${token !== ''}</IsTruncated>`);
    } while (token);
    expect(seen).toHaveLength(5);
  });
});

describe('what it does not do', () => {
  test.each([
    ['POST', '/models/a?uploads', {}],
    ['GET', '/models?policy', {}],
    ['GET', '/models', {}],
    ['PUT', '/models/a?acl', {}],
    ['PUT', '/models/b', { 'x-amz-copy-source': '/models/a' }],
    ['PUT', '/models/b', { 'x-amz-server-side-encryption-customer-algorithm': 'AES256' }],
  ])('%s %s is refused by name', (method, address, headers) => {
    const answer = s3(method, address, '', headers);
    expect(answer.status).toBe(501);
    expect(code(answer)).toBe('NotImplemented');
    expect(answer.text).toMatch(/<Message>The loopback AWS does not do S3 \(.+\)/);
  });
  test('the name that the SDK gives is repeated', () => {
    expect(s3('GET', '/models?policy&x-id=GetBucketPolicy').text).toContain('GetBucketPolicy');
  });
});
