import { GetObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { archiveKey, keep, readArchived } from '../../shared/aws/archive.ts';
import { streamOf } from '../../shared/model/endpoint-ref.ts';
import { GENESIS, sortKey } from '../../shared/model/ledger-record.ts';
import { endpoint } from '../builders.ts';
import { fakeArchive } from '../fake-archive.ts';
import { awsError, fakeAws } from '../fake-aws.ts';

const PK = 'endpoint#111122223333#us-east-1#fraud-prod';

describe('the key of a copy', () => {
  test("has the parts of the record's own keys", () => {
    expect(archiveKey(streamOf(endpoint), sortKey(7, 'ab'.repeat(32)))).toBe(
      `ledger/111122223333/us-east-1/fraud-prod/000000007-${'ab'.repeat(32)}.json`,
    );
  });
  test('tells the plans of an endpoint from what became of it', () => {
    expect(archiveKey(streamOf({ ...endpoint, planned: true }), sortKey(7, GENESIS))).toBe(
      `plans/111122223333/us-east-1/fraud-prod/000000007-${GENESIS}.json`,
    );
  });
  test('lists a stream in the order of its records', () => {
    const keys = [100, 9, 10, 1].map((sequence) => archiveKey(PK, sortKey(sequence, GENESIS)) ?? '');
    expect(keys.toSorted().map((key) => Number(key.split('/')[4]?.slice(0, 9)))).toEqual([1, 9, 10, 100]);
  });
  test.each([
    ['another kind', 'table#111122223333#us-east-1#fraud-prod'],
    ['upper case', 'endpoint#111122223333#us-east-1#Fraud-prod'],
    ['a path in the name', 'endpoint#111122223333#us-east-1#../x'],
    ['a part too many', `${PK}#x`],
    ['no account', 'endpoint#1#us-east-1#fraud-prod'],
    ['nothing', ''],
  ])('a stream with %s has none', (_what, pk) => {
    expect(archiveKey(pk, sortKey(1, GENESIS))).toBeUndefined();
  });
  test.each([
    '',
    '1',
    `1#${GENESIS}`,
    `000000001#${GENESIS}0`,
    `000000001#${GENESIS.slice(1)}g`,
    `000000001-${GENESIS}`,
  ])('a sort key like %j has none', (sk) => expect(archiveKey(PK, sk)).toBeUndefined());
});

describe('keeping', () => {
  test('sends the bytes with their checksum, and never onto a key that is taken', async () => {
    const aws = fakeAws();
    const { objects } = fakeArchive(aws);
    expect(await keep(aws.services, 'a/b.json', '{"é":1}', { pk: 'x' })).toBe('kept');
    expect(objects.get('a/b.json')?.input).toMatchObject({
      Bucket: 'portcullis-archive',
      ContentType: 'application/json',
      IfNoneMatch: '*',
      ChecksumSHA256: '3c/PR2XaFjlplyuyBmAJLKJ4d4LZNS0dijjpP3Cs878=',
      Metadata: { pk: 'x' },
    });
    expect(Buffer.from(await readArchived(aws.services, 'a/b.json')).toString('utf8')).toBe('{"é":1}');
  });
  test('tells the same bytes from others where the key is taken, and leaves what is there', async () => {
    const aws = fakeAws();
    const { objects } = fakeArchive(aws);
    await keep(aws.services, 'k', 'one', {});
    expect(await keep(aws.services, 'k', 'one', {})).toBe('kept-before');
    expect(await keep(aws.services, 'k', 'two', {})).toBe('differs');
    expect(objects.get('k')?.text).toBe('one');
  });
  test('what S3 refuses for another reason is not taken for kept', async () => {
    const aws = fakeAws();
    fakeArchive(aws);
    aws.world.before = () => {
      throw awsError('AccessDenied', 'no', 403);
    };
    await expect(keep(aws.services, 'k', 'one', {})).rejects.toThrow('no');
  });
  test('a copy without bytes is an error', async () => {
    const aws = fakeAws();
    aws.s3.on(GetObjectCommand).resolves({});
    await expect(readArchived(aws.services, 'k')).rejects.toThrow('no bytes for k');
  });
});
