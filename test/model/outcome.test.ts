import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ChangeHistory, changeOf } from '../../shared/model/endpoint-history.ts';
import { Outcome } from '../../shared/model/finding.ts';
import { ACCEPTED, type RecordBody } from '../../shared/model/ledger-record.ts';
import { outcomeOf } from '../../shared/model/outcome.ts';
import { finding, findings, given, history, opened, requested, verified } from '../builders.ts';

const changeFrom = (...bodies: RecordBody[]): ChangeHistory | undefined => changeOf(history(opened(), ...bodies), 1);
const clean = findings(1, [finding('prod-budget', 'pass')]);
const ends = (state: Parameters<typeof outcomeOf>[1], ...bodies: RecordBody[]) =>
  outcomeOf(changeFrom(...bodies), state);

describe('outcomeOf', () => {
  test('approved and verified is approved, by whom and why', () => {
    expect(ends('verified', findings(), requested(), given(), verified())).toEqual({
      result: 'approved',
      decision: 'compliant',
      reason: 'Approved by asha: looks right',
      violations: [],
    });
  });
  test('without anything to ask about, verified is compliant', () => {
    expect(ends('verified', clean, verified())).toMatchObject({ result: 'compliant', decision: 'compliant' });
  });
  test('what is waived is named, and not said to be met', () => {
    const waived = findings(1, [finding('prod-budget', 'waived')]);
    const guard = verified(1, [finding('in-service', 'pass'), finding('rollback-alarms', 'waived')]);
    expect(ends('verified', waived, guard).reason).toBe(
      'Every policy that applies is met but prod-budget, rollback-alarms, which are waived.',
    );
    expect(ends('verified', clean, verified()).reason).toBe('Every policy that applies is met.');
  });
  test('the same deployment as before is unchanged', () => {
    expect(ends('verified', findings(1, undefined, { unchanged: true }), verified()).result).toBe('unchanged');
  });
  test('what SageMaker took back is rolled back, whatever was found or approved before', () => {
    const rolledBack = { requested: 'cfg-19', inService: 'cfg-18', reason: null, alarms: [] };
    const taken = verified(1, [finding('in-service', 'violation')], { rolledBack });
    expect(ends('rolled-back', findings(), requested(), given(), taken)).toMatchObject({
      ...{ result: 'rolled-back', decision: 'undetermined', violations: [] },
      reason: expect.stringContaining('in service is cfg-18 again, not cfg-19'),
    });
    // Without that on record nobody can say so.
    expect(ends('rolled-back', clean).result).toBe('undetermined');
  });
  test('a violation is blocked and names every policy', () => {
    const list = [
      finding('prod-budget', 'violation'),
      finding('a', 'pass'),
      finding('prod-min-instances', 'violation'),
    ];
    expect(ends('blocked', findings(1, list))).toEqual({
      result: 'blocked',
      decision: 'blocked',
      reason: 'Violates prod-budget, prod-min-instances.',
      violations: ['prod-budget', 'prod-min-instances'],
    });
  });
  test('a violation found only after it settled is blocked too, whoever approved', () => {
    const bad = verified(1, [finding('prod-model-monitor', 'violation')]);
    expect(ends('verified', findings(), requested(), given(), bad)).toMatchObject({
      result: 'blocked',
      violations: ['prod-model-monitor'],
    });
  });
  test('a rejection says by whom and why', () => {
    const no = given({ answer: 'rejected', reason: 'too early' });
    expect(ends('not-approved', findings(), requested(), no)).toMatchObject({
      result: 'rejected',
      decision: 'blocked',
      reason: 'Rejected by asha: too early',
    });
  });
  test('no answer in time is no', () => {
    const end = { kind: 'decided', generation: 1, digest: opened().digest, request: requested().request } as const;
    const expired = { ...end, answer: 'expired', reason: 'nobody answered' } as const;
    expect(ends('not-approved', findings(), requested(), expired)).toMatchObject({
      result: 'expired',
      decision: 'blocked',
    });
    const replaced = { ...end, answer: 'superseded', reason: 'change 2 replaced it' } as const;
    expect(ends('not-approved', findings(), requested(), replaced).result).toBe('superseded');
  });
  test('a later change supersedes', () => expect(ends('superseded', clean, verified()).result).toBe('superseded'));
  test('an endpoint that is gone is deleted, not compliant', () => {
    expect(ends('gone')).toMatchObject({ result: 'deleted', decision: 'undetermined' });
  });
  test('a failure is undetermined whatever is on record, and says what went wrong', () => {
    const change = changeFrom(clean, verified());
    expect(outcomeOf(change, 'verified', { error: 'UnreadableFactsError', cause: 'no config' })).toMatchObject({
      result: 'undetermined',
      reason: 'UnreadableFactsError: no config',
    });
    expect(outcomeOf(change, 'failed')).toMatchObject({ result: 'undetermined', reason: 'The cause is unknown.' });
  });
});

describe('nothing missing ever makes it compliant', () => {
  test.each([
    ['no change', undefined],
    ['no findings', changeFrom()],
    ['no decision where one was needed', changeFrom(findings(), requested(), verified())],
    ['one approval of two', changeFrom(findings(), requested(), given({ decides: false }), verified())],
    ['no verification', changeFrom(findings(), requested(), given())],
    ['no verification of what needed no approval', changeFrom(clean)],
    ['no findings behind the decision', changeFrom(findings(1, []), verified())],
    ['nothing verified by the verification', changeFrom(clean, verified(1, []))],
  ])('%s is undetermined', (_what, change) => {
    expect(outcomeOf(change, 'verified')).toMatchObject({ result: 'undetermined', decision: 'undetermined' });
  });

  const outcomes = fc.array(fc.constantFrom(...Outcome.options), { maxLength: 3 });
  const listOf = (list: Outcome[]) => list.map((each, index) => finding(`p${index}`, each));
  const shapes = fc.record({
    state: fc.constantFrom('verified', 'not-approved', 'superseded', 'gone', 'blocked', 'failed' as const),
    found: fc.option(outcomes),
    unchanged: fc.boolean(),
    answer: fc.option(fc.constantFrom('approved', 'rejected' as const)),
    decides: fc.boolean(),
    seen: fc.option(outcomes),
  });
  test('accepted takes findings without violations, every approval asked for, and a verification without violations', () => {
    fc.assert(
      fc.property(shapes, ({ state, found, unchanged, answer, decides, seen }) => {
        const change = changeFrom(
          ...(found ? [findings(1, listOf(found), { unchanged })] : []),
          ...(answer ? [requested(), given({ answer, decides })] : []),
          ...(seen ? [verified(1, listOf(seen))] : []),
        );
        const { result, decision } = outcomeOf(change, state);
        if (!ACCEPTED.includes(result)) return decision !== 'compliant';
        const asked = found?.includes('needs-approval') && !unchanged;
        return (
          state !== 'failed' &&
          Boolean(found?.length) &&
          !found?.includes('violation') &&
          Boolean(seen?.length) &&
          !seen?.includes('violation') &&
          (!asked || (answer === 'approved' && decides))
        );
      }),
      { numRuns: 1000 },
    );
  });
});
