import { describe, expect, test } from 'vitest';
import { judgeEndedWaivers } from '../../shared/aws/ended-waivers.ts';
import { facts, findings, granted, later, opened, outcome, person, type Written, waiver } from '../builders.ts';
import { fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

const END = waiver().until;
const judged = { at: later(60), plans: null, waivers: [{ waiver: waiver(), ownChange: false }] };
const accepted: Written[] = [
  granted(),
  { body: opened(1, facts(), { waivers: [waiver()] }), actor: person('mallory') },
  findings(1, [], { judged }),
  outcome(1, 'approved'),
];

function setUp(written: Written[] = accepted, now = later(60, END)) {
  const aws = fakeAws();
  const tables = fakeTables(aws);
  tables.seed(...written);
  aws.clock.now = now;
  const started = () => [...aws.world.executions.values()].map(({ input }) => JSON.parse(input));
  return { aws, tables, started, run: () => judgeEndedWaivers(aws.services) };
}

describe('an endpoint whose waiver has ended', () => {
  test('is judged again, and whoever made the deployment stays who made it', async () => {
    const { run, started } = setUp();
    expect(await run()).toBe(1);
    expect(started()).toMatchObject([
      {
        generation: 2,
        change: {
          cause: 'waiver ended',
          eventId: 'waiver-ended-w1',
          again: { person: 'asha', requesters: [{ person: 'mallory' }] },
        },
      },
    ]);
  });
  test('is judged again once, however often the sweep comes by', async () => {
    const { run, started, tables } = setUp();
    await run();
    await run();
    expect(started().length).toBe(1);
    tables.add(opened(2, facts(), { eventId: 'waiver-ended-w1', cause: 'waiver ended' }));
    tables.add(outcome(2, 'blocked'));
    expect(await run()).toBe(0);
    expect(started().length).toBe(1);
  });
  test.each<[string, Written[]]>([
    ['is still being judged', accepted.slice(0, 3)],
    ['is deleted', [...accepted, outcome(2, 'deleted')]],
    ['was judged without it', [...accepted, opened(2), findings(2), outcome(2)]],
  ])('is left alone where it %s', async (_what, written) => {
    const { run } = setUp(written);
    expect(await run()).toBe(0);
  });
  test('is not judged before the end, nor weeks after it', async () => {
    expect(await setUp(accepted, later(-1, END)).run()).toBe(0);
    expect(await setUp(accepted, later(0, END)).run()).toBe(1);
    expect(await setUp(accepted, later(30 * 86_400, END)).run()).toBe(0);
  });
  test('costs one query where no waiver has ended lately', async () => {
    const { aws, run } = setUp(accepted, later(-3_600, END));
    await run();
    expect(aws.calls).toEqual(['Query']);
  });
});
