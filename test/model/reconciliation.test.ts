import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { streamOf } from '../../shared/model/endpoint-ref.ts';
import { compareWithCalls, SETTLING_MS, type TrailCall } from '../../shared/model/reconciliation.ts';
import { forRecord, isReconciled, Reconciliation } from '../../shared/model/reconciliation-result.ts';
import {
  change,
  endpoint,
  facts,
  findings,
  later,
  NOW,
  opened,
  outcome,
  person,
  records,
  type Written,
} from '../builders.ts';

const SWEEP = 'sweep: other instances';
// The perfect day: at NOW a call, a minute later the endpoint is read, judged, and the change ends.
const call = (overrides: Partial<TrailCall> = {}): TrailCall =>
  change({ eventId: 'event-1', at: NOW, actor: person('dana'), ...overrides });
const read = (seconds: number) => facts({ readAt: later(seconds) });
const judged = (generation = 1, overrides = {}): Written[] => [
  opened(generation, read(60), { changedAt: NOW, eventId: 'event-1', ...overrides }),
  findings(generation),
  outcome(generation),
];
const DAY = { from: later(-3_600), to: later(82_800), now: later(7 * 86_400) };
const compare = (calls: TrailCall[], written: Written[], day = DAY) =>
  compareWithCalls(streamOf(endpoint), calls, records(...written), day);

describe('a call', () => {
  test('whose event opened a change that was judged is matched', () => {
    expect(compare([call()], judged())).toMatchObject({ matched: 1, gaps: [], duplicates: [] });
  });
  test('whose event joined a change that was judged is matched', () => {
    const joined = { kind: 'event-joined', generation: 1, event: call({ eventId: 'event-2' }) } as const;
    expect(compare([call({ eventId: 'event-2' })], [...judged(), joined])).toMatchObject({ matched: 1, gaps: [] });
  });
  test('whose change went on in another one is matched by the decision about that', () => {
    const { kind: _kind, ...rest } = opened(2, read(120), { eventId: 'event-2', changedAt: later(90) });
    const { generation, cause, eventId, changedAt, digest } = rest;
    const joined = { kind: 'change-joined', generation, cause, eventId, changedAt, digest, joined: 1 } as const;
    expect(
      compare([call({ eventId: 'event-2', at: later(90) })], [opened(1, read(60)), joined, findings(1)]),
    ).toMatchObject({
      matched: 1,
      gaps: [],
    });
  });
  test('whose event never came is seen later, where the endpoint was read and judged after it', () => {
    const swept = judged(1, { eventId: 'sweep-1', cause: SWEEP });
    expect(compare([call()], swept)).toMatchObject({ matched: 0, seenLater: 1, gaps: [] });
  });
  test('that deleted the endpoint is seen later, where its end is on record', () => {
    const gone = { body: outcome(2, 'deleted'), at: later(600) };
    expect(compare([call({ kind: 'deleted', eventId: 'e9', at: later(300) })], [...judged(), gone])).toMatchObject({
      seenLater: 1,
      gaps: [],
    });
  });
  test('after which nobody looked at the endpoint is a gap, with who made it', () => {
    const found = compare([call({ eventId: 'event-9', at: later(3_600) })], judged());
    expect(found.gaps).toEqual([
      {
        eventId: 'event-9',
        call: 'UpdateEndpoint',
        at: later(3_600),
        stream: streamOf(endpoint),
        who: 'dana',
        problem: 'has no decision on record',
      },
    ]);
  });
  describe('on an alarm moments before the deployment that names it', () => {
    const put = (at: string) => call({ kind: 'guard', cause: 'PutMetricAlarm', eventId: 'event-9', at });
    const change = (readAt: number, cause = 'CreateEndpoint') => [
      opened(1, read(readAt), { changedAt: later(2), eventId: 'event-1', cause }),
      findings(1),
    ];
    test('was decided about where the endpoint was read after it', () => {
      expect(compare([put(NOW)], change(3))).toMatchObject({ seenLater: 1, gaps: [] });
    });
    test.each<[string, string, Written[]]>([
      ['may have been read before it', later(2), change(2)],
      ['had changed before', later(3), change(5)],
      ['was only swept', NOW, change(3, SWEEP)],
    ])('is a gap where the endpoint %s', (_where, at, written) => {
      expect(compare([put(at)], written).gaps).toMatchObject([{ call: 'PutMetricAlarm' }]);
    });
  });
  test('about an endpoint with nothing on record is a gap', () => {
    expect(compare([call()], []).gaps).toHaveLength(1);
  });
  test('on record that was never judged is a gap of its own kind', () => {
    const [opening] = judged();
    expect(compare([call()], [opening as Written]).gaps[0]?.problem).toBe('is on record, but was never judged');
  });
  test('on record in two changes was decided about twice', () => {
    const found = compare([call()], [...judged(), ...judged(2)]);
    expect(found.duplicates[0]?.problem).toBe('was decided about more than once: in changes 1 and 2');
  });
  test('of the last hour is too new to be missing', () => {
    const now = later(SETTLING_MS / 1_000);
    expect(compare([call()], [], { ...DAY, now: later(-1, now) })).toMatchObject({ tooNew: 1, gaps: [] });
    expect(compare([call()], [], { ...DAY, now })).toMatchObject({ tooNew: 0, gaps: [{ eventId: 'event-1' }] });
  });
  test.each([
    ['before', later(-3_601)],
    ['at the end of', later(82_800)],
  ])('%s the time that is asked about is not counted', (_when, at) => {
    expect(compare([call({ at })], [])).toMatchObject({ matched: 0, seenLater: 0, tooNew: 0, gaps: [] });
  });
});

