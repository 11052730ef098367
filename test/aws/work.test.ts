import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { countDropped, listDropped, listQuarantined, quarantine, releaseQuarantined } from '../../shared/aws/work.ts';
import { NOW } from '../builders.ts';
import { root } from '../cli/portcullis.ts';
import { fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

function setUp() {
  const aws = fakeAws();
  aws.world.pageSize = 1;
  return { aws, services: aws.services, tables: fakeTables(aws) };
}

describe('quarantine', () => {
  test('keeps the event whole, with its reason, newest first', async () => {
    const { services, aws } = setUp();
    await quarantine(services, { a: 1 }, 'no name');
    aws.clock.advance(1);
    await quarantine(services, 'text', 'no object');
    expect(await listQuarantined(services)).toEqual([
      expect.objectContaining({ reason: 'no object', event: '"text"' }),
      { id: expect.stringMatching(/^[0-9a-f]{32}$/), reason: 'no name', at: NOW, event: '{"a":1}' },
    ]);
  });
  test('keeps the same bytes once', async () => {
    const { services } = setUp();
    await quarantine(services, { a: 1 }, 'x');
    await quarantine(services, { a: 1 }, 'x');
    expect(await listQuarantined(services)).toHaveLength(1);
  });
  test('keeps even what has no JSON', async () => {
    const { services } = setUp();
    expect(await quarantine(services, undefined, 'nothing')).toMatchObject({ event: 'undefined' });
  });
  test.each(['x', 'ü', '€'])('keeps no more of a huge event of %s than an item can hold', async (letter) => {
    const { services, tables } = setUp();
    await quarantine(services, letter.repeat(1_000_000), 'y'.repeat(10_000));
    const [item = {}] = [...tables.work.values()];
    const bytes = Object.values(item).reduce((sum, { S = '' }) => sum + Buffer.byteLength(S), 0);
    expect(bytes).toBeLessThan(400 * 1024);
    expect(bytes).toBeGreaterThan(200_000);
  });
  test('is left once the event is released', async () => {
    const { services } = setUp();
    const { id } = await quarantine(services, 1, 'x');
    await quarantine(services, 2, 'x');
    await releaseQuarantined(services, id);
    expect((await listQuarantined(services)).map(({ event }) => event)).toEqual(['2']);
  });
});

test('dropped events are counted by reason', async () => {
  const { services } = setUp();
  for (const reason of ['a', 'b', 'a', 'a']) await countDropped(services, reason);
  expect(await listDropped(services)).toEqual([
    { reason: 'a', count: 3 },
    { reason: 'b', count: 1 },
  ]);
});

test('the work table is asked for one row or for all of a hash key, since names in sort keys lose their order where they are encrypted', () => {
  const conditions = globSync('{shared,functions,console,cli,local}/**/*.ts', { cwd: root }).flatMap((path) => {
    const source = readFileSync(join(root, path), 'utf8');
    if (!source.includes('tables.work')) return [];
    return [...source.matchAll(/KeyConditionExpression: (.*),$/gm)].map(([, condition]) => condition);
  });
  expect(conditions.length).toBeGreaterThan(3);
  expect(new Set(conditions)).toEqual(new Set(["'pk = :pk'"]));
});
