import type { DynamoDBRecord } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { run } from '../../functions/archive-records.ts';
import { archiveKey } from '../../shared/aws/archive.ts';
import type { Metric } from '../../shared/aws/services.ts';
import { canonicalJson, sha256 } from '../../shared/model/canonical-json.ts';
import { streamOf } from '../../shared/model/endpoint-ref.ts';
import { type LedgerRecord, recordHash, sortKey } from '../../shared/model/ledger-record.ts';
import { findings, opened, records } from '../builders.ts';
import { fakeArchive } from '../fake-archive.ts';
import { awsError, fakeAws } from '../fake-aws.ts';

const [first, second] = records(opened(), findings()) as [LedgerRecord, LedgerRecord];

const image = (record: LedgerRecord, overrides: Record<string, string> = {}) =>
  Object.fromEntries(
    Object.entries({
      pk: streamOf(record.endpoint),
      sk: sortKey(record.sequence, record.previous),
      record: canonicalJson(record),
      hash: recordHash(record),
      kind: record.body.kind,
      ...overrides,
    }).map(([name, value]) => [name, { S: value }]),
  );
const keyOf = ({ endpoint, sequence, previous }: LedgerRecord) =>
  archiveKey(streamOf(endpoint), sortKey(sequence, previous)) ?? '';

const streamed = (
  record: LedgerRecord,
  overrides: Record<string, string> = {},
  eventName: DynamoDBRecord['eventName'] = 'INSERT',
): DynamoDBRecord => ({
  eventID: `event${record.sequence}`,
  eventName,
  dynamodb: {
    SequenceNumber: String(record.sequence),
    ApproximateCreationDateTime: 1_795_168_800,
    ...(eventName === 'REMOVE' ? {} : { NewImage: image(record, overrides) }),
    ...(eventName === 'INSERT' ? {} : { OldImage: image(record) }),
  },
});

let logged: string[];
beforeEach(() => {
  logged = [];
  vi.spyOn(console, 'error').mockImplementation((line) => void logged.push(String(line)));
});
afterEach(() => vi.restoreAllMocks());

function setUp() {
  const measured: Metric[] = [];
  const aws = fakeAws({ measure: (metric) => void measured.push(metric) });
  const archive = fakeArchive(aws);
  return { aws, measured, ...archive, run: (...Records: unknown[]) => run({ Records } as never, aws.services) };
}
const DONE = { batchItemFailures: [] };
const TAMPERED: Metric = { name: 'LedgerTampering', unit: 'Count', value: 1 };

describe('a new record', () => {
  test('is kept byte for byte, with its keys and when DynamoDB took it', async () => {
    const { run, objects, measured } = setUp();
    expect(await run(streamed(first), streamed(second))).toEqual(DONE);
    expect([...objects.keys()]).toEqual([keyOf(first), keyOf(second)]);
    const kept = objects.get(keyOf(second));
    expect(sha256(kept?.text ?? '')).toBe(recordHash(second));
    expect(kept?.input.Metadata).toEqual({
      pk: streamOf(second.endpoint),
      sk: sortKey(2, recordHash(first)),
      'written-at': '2026-11-20T10:00:00.000Z',
    });
    expect({ measured, logged }).toEqual({ measured: [], logged: [] });
  });

  test('delivered again, is there already', async () => {
    const { run, objects, measured } = setUp();
    await run(streamed(first));
    expect(await run(streamed(first), streamed(second))).toEqual(DONE);
    expect(objects.size).toBe(2);
    expect(measured).toEqual([]);
  });
});

