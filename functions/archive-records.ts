import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import * as z from 'zod';
import { archiveKey, keep } from '../shared/aws/archive.ts';
import { s3 } from '../shared/aws/clients/s3.ts';
import type { With } from '../shared/aws/services.ts';
import { lambda } from '../shared/lambda.ts';
import { sha256 } from '../shared/model/canonical-json.ts';
import { StreamRef, streamOf } from '../shared/model/endpoint-ref.ts';
import { sortKey } from '../shared/model/ledger-record.ts';

const clients = { s3 };
type Archiving = With<keyof typeof clients>;

const Text = z.object({ S: z.string() });
/** A record as it arrives in the stream. What is not of this form was not put there by the gate. */
const Inserted = z
  .object({
    eventName: z.literal('INSERT'),
    dynamodb: z.object({
      NewImage: z.object({ pk: Text, sk: Text, record: Text, hash: Text }),
      /** Seconds, by DynamoDB's own clock. */
      ApproximateCreationDateTime: z.number().min(0).max(8.64e12).optional(),
    }),
  })
  .transform(({ dynamodb: { NewImage, ApproximateCreationDateTime: at } }) => ({
    pk: NewImage.pk.S,
    sk: NewImage.sk.S,
    text: NewImage.record.S,
    hash: NewImage.hash.S,
    writtenAt: at === undefined ? {} : { 'written-at': new Date(at * 1000).toISOString() },
  }));
type Inserted = z.infer<typeof Inserted>;

/** Does the record say of itself what its keys say of it? */
function fitsItsKeys({ pk, sk, text }: Inserted): boolean {
  try {
    const { endpoint, sequence, previous } = JSON.parse(text);
    return streamOf(StreamRef.parse(endpoint)) === pk && sortKey(sequence, previous) === sk;
  } catch {
    return false;
  }
}

/** Keeps a change that the gate does not make as evidence, and says so where somebody looks. Nothing of it is logged. */
async function report(services: Archiving, record: DynamoDBRecord, what: string): Promise<void> {
  // First, so that the alarm goes off even while nothing can be put into the archive.
  services.measure({ name: 'LedgerTampering', unit: 'Count', value: 1 });
  const text = JSON.stringify(record ?? null);
  const event = /^[\w-]{1,128}$/.exec(record?.eventID ?? '')?.[0] ?? 'unknown';
  // Named by its content as well: whoever takes an event's name first hides nothing by it.
  const evidence = `tampering/${event}/${sha256(text)}.json`;
  console.error(JSON.stringify({ level: 'ERROR', message: 'the ledger was tampered with', what, evidence }));
  await keep(services, evidence, text, { what });
}

async function archive(record: DynamoDBRecord, services: Archiving): Promise<void> {
  const inserted = Inserted.safeParse(record).data;
  const key = inserted && archiveKey(inserted.pk, inserted.sk);
  if (!inserted || !key) {
    const { eventName } = record ?? {};
    await report(services, record, eventName === 'MODIFY' || eventName === 'REMOVE' ? eventName : 'no record of ours');
    return;
  }
  const { pk, sk, text, hash, writtenAt } = inserted;
  const result = await keep(services, key, text, { pk, sk, ...writtenAt });
  if (result === 'differs') await report(services, record, 'another record had its place before');
  else if (hash !== sha256(text)) await report(services, record, 'its hash does not fit');
  else if (!fitsItsKeys(inserted)) await report(services, record, 'its keys do not fit');
}

/**
 * Puts the bytes of every new record into the archive, where they can be neither changed nor removed, and reports
 * everything else that happens to the ledger. In order: after the first failure AWS delivers the rest again.
 */
export async function run({ Records }: DynamoDBStreamEvent, services: Archiving): Promise<DynamoDBBatchResponse> {
  for (const record of Records) {
    try {
      await archive(record, services);
    } catch (error) {
      const { name } = error as Error;
      console.error(JSON.stringify({ level: 'ERROR', message: 'a record could not be archived', error: name }));
      // Without a number AWS takes the whole batch as failed, which loses nothing either.
      return { batchItemFailures: [{ itemIdentifier: record?.dynamodb?.SequenceNumber ?? '' }] };
    }
  }
  return { batchItemFailures: [] };
}

/** Called by the ledger table's stream (NEW_AND_OLD_IMAGES, ReportBatchItemFailures). */
export const handler = lambda(clients, run);
