import { describe, expect, test } from 'vitest';
import { countFleets, type Listed } from '../../shared/aws/count-fleets.ts';
import { readFleet } from '../../shared/aws/fleet-stream.ts';
import { gateStream } from '../../shared/aws/gate-stream.ts';
import type { FleetEntry } from '../../shared/model/fleet-entry.ts';
import {
  endpoint,
  facts,
  findings,
  inStaging,
  instanceVariant,
  later,
  opened,
  outcome,
  type Written,
} from '../builders.ts';
import { fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

const place = { account: endpoint.account, region: endpoint.region };
const PLACE = `${place.account}#${place.region}`;

function setUp() {
  const aws = fakeAws();
  const tables = fakeTables(aws);
  tables.hooks.countFleets = false;
  const { services } = aws;
  const listed = (name: string, overrides: Partial<Listed> = {}): Listed => ({
    name,
    environment: 'staging',
    lastModifiedAt: later(-3_600),
    ...overrides,
  });
  const seed = (name: string, ...written: Written[]) => tables.seedAt({ ...endpoint, name }, ...written);
  const fleet = async (environment: 'dev' | 'staging' | 'prod' = 'staging') =>
    (await readFleet({ ...services, knownStreams: new Map() }, environment)).fleet;
  return { tables, services, listed, seed, fleet };
}
const staging = (name: string) =>
  opened(
    1,
    facts({
      endpoint: { ...endpoint, name },
      environment: inStaging,
      variants: [instanceVariant({ maxInstances: 4 })],
    }),
  );

describe('counting the fleets', () => {
  test('of an empty place says that nothing is unread, once', async () => {
    const { tables, services, fleet } = setUp();
    await countFleets(services, place, []);
    await countFleets(services, place, []);
    expect(tables.ofGate().map(({ body }) => body.kind)).toEqual(Array(3).fill('fleet-counted'));
    expect((await fleet('prod')).unread).toEqual({ [PLACE]: 0 });
  });

  test('counts what was there before the gate as unread, in the environment that its tags say, until it was judged', async () => {
    const { services, listed, seed, fleet } = setUp();
    const both = [listed('a'), listed('b', { environment: undefined })];
    await countFleets(services, place, both);
    expect((await fleet('staging')).unread).toEqual({ [PLACE]: 2 });
    expect((await fleet('prod')).unread).toEqual({ [PLACE]: 1 });
    seed('a', staging('a'), findings(), outcome(1, 'compliant', { environment: 'staging' }));
    seed('b', staging('b'), findings());
    await countFleets(services, place, both);
    expect((await fleet('staging')).unread).toEqual({ [PLACE]: 0 });
    expect((await fleet('prod')).unread).toEqual({ [PLACE]: 0 });
    const found = [...(await fleet()).entries.values()];
    expect(
      found.map(({ endpoint: { name }, accepted, runs, open }) => [name, accepted?.[0]?.max, runs?.[0]?.max, open]),
    ).toEqual([
      ['a', 4, 4, undefined],
      ['b', undefined, 4, { generation: 1, granted: true, replaces: false }],
    ]);
  });

  test('what was made a moment ago is being read, and is not called unread', async () => {
    const { services, listed, fleet } = setUp();
    await countFleets(services, place, []);
    await countFleets(services, place, [listed('new', { lastModifiedAt: later(-60) })]);
    expect((await fleet()).unread).toEqual({ [PLACE]: 0 });
    await countFleets(services, place, [listed('new', { lastModifiedAt: later(-601) })]);
    expect((await fleet()).unread).toEqual({ [PLACE]: 1 });
  });

  test('takes out what is gone although its end did not, and one of two entries', async () => {
    const { tables, services, listed, seed, fleet } = setUp();
    const entry = (name: string, generation: number): FleetEntry => ({
      endpoint: { ...place, name },
      accepted: [{ variant: 'v', types: ['ml.m5.large'], steady: 1, min: 1, max: 1 }],
      runs: null,
      generation,
    });
    const nothing = { steady: 0, ceiling: 0, peak: 0 };
    const changed = (name: string, generation: number) => ({
      kind: 'fleet-changed' as const,
      generation,
      endpoint: { ...place, name },
      entry: entry(name, generation),
      because: 'judged' as const,
      committed: nothing,
      running: nothing,
      priceDigest: '',
    });
    tables.seedAt(gateStream(services, 'fleet', 'staging') as never, changed('gone', 1), changed('moved', 1));
    tables.seedAt(gateStream(services, 'fleet', 'prod') as never, changed('moved', 2));
    seed(
      'gone',
      staging('gone'),
      findings(),
      outcome(1, 'compliant'),
      outcome(2, 'deleted', { environment: 'staging' }),
    );
    await countFleets(services, place, [listed('moved')]);
    expect([...(await fleet('staging')).entries.keys()]).toEqual([]);
    expect([...(await fleet('prod')).entries.keys()]).toEqual([`endpoint#${PLACE}#moved`]);
  });
});
