import { GetObjectCommand, PutObjectCommand, type PutObjectCommandInput } from '@aws-sdk/client-s3';
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
  return { objects, keys: () => [...objects.keys()] };
}
