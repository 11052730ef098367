import { describe, expect, test } from 'vitest';
import { unknownActor } from '../../shared/model/actor.ts';
import type { EndpointChange } from '../../shared/model/endpoint-change.ts';
import {
  baselineAfter,
  changeOf,
  coveringGeneration,
  isCovered,
  lastOpened,
  lastSeen,
  requestersOf,
  standingChange,
} from '../../shared/model/endpoint-history.ts';
import type { RecordOf } from '../../shared/model/ledger-record.ts';
import {
  change,
  componentHost,
  facts,
  findings,
  given,
  history,
  instanceVariant,
  later,
  NOW,
  opened,
  outcome,
  person,
  prices,
  requested,
  serverlessVariant,
  verified,
} from '../builders.ts';

const joinedBy = (generation: number, event: Partial<EndpointChange> = {}): RecordOf<'event-joined'> => ({
  kind: 'event-joined',
  generation,
  event: change(event),
});
const sameAs = (joined: number, generation: number): RecordOf<'change-joined'> => ({
  kind: 'change-joined',
  generation,
  cause: 'UpdateEndpoint',
  eventId: `event-${generation}`,
  changedAt: NOW,
  digest: opened().digest,
  joined,
});

describe('historyOf', () => {
  test('an empty stream has no changes', () => {
    expect(history()).toEqual({ changes: [], generation: 0 });
  });

  test('gathers everything about one change', () => {
    const all = history(opened(), findings(), requested(), given(), verified(), outcome());
    expect(all.generation).toBe(1);
    expect(changeOf(all, 1)).toMatchObject({
      opened: opened(),
      findings: findings(),
      request: requested(),
      approvals: [given()],
      decided: { answer: 'approved', approvers: ['asha'], reason: 'looks right' },
      verified: verified(),
      outcome: outcome(),
    });
    expect(changeOf(all, 1)?.records).toHaveLength(6);
    expect(changeOf(all, 2)).toBeUndefined();
  });

  test('keeps changes apart and in order, whatever the order of their records', () => {
    const all = history(opened(1), opened(2), findings(1), outcome(2), outcome(1));
    expect(all.changes.map(({ generation, outcome: end }) => [generation, end?.generation])).toEqual([
      [1, 1],
      [2, 2],
    ]);
    expect(all.generation).toBe(2);
  });

  test('an answer that decides nothing leaves the request open', () => {
    expect(changeOf(history(opened(), requested(), given({ decides: false })), 1)?.decided).toBeUndefined();
  });

  test('two approvals that decide together are both named', () => {
    const all = history(opened(), requested(), given({ decides: false }), given({ approver: 'ben' }));
    expect(changeOf(all, 1)?.decided?.approvers).toEqual(['asha', 'ben']);
  });

  test('a rejection names who rejected, not who approved before', () => {
    const all = history(
      opened(),
      requested(),
      given({ decides: false }),
      given({ approver: 'ben', answer: 'rejected' }),
    );
    expect(changeOf(all, 1)?.decided).toMatchObject({ answer: 'rejected', approvers: ['ben'] });
  });

  test('an end without a person has no approvers', () => {
    const end = {
      kind: 'decided',
      generation: 1,
      digest: opened().digest,
      request: 'r',
      answer: 'expired',
      reason: 'late',
    } as const;
    expect(changeOf(history(opened(), requested(), end), 1)?.decided).toEqual({
      answer: 'expired',
      approvers: [],
      reason: 'late',
    });
  });

  test('an early event about a change that is not opened yet is no change so far', () => {
    const all = history(opened(1), joinedBy(2));
    expect(all.generation).toBe(1);
    expect(changeOf(all, 2)?.events).toHaveLength(1);
    expect(lastOpened(all)?.generation).toBe(1);
  });

  test('of several opened changes the newest is the last', () => {
    expect(lastOpened(history(opened(1), opened(2), sameAs(2, 3)))?.generation).toBe(2);
  });

  test('a change that joined another, or that ended unopened, has begun', () => {
    expect(history(opened(1), sameAs(1, 2)).generation).toBe(2);
    expect(history(outcome(3, 'deleted')).generation).toBe(3);
  });
});

