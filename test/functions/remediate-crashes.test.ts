import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { hourBefore } from '../../shared/model/remediation.ts';
import { ACCEPTED, blockedWorld, OTHER, type PutBackWorld, REFUSED } from '../put-back-world.ts';

const FULL = process.env.PORTCULLIS_PROOF === 'full';
vi.setConfig({ testTimeout: FULL ? 1_200_000 : 60_000 });

/** Every call to AWS from here on, in order; `at` may let one fail, before or after it had its effect. */
function watchCalls(
  { services }: PutBackWorld,
  at: (call: number, when: 'before' | 'after') => void,
): { count: number } {
  const seen = { count: 0 };
  for (const name of ['sagemaker', 'cloudwatch', 'scaling', 's3', 'dynamodb', 'ses'] as const) {
    const client = services[name] as { send: (command: never) => Promise<unknown> };
    const send = client.send.bind(client);
    client.send = async (command) => {
      seen.count += 1;
      const mine = seen.count;
      at(mine, 'before');
      const answer = await send(command);
      at(mine, 'after');
      return answer;
    };
  }
  return seen;
}

const storyOf = (gate: PutBackWorld) =>
  gate.tables.kinds().filter((kind) => kind.startsWith('remediation-') || kind === 'outcome#2');
const STORY = ['outcome#2', 'remediation-intended#2', 'remediation-done#2'];

/** The names of all calls of the whole story, in order. */
async function callsOfStory(): Promise<string[]> {
  const gate = await blockedWorld();
  gate.aws.calls.length = 0;
  await gate.untilOver();
  expect(storyOf(gate)).toEqual(STORY);
  return [...gate.aws.calls];
}
const WRITES = /^(ExecuteStatement|UpdateItem|UpdateEndpoint|SendEmail)$/;

describe('who dies at any call and is run again', async () => {
  const calls = await callsOfStory();
  const points = calls.map((name, index) => ({ point: index + 1, name }));

  test('there are points to die at', () => {
    expect(calls.filter((name) => name === 'UpdateEndpoint')).toHaveLength(1);
    expect(calls.filter((name) => name === 'ExecuteStatement').length).toBeGreaterThanOrEqual(3);
    expect(points.length).toBeGreaterThan(40);
  });

  test.each([
    ['before', points.filter(({ name, point }) => FULL || WRITES.test(name) || point % 3 === 0)],
    ['after', points.filter(({ name }) => FULL || WRITES.test(name))],
  ] as const)('%s the call had its effect: one update, one intent, one end', async (when, all) => {
    expect(all.length).toBeGreaterThan(8);
    for (const { point, name } of all) {
      const gate = await blockedWorld();
      watchCalls(gate, (call, now) => {
        if (call === point && now === when) throw Object.assign(new Error('died'), { name: 'TimeoutError' });
      });
      await gate.untilOver();
      const back = gate.bodiesOf('remediation-intended')[0]?.to?.digest;
      expect([gate.updates.length, storyOf(gate), await gate.nowIn()], `${name}, call ${point}`).toEqual([
        1,
        STORY,
        back,
      ]);
    }
  });

  test('where somebody moves the endpoint meanwhile, what is new is never touched', async () => {
    for (const { point, name } of points.filter((_, index) => FULL || index % 8 === 0)) {
      const gate = await blockedWorld();
      let moved = false;
      watchCalls(gate, (call, now) => {
        if (call !== point || now !== 'before' || gate.world.endpoint?.EndpointStatus !== 'InService') return;
        // From the last look on it is one round trip; SageMaker has no conditional update to close it with.
        if (name === 'UpdateEndpoint') return;
        moved = true;
        gate.someone.deploys(OTHER);
      });
      await gate.untilOver();
      expect(
        gate.updates.filter(({ was }) => was !== REFUSED),
        `${name}, call ${point}`,
      ).toEqual([]);
      expect(gate.updates.length, `${name}, call ${point}`).toBeLessThanOrEqual(1);
      gate.settle();
      if (moved) expect(gate.world.endpoint?.EndpointConfigName).toBe(OTHER);
    }
  });
});

