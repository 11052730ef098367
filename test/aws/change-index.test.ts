import { DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, expect, test } from 'vitest';
import { listChanges, monthsFrom } from '../../shared/aws/change-index.ts';
import { createServices } from '../../shared/aws/services.ts';
import * as a from '../builders.ts';
import { indexItem } from '../web/web-builders.ts';

const dynamodb = mockClient(DynamoDBClient);
const services = createServices(a.config(), { now: () => a.NOW });

/** What the index holds, by `environment#month`, newest first. */
function index(held: Record<string, Record<string, string>[]>) {
  dynamodb.reset();
  dynamodb.on(QueryCommand).callsFake((input: { ExpressionAttributeValues: { ':month': { S: string } } }) => ({
    Items: (held[input.ExpressionAttributeValues[':month'].S] ?? []).map(indexItem),
  }));
}
const asked = () =>
  dynamodb.commandCalls(QueryCommand).map(({ args }) => args[0].input.ExpressionAttributeValues?.[':month']?.S);

const opened = (at: string, more: Record<string, string> = {}) => ({
  kind: 'change-opened',
  at,
  actor: 'mallory',
  ...more,
});
const outcome = (at: string, more: Record<string, string> = {}) => ({
  kind: 'outcome',
  at,
  result: 'approved',
  reason: 'because',
  ...more,
});

beforeEach(() => index({}));

test('an opening and an outcome of the same change are one row', async () => {
  index({ 'prod#2026-11': [outcome('2026-11-20T09:00:00.000Z'), opened('2026-11-20T08:00:00.000Z')] });
  expect(await listChanges(services, { limit: 10 })).toEqual([
    {
      endpoint: 'fraud-prod',
      account: '111122223333',
      region: 'us-east-1',
      environment: 'prod',
      generation: 1,
      planned: false,
      at: '2026-11-20T09:00:00.000Z',
      state: 'approved',
      reason: 'because',
      cause: null,
      who: 'mallory',
    },
  ]);
});

test('a change without an outcome is open, and one whose first event named nobody says so', async () => {
  index({ 'prod#2026-11': [{ kind: 'change-opened', at: a.NOW }] });
  expect(await listChanges(services, { limit: 10 })).toMatchObject([
    { state: 'open', who: null, reason: null, at: a.NOW },
  ]);
});

test('changes of all environments come newest first, and no more than asked for', async () => {
  index({
    'prod#2026-11': [
      opened('2026-11-20T08:00:00.000Z', { generation: '3' }),
      opened('2026-11-18T08:00:00.000Z', { generation: '1' }),
    ],
    'dev#2026-11': [opened('2026-11-19T08:00:00.000Z', { generation: '2' })],
  });
  const generations = async (limit: number) =>
    (await listChanges(services, { limit })).map(({ generation }) => generation);
  expect(await generations(10)).toEqual([3, 2, 1]);
  expect(await generations(2)).toEqual([3, 2]);
});

test('without a month the last three are read, newest first, until there is enough', async () => {
  await listChanges(services, { environments: ['prod'], limit: 1 });
  expect(asked()).toEqual(['prod#2026-11', 'prod#2026-10', 'prod#2026-09']);
  index({ 'prod#2026-11': [opened(a.NOW)] });
  await listChanges(services, { environments: ['prod'], limit: 1 });
  expect(asked()).toEqual(['prod#2026-11']);
});

test('a change that opened at the end of a month is listed there with the outcome it had in the next', async () => {
  index({
    'prod#2026-09': [opened('2026-09-30T23:00:00.000Z')],
    'prod#2026-10': [outcome('2026-10-01T01:00:00.000Z'), opened('2026-10-01T00:30:00.000Z', { generation: '2' })],
  });
  expect(await listChanges(services, { environments: ['prod'], month: '2026-09', limit: 10 })).toMatchObject([
    { generation: 1, state: 'approved' },
  ]);
});

test('a change that ended at the start of a month is listed there with who opened it in the month before', async () => {
  index({
    'prod#2026-10': [outcome('2026-10-01T01:00:00.000Z')],
    'prod#2026-09': [opened('2026-09-30T23:00:00.000Z'), opened('2026-09-30T22:00:00.000Z', { generation: '2' })],
  });
  expect(await listChanges(services, { environments: ['prod'], month: '2026-10', limit: 10 })).toMatchObject([
    { generation: 1, who: 'mallory' },
  ]);
});

test('only rows of a wanted state are listed', async () => {
  index({
    'prod#2026-11': [
      outcome(a.NOW, { generation: '2', result: 'blocked' }),
      outcome(a.NOW),
      opened(a.NOW, { generation: '3' }),
    ],
  });
  expect(await listChanges(services, { state: 'blocked', limit: 10 })).toMatchObject([{ generation: 2 }]);
  expect(await listChanges(services, { state: 'open', limit: 10 })).toMatchObject([{ generation: 3 }]);
});

test('changes of two endpoints with the same number stay apart', async () => {
  index({ 'prod#2026-11': [opened(a.NOW), opened(a.NOW, { pk: 'endpoint#111122223333#eu-west-1#fraud-prod' })] });
  expect((await listChanges(services, { limit: 10 })).map(({ region }) => region).sort()).toEqual([
    'eu-west-1',
    'us-east-1',
  ]);
});

test('months are counted across the turn of the year', () => {
  expect(monthsFrom('2026-12', 1)).toBe('2027-01');
  expect(monthsFrom('2026-01', -2)).toBe('2025-11');
});
