import { expect, test } from 'vitest';
import { archiveKey } from '../../shared/aws/archive.ts';
import { listCopiedStreams, readCopies, tryListingCopies } from '../../shared/aws/sealed-copies.ts';
import { canonicalJson } from '../../shared/model/canonical-json.ts';
import { streamOf } from '../../shared/model/endpoint-ref.ts';
import { type LedgerRecord, recordHash, sortKey } from '../../shared/model/ledger-record.ts';
import { endpoint, findings, opened, outcome, records } from '../builders.ts';
import { fakeArchive } from '../fake-archive.ts';
import { awsError, fakeAws } from '../fake-aws.ts';

const STREAM = streamOf(endpoint);
const keyOf = ({ endpoint: ref, sequence, previous }: LedgerRecord) =>
  archiveKey(streamOf(ref), sortKey(sequence, previous)) ?? '';

function setUp() {
  const aws = fakeAws();
  const { objects } = fakeArchive(aws);
  const list = records(opened(), findings(), outcome());
  const plans = list.map((record) => ({ ...record, endpoint: { ...endpoint, planned: true as const } }));
  for (const record of [...list, ...plans])
    objects.set(keyOf(record), { text: canonicalJson(record), input: { Bucket: '', Key: '' } });
  return { aws, objects, list, services: aws.services };
}

test('copies are of the streams of endpoints and of their plans', async () => {
  expect((await listCopiedStreams(setUp().services)).sort()).toEqual([
    STREAM,
    streamOf({ ...endpoint, planned: true }),
  ]);
});
test('the list alone tells the hashes of all but the last, whose bytes are read', async () => {
  const { services, list, aws } = setUp();
  const copies = await readCopies(services, STREAM, false);
  expect([...copies.values()]).toEqual(list.map((record) => ({ key: keyOf(record), hash: recordHash(record) })));
  expect(aws.calls.length + aws.s3.calls().length).toBe(2);
});
test('read, a copy counts by its bytes and not by the name of the next', async () => {
  const { services, objects, list } = setUp();
  const [, second] = list as [LedgerRecord, LedgerRecord];
  objects.set(keyOf(second), { text: 'forged', input: { Bucket: '', Key: '' } });
  const hashes = async (read: boolean) => (await readCopies(services, STREAM, read)).get(2)?.hash;
  expect(await hashes(false)).toBe(recordHash(second));
  expect(await hashes(true)).not.toBe(recordHash(second));
});
test('an archive that cannot be listed is an error, not an archive without copies', async () => {
  const { services, aws } = setUp();
  aws.world.before = () => {
    throw awsError('AccessDenied', 'no', 403);
  };
  await expect(tryListingCopies(services)).rejects.toThrow('no');
});
