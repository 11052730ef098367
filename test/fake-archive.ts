import {
  GetObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  PutObjectCommand,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import { awsError, type FakeAws } from './fake-aws.ts';

export type Kept = { text: string; input: PutObjectCommandInput };

/** The bucket in memory: it takes no key twice where it is asked not to. */
export function fakeArchive(aws: FakeAws) {
  const objects = new Map<string, Kept>();
  aws.s3.on(PutObjectCommand).callsFake(async (input: PutObjectCommandInput) => {
    await aws.world.before('PutObject', input);
    const key = input.Key ?? '';
    if (input.IfNoneMatch === '*' && objects.has(key)) throw awsError('PreconditionFailed', 'taken', 412);
    objects.set(key, { text: Buffer.from(input.Body as Buffer).toString('utf8'), input });
    return {};
  });
  aws.s3.on(GetObjectCommand).callsFake(async ({ Key = '' }: { Key?: string }) => {
    await aws.world.before('GetObject', { Key });
    const found = objects.get(Key);
    if (!found) throw awsError('NoSuchKey', 'no such key', 404);
    return { Body: { transformToByteArray: async () => new Uint8Array(Buffer.from(found.text, 'utf8')) } };
  });
  aws.s3
    .on(ListObjectsV2Command)
    .callsFake(async ({ Prefix = '', StartAfter = '', MaxKeys = 1_000, ...input }: ListObjectsV2CommandInput) => {
      await aws.world.before('ListObjectsV2', input);
      const { Delimiter, ContinuationToken = StartAfter } = input;
      const under = [...objects.keys()].filter((key) => key.startsWith(Prefix) && key > ContinuationToken).sort();
      const page = under.slice(0, MaxKeys);
      const folder = (key: string) =>
        Delimiter && key.includes(Delimiter, Prefix.length)
          ? key.slice(0, key.indexOf(Delimiter, Prefix.length) + 1)
          : undefined;
      return {
        Contents: page.filter((key) => !folder(key)).map((Key) => ({ Key })),
        CommonPrefixes: [...new Set(page.flatMap((key) => folder(key) ?? []))].map((each) => ({ Prefix: each })),
        IsTruncated: under.length > MaxKeys,
        ...(under.length > MaxKeys ? { NextContinuationToken: page.at(-1) ?? '' } : {}),
      };
    });
  return { objects, keys: () => [...objects.keys()] };
}