describe('standingChange', () => {
  const standing = (...written: Parameters<typeof history>) => standingChange(history(...written))?.generation;
  test('is the newest change, or the open one that it joined', () => {
    expect(standing(opened(1), opened(2))).toBe(2);
    expect(standing(opened(1), sameAs(1, 2))).toBe(1);
    expect(standing(opened(1), sameAs(1, 2), opened(3))).toBe(3);
    expect(standing()).toBeUndefined();
  });
});

describe('requestersOf', () => {
  const names = (...written: Parameters<typeof history>) =>
    requestersOf(history(...written), 1).map(({ person: name }) => name);

  test('knows who started it', () => {
    expect(names({ body: opened(), actor: person('dana') })).toEqual(['dana']);
  });
  test('the gate and nobody are no requesters', () => {
    expect(names(opened())).toEqual([]);
    expect(names({ body: opened(), actor: unknownActor })).toEqual([]);
  });
  test('an event that came later names them too', () => {
    expect(names(opened(), joinedBy(1, { actor: person('dana') }))).toEqual(['dana']);
  });
  test('an event that could not be resolved to anybody names nobody', () => {
    expect(names(opened(), joinedBy(1, { actor: unknownActor }))).toEqual([]);
  });
  test('events that joined a change that joined this one count', () => {
    expect(names(opened(), sameAs(1, 2), joinedBy(2, { actor: person('dana') }))).toEqual(['dana']);
  });
  test('whoever made the change that joined this one counts', () => {
    expect(names(opened(), { body: sameAs(1, 2), actor: person('dana') })).toEqual(['dana']);
  });
  test('requesters of other changes do not', () => {
    expect(names(opened(1), { body: opened(2), actor: person('dana') }, joinedBy(2, { actor: person('eli') }))).toEqual(
      [],
    );
  });
});

/** LastDeploymentConfig of the perfect endpoint. */
const { deployment } = facts();
const DEPLOYED_WITH = deployment.known ? deployment.deploymentConfig : undefined;

describe('baselineAfter', () => {
  test('there is none before anything was accepted', () => {
    expect(baselineAfter(history())).toBeNull();
    expect(baselineAfter(history(opened(), findings()))).toBeNull();
  });

  test('an approved deployment is the baseline, with the policies it was approved for', () => {
    const all = history(opened(), findings(), requested(), given(), { body: outcome(), at: later(60) });
    expect(baselineAfter(all)).toEqual({
      digest: opened().digest,
      deployment: opened().deployment,
      result: 'approved',
      approvedFor: ['prod-human-approval'],
      generation: 1,
      at: later(60),
      cost: { ceilingUsd: 0.23, pricesAsOf: prices.asOf },
      configName: 'fraud-prod-cfg-18',
      deploymentConfig: DEPLOYED_WITH,
    });
  });

  test('of a deployment that was accepted while it was under way, what it took is known once it was verified', () => {
    const underWay = facts({ underWay: true, deployment: { known: false, reason: 'A deployment is under way.' } });
    const settled = facts();
    const before = history(opened(1, underWay), findings(), outcome(1, 'compliant'));
    expect(baselineAfter(before)).not.toHaveProperty('deploymentConfig');
    const after = history(
      opened(1, underWay),
      findings(),
      verified(1, undefined, { facts: settled }),
      outcome(1, 'compliant'),
    );
    expect(baselineAfter(after)).toMatchObject({ configName: 'fraud-prod-cfg-18', deploymentConfig: DEPLOYED_WITH });
  });

  test.each(['blocked', 'rejected', 'expired', 'superseded', 'deleted', 'undetermined'] as const)(
    '%s is no baseline',
    (result) => {
      expect(baselineAfter(history(opened(), outcome(1, result)))).toBeNull();
    },
  );

  test('a compliant deployment is one that nobody approved anything for', () => {
    expect(baselineAfter(history(opened(), outcome(1, 'compliant')))).toMatchObject({
      result: 'compliant',
      approvedFor: [],
    });
  });

  const other = facts({ variants: [instanceVariant({ instanceType: 'ml.m5.xlarge' })] });

  test('it is carried by a change that is not settled, so nobody reads the stream to its start', () => {
    const carried = baselineAfter(history(opened(), requested(), outcome()));
    expect(baselineAfter(history(opened(7, other, { baseline: carried })))).toEqual(carried);
  });

  test('A approved, B blocked: the baseline is still A, so A run again keeps its approval', () => {
    const afterA = baselineAfter(history(opened(), requested(), outcome()));
    const afterB = history(
      opened(),
      requested(),
      outcome(),
      opened(2, other, { baseline: afterA }),
      outcome(2, 'blocked'),
    );
    expect(baselineAfter(afterB)).toEqual(afterA);
    expect(baselineAfter(afterB)?.digest).toBe(opened().digest);
  });

  test('the same deployment again, unchanged, keeps what it was approved for', () => {
    const first = baselineAfter(history(opened(), requested(), outcome()));
    const again = history(opened(2, facts(), { baseline: first }), outcome(2, 'unchanged'));
    expect(baselineAfter(again)).toMatchObject({
      generation: 2,
      result: 'unchanged',
      approvedFor: ['prod-human-approval'],
    });
  });

  test('another deployment that needed no approval does not inherit any', () => {
    const first = baselineAfter(history(opened(), requested(), outcome()));
    const next = history(opened(2, other, { baseline: first }), outcome(2, 'compliant'));
    expect(baselineAfter(next)).toMatchObject({ generation: 2, approvedFor: [] });
  });

  test('of two accepted ones the later counts', () => {
    const all = history(opened(1), outcome(1, 'compliant'), opened(2, other), outcome(2, 'compliant'));
    expect(baselineAfter(all)).toMatchObject({ generation: 2, digest: opened(2, other).digest });
  });

  test('a later acceptance wins over one carried from before', () => {
    const first = baselineAfter(history(opened(), requested(), outcome()));
    const next = history(
      opened(2, other, { baseline: first }),
      requested(2),
      outcome(2),
      opened(3, facts(), { baseline: first }),
    );
    expect(baselineAfter(next)?.generation).toBe(2);
  });
});

