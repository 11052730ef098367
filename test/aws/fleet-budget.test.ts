import { describe, expect, test, vi } from 'vitest';
import { judgeOnFleet, settleOnFleet } from '../../shared/aws/fleet-budget.ts';
import { appendToFleet, readFleet } from '../../shared/aws/fleet-stream.ts';
import type { Services } from '../../shared/aws/services.ts';
import type { ChangeHistory } from '../../shared/model/endpoint-history.ts';
import type { FleetEntry } from '../../shared/model/fleet-entry.ts';
import { LedgerRecord, type RecordOf, recordHash } from '../../shared/model/ledger-record.ts';
import { withinBudget } from '../../shared/policies/budget.ts';
import {
  endpoint,
  facts,
  findings,
  inStaging,
  instanceVariant,
  later,
  opened,
  openedPlan,
  outcome,
  plan,
  settings,
} from '../builders.ts';
import { fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

const BUDGET = 15;
const PRICE = 0.23;
const FULL = process.env.PORTCULLIS_PROOF === 'full';
vi.setConfig({ testTimeout: 120_000 });

/** A change of a staging endpoint to so many ml.m5.xlarge, of which 65 are within the budget. */
const changeTo = (instances: number, generation = 1, name = 'a', overrides: Partial<RecordOf<'change-opened'>> = {}) =>
  opened(
    generation,
    facts({
      endpoint: { ...endpoint, name },
      environment: inStaging,
      variants: [
        instanceVariant({
          instanceType: 'ml.m5.xlarge',
          desiredInstances: instances,
          minInstances: instances,
          maxInstances: instances,
        }),
      ],
    }),
    overrides,
  );

/** Judged by the budget alone. */
const byBudget = (change: RecordOf<'change-opened'>) => (fleet: Parameters<Parameters<typeof judgeOnFleet>[3]>[0]) => ({
  blocked: withinBudget(change.facts, settings(), BUDGET, { fleet, baseline: change.baseline }).some(
    (problem) => problem.outcome === 'violation',
  ),
});

const base = outcome();
const ended = (change: RecordOf<'change-opened'>, result: RecordOf<'outcome'>['result']) => {
  const { generation, environment } = change;
  const none = {
    requesters: [],
    approvals: [],
    comments: [],
    carriedOutBy: [],
    events: [],
    remediation: {},
    records: [],
  };
  const over = { ...base, generation, result, environment: environment.name };
  const mine: ChangeHistory = { ...none, generation, opened: change, outcome: over };
  return { all: { changes: [mine], generation }, change: mine };
};

function setUp() {
  const aws = fakeAws();
  const tables = fakeTables(aws);
  const { services } = aws;
  /** Another Lambda: the same table, and nothing known of it. */
  const container = (): Services => ({ ...services, knownStreams: new Map() });
  const judge = async (change: RecordOf<'change-opened'>, by: Services = services) => {
    const view = await judgeOnFleet(by, change, settings(), byBudget(change));
    return { view, granted: !byBudget(change)(view).blocked };
  };
  const end = (change: RecordOf<'change-opened'>, result: RecordOf<'outcome'>['result'], by: Services = services) => {
    const { all, change: mine } = ended(change, result);
    return settleOnFleet(by, mine, all);
  };
  const entries = async (environment: 'staging' | 'prod' = 'staging') =>
    [...(await readFleet(container(), environment)).fleet.entries.values()].map(
      ({ endpoint: { name }, accepted, runs, open, plan: planned }) => ({
        name,
        accepted: accepted?.[0]?.max ?? null,
        runs: runs?.[0]?.max ?? null,
        ...(open && { open: open.granted }),
        ...(planned && { planned: planned.load[0]?.max }),
      }),
    );
  const kinds = () => tables.ofGate().map(({ body }) => (body.kind === 'fleet-changed' ? body.because : body.kind));
  return { aws, tables, services, container, judge, end, entries, kinds };
}

describe('the fleet', () => {
  test('keeps the cost of a change that is judged, and counts it as accepted once it was', async () => {
    const { judge, end, entries, kinds } = setUp();
    const change = changeTo(10);
    expect(await judge(change)).toMatchObject({ granted: true, view: { endpoints: 0, claimed: true, granted: false } });
    expect(await entries()).toEqual([{ name: 'a', accepted: null, runs: 10, open: true }]);
    await end(change, 'compliant');
    expect(await entries()).toEqual([{ name: 'a', accepted: 10, runs: 10 }]);
    expect(kinds()).toEqual(['fleet-counted', 'judged', 'ended']);
  });

  test('is not written to by a change that costs what was accepted', async () => {
    const { judge, end, tables } = setUp();
    await judge(changeTo(10));
    await end(changeTo(10), 'compliant');
    const before = tables.ofGate().length;
    expect((await judge(changeTo(10, 2))).view.claimed).toBe(false);
    await end(changeTo(10, 2), 'compliant');
    expect(tables.ofGate()).toHaveLength(before);
  });

  test('is read a few times for a crowd that only looks, and not once for each', async () => {
    const { aws, judge, end } = setUp();
    await judge(changeTo(10));
    await end(changeTo(10), 'compliant');
    aws.calls.length = 0;
    const crowd = await Promise.all(Array.from({ length: 50 }, (_, index) => judge(changeTo(10, 2 + index))));
    expect(crowd.filter(({ granted, view }) => granted && !view.claimed)).toHaveLength(50);
    expect(aws.calls.length).toBeLessThanOrEqual(2);
  });

  test('that somebody else wrote to is seen as it was when one asked, or newer', async () => {
    const { judge, container, end } = setUp();
    await judge(changeTo(10, 1, 'a'));
    await end(changeTo(10, 1, 'a'), 'compliant');
    const [looking, writing] = [container(), container()];
    await judge(changeTo(10, 2, 'a'), looking);
    await judge(changeTo(5, 1, 'b'), writing);
    const views = await Promise.all([3, 4].map((generation) => judge(changeTo(10, generation, 'a'), looking)));
    expect(views.map(({ view }) => view.endpoints)).toEqual([1, 1]);
  });

  test('is seen whole by who has missed more than a page of it', async () => {
    const { judge, container, tables } = setUp();
    const [away, writing] = [container(), container()];
    await judge(changeTo(1, 1, 'first'), away);
    for (let index = 0; index < 210; index += 1) await judge(changeTo(1, 1, `e${index}`), writing);
    const { fleet, sequence } = await readFleet(away, 'staging');
    expect(fleet.entries.size).toBe(211);
    expect(sequence).toBe(tables.ofGate().at(-1)?.sequence);
  });

  test('of two changes that each would take what is left, the second is refused', async () => {
    const { judge, container } = setUp();
    const [first, second] = [container(), container()];
    expect(await judge(changeTo(40, 1, 'a'), first)).toMatchObject({ granted: true });
    expect(await judge(changeTo(40, 1, 'b'), second)).toMatchObject({
      granted: false,
      view: { endpoints: 1, others: { committed: { ceiling: 9.2 } } },
    });
  });

  test('counts what runs although it was refused, and asks people about the rest', async () => {
    const { judge, end, entries } = setUp();
    await judge(changeTo(10, 1, 'a'));
    await end(changeTo(10, 1, 'a'), 'compliant');
    await judge(changeTo(60, 1, 'b'));
    await end(changeTo(60, 1, 'b'), 'blocked');
    expect(await entries()).toEqual([
      { name: 'a', accepted: 10, runs: 10 },
      { name: 'b', accepted: null, runs: 60 },
    ]);
    const change = changeTo(20, 1, 'c');
    const { view, granted } = await judge(change);
    expect(granted).toBe(true);
    expect(view).toMatchObject({
      others: { committed: { ceiling: 2.3 }, running: { ceiling: 16.1 } },
      unaccepted: [{ endpoint: { name: 'b' }, usd: 13.8 }],
    });
    expect(withinBudget(change.facts, settings(), BUDGET, { fleet: view })).toMatchObject([
      { outcome: 'needs-approval', message: expect.stringContaining('without having been accepted: b $13.80') },
    ]);
  });

  test('gives back what was kept for a change that people rejected, but not what it still runs', async () => {
    const { judge, end, entries } = setUp();
    await judge(changeTo(50, 1, 'a'));
    expect((await judge(changeTo(30, 1, 'b'))).granted).toBe(false);
    await end(changeTo(50, 1, 'a'), 'rejected');
    expect(await entries()).toMatchObject([
      { name: 'a', accepted: null, runs: 50 },
      { name: 'b', open: false },
    ]);
    expect((await judge(changeTo(30, 2, 'b'))).view.others).toMatchObject({
      committed: { ceiling: 0 },
      running: { ceiling: 11.5 },
    });
  });

  test('frees what a smaller deployment leaves only once that is accepted', async () => {
    const { judge, end } = setUp();
    await judge(changeTo(60, 1, 'a'));
    await end(changeTo(60, 1, 'a'), 'compliant');
    await judge(changeTo(5, 2, 'a'));
    expect((await judge(changeTo(30, 1, 'b'))).granted).toBe(false);
    await end(changeTo(5, 2, 'a'), 'compliant');
    expect((await judge(changeTo(30, 2, 'b'))).granted).toBe(true);
  });

  test('forgets an endpoint that is gone', async () => {
    const { judge, end, entries, kinds } = setUp();
    await judge(changeTo(60, 1, 'a'));
    await end(changeTo(60, 1, 'a'), 'compliant');
    await end(changeTo(60, 2, 'a'), 'deleted');
    expect(await entries()).toEqual([]);
    expect(kinds().at(-1)).toBe('gone');
  });

  test('moves an endpoint whose tag says another environment now', async () => {
    const { judge, end, entries } = setUp();
    await judge(changeTo(10));
    await end(changeTo(10), 'compliant');
    const before = changeTo(10);
    const moved = opened(2, facts({ endpoint: before.facts.endpoint, variants: before.facts.variants }), {
      baseline: {
        digest: before.digest,
        deployment: before.deployment,
        result: 'compliant',
        approvedFor: [],
        generation: 1,
        at: later(0),
      },
    });
    await judge(moved);
    await end(moved, 'approved');
    expect(await entries()).toEqual([]);
    expect(await entries('prod')).toEqual([{ name: 'a', accepted: 10, runs: 10 }]);
  });

  test('a task that is run again finds what it was granted, whatever others took since', async () => {
    const { judge, container, kinds } = setUp();
    expect((await judge(changeTo(40, 1, 'a'))).granted).toBe(true);
    await judge(changeTo(40, 1, 'b'), container());
    const again = await judge(changeTo(40, 1, 'a'), container());
    expect(again).toMatchObject({ granted: true, view: { granted: true, claimed: true } });
    expect(kinds().filter((kind) => kind === 'judged')).toHaveLength(2);
  });

  test('an end that is recorded twice is written once', async () => {
    const { judge, end, container, tables } = setUp();
    await judge(changeTo(10));
    await end(changeTo(10), 'compliant');
    const before = tables.ofGate().length;
    await end(changeTo(10), 'compliant', container());
    expect(tables.ofGate()).toHaveLength(before);
  });

  test('an older change that ends late does not undo what a newer one did', async () => {
    const { judge, end, entries } = setUp();
    await judge(changeTo(10, 1));
    await judge(changeTo(20, 2));
    await end(changeTo(20, 2), 'compliant');
    await end(changeTo(10, 1), 'superseded');
    expect(await entries()).toEqual([{ name: 'a', accepted: 20, runs: 20 }]);
  });

  test('that nobody has counted yet is not known, so people are asked', async () => {
    const { judge, tables } = setUp();
    tables.hooks.countFleets = false;
    const change = changeTo(1);
    const { view } = await judge(change);
    expect(view).toMatchObject({ unread: null, sequence: 0 });
    expect(withinBudget(change.facts, settings(), BUDGET, { fleet: view })).toEqual([
      { outcome: 'needs-approval', message: 'The fleet has not been counted yet, so what it costs is not known.' },
    ]);
  });
});

describe('a plan', () => {
  const document = plan({
    environment: 'staging',
    variants: [{ ...plan().variants[0], instanceType: 'ml.m5.xlarge', instances: 40 }],
  } as never);

  test('is judged on the fleet, and nothing is kept for it before people approved it', async () => {
    const { judge, end, entries } = setUp();
    const planned = openedPlan(1, document);
    expect((await judge(planned)).view).toMatchObject({ claimed: false, endpoints: 0 });
    expect(await entries()).toEqual([]);
    await end(planned, 'approved');
    expect(await entries()).toEqual([{ name: 'fraud-prod', accepted: null, runs: null, planned: 40 }]);
    expect((await judge(changeTo(40, 1, 'b'))).granted).toBe(false);
  });

  test('is kept nothing for where the rest has been taken meanwhile', async () => {
    const { judge, end, entries } = setUp();
    await judge(changeTo(40, 1, 'b'));
    await end(openedPlan(1, document), 'approved');
    expect(await entries()).toEqual([{ name: 'b', accepted: null, runs: 40, open: true }]);
  });

  test('is carried out within what was kept for it, and then nothing more is', async () => {
    const { judge, end, entries, services } = setUp();
    await end(openedPlan(1, document), 'approved');
    const change = opened(1, openedPlan(1, document).facts);
    expect((await judge(change)).granted).toBe(true);
    const { all, change: mine } = ended(change, 'approved');
    const carried = {
      ...mine,
      findings: {
        ...findings(),
        plan: { generation: 1, digest: change.digest, request: null, approvers: [], reason: '', approvedFor: [] },
      },
    };
    await settleOnFleet(services, carried, all);
    expect(await entries()).toEqual([{ name: 'fraud-prod', accepted: 40, runs: 40 }]);
  });

  test('loses its money when its time is over', async () => {
    const { aws, judge, end } = setUp();
    await end(openedPlan(1, document, { validUntil: later(60) }), 'approved');
    expect((await judge(changeTo(40, 1, 'b'))).granted).toBe(false);
    aws.clock.advance(61);
    expect((await judge(changeTo(40, 2, 'b'))).granted).toBe(true);
  });
});

describe('a summary', () => {
  test('is written now and then, so that who comes new reads little, and says the same', async () => {
    const { aws, services, container, tables } = setUp();
    tables.answerDirectly();
    const entry = (name: string, max: number): FleetEntry => ({
      endpoint: { ...endpoint, name },
      accepted: [{ variant: 'v', types: ['ml.m5.large'], steady: 1, min: 1, max }],
      runs: null,
      generation: 1,
    });
    const none = { steady: 0, ceiling: 0, peak: 0 };
    for (let index = 0; index < 450; index += 1) {
      await appendToFleet(services, 'staging', () => ({
        id: `${index}`,
        body: {
          kind: 'fleet-changed',
          generation: 1,
          endpoint: entry(`e${index % 430}`, 1).endpoint,
          entry: index % 7 === 6 ? null : entry(`e${index % 430}`, index),
          because: 'found',
          committed: none,
          running: none,
          priceDigest: '',
        },
      }));
    }
    expect(tables.ofGate().filter(({ body }) => body.kind === 'fleet-summed').length).toBeGreaterThan(0);
    aws.calls.length = 0;
    const { fleet, sequence } = await readFleet(container(), 'staging');
    expect(aws.calls.length).toBe(1);
    const { fleet: mine, sequence: known } = await readFleet(services, 'staging');
    expect(fleet.unread).toEqual({ '111122223333#us-east-1': 0 });
    expect([...fleet.entries].sort()).toEqual([...mine.entries].sort());
    expect(sequence).toBe(known);
    let previous = '';
    for (const record of tables.ofGate()) {
      expect(LedgerRecord.safeParse(record).success).toBe(true);
      if (previous) expect(record.previous).toBe(previous);
      previous = recordHash(record);
    }
  });
});

/** The same numbers every time: whatever fails can be run again. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test(`1,000 changes at once never commit more than the budget: ${FULL ? 20 : 1} times over`, async () => {
  for (let round = 0; round < (FULL ? 20 : 1); round += 1) {
    const random = randomFrom(round + 1);
    const pick = (below: number) => Math.floor(random() * below);
    const { aws, tables, container } = setUp();
    tables.answerDirectly();
    aws.world.before = async () => {
      for (let wait = pick(4); wait > 0; wait -= 1) await Promise.resolve();
      if (pick(3) === 0) await new Promise(setImmediate);
    };
    const containers = Array.from({ length: 5 }, container);
    const someContainer = () => containers[pick(containers.length)] as Services;
    /** What was accepted, and what was granted and has not ended, in instances: kept apart from the fleet's own books. */
    const [accepted, granted] = [new Map<string, number>(), new Map<string, number>()];
    const counts = { granted: 0, refused: 0 };
    const committed = () =>
      [...new Set([...accepted.keys(), ...granted.keys()])].reduce(
        (sum, name) => sum + Math.max(accepted.get(name) ?? 0, granted.get(name) ?? 0),
        0,
      );
    const live = async (name: string, changes: number) => {
      for (let generation = 1; generation <= changes; generation += 1) {
        const before = accepted.get(name);
        const instances = 1 + pick(12);
        const old = before === undefined ? undefined : changeTo(before, generation - 1, name);
        const change = changeTo(instances, generation, name, {
          baseline: old
            ? {
                digest: old.digest,
                deployment: old.deployment,
                result: 'approved',
                approvedFor: [],
                generation: generation - 1,
                at: later(0),
              }
            : null,
        });
        const view = await judgeOnFleet(someContainer(), change, settings(), byBudget(change));
        const { blocked } = byBudget(change)(view);
        if (!blocked) granted.set(name, instances);
        counts[blocked ? 'refused' : 'granted'] += 1;
        expect(committed() * PRICE).toBeLessThanOrEqual(BUDGET + 1e-9);
        await new Promise(setImmediate);
        const results = blocked ? (['blocked'] as const) : (['approved', 'compliant', 'rejected', 'expired'] as const);
        const result = results[pick(results.length)] ?? 'blocked';
        const { all, change: mine } = ended(change, result);
        if (result === 'approved' || result === 'compliant') accepted.set(name, Math.max(instances, before ?? 0));
        await settleOnFleet(someContainer(), mine, all);
        if (result === 'approved' || result === 'compliant') accepted.set(name, instances);
        granted.delete(name);
        // A task may be run once more after it has done its work.
        if (pick(5) === 0) await settleOnFleet(someContainer(), mine, all);
      }
    };
    await Promise.all(Array.from({ length: 20 }, (_, index) => live(`e${index}`, 50)));

    expect(counts.granted + counts.refused).toBe(1_000);
    expect(Math.min(counts.granted, counts.refused)).toBeGreaterThan(100);
    // In every state that was ever on record, too.
    const books = tables
      .ofGate()
      .flatMap(({ body }) => (body.kind === 'fleet-changed' ? [body.committed.ceiling] : []));
    expect(books.length).toBeGreaterThan(500);
    expect(Math.max(...books)).toBeLessThanOrEqual(BUDGET);
    expect(Math.max(...books)).toBeGreaterThan(BUDGET * 0.9);
    const { fleet } = await readFleet(container(), 'staging');
    for (const [name, instances] of accepted) {
      expect([...fleet.entries.values()].find((entry) => entry.endpoint.name === name)?.accepted?.[0]?.max).toBe(
        instances,
      );
    }
  }
});
