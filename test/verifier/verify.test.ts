import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkpointer, type Made, newSigner, recordLine, writtenRecords } from '../../bench/trail.ts';
import { publicKeysIn, verifyChain } from '../../shared/model/checkpoint.ts';
// @ts-expect-error plain JavaScript, since auditors run it as it is
import { keysIn, verify } from '../../verifier/verify.mjs';
import { root } from '../cli/portcullis.ts';

type Found = { stream?: string; sequence?: number; checkpoint?: number; line?: number; problem: string };
type Export = { lines: string[]; checkpoints: string[]; pem: string };

const FULL = process.env.PORTCULLIS_PROOF === 'full';
const RECORDS = 10_000;
const STREAMS = 50;

/** Numbers from 0 to below `limit`, the same for the same seed. */
function randomFrom(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

function verified({ lines, checkpoints, pem }: Export, witness?: string, slices = 1) {
  const found: Found[] = [];
  const bytes = (list: string[]) => () => list.map((line) => Buffer.from(line, 'utf8'));
  const result = verify({
    trail: bytes(lines),
    checkpoints: bytes(checkpoints),
    keys: keysIn(pem),
    witness,
    slices,
    found: (each: Found) => found.push(each),
  }) as { records: number; unsigned: number };
  return { found, ...result };
}

/** A whole trail: what was written by turns, in checkpoints of a hundred, as an export lists it stream by stream. */
function wholeTrail(records: number, streams: number, signer = newSigner()) {
  const sign = checkpointer(signer);
  const byStream = new Map<string, Made[]>();
  const checkpoints: string[] = [];
  let batch: Made[] = [];
  let last = '';
  for (const made of writtenRecords(records, streams, 600)) {
    byStream.set(made.stream, [...(byStream.get(made.stream) ?? []), made]);
    batch.push(made);
    last = made.at;
    if (batch.length === 100) {
      checkpoints.push(sign(batch, made.at) ?? '');
      batch = [];
    }
  }
  if (batch.length > 0) checkpoints.push(sign(batch, last) ?? '');
  return { byStream, checkpoints, pem: signer.pem };
}
const linesOf = (byStream: ReadonlyMap<string, readonly { line: string }[]>) =>
  [...byStream.values()].flatMap((list) => list.map(({ line }) => line));

const shared = wholeTrail(RECORDS, STREAMS);

describe('an honest trail', () => {
  test.each(['ed25519', 'p256'] as const)('signed with %s is whole', (kind) => {
    const { byStream, checkpoints, pem } = wholeTrail(500, 7, newSigner(kind));
    expect(verified({ lines: linesOf(byStream), checkpoints, pem })).toMatchObject({
      found: [],
      records: 500,
      unsigned: 0,
    });
  });
  test('is whole in one reading and in several, and what is wrong is told once', () => {
    const { byStream, checkpoints, pem } = wholeTrail(1_000, 20);
    const lines = linesOf(byStream);
    for (const slices of [1, 3]) {
      expect(verified({ lines, checkpoints, pem }, undefined, slices)).toMatchObject({ found: [], records: 1_000 });
      const { found } = verified({ lines: ['x', ...lines.slice(1)], checkpoints, pem }, undefined, slices);
      expect(found).toEqual([
        { line: 1, problem: 'is no record' },
        { stream: [...byStream.keys()][0], sequence: 1, problem: 'is missing' },
      ]);
    }
  });
});

/** Ways to tamper with one stream from one place on. Each gives the stream's lines, and the place that must be named. */
type Way = (list: readonly Made[], at: number, random: (limit: number) => number) => { lines: string[]; named: number };
const lines = (list: readonly Made[]) => list.map(({ line }) => line);
const replaced = (list: readonly Made[], at: number, line: string) => lines(list).with(at, line);
const WAYS: Record<string, Way> = {
  bit: (list, at, random) => {
    const bytes = Buffer.from(list[at]?.line ?? '', 'latin1');
    const start = bytes.indexOf('"record":') + 9;
    const where = start + random(bytes.length - start);
    bytes[where] = (bytes[where] ?? 0) ^ (1 << random(7));
    return { lines: replaced(list, at, bytes.toString('latin1')).flatMap((line) => line.split('\n')), named: at + 1 };
  },
  'bit of the keys': (list, at, random) => {
    const bytes = Buffer.from(list[at]?.line ?? '', 'latin1');
    const where = random(bytes.indexOf('"record":'));
    bytes[where] = (bytes[where] ?? 0) ^ (1 << random(7));
    return { lines: replaced(list, at, bytes.toString('latin1')).flatMap((line) => line.split('\n')), named: at + 1 };
  },
  field: (list, at) => ({
    lines: replaced(list, at, (list[at]?.line ?? '').replace('"person":"asha"', '"person":"ben"')),
    named: at + 1,
  }),
  'field and hash': (list, at) => {
    const { stream = '', sequence = 0 } = list[at] ?? {};
    const previous = list[at - 1]?.hash ?? '0'.repeat(64);
    const forged = recordLine(stream, sequence, previous, '2026-11-01T00:00:00.000Z', 'forged');
    return { lines: replaced(list, at, forged.line), named: at + 1 };
  },
  swap: (list, at) => {
    const other = (at + 1) % list.length;
    const bodies = list.map(({ line }) => /"hash".*$/.exec(line)?.[0] ?? '');
    const keys = list.map(({ line }) => line.slice(0, line.indexOf('"hash"')));
    const swapped = (index: number) => (index === at ? other : index === other ? at : index);
    return { lines: keys.map((key, index) => key + bodies[swapped(index)]), named: Math.min(at, other) + 1 };
  },
  drop: (list, at) => ({ lines: lines(list).toSpliced(at, 1), named: at + 1 }),
  duplicate: (list, at, random) => ({
    lines: lines(list).toSpliced(at + 1 + random(list.length - at), 0, list[at]?.line ?? ''),
    named: at + 1,
  }),
  reorder: (list, at) => {
    const from = Math.min(at, list.length - 2);
    const moved = lines(list);
    const [line = ''] = moved.splice(from, 1);
    moved.splice(from + 1, 0, line);
    return { lines: moved, named: from + 1 };
  },
  truncate: (list, at) => ({ lines: lines(list).slice(0, at), named: at + 1 }),
  'chain again': (list, at) => {
    const kept = list.slice(0, at);
    let previous = kept.at(-1)?.hash ?? '0'.repeat(64);
    for (const { stream, sequence } of list.slice(at)) {
      const made = recordLine(stream, sequence, previous, '2026-11-01T00:00:00.000Z', 'forged');
      kept.push(made);
      previous = made.hash;
    }
    return { lines: lines(kept), named: at + 1 };
  },
};

test(`of ${FULL ? 'ten thousand' : 'three hundred'} mutations every one is found, named by its record, and nothing else is`, () => {
  const goal = FULL ? 10_000 : 300;
  const ways = Object.entries(WAYS);
  const random = randomFrom(20_261_121);
  const counts = new Map<string, number>();
  let mutations = 0;
  while (mutations < goal) {
    // Several streams of one trail at once, each mutated once, so that each finding must also be of the right stream.
    const expected = new Map<string, { way: string; named: number }>();
    const mutated = [...shared.byStream].flatMap(([stream, list]) => {
      if (random(3) === 0 || mutations >= goal) return lines(list);
      const [way, mutate] = ways[mutations % ways.length] ?? ['none', () => ({ lines: lines(list), named: 0 })];
      mutations += 1;
      counts.set(way, (counts.get(way) ?? 0) + 1);
      const result = mutate(list, random(list.length), random);
      expected.set(stream, { way, named: result.named });
      return result.lines;
    });
    const { found } = verified({ ...shared, lines: mutated });
    for (const [stream, { way, named }] of expected) {
      const own = found.filter((each) => each.stream === stream).map(({ sequence = 0 }) => sequence);
      // A key that was changed may claim another place, which is named as well.
      const told = way === 'bit of the keys' ? own.find((each) => each === named) : Math.min(...own);
      expect(told, `${way} of record ${named} of ${stream}`).toBe(named);
      const most = way === 'chain again' || way === 'truncate' ? own.length : 2;
      expect(own.length, `${way} of record ${named} of ${stream}: ${own}`).toBeLessThanOrEqual(most);
    }
    // A line whose stream was made another's, or none, is told of as that; the stream it is missing from is named above.
    const others = found.filter(
      ({ stream }) => stream !== undefined && shared.byStream.has(stream) && !expected.has(stream),
    );
    const keysTouched = [...expected.values()].some(({ way }) => way === 'bit of the keys');
    if (!keysTouched) expect(others).toEqual([]);
  }
  expect(counts.size).toBe(ways.length);
}, 900_000);

describe('checkpoints', () => {
  const { byStream, checkpoints, pem } = wholeTrail(1_000, 5);
  const whole = { lines: linesOf(byStream), checkpoints, pem };
  const inModel = async (list: string[]) => (await verifyChain(list, publicKeysIn(pem))).problems;

  test.each<[string, (list: string[]) => string[], number]>([
    ['was changed', (list) => list.with(4, (list[4] ?? '').replace('"total":500', '"total":501')), 5],
    [
      'has another signature',
      (list) => list.with(4, (list[4] ?? '').replace(/"signature":"..../, '"signature":"AAAA')),
      5,
    ],
    ['was removed', (list) => list.toSpliced(4, 1), 5],
    ['stands there twice', (list) => list.toSpliced(5, 0, list[4] ?? ''), 6],
    ['was swapped with the next', (list) => list.with(4, list[5] ?? '').with(5, list[4] ?? ''), 5],
    ['is nothing', (list) => list.with(4, '{}'), 5],
  ])('one that %s is named, here and in the model', async (_what, mutate, named) => {
    const list = mutate(checkpoints);
    const numbers = (found: { checkpoint?: number }[]) => found.flatMap(({ checkpoint }) => checkpoint ?? []);
    expect(Math.min(...numbers(verified({ ...whole, checkpoints: list }).found))).toBe(named);
    expect(Math.min(...numbers(await inModel(list)))).toBe(named);
  });
  test('with the key of somebody else none of them counts', () => {
    const { found } = verified({ ...whole, pem: newSigner().pem });
    expect(found.filter(({ checkpoint }) => checkpoint).length).toBe(checkpoints.length);
  });
  test('a history that was written anew and signed by a stolen key is refused by who has a checkpoint of before', () => {
    const signer = newSigner();
    const [before, now] = [wholeTrail(300, 3, signer), wholeTrail(200, 3, signer)];
    const forged = { lines: linesOf(now.byStream), checkpoints: now.checkpoints, pem: signer.pem };
    expect(verified(forged).found).toEqual([]);
    expect(verified(forged, before.checkpoints[2]).found).toMatchObject([
      { checkpoint: 2, problem: expect.stringContaining('does not hold the checkpoint you were given') },
    ]);
    expect(verified(forged, now.checkpoints[0]).found).toEqual([]);
  });
  test('records that were added at the end count as proven by nothing, and after five minutes as wrong', () => {
    const [stream = '', list = []] = [...byStream][0] ?? [];
    const last = list.at(-1);
    const added = (at: string) => {
      const made = recordLine(stream, (last?.sequence ?? 0) + 1, last?.hash ?? '', at, 'new');
      return verified({ ...whole, lines: [...lines(list), made.line, ...linesOf(new Map([...byStream].slice(1)))] });
    };
    const newest = Date.UTC(2026, 10, 1) + 999 * 100;
    expect(added(new Date(newest + 30_000).toISOString())).toMatchObject({ found: [], unsigned: 1 });
    expect(added(new Date(newest - 301_000).toISOString()).found).toMatchObject([
      { stream, sequence: list.length + 1 },
    ]);
    expect(added('never').found).toMatchObject([{ stream, sequence: list.length + 1 }]);
  });
});

test(`honest trails with crashes between record and checkpoint give no alarm (${FULL ? 1_000 : 60} of them)`, async () => {
  const random = randomFrom(7);
  const signer = newSigner();
  for (let trail = 0; trail < (FULL ? 1_000 : 60); trail += 1) {
    const sign = checkpointer(signer);
    const made = [...writtenRecords(1 + random(120), 1 + random(9), 450)];
    const checkpoints: string[] = [];
    let from = 0;
    while (from < made.length) {
      const batch = made.slice(from, from + 1 + random(40));
      const line = sign(batch, batch.at(-1)?.at ?? '');
      if (line !== undefined) checkpoints.push(line);
      // Killed after it was kept and before anybody knew: all or some of the batch arrives again, with what came since.
      from += random(3) === 0 ? random(batch.length + 1) : batch.length;
    }
    // The newest are in none yet.
    const tail = random(4);
    let heads = new Map<string, Made>(made.map((each) => [each.stream, each]));
    const late = Array.from({ length: tail }, (_, index) => {
      const before = [...heads.values()][random(heads.size)];
      const next = recordLine(
        before?.stream ?? '',
        (before?.sequence ?? 0) + 1,
        before?.hash ?? '',
        new Date(Date.UTC(2026, 10, 1, 0, 1) + index).toISOString(),
        'late',
      );
      heads = new Map(heads).set(next.stream, next);
      return next;
    });
    const sorted = [...made, ...late].sort((a, b) =>
      a.stream < b.stream ? -1 : a.stream > b.stream ? 1 : a.sequence - b.sequence,
    );
    const result = verified(
      { lines: lines(sorted), checkpoints, pem: signer.pem },
      checkpoints[random(checkpoints.length)],
    );
    expect(result, `trail ${trail}`).toMatchObject({ found: [], unsigned: tail });
    const chain = await verifyChain(checkpoints, publicKeysIn(signer.pem));
    expect(chain.problems).toEqual([]);
    expect(chain.end.total).toBe(made.length);
  }
}, 900_000);

describe('the program', () => {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-verify-'));
  const { byStream, checkpoints, pem } = wholeTrail(300, 3);
  const all = linesOf(byStream);
  const run = (trail: string[], signed = checkpoints) => {
    writeFileSync(join(directory, 'trail.jsonl'), trail.map((line) => `${line}\n`).join(''));
    writeFileSync(join(directory, 'checkpoints.jsonl'), signed.map((line) => `${line}\n`).join(''));
    writeFileSync(join(directory, 'public-key.pem'), pem);
    const { status, stdout } = spawnSync(process.execPath, [join(root, 'verifier/verify.mjs'), directory], {
      encoding: 'utf8',
    });
    return { status, stdout };
  };
  test('ends with 0 and says what is proven', () => {
    const { status, stdout } = run(all);
    expect(status).toBe(0);
    expect(stdout).toContain('Whole: 300 records are exactly those that were signed.');
  });
  test('ends with 1 and names the record, in characters that steer no terminal', () => {
    const { status, stdout } = run([...all.slice(0, 5), ...all.slice(6), '{"pk":"\u001b[2J","sk":"']);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^BROKEN {2}endpoint#111122223333#us-east-1#fraud-0 {2}record 6 is missing\.$/m);
    expect(stdout).not.toContain('\u001b');
  });
  test('ends with 2 where nothing can be proven', () => {
    expect(run(all, [])).toMatchObject({ status: 2, stdout: expect.not.stringContaining('Whole') });
    rmSync(directory, { recursive: true, force: true });
    const gone = spawnSync(process.execPath, [join(root, 'verifier/verify.mjs'), directory], { encoding: 'utf8' });
    expect(gone.status).toBe(2);
    expect(gone.stderr).toContain('It could not be verified');
  });
});
