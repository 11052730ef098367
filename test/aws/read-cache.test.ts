import { expect, test } from 'vitest';
import { ReadCache } from '../../shared/aws/read-cache.ts';

function setUp(lifetimeMs = 1000, maxEntries?: number) {
  const clock = { ms: 0 };
  const cache = new ReadCache(lifetimeMs, () => clock.ms, maxEntries);
  let reads = 0;
  const read = (key = 'k') => cache.get(key, async () => (reads += 1));
  return { clock, cache, read };
}

test('a read is reused until its time is up, and not a millisecond longer', async () => {
  const { clock, read } = setUp();
  expect(await read()).toBe(1);
  clock.ms = 999;
  expect(await read()).toBe(1);
  clock.ms = 1000;
  expect(await read()).toBe(2);
});

test('two who ask at once share one read', async () => {
  const { read } = setUp();
  expect(await Promise.all([read(), read()])).toEqual([1, 1]);
});

test('keys are kept apart', async () => {
  const { read } = setUp();
  expect([await read('a'), await read('b'), await read('a')]).toEqual([1, 2, 1]);
});

test('a failed read is not kept', async () => {
  const { cache } = setUp();
  await expect(cache.get('k', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await cache.get('k', async () => 'yes')).toBe('yes');
});

test('a late failure does not take a newer read with it', async () => {
  const { cache, clock } = setUp();
  let fail: (error: Error) => void = () => undefined;
  const first = cache.get(
    'k',
    () =>
      new Promise((_, reject) => {
        fail = reject;
      }),
  );
  clock.ms = 2000;
  await cache.get('k', async () => 'new');
  fail(new Error('late'));
  await expect(first).rejects.toThrow('late');
  expect(await cache.get('k', async () => 'newer')).toBe('new');
});

test('the oldest entry goes where there are too many', async () => {
  const { read } = setUp(1000, 2);
  await read('a');
  await read('b');
  await read('c');
  expect([await read('c'), await read('b'), await read('a')]).toEqual([3, 2, 4]);
});

test('cleared, it has forgotten everything', async () => {
  const { cache, read } = setUp();
  await read();
  cache.clear();
  expect(await read()).toBe(2);
});
