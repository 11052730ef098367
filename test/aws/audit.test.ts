import { describe, expect, test } from 'vitest';
import { listStreams, verifyStream } from '../../shared/aws/audit.ts';
import { streamOf } from '../../shared/model/endpoint-ref.ts';
import { type LedgerRecord, recordHash } from '../../shared/model/ledger-record.ts';
import { endpoint, findings, given, opened, outcome, requested, verified } from '../builders.ts';
import { fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

const STREAM = streamOf(endpoint);

function setUp() {
  const aws = fakeAws();
  aws.world.pageSize = 2;
  const tables = fakeTables(aws);
  tables.seed(opened(), findings(), requested(), given(), verified(), outcome());
  const verify = () => verifyStream(aws.services, STREAM);
  /** The stored item of one record. */
  const item = (sequence: number) => {
    const found = tables.itemsOfLedger()[sequence - 1];
    if (!found) throw new Error(`no record ${sequence}`);
    return found;
  };
  /** Writes another record in the place of one, as somebody with the table in their hands could. */
  const forge = (sequence: number, change: (record: LedgerRecord) => LedgerRecord, hashToo = true) => {
    const stored = item(sequence);
    const record = change(JSON.parse(stored.record?.S ?? '') as LedgerRecord);
    stored.record = { S: tables.textOf(record) };
    if (hashToo) stored.hash = { S: recordHash(record) };
  };
  return { aws, tables, verify, item, forge, services: aws.services };
}
const withReason =
  (reason: string) =>
  (record: LedgerRecord): LedgerRecord =>
    record.body.kind === 'approval-given' ? { ...record, body: { ...record.body, reason } } : record;

describe('verifyStream', () => {
  test('an untouched stream is whole, over every page, and says how long it is and where it ends', async () => {
    const { verify, tables } = setUp();
    const last = tables.records().at(-1);
    expect(await verify()).toEqual({ stream: STREAM, records: 6, head: last && recordHash(last), broken: undefined });
  });

  test('a changed record is named', async () => {
    const { verify, forge } = setUp();
    forge(4, withReason('forged'), false);
    expect((await verify()).broken).toMatchObject({
      stream: STREAM,
      sequence: 4,
      problem: expect.stringContaining('its hash does not fit'),
    });
  });
  test('one that was changed with its hash is given away by the next one', async () => {
    const { verify, forge } = setUp();
    forge(4, withReason('forged'));
    expect((await verify()).broken).toMatchObject({
      sequence: 5,
      problem: expect.stringContaining('does not continue the record before it'),
    });
  });
  test('a missing record is a gap', async () => {
    const { verify, tables } = setUp();
    tables.remove(3);
    expect((await verify()).broken).toMatchObject({ sequence: 3, problem: 'follows a gap: record 3 is missing' });
  });
  test('a missing first record is a gap too', async () => {
    const { verify, tables } = setUp();
    tables.remove(1);
    expect((await verify()).broken).toMatchObject({ sequence: 1, problem: 'follows a gap: record 1 is missing' });
  });
  test('bytes that are not the canonical ones are found, although they mean the same', async () => {
    const { verify, item } = setUp();
    const stored = item(2);
    stored.record = { S: JSON.stringify(JSON.parse(stored.record?.S ?? ''), null, 1) };
    expect((await verify()).broken).toMatchObject({ sequence: 2, problem: 'is not stored in its canonical form' });
  });
  test('what is no record is found', async () => {
    const { verify, item } = setUp();
    item(2).record = { S: '{}' };
    expect((await verify()).broken).toMatchObject({
      sequence: 2,
      problem: expect.stringMatching(/^is no ledger record: /),
    });
  });
  test('what is not even JSON is found, and does not end the audit', async () => {
    const { verify, item } = setUp();
    item(2).record = { S: 'gone' };
    expect((await verify()).broken).toMatchObject({ sequence: 2 });
  });
  test('a record of another endpoint is found', async () => {
    const { verify, forge } = setUp();
    forge(6, (record) => ({ ...record, endpoint: { ...endpoint, name: 'other' } }));
    expect((await verify()).broken).toMatchObject({ sequence: 6, problem: 'belongs to another endpoint' });
  });
  test('a stream that is not there has no records', async () => {
    expect(await verifyStream(setUp().services, 'endpoint#x')).toMatchObject({ records: 0, broken: undefined });
  });
});

test('every stream of the table is listed once', async () => {
  const { services, tables } = setUp();
  tables.seedAt({ ...endpoint, name: 'another' }, opened(), findings());
  expect(await listStreams(services)).toEqual([streamOf({ ...endpoint, name: 'another' }), STREAM]);
});
