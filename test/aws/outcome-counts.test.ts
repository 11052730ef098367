import { DynamoDBClient, QueryCommand, type QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { createServices } from '../../shared/aws/all-services.ts';
import { countOutcomes, dayFrom } from '../../shared/aws/outcome-counts.ts';
import * as a from '../builders.ts';

const dynamodb = mockClient(DynamoDBClient);
// Files share a process, and a mocked class would stay mocked.
afterAll(() => {
  dynamodb.restore();
});
/** Outcomes on record by result and month, as times. */
let held: Record<string, string[]>;
let now: string;

beforeEach(() => {
  held = {};
  now = a.NOW;
  dynamodb.reset();
  dynamodb.on(QueryCommand).callsFake(({ IndexName, ExpressionAttributeValues: values = {} }: QueryCommandInput) => {
    const [what, month] = (values[':hash']?.S ?? '').split('#');
    const here = Object.entries(held).filter(([key]) =>
      IndexName === 'by-outcome-month' ? key === `${what}#${month}` : what === 'prod' && key.endsWith(`#${month}`),
    );
    return {
      Items: here.flatMap(([key, times]) =>
        times
          .filter((at) => at >= (values[':from']?.S ?? ''))
          .map((at) => ({ at: { S: at }, result: { S: key.split('#')[0] ?? '' } })),
      ),
    };
  });
});

const services = () => createServices(a.config(), { now: () => now });
const asked = () => dynamodb.commandCalls(QueryCommand).map(({ args }) => args[0].input.ExpressionAttributeValues);

test('outcomes are counted by day and result, over the ends of months, and days without any are there', async () => {
  held = {
    'approved#2026-10': ['2026-10-31T23:59:59.999Z'],
    'approved#2026-11': ['2026-11-01T00:00:00.000Z', '2026-11-01T09:00:00.000Z'],
    'blocked#2026-11': ['2026-11-20T09:00:00.000Z'],
  };
  const counted = await countOutcomes(services(), '2026-10-31');
  expect(counted.size).toBe(21);
  expect(counted.get('2026-10-31')).toEqual({ approved: 1 });
  expect(counted.get('2026-11-01')).toEqual({ approved: 2 });
  expect(counted.get('2026-11-20')).toEqual({ blocked: 1 });
  expect(counted.get('2026-11-10')).toEqual({});
});

test('days that are over are counted once, and the present day every time', async () => {
  held = { 'approved#2026-11': ['2026-11-18T10:00:00.000Z'] };
  const same = services();
  await countOutcomes(same, '2026-11-16');
  dynamodb.resetHistory();
  held = { 'approved#2026-11': ['2026-11-18T10:00:00.000Z', '2026-11-20T09:59:00.000Z'] };
  const counted = await countOutcomes(same, '2026-11-16');
  expect(asked().every((values) => values?.[':from']?.S === '2026-11-20')).toBe(true);
  expect(counted.get('2026-11-18')).toEqual({ approved: 1 });
  expect(counted.get('2026-11-20')).toEqual({ approved: 1 });
});

test('shortly after midnight yesterday may still get outcomes, and is counted again', async () => {
  now = '2026-11-20T00:05:00.000Z';
  const same = services();
  await countOutcomes(same, '2026-11-18');
  held = { 'approved#2026-11': ['2026-11-19T23:59:59.000Z'] };
  expect((await countOutcomes(same, '2026-11-18')).get('2026-11-19')).toEqual({ approved: 1 });
});

test('days are counted over the ends of months and years', () => {
  expect(dayFrom('2026-12-31', 1)).toBe('2027-01-01');
  expect(dayFrom('2026-03-01', -1)).toBe('2026-02-28');
});
