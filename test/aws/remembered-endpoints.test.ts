import { describe, expect, test } from 'vitest';
import {
  forgetEndpoint,
  hasSeenAll,
  lastSweptAt,
  listRememberedEndpoints,
  rememberEndpoint,
  rememberReading,
  rememberSeen,
  rememberSweep,
} from '../../shared/aws/remembered-endpoints.ts';
import { watchedAlarms } from '../../shared/model/shown-endpoint.ts';
import { endpoint, facts, NOW } from '../builders.ts';
import { fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

function setUp() {
  const aws = fakeAws();
  fakeTables(aws);
  return { aws, services: aws.services };
}

describe('remembered endpoints', () => {
  test('are listed by account and region, once whatever the case of their name, until they are forgotten', async () => {
    const { services } = setUp();
    const other = { ...endpoint, name: 'Churn-Dev' };
    for (const ref of [endpoint, other, { ...endpoint, name: 'FRAUD-prod' }, { ...endpoint, region: 'eu-west-1' }]) {
      await rememberEndpoint(services, ref);
    }
    const names = async () => (await listRememberedEndpoints(services, endpoint)).map(({ ref }) => ref);
    expect(await names()).toEqual([other, { ...endpoint, name: 'FRAUD-prod' }]);
    await forgetEndpoint(services, endpoint);
    expect(await names()).toEqual([other]);
  });
  test('keep how they were seen until a change of them is opened', async () => {
    const { services } = setUp();
    const remembered = await rememberEndpoint(services, endpoint);
    await rememberSeen(services, remembered, { seen: { tags: 'a' }, alarms: ['one'] });
    expect(await listRememberedEndpoints(services, endpoint)).toEqual([
      { ref: endpoint, touched: '0', seen: { tags: 'a' }, alarms: ['one'] },
    ]);
    await rememberReading(services, endpoint, { generation: 2, facts: facts() });
    expect(await listRememberedEndpoints(services, endpoint)).toEqual([
      { ref: endpoint, touched: '2', alarms: watchedAlarms(facts()) },
    ]);
  });
  test('are not called seen by a sweep that looked before the newest change was opened', async () => {
    const { services } = setUp();
    const remembered = await rememberEndpoint(services, endpoint);
    await rememberReading(services, endpoint, { generation: 2, facts: facts() });
    await rememberSeen(services, remembered, { seen: { tags: 'a' }, alarms: [] });
    expect((await listRememberedEndpoints(services, endpoint))[0]?.seen).toBeUndefined();
  });
  test('are not called seen by a sweep that read the ledger before the change that it knows of was on record', async () => {
    const history = (generation: number) => ({ changes: [], generation });
    const known = { ref: endpoint, alarms: [], touched: '2' };
    expect([1, 2, 3].map((generation) => hasSeenAll(known, history(generation)))).toEqual([false, true, true]);
  });
});

test('when a place was last swept is kept by account and region', async () => {
  const { services } = setUp();
  expect(await lastSweptAt(services, endpoint)).toBeUndefined();
  await rememberSweep(services, endpoint, NOW);
  expect(await lastSweptAt(services, endpoint)).toBe(NOW);
  expect(await lastSweptAt(services, { ...endpoint, region: 'eu-west-1' })).toBeUndefined();
});
