import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { recordIn, signWhatIsLeft } from '../../local/aws/ledger-items.ts';
import { openCheckpointWriter } from '../../local/checkpoint-writer.ts';
import { linesIn } from '../../shared/lines-in.ts';
import { sha256 } from '../../shared/model/canonical-json.ts';
import { publicKeysIn, verifyChain } from '../../shared/model/checkpoint.ts';
import { GENESIS } from '../../shared/model/ledger-record.ts';
import { NOW } from '../builders.ts';

const STREAM = 'endpoint#000000000000#us-east-1#a';
let folder: string;
beforeEach(() => {
  vi.useFakeTimers();
  folder = mkdtempSync(join(tmpdir(), 'portcullis-checkpoints-'));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

const path = (name: string) => join(folder, 'checkpoints', name);
const open = () =>
  openCheckpointWriter({ directory: join(folder, 'checkpoints'), keyFile: join(folder, 'key.pem'), now: () => NOW });
const chain = () =>
  verifyChain(linesIn(path('checkpoints.jsonl')), publicKeysIn(readFileSync(path('public-key.pem'), 'utf8')));
const record = (sequence: number) => ({ stream: STREAM, sequence, hash: sha256(`record ${sequence}`) });
const item = (sequence: number) => ({
  pk: { S: STREAM },
  sk: { S: `${String(sequence).padStart(9, '0')}#${GENESIS}` },
  record: { S: `record ${sequence}` },
});

describe('a checkpoint', () => {
  test('is written within a minute of the first record, and none where nothing was written', async () => {
    const writer = open();
    vi.advanceTimersByTime(600_000);
    expect(readFileSync(path('checkpoints.jsonl'), 'utf8')).toBe('');
    writer.add(record(1));
    vi.advanceTimersByTime(30_000);
    writer.add(record(2));
    vi.advanceTimersByTime(29_000);
    expect(await chain()).toMatchObject({ problems: [], end: { number: 1, total: 2 } });
    vi.advanceTimersByTime(600_000);
    expect(await chain()).toMatchObject({ end: { number: 1 } });
  });
  test('is written at once for the hundredth record', async () => {
    const writer = open();
    for (let sequence = 1; sequence <= 100; sequence += 1) writer.add(record(sequence));
    expect(await chain()).toMatchObject({ problems: [], end: { number: 1, total: 100 } });
  });
  test('is signed with a key that nobody but its owner can read', () => {
    open();
    expect(statSync(join(folder, 'key.pem')).mode & 0o777).toBe(0o600);
    expect(readFileSync(path('public-key.pem'), 'utf8')).not.toContain('PRIVATE');
  });
});

describe('after a stop', () => {
  test('the chain goes on where it ended', async () => {
    const writer = open();
    writer.add(record(1));
    writer.flush();
    const again = open();
    again.add(record(2));
    again.flush();
    expect(await chain()).toMatchObject({ problems: [], end: { number: 2, total: 2 } });
  });
  test('a line that was left unfinished is dropped, and what it was about is signed', async () => {
    const writer = open();
    writer.add(record(1));
    writer.flush();
    appendFileSync(path('checkpoints.jsonl'), '{"checkpoint":{"at":');
    const again = open();
    await signWhatIsLeft(again, [item(3), item(1), item(2)]);
    expect(await chain()).toMatchObject({ problems: [], end: { number: 2, total: 3 } });
    expect([...((await chain()).signed.get(STREAM)?.keys() ?? [])]).toEqual([1, 2, 3]);
  });
  test('what has its checkpoint gets no other', async () => {
    const writer = open();
    await signWhatIsLeft(writer, [item(1), item(2)]);
    await signWhatIsLeft(open(), [item(1), item(2)]);
    expect(await chain()).toMatchObject({ problems: [], end: { number: 1, total: 2 } });
  });
  test('without its key a new one goes on, and both can be verified', async () => {
    const writer = open();
    writer.add(record(1));
    writer.flush();
    rmSync(join(folder, 'key.pem'));
    const again = open();
    again.add(record(2));
    again.flush();
    expect(publicKeysIn(readFileSync(path('public-key.pem'), 'utf8')).size).toBe(2);
    expect(await chain()).toMatchObject({ problems: [], end: { number: 2, total: 2 } });
  });
});

test('two that were given the same directory do not fork the chain: the second to write says so', async () => {
  const told = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const [one, other] = [open(), open()];
  one.add(record(1));
  one.flush();
  other.add(record(2));
  other.flush();
  expect(told.mock.calls).toEqual([[expect.stringContaining('somebody else writes to')]]);
  expect(await chain()).toMatchObject({ problems: [], end: { number: 1, total: 1 } });
});

test('where it cannot be written what waits is kept, and signed when it can', async () => {
  const told = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const writer = open();
  rmSync(join(folder, 'checkpoints'), { recursive: true });
  writer.add(record(1));
  writer.flush();
  expect(told).toHaveBeenCalledTimes(1);
  // Back as it was: empty, with its key.
  open();
  vi.advanceTimersByTime(50_000);
  expect(await chain()).toMatchObject({ problems: [], end: { number: 1, total: 1 } });
});

test.each([
  ['another stream', { ...item(1), pk: { S: 'x' } }],
  ['the place 0', item(0)],
  ['no place', { ...item(1), sk: { S: 'x' } }],
])('an item of %s is no record', (_what, other) => expect(recordIn(other)).toBeUndefined());