describe('isCovered', () => {
  const read = facts();
  const covered = (overrides: Partial<EndpointChange>, by = read) => isCovered(change(overrides), by);
  const soon = later(-1);

  test('a call well before the reading is covered, even if it says nothing', () => {
    expect(covered({ at: later(-5) })).toBe(true);
  });
  test('a call just before the reading is not: reads may still have been stale', () => {
    expect(covered({ at: later(-4.999) })).toBe(false);
  });
  test('unless the reading shows what the call asked for', () => {
    expect(covered({ at: soon, sighting: { configName: 'fraud-prod-cfg-18' } })).toBe(true);
    expect(covered({ at: soon, sighting: { configName: 'fraud-prod-cfg-19' } })).toBe(false);
  });
  test('a call after the reading is not covered, whatever it says', () => {
    expect(covered({ at: later(1), sighting: { configName: 'fraud-prod-cfg-18' } })).toBe(false);
  });

  test.each([
    ['the same count', { AllTraffic: { instances: 2 } }, true],
    ['the same weight', { AllTraffic: { weight: 1 } }, true],
    ['another count', { AllTraffic: { instances: 3 } }, false],
    ['another weight', { AllTraffic: { weight: 0 } }, false],
    ['a variant that is not there', { other: { instances: 2 } }, false],
    ['one variant right and one wrong', { AllTraffic: { instances: 2 }, other: {} }, false],
  ])('a call that asks for %s: %s', (_what, desired, expected) => {
    expect(covered({ at: soon, sighting: { desired } })).toBe(expected);
  });
  test('a count within the range that scaling has is no change, and one outside it is', () => {
    const scaled = facts({ variants: [instanceVariant({ scaledBy: 'managed-instance-scaling', maxInstances: 6 })] });
    const asked = (instances: number) =>
      covered({ at: soon, sighting: { desired: { AllTraffic: { instances } } } }, scaled);
    expect([1, 2, 6, 7].map(asked)).toEqual([false, true, true, false]);
  });
  test('a count cannot be held against a serverless variant', () => {
    const desired = { AllTraffic: { instances: 2 } };
    expect(covered({ at: soon, sighting: { desired } }, facts({ variants: [serverlessVariant()] }))).toBe(false);
    expect(covered({ at: soon, sighting: { desired } }, facts({ variants: [componentHost()] }))).toBe(true);
  });

  describe('by the modification time that native events carry', () => {
    const modified = (seconds: number, sighting: EndpointChange['sighting'] = {}, by = read) =>
      covered({ at: later(60), sighting: { lastModifiedAt: later(seconds, read.lastModifiedAt), ...sighting } }, by);

    test('what was modified no later than our reading is in it, whenever the event arrives', () => {
      expect(modified(0)).toBe(true);
      expect(modified(-1)).toBe(true);
    });
    test('what was modified later is not, where the event says nothing', () => expect(modified(1)).toBe(false));
    test('a settled event that shows what we read is the end of the same change', () => {
      expect(modified(1, { configName: 'fraud-prod-cfg-18', settled: true })).toBe(true);
      expect(modified(1, { configName: 'fraud-prod-cfg-19', settled: true })).toBe(false);
      expect(
        modified(1, { configName: 'fraud-prod-cfg-18', desired: { AllTraffic: { instances: 9 } }, settled: true }),
      ).toBe(false);
    });
    test('a reading of a living endpoint says nothing about its end', () => {
      const sighting = {
        lastModifiedAt: later(1, read.lastModifiedAt),
        configName: 'fraud-prod-cfg-18',
        settled: true,
      };
      expect(covered({ kind: 'deleted', sighting })).toBe(false);
      expect(covered({ kind: 'endpoint', sighting })).toBe(true);
    });
    test('an unsettled event that shows what we read is a view of the deployment that was under way then', () => {
      const sighting = { configName: 'fraud-prod-cfg-18', settled: false };
      expect(modified(1, sighting, facts({ underWay: true }))).toBe(true);
      expect(modified(1, sighting)).toBe(false);
    });
  });
});