const DOINGS = [
  'run-twice-at-once',
  'settle',
  'roll-back',
  'deploy-refused',
  'deploy-other',
  'deploy-accepted',
] as const;
type Act =
  | { do: 'run' | (typeof DOINGS)[number] }
  | { do: 'crash'; call: number; when: 'before' | 'after' }
  | { do: 'pass'; seconds: number };

const acts: fc.Arbitrary<Act[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constant<Act>({ do: 'run' }) },
    { weight: 3, arbitrary: fc.constantFrom(...DOINGS).map((doing): Act => ({ do: doing })) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.integer({ min: 1, max: 45 }), fc.constantFrom('before' as const, 'after' as const))
        .map(([call, when]): Act => ({ do: 'crash', call, when })),
    },
    { weight: 1, arbitrary: fc.constantFrom(5, 240, 3_700).map((seconds): Act => ({ do: 'pass', seconds })) },
  ),
  { minLength: 3, maxLength: 14 },
);

/** Lets somebody, SageMaker and any number of runs act in this order; whatever is refused starts a change of its own. */
async function live(script: Act[]): Promise<PutBackWorld> {
  const gate = await blockedWorld();
  let die = { call: 0, when: 'before' };
  let running = false;
  const seen = watchCalls(gate, (call, when) => {
    if (running && call === die.call && when === die.when)
      throw Object.assign(new Error('died'), { name: 'TimeoutError' });
  });
  const open = new Set([2]);
  const deploys = async (name: string) => {
    if (gate.world.endpoint?.EndpointStatus !== 'InService') return;
    gate.someone.hasDeployed(name);
    if (name === ACCEPTED) return;
    open.add(await gate.block());
  };
  const runAll = async (times: number) => {
    running = true;
    for (const generation of open) {
      const runs = Array.from({ length: times }, () =>
        gate.remediate(generation).then(
          ({ state }) => state,
          () => 'died',
        ),
      );
      if ((await Promise.all(runs)).every((state) => state === 'over')) open.delete(generation);
    }
    running = false;
  };
  for (const act of script) {
    gate.clock.advance(1);
    if (act.do === 'run') await runAll(1);
    if (act.do === 'run-twice-at-once') await runAll(2);
    if (act.do === 'settle') gate.settle();
    if (act.do === 'roll-back') gate.settle('rolled-back');
    if (act.do === 'deploy-refused') await deploys(REFUSED);
    if (act.do === 'deploy-other') await deploys(OTHER);
    if (act.do === 'deploy-accepted') await deploys(ACCEPTED);
    if (act.do === 'pass') gate.clock.advance(act.seconds);
    if (act.do === 'crash') die = { call: seen.count + act.call, when: act.when };
  }
  // In the end everybody is left in peace.
  for (let round = 0; open.size > 0; round += 1) {
    if (round > 20) throw new Error(`Changes ${[...open].join(', ')} never came to an end.`);
    gate.clock.advance(240);
    gate.settle();
    await runAll(1);
  }
  return gate;
}

test('whatever happens in whatever order: one update for a change at most, only of what was refused, three an hour, and it ends', async () => {
  await fc.assert(
    fc.asyncProperty(acts, async (script) => {
      const gate = await live(script);
      const intents = gate.tables
        .records()
        .flatMap(({ body, at }) => (body.kind === 'remediation-intended' ? [{ at, body }] : []));
      const changes = intents.map(({ body }) => body.generation);
      expect(new Set(changes).size).toBe(changes.length);
      expect(gate.updates.length).toBeLessThanOrEqual(changes.length);
      // Nothing but what was refused was ever replaced, and by nothing but what was accepted.
      for (const { input, was } of gate.updates) {
        expect([REFUSED, OTHER]).toContain(was);
        expect(input.EndpointConfigName).toBe(ACCEPTED);
      }
      for (const { at } of intents) {
        const lately = intents.filter((other) => other.at <= at && other.at > hourBefore(at));
        expect(lately.length).toBeLessThanOrEqual(3);
      }
      // Every intent has its end.
      const ends = gate.bodiesOf('remediation-done').map(({ generation }) => generation);
      for (const change of changes) expect(ends.filter((end) => end === change)).toHaveLength(1);
    }),
    { numRuns: FULL ? 500 : 8 },
  );
});
