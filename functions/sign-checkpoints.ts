import type { DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import * as z from 'zod';
import { archiveKey } from '../shared/aws/archive.ts';
import { writeCheckpoint } from '../shared/aws/checkpoints.ts';
import { kms } from '../shared/aws/clients/kms.ts';
import { s3 } from '../shared/aws/clients/s3.ts';
import type { With } from '../shared/aws/services.ts';
import { lambda } from '../shared/lambda.ts';
import { sha256 } from '../shared/model/canonical-json.ts';
import type { Written } from '../shared/model/checkpoint.ts';

const clients = { s3, kms };

const Text = z.object({ S: z.string() });
const Inserted = z.object({
  eventName: z.literal('INSERT'),
  dynamodb: z.object({
    NewImage: z.object({ pk: Text, sk: Text, record: Text }),
    /** Seconds, by DynamoDB's own clock. */
    ApproximateCreationDateTime: z.number().positive(),
  }),
});

/** A record as it arrived, and when; undefined for what the ledger would not write, which archive-records reports. */
function arrived(record: DynamoDBRecord): (Written & { at: number }) | undefined {
  const { data } = Inserted.safeParse(record);
  if (!data) return undefined;
  const { NewImage, ApproximateCreationDateTime } = data.dynamodb;
  const [stream, place] = [NewImage.pk.S, NewImage.sk.S];
  if (archiveKey(stream, place) === undefined) return undefined;
  const sequence = Number(place.slice(0, 9));
  if (sequence === 0) return undefined;
  return { stream, sequence, hash: sha256(NewImage.record.S), at: ApproximateCreationDateTime * 1_000 };
}

/**
 * Signs a checkpoint of the records that arrived. Where it fails AWS delivers the same ones again until it succeeds, and
 * what has its checkpoint already gets no second one.
 */
export async function run({ Records }: DynamoDBStreamEvent, services: With<keyof typeof clients>): Promise<void> {
  const written = Records.flatMap((record) => arrived(record) ?? []);
  if (written.length === 0) return;
  await writeCheckpoint(services, written, Math.min(...written.map(({ at }) => at)));
}

/** Called by the ledger table's stream, with at most 100 records and what arrived in half a minute. */
export const handler = lambda(clients, run);
