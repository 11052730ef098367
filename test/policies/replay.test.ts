import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../shared/model/canonical-json.ts';
import { historyOf } from '../../shared/model/endpoint-history.ts';
import type { FleetView } from '../../shared/model/fleet-entry.ts';
import type { LedgerRecord } from '../../shared/model/ledger-record.ts';
import { judge, judgeSettled } from '../../shared/policies/judge.ts';
import {
  completed,
  type DecisionRecord,
  decideAgain,
  decisionDifferences,
  isDecision,
  NotReplayableError,
  whatIf,
} from '../../shared/policies/replay.ts';
import type { PolicySettings } from '../../shared/policies/settings.ts';
import { facts, instanceVariant, NOW, opened, openedPlan, outcome, records, settings, waiver } from '../builders.ts';

const small = facts({ variants: [instanceVariant({ minInstances: 1, maxInstances: 1 })] });
const plans = records(openedPlan(1), outcome(1, 'approved'));

/** As the table gives them back. */
const stored = (list: LedgerRecord[]) => list.map((record) => JSON.parse(canonicalJson(record)) as LedgerRecord);

/** A change as it is recorded: opened, judged, settled. */
function recorded(read = facts(), withPlans: readonly LedgerRecord[] = []): LedgerRecord[] {
  const start = opened(1, read);
  const history = historyOf(withPlans);
  const decided = judge({ opened: start, settings: settings(), plans: history, at: NOW });
  const settled = judgeSettled({ opened: start, facts: read, settings: settings(), planned: undefined });
  return stored(records(start, decided, ...(decided.plan ? [] : [{ ...settled, facts: null }])));
}
/** Replays the first decision (or another) of a stream. */
function replayed(list: readonly LedgerRecord[], under: PolicySettings, its: readonly LedgerRecord[] = [], index = 0) {
  const decision = list.filter(isDecision)[index] as DecisionRecord;
  const again = decideAgain(decision, { records: list, plans: its, settings: under });
  return { recorded: decision.body, again, differences: decisionDifferences(decision.body, again) };
}