describe('coveringGeneration', () => {
  const native = (seconds: number, configName = 'fraud-prod-cfg-18') =>
    change({
      eventId: 'native',
      at: later(60),
      sighting: { lastModifiedAt: later(seconds, facts().lastModifiedAt), configName, settled: true },
    });
  const replaced = opened(
    2,
    facts({ configName: 'fraud-prod-cfg-19', lastModifiedAt: later(10, facts().lastModifiedAt) }),
  );

  test('is the change whose deployment has come to its end', () => {
    expect(coveringGeneration(history(opened()), native(1))).toBe(1);
    expect(coveringGeneration(history(opened(), sameAs(1, 2)), native(1))).toBe(1);
  });
  test('is none where a deployment was replaced and comes back', () => {
    expect(coveringGeneration(history(opened(), replaced), native(20))).toBeUndefined();
    expect(coveringGeneration(history(opened(), replaced), native(20, 'fraud-prod-cfg-19'))).toBe(2);
  });
  test('is the earlier one for an event from before it was read', () => {
    expect(coveringGeneration(history(opened(), replaced), native(0))).toBe(1);
  });
  test('is none where the endpoint was deleted and made again', () => {
    expect(coveringGeneration(history(opened(), outcome(2, 'deleted')), native(1))).toBeUndefined();
  });
  test('is the change that the same event had joined', () => {
    expect(coveringGeneration(history(opened(), sameAs(1, 2)), change({ eventId: 'event-2', at: later(9) }))).toBe(2);
  });
});

describe('lastSeen', () => {
  test('is the newest modification that any reading shows', () => {
    expect(lastSeen(history())).toBeUndefined();
    expect(lastSeen(history(outcome(1, 'deleted')))).toBeUndefined();
    const settled = facts({ lastModifiedAt: later(5, facts().lastModifiedAt) });
    expect(lastSeen(history(opened()))).toBe(facts().lastModifiedAt);
    expect(lastSeen(history(opened(), verified(1, [], { facts: settled })))).toBe(settled.lastModifiedAt);
    expect(lastSeen(history(opened(1, settled), opened(2)))).toBe(settled.lastModifiedAt);
  });
});
