import { describe, expect, test } from 'vitest';
import { run } from '../../functions/sign-checkpoints.ts';
import { checkpointKey, newestNumber, readLines, readPublicKey } from '../../shared/aws/checkpoints.ts';
import { canonicalJson, sha256 } from '../../shared/model/canonical-json.ts';
import { Checkpoint, publicKeysIn, verifyChain } from '../../shared/model/checkpoint.ts';
import { streamOf } from '../../shared/model/endpoint-ref.ts';
import { type LedgerRecord, recordHash, sortKey } from '../../shared/model/ledger-record.ts';
import { endpoint, findings, NOW, opened, outcome, records } from '../builders.ts';
import { fakeArchive } from '../fake-archive.ts';
import { awsError, fakeAws } from '../fake-aws.ts';
import { fakeSigningKey } from '../fake-signing-key.ts';

const STREAM = streamOf(endpoint);
const [first, second, third] = records(opened(), findings(), outcome()) as [LedgerRecord, LedgerRecord, LedgerRecord];
const elsewhere = { ...first, endpoint: { ...endpoint, name: 'other' } };

function setUp() {
  const aws = fakeAws();
  const archive = fakeArchive(aws);
  const key = fakeSigningKey(aws);
  const { services } = aws;
  return {
    aws,
    archive,
    key,
    services,
    run: (...Records: unknown[]) => run({ Records } as never, services),
    /** The chain as somebody else would read it. */
    chain: async () => verifyChain(readLines(services), publicKeysIn(await readPublicKey(services))),
    checkpoint: (number: number) =>
      Checkpoint.parse(JSON.parse(archive.objects.get(checkpointKey(number))?.text ?? '{}').checkpoint),
  };
}

const streamed = (record: LedgerRecord, overrides: object = {}, eventName = 'INSERT') => ({
  eventName,
  dynamodb: {
    ApproximateCreationDateTime: Date.parse(NOW) / 1_000,
    NewImage: {
      pk: { S: streamOf(record.endpoint) },
      sk: { S: sortKey(record.sequence, record.previous) },
      record: { S: canonicalJson(record) },
      hash: { S: recordHash(record) },
      ...overrides,
    },
  },
});

describe('a batch of records', () => {
  test('gets one checkpoint that names each of them and can be verified with the public key', async () => {
    const { run, checkpoint, chain, key, archive } = setUp();
    await run(streamed(first), streamed(elsewhere), streamed(second));
    expect(checkpoint(1)).toEqual({
      schema: 1,
      number: 1,
      at: NOW,
      previous: '0'.repeat(64),
      total: 3,
      streams: [
        { stream: STREAM, first: 1, hashes: [recordHash(first), recordHash(second)] },
        { stream: streamOf(elsewhere.endpoint), first: 1, hashes: [recordHash(elsewhere)] },
      ],
      keyId: [...publicKeysIn(key.pem).keys()][0],
    });
    expect(archive.objects.get(checkpointKey(1))?.input.IfNoneMatch).toBe('*');
    expect((await chain()).problems).toEqual([]);
  });
  test('is continued by the next one', async () => {
    const { run, checkpoint, chain, archive } = setUp();
    await run(streamed(first));
    await run(streamed(second), streamed(third));
    expect(checkpoint(2)).toMatchObject({
      number: 2,
      previous: sha256(archive.objects.get(checkpointKey(1))?.text ?? ''),
      total: 3,
      streams: [{ stream: STREAM, first: 2 }],
    });
    expect(await chain()).toMatchObject({ problems: [], end: { number: 2, total: 3 } });
  });
  test('that arrives again, whole or in part, is not counted twice', async () => {
    const { run, services, chain, checkpoint } = setUp();
    await run(streamed(first), streamed(second));
    await run(streamed(first), streamed(second));
    // Another container, which remembers nothing.
    await (await import('../../functions/sign-checkpoints.ts')).run(
      { Records: [streamed(second), streamed(third)] } as never,
      { ...services },
    );
    expect(checkpoint(2).streams).toEqual([{ stream: STREAM, first: 3, hashes: [recordHash(third)] }]);
    expect(await chain()).toMatchObject({ problems: [], end: { number: 2, total: 3 } });
  });
  test.each<[string, unknown]>([
    ['a removal', streamed(first, {}, 'REMOVE')],
    ['a change', streamed(first, {}, 'MODIFY')],
    ['another stream', streamed(first, { pk: { S: 'x' } })],
    ['another place', streamed(first, { sk: { S: 'x' } })],
    ['the place 0', streamed(first, { sk: { S: sortKey(0, first.previous) } })],
    ['nothing', null],
  ])('of which one is %s is signed without it', async (_what, other) => {
    const { run, chain, archive } = setUp();
    await run(other);
    expect(archive.keys()).toEqual([]);
    await run(other, streamed(first));
    expect(await chain()).toMatchObject({ problems: [], end: { number: 1, total: 1 } });
  });
});

describe('two that sign at once', () => {
  test('do not fork the chain: who is late reads again and takes the next number', async () => {
    const { aws, services, chain } = setUp();
    const raced = Array.from({ length: 4 }, (_, index) => ({ ...first, endpoint: { ...endpoint, name: `e${index}` } }));
    // Each with a memory of its own, as containers have.
    await Promise.all(raced.map((record) => run({ Records: [streamed(record)] } as never, { ...services })));
    expect(await chain()).toMatchObject({ problems: [], end: { number: 4, total: 4 } });
    expect(aws.kms.calls().length).toBeGreaterThan(8);
  });
  test('what stands in the way of the chain and is not ours is passed over, and found by whoever verifies', async () => {
    const { run, chain, archive, services } = setUp();
    await run(streamed(first));
    const input = archive.objects.get(checkpointKey(1))?.input ?? { Bucket: '', Key: '' };
    const forged = (archive.objects.get(checkpointKey(1))?.text ?? '').replace('"total":1', '"total":999');
    archive.objects.set(checkpointKey(2), { text: forged, input });
    await run(streamed(second));
    const { problems, end, signed } = await chain();
    expect(problems).toMatchObject([{ checkpoint: 2, problem: expect.stringContaining('its signature does not fit') }]);
    expect(end).toMatchObject({ number: 3, total: 2 });
    expect([...(signed.get(STREAM)?.keys() ?? [])]).toEqual([1, 2]);
    expect(await newestNumber(services, 0)).toBe(3);
  });
});

test('the newest of many is found in a few looks', async () => {
  const { archive, aws, services } = setUp();
  const input = { Bucket: '', Key: '' };
  for (const newest of [0, 1, 999, 1_000, 1_001, 54_321]) {
    for (let number = archive.keys().length + 1; number <= newest; number += 1)
      archive.objects.set(checkpointKey(number), { text: '', input });
    aws.s3.resetHistory();
    expect(await newestNumber(services, 0)).toBe(newest);
    expect(aws.s3.calls().length).toBeLessThan(20);
  }
});

test.each(['Sign', 'PutObject', 'GetObject'])(
  'where %s fails the batch fails, so that AWS delivers it again',
  async (operation) => {
    const { aws, run, chain } = setUp();
    await run(streamed(first));
    aws.world.before = (command) => {
      if (command === operation) throw awsError('SlowDown', 'no', 503);
    };
    await expect(run(streamed(second))).rejects.toThrow('no');
    aws.world.before = () => undefined;
    await run(streamed(second));
    expect(await chain()).toMatchObject({ problems: [], end: { number: 2, total: 2 } });
  },
);