describe('a decision', () => {
  const native = judged(1, { eventId: 'native-1', cause: 'SageMaker Endpoint State Change', changedAt: later(600) });

  test('is explained by the call whose event it holds', () => {
    expect(compare([call()], judged()).decisions).toEqual({ total: 1, byCall: 1, byGate: 0 });
  });
  test('that an event of SageMaker started is explained by a call before it', () => {
    expect(compare([call()], native)).toMatchObject({ decisions: { byCall: 1 }, surplus: [] });
    // Even where the call was the day before the time that is asked about.
    expect(compare([call({ at: later(-7_200) })], native)).toMatchObject({ decisions: { byCall: 1 }, surplus: [] });
  });
  test('is not explained by a call after it, nor by one of days ago', () => {
    expect(compare([call({ at: later(1_200) })], native).surplus).toHaveLength(1);
    expect(compare([call({ at: later(-86_400) })], native).surplus).toHaveLength(1);
  });
  test('that nothing in the trail explains is surplus', () => {
    expect(compare([], native).surplus).toEqual([
      {
        stream: streamOf(endpoint),
        generation: 1,
        cause: 'SageMaker Endpoint State Change',
        at: later(600),
        problem: 'has no call in the trail that explains it',
      },
    ]);
  });
  test.each(['asked again', 'waiver granted', 'waiver revoked', 'digest changed while waiting'])(
    'that the gate made because of "%s" needs no call',
    (cause) => {
      expect(compare([], judged(1, { cause }))).toMatchObject({ decisions: { byGate: 1 }, surplus: [] });
    },
  );
  test('about what the sweep saw for the first time needs no call; about what it found changed it does', () => {
    expect(compare([], judged(1, { cause: SWEEP }))).toMatchObject({ decisions: { byGate: 1 } });
    const later2 = [...judged(), ...judged(2, { cause: SWEEP, eventId: 'sweep-2', changedAt: later(9_000) })];
    expect(compare([], later2).surplus.map(({ problem }) => problem)).toEqual([
      'has no call in the trail that explains it',
      'was found by the sweep, and no call in the trail explains it',
    ]);
  });
});

test('each call counts in exactly one way, and each decision too', () => {
  const event = fc.record({ at: fc.integer({ min: -7_200, max: 90_000 }), id: fc.integer({ min: 1, max: 6 }) });
  const decided = fc.record({
    at: fc.integer({ min: -7_200, max: 90_000 }),
    id: fc.integer({ min: 1, max: 6 }),
    judged: fc.boolean(),
    cause: fc.constantFrom('UpdateEndpoint', SWEEP, 'asked again'),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 6 }), fc.array(decided, { maxLength: 5 }), (events, changes) => {
      const calls = events.map(({ at, id }) => call({ at: later(at), eventId: `event-${id}` }));
      const written = changes.flatMap(({ at, id, judged: isJudged, cause }, index): Written[] => [
        opened(index + 1, facts({ readAt: later(at + 60) }), { changedAt: later(at), eventId: `event-${id}`, cause }),
        ...(isJudged ? [findings(index + 1)] : []),
      ]);
      const found = compare(calls, written);
      const inTime = ({ at }: { at: string }) => at >= DAY.from && at < DAY.to;
      const { matched, seenLater, tooNew, gaps, duplicates, surplus, decisions } = found;
      expect(matched + seenLater + tooNew + gaps.length + duplicates.length).toBe(calls.filter(inTime).length);
      expect(decisions.byCall + decisions.byGate + surplus.length).toBe(decisions.total);
      expect(decisions.total).toBe(changes.filter(({ at }) => inTime({ at: later(at) })).length);
    }),
    { numRuns: 60 },
  );
});

describe('the result', () => {
  const nothing = Reconciliation.parse({
    schema: 1,
    from: DAY.from,
    to: DAY.to,
    source: 'CloudTrail event history',
    read: ['111122223333 us-east-1'],
    notRead: [],
    calls: { total: 0, byName: {}, matched: 0, seenLater: 0, tooNew: 0, elsewhere: 0, failed: 0 },
    decisions: { total: 0, byCall: 0, byGate: 0 },
    gaps: [],
    duplicates: [],
    surplus: [],
  });
  const [gap] = compare([call()], []).gaps;

  test('is reconciled only where nothing is missing, twice, without a cause or unread', () => {
    expect(isReconciled(nothing)).toBe(true);
    expect(isReconciled({ ...nothing, notRead: ['111122223333 eu-west-1: AccessDenied'] })).toBe(false);
    expect(isReconciled({ ...nothing, gaps: gap ? [gap] : [] })).toBe(false);
  });
  test('goes on record with at most a hundred of each, and how many that leaves out', () => {
    const { result, leftOut } = forRecord({ ...nothing, gaps: Array.from({ length: 130 }, () => gap ?? never()) });
    expect([result.gaps.length, leftOut]).toEqual([100, 30]);
  });
});
const never = (): never => {
  throw new Error('no gap');
};
