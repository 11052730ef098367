import { HeadObjectCommand } from '@aws-sdk/client-s3';
import type { Monitor } from '../model/endpoint-facts.ts';
import { splitS3Uri } from './artifact-reader.ts';
import type { Reading } from './endpoint-reader.ts';

type Unseen = NonNullable<Monitor['unseenBaselines']>[number];

/**
 * Whether a baseline's file is there. S3 says 404 where it is not, and 403 where it is not ours to see (or not there and
 * not ours to list): then nobody knows, which is a fact too. Anything else is a failed reading and thrown.
 */
function whyUnseen(error: unknown): Unseen['why'] {
  const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  if (status === 404) return 'missing';
  if (status === 403 || status === 400) return 'unverifiable';
  throw error;
}

/** The files among these that S3 does not show; a baselining job's name alone does not prove that it ever wrote them. */
export async function readUnseenBaselines(
  { services, cache, call }: Reading,
  uris: readonly string[],
): Promise<Unseen[]> {
  const seen = await Promise.all(
    uris.map((uri) =>
      cache.get(`baseline:${uri}`, async (): Promise<Unseen | undefined> => {
        const place = splitS3Uri(uri);
        if (!place?.key) return { uri, why: 'unverifiable' };
        try {
          await call(() => services.s3.send(new HeadObjectCommand({ Bucket: place.bucket, Key: place.key })));
          return undefined;
        } catch (error) {
          return { uri, why: whyUnseen(error) };
        }
      }),
    ),
  );
  return seen.filter((each) => each !== undefined);
}
