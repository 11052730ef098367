/** A record as it stands in the table: its place and predecessor by its key, the hash of its bytes, and when it says it was made. */
export type Standing = { sequence: number; sortKey: string; hash: string; at: string | undefined };
/** What a checkpoint says of a record. */
export type Signed = { hash: string; checkpoint: number };
/** A sealed copy: where it lies, and the hash of its bytes where that is known. */
export type Copy = { key: string; hash: string | undefined };

export type Difference = { sequence: number; sortKey: string; problem: string };
export type Comparison = {
  differences: Difference[];
  /** Records that nothing but their chain speaks for yet. */
  tooNew: number;
};

/** A record must be signed and copied by then; on AWS both take a minute. */
const LATE_MS = 300_000;

/**
 * Holds one stream of the table against its checkpoints and its sealed copies, as far as there are any, and names every
 * record that they speak against. `now` is when the table was read.
 */
export function compareTrail(
  standing: readonly Standing[],
  {
    signed,
    copies,
    now,
  }: { signed?: ReadonlyMap<number, Signed> | undefined; copies?: ReadonlyMap<number, Copy> | undefined; now: string },
): Comparison {
  const differences: Difference[] = [];
  const seen = new Set<number>();
  let tooNew = 0;
  for (const item of standing) {
    const [proof, copy] = [signed?.get(item.sequence), copies?.get(item.sequence)];
    const age = Date.parse(now) - Date.parse(item.at ?? '');
    // What is dated in the future is not young.
    const young = age < LATE_MS && age > -LATE_MS;
    const problem = ((): string | undefined => {
      if (proof && proof.hash !== item.hash)
        return `is not the record that checkpoint ${proof.checkpoint} signed: it was changed or replaced`;
      if (!proof && copy?.hash !== undefined && copy.hash !== item.hash)
        return `is not the record of its sealed copy ${copy.key}: it was changed or replaced`;
      if (seen.has(item.sequence)) return 'stands there twice';
      if (signed && !proof && !young) return 'is in no checkpoint, although it is older than five minutes';
      if (copies && !copy && !young) return 'has no sealed copy, although it is older than five minutes';
      return undefined;
    })();
    seen.add(item.sequence);
    if (problem) differences.push({ sequence: item.sequence, sortKey: item.sortKey, problem });
    else if ((signed && !proof) || (copies && !copy)) tooNew += 1;
  }
  for (const [sequence, { checkpoint }] of signed ?? [])
    if (!seen.has(sequence))
      differences.push({
        sequence,
        sortKey: '',
        problem: `is missing from the table: checkpoint ${checkpoint} signed it`,
      });
  for (const [sequence, { key }] of copies ?? [])
    if (!seen.has(sequence) && !signed?.has(sequence))
      differences.push({ sequence, sortKey: '', problem: `is missing from the table: its sealed copy is ${key}` });
  // A copy and a signature that do not agree: one of the two was forged, whatever stands in the table.
  for (const [sequence, { hash, key }] of copies ?? []) {
    const proof = signed?.get(sequence);
    if (proof && hash !== undefined && hash !== proof.hash)
      differences.push({
        sequence,
        sortKey: '',
        problem: `has a sealed copy (${key}) that checkpoint ${proof.checkpoint} does not fit`,
      });
  }
  return { differences: differences.sort((a, b) => a.sequence - b.sequence), tooNew };
}