describe('a decision that is made again', () => {
  test.each([
    ['compliant or asking', facts()],
    ['blocked', small],
  ])('is identical where it was %s', (_what, read) => {
    const list = recorded(read);
    expect(replayed(list, settings()).differences).toEqual([]);
    expect(replayed(list, settings(), [], 1).differences).toEqual([]);
  });

  test('is identical where a plan carried it, from the records of plans that were read then and no later ones', () => {
    const list = recorded(facts(), plans);
    const later = records(openedPlan(1), outcome(1, 'approved'), openedPlan(2), outcome(2, 'rejected'));
    const { differences, again } = replayed(list, settings(), later);
    expect(differences).toEqual([]);
    expect(again).toMatchObject({ kind: 'findings', judged: { plans: { first: 1, last: 2 } } });
  });

  test('is identical with what else it was made from: waivers, the rest of the fleet, a deployment taken back', () => {
    const bare = facts({ monitors: [] });
    const start = opened(1, bare);
    const waivers = [{ waiver: waiver(), ownChange: false }];
    const usd = { steady: 49.9, ceiling: 49.9, peak: 49.9 };
    const fleet: FleetView = {
      ...{ sequence: 7, endpoints: 3, others: { committed: usd, running: usd }, largest: [], unaccepted: [] },
      ...{ unpriced: [], unpricedCount: 0, unread: 0, granted: false, claimed: false },
    };
    const rolledBack = { requested: 'new-config', inService: 'old-config', reason: null, alarms: [] };
    const list = stored(
      records(start, judge({ opened: start, settings: settings(), plans: undefined, at: NOW, waivers, fleet }), {
        ...judgeSettled({ opened: start, facts: bare, settings: settings(), planned: undefined, rolledBack }),
        facts: small,
      }).map((record) => ({ ...record, endpoint: { ...record.endpoint, planned: true as const } })),
    );
    const [decided, settled] = [0, 1].map((index) => replayed(list, settings(), [], index));
    expect(decided?.recorded.findings.map(({ outcome }) => outcome)).toContain('waived');
    expect(settled?.recorded).toMatchObject({ decision: 'blocked', findings: [{ policy: 'in-service' }] });
    expect([decided?.differences, settled?.differences]).toEqual([[], []]);
    // Without what was on record it would have been another, so it is used.
    for (const lacking of ['judged', 'fleet']) {
      const without = list.map(
        (record) => ({ ...record, body: { ...record.body, [lacking]: undefined } }) as LedgerRecord,
      );
      expect(replayed(without, settings()).differences).not.toEqual([]);
    }
  });

  test('names the policy, and what it says now, where the facts were judged otherwise', () => {
    const [start, decision, ...rest] = recorded(small);
    const { body } = decision as DecisionRecord;
    const forged = body.findings.map((each) =>
      each.policy === 'prod-min-instances' ? { ...each, outcome: 'pass' as const, messages: [] } : each,
    );
    const list = [start, { ...decision, body: { ...body, findings: forged, decision: 'compliant' } }, ...rest];
    expect(replayed(list as LedgerRecord[], settings()).differences).toMatchObject([
      {
        what: 'policy',
        policy: 'prod-min-instances',
        recorded: { outcome: 'pass' },
        again: { outcome: 'violation', messages: [expect.stringContaining('needs 2')] },
      },
      { what: 'decision', recorded: 'compliant', again: 'blocked' },
    ]);
  });

  test('names a policy that is new or gone, and findings in another order', () => {
    const [, decision] = recorded();
    const { body } = decision as DecisionRecord;
    const without = { ...body, findings: body.findings.slice(1) };
    expect(decisionDifferences(without, body)).toMatchObject([{ policy: body.findings[0]?.policy, recorded: null }]);
    expect(decisionDifferences(body, without)).toMatchObject([{ policy: body.findings[0]?.policy, again: null }]);
    const turned = { ...body, findings: body.findings.toReversed() };
    expect(decisionDifferences(body, turned)).toMatchObject([{ what: 'policy', policy: '(order)' }]);
  });

  test('cannot be made again without the facts, or without the plans that were read', () => {
    const [, decision] = recorded(facts(), plans);
    const [start] = recorded();
    const again = (list: LedgerRecord[], its: LedgerRecord[]) => () =>
      decideAgain(decision as DecisionRecord, { records: list, plans: its, settings: settings() });
    expect(again([decision as LedgerRecord], plans)).toThrow(NotReplayableError);
    expect(again([start as LedgerRecord], plans.slice(1))).toThrow('Records 1 to 2 of its plans');
  });
});

describe('limits of an older version', () => {
  test('have the defaults for what it did not know, and keep what they say', () => {
    const { requiredAlarms: _gone, ...older } = settings({ prod: { ...settings().prod, minInstances: 7 } });
    const { outOfBand: _rule, ...prod } = older.prod;
    const limits = completed({ ...older, prod } as never);
    expect(limits).toMatchObject({
      requiredAlarms: settings().requiredAlarms,
      prod: { minInstances: 7, outOfBand: 'ask' },
    });
  });
});

describe('what would have been decided', () => {
  test('names the decisions and the policies that made the difference', () => {
    const stricter = settings({ prod: { ...settings().prod, minInstances: 3 } });
    const { recorded: before, again } = replayed(recorded(), stricter);
    expect(whatIf(before, again)).toMatchObject({
      from: 'needs-approval',
      to: 'blocked',
      policies: [{ policy: 'prod-min-instances', from: 'pass', to: 'violation', messages: [expect.any(String)] }],
    });
  });
  test('is nothing where only the sentences are others', () => {
    const looser = settings({ prod: { ...settings().prod, maxHourlyCostUsd: 80 } });
    const { recorded: before, again, differences } = replayed(recorded(), looser);
    expect(differences).toMatchObject([{ policy: 'prod-budget' }]);
    expect(whatIf(before, again)).toBeUndefined();
  });
});
