import type { BatchWriteItemCommandInput } from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from 'vitest';
import { putTogether } from '../../shared/aws/put-together.ts';
import { fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

const items = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ pk: { S: 'a' }, sk: { S: String(index) } }));

function setUp() {
  const aws = fakeAws();
  const tables = fakeTables(aws);
  const waits: number[] = [];
  aws.services.wait = async (ms) => void waits.push(ms);
  return { ...aws, tables, waits };
}

/** DynamoDB that takes so many items of each call, and gives the others back. */
function takingOnly({ services }: Pick<ReturnType<typeof setUp>, 'services'>, share: number) {
  const calls: number[] = [];
  const send = async ({ input }: { input: BatchWriteItemCommandInput }) => {
    const asked = input.RequestItems?.work ?? [];
    calls.push(asked.length);
    const left = asked.slice(share);
    return { UnprocessedItems: left.length > 0 ? { work: left } : {} };
  };
  services.dynamodb.send = send as never;
  return calls;
}

describe('items that are put together', () => {
  test('take one call for 25 of them, and none where there are none', async () => {
    const { services, tables, calls, waits } = setUp();
    await putTogether(services, items(60));
    expect(tables.work.size).toBe(60);
    expect(calls).toEqual(['BatchWriteItem', 'BatchWriteItem', 'BatchWriteItem']);
    await putTogether(services, []);
    expect(calls).toHaveLength(3);
    expect(waits).toEqual([]);
  });
  test('are put again where DynamoDB left them over, later and later', async () => {
    const world = setUp();
    const calls = takingOnly(world, 3);
    await putTogether(world.services, items(8));
    expect(calls).toEqual([8, 5, 2]);
    expect(world.waits).toEqual([50, 100]);
  });
  test('that are left over time after time are an error that says how many', async () => {
    const world = setUp();
    const calls = takingOnly(world, 0);
    await expect(putTogether(world.services, items(4))).rejects.toMatchObject({
      name: 'UnprocessedItemsError',
      message: '4 of 4 items were not put in 6 tries.',
    });
    expect(calls).toHaveLength(6);
  });
});