describe('tampering', () => {
  const evidenceIn = (keys: string[]) => keys.filter((key) => key.startsWith('tampering/'));

  test.each(['MODIFY', 'REMOVE'] as const)(
    '%s of a record is measured, and both images are kept',
    async (eventName) => {
      const { run, objects, keys, measured } = setUp();
      const event = streamed(first, { record: '{"forged":true}' }, eventName);
      expect(await run(event)).toEqual(DONE);
      expect(measured).toEqual([TAMPERED]);
      const [evidence = ''] = keys();
      expect(evidence).toMatch(/^tampering\/event1\/[0-9a-f]{64}\.json$/);
      expect(JSON.parse(objects.get(evidence)?.text ?? '')).toEqual(event);
      expect(objects.get(evidence)?.input.Metadata).toEqual({ what: eventName });
    },
  );

  test('the log says what and where the evidence is, and nothing of what a record says', async () => {
    const { run, keys } = setUp();
    await run(streamed(first, { record: '{"secret":1}' }, 'MODIFY'));
    expect(logged.map((line) => JSON.parse(line))).toEqual([
      { level: 'ERROR', message: 'the ledger was tampered with', what: 'MODIFY', evidence: keys()[0] },
    ]);
  });

  test('another record in the place of one that was archived is kept beside it', async () => {
    const { run, objects, keys, measured } = setUp();
    await run(streamed(first));
    const other = { ...first, id: 'forged' };
    expect(await run({ ...streamed(other), eventID: 'later' })).toEqual(DONE);
    expect(measured).toEqual([TAMPERED]);
    expect(objects.get(keyOf(first))?.text).toBe(canonicalJson(first));
    expect(objects.get(evidenceIn(keys())[0] ?? '')?.text).toContain('forged');
    expect(logged[0]).toContain('another record had its place before');
  });

  test.each([
    ['whose hash is not its own', { hash: 'ab'.repeat(32) }, 'its hash does not fit'],
    ['under the place of another', { sk: sortKey(2, first.previous) }, 'its keys do not fit'],
    ['under another endpoint', { pk: 'endpoint#111122223333#us-east-1#other' }, 'its keys do not fit'],
    ['that is no JSON', { record: 'x', hash: sha256('x') }, 'its keys do not fit'],
  ])('a record %s is archived all the same', async (_what, overrides, what) => {
    const { run, keys, measured } = setUp();
    expect(await run(streamed(first, overrides))).toEqual(DONE);
    expect(measured).toEqual([TAMPERED]);
    expect(keys().map((key) => key.split('/')[0])).toEqual(['ledger', 'tampering']);
    expect(logged[0]).toContain(what);
  });

  const { NewImage: _none, ...noImage } = streamed(first).dynamodb ?? {};
  test.each<[string, unknown]>([
    ['with a malformed predecessor', streamed(first, { sk: '000000001#x' })],
    ['without its bytes', { ...streamed(first), dynamodb: { ...noImage, NewImage: { pk: { S: 'x' } } } }],
    ['without images', { ...streamed(first), dynamodb: noImage }],
    ['of a kind that is not known', { ...streamed(first), eventName: 'TRUNCATE' }],
    ['that is empty', {}],
    ['that is nothing', null],
  ])('a stream record %s blocks nobody: it is kept as evidence and measured', async (_what, poison) => {
    const { run, keys, measured } = setUp();
    expect(await run(poison, streamed(second))).toEqual(DONE);
    expect(measured).toEqual([TAMPERED]);
    expect(keys()).toEqual([evidenceIn(keys())[0], keyOf(second)]);
  });

  test('delivered again, it has its evidence and is measured again', async () => {
    const { run, keys, measured } = setUp();
    await run(streamed(first, {}, 'REMOVE'));
    expect(await run(streamed(first, {}, 'REMOVE'))).toEqual(DONE);
    expect(keys()).toHaveLength(1);
    expect(measured).toEqual([TAMPERED, TAMPERED]);
  });
});

describe('when the archive cannot be written', () => {
  test('everything from the first failure on is delivered again, in order', async () => {
    const { run, aws, keys } = setUp();
    aws.world.before = (_command, input) => {
      if ((input as { Key: string }).Key === keyOf(second)) throw awsError('SlowDown', 'secret text', 503);
    };
    const third = { ...first, sequence: 3 };
    expect(await run(streamed(first), streamed(second), streamed(third))).toEqual({
      batchItemFailures: [{ itemIdentifier: '2' }],
    });
    expect(keys()).toEqual([keyOf(first)]);
    expect(logged).toEqual(['{"level":"ERROR","message":"a record could not be archived","error":"SlowDown"}']);
  });

  test('tampering is measured even then, and its evidence kept later', async () => {
    const { run, aws, measured } = setUp();
    aws.world.before = () => {
      throw awsError('SlowDown', 'no', 503);
    };
    expect(await run({ ...streamed(first, {}, 'REMOVE'), dynamodb: {} })).toEqual({
      batchItemFailures: [{ itemIdentifier: '' }],
    });
    expect(measured).toEqual([TAMPERED]);
  });
});
