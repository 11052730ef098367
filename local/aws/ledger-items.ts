import { sha256 } from '../../shared/model/canonical-json.ts';
import type { Written } from '../../shared/model/checkpoint.ts';
import { refOfStream } from '../../shared/model/endpoint-ref.ts';
import type { CheckpointWriter } from '../checkpoint-writer.ts';

type Item = Record<string, unknown>;
const PLACE = /^(?!0{9})\d{9}#[0-9a-f]{64}$/;
const textIn = (value: unknown) => (value as { S?: string } | undefined)?.S ?? '';

/** A record as it lies in the store of a gate on one machine. */
export type StoredRecord = { pk: string; sk: string; hash: string; text: string };

/** The parts of an item of the ledger; what is not there is empty. */
export const storedRecordOf = ({ pk, sk, hash, record }: Item): StoredRecord => ({
  pk: textIn(pk),
  sk: textIn(sk),
  hash: textIn(hash),
  text: textIn(record),
});

/** Where an item of the ledger stands; undefined for what the ledger would not write. */
function placeOf({ pk, sk }: Item): Omit<Written, 'hash'> | undefined {
  const [stream, place] = [textIn(pk), textIn(sk)];
  if (refOfStream(stream) === undefined || !PLACE.test(place)) return undefined;
  return { stream, sequence: Number(place.slice(0, 9)) };
}

/** What a checkpoint says of an item of the ledger; undefined for what the ledger would not write. */
export function recordIn(item: Item): Written | undefined {
  const place = placeOf(item);
  return place && { ...place, hash: sha256(textIn(item.record)) };
}

/** Signs everything that comes after the last record of its stream that is in a checkpoint. */
export async function signWhatIsLeft(
  checkpoints: CheckpointWriter,
  items: Iterable<Item> | AsyncIterable<Item>,
): Promise<void> {
  const covered = new Map(checkpoints.covered());
  const left: Written[] = [];
  for await (const item of items) {
    const place = placeOf(item);
    // Most are signed, and need not be hashed to find that out.
    if (place && place.sequence > (covered.get(place.stream) ?? 0))
      left.push({ ...place, hash: sha256(textIn(item.record)) });
  }
  left.sort((a, b) => (a.stream < b.stream ? -1 : a.stream > b.stream ? 1 : a.sequence - b.sequence));
  for (const record of left) checkpoints.add(record);
  checkpoints.flush();
}
