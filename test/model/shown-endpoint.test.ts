import { describe, expect, test } from 'vitest';
import { EnvironmentRules } from '../../shared/model/environment.ts';
import {
  fingerprintOf,
  movedParts,
  partsNotIn,
  type ShownAlarm,
  type ShownEndpoint,
  unseenParts,
  watchedAlarms,
} from '../../shared/model/shown-endpoint.ts';
import { alarm, componentHost, facts, instanceVariant, later } from '../builders.ts';

const rules = EnvironmentRules.parse({});
const shownAlarm = (name: string, overrides: Partial<ShownAlarm> = {}): ShownAlarm => ({
  ...{ name, exists: true, actionsEnabled: true, updatedAt: undefined, mutedBy: [] },
  ...overrides,
});
/** The perfect endpoint as lists show it. */
const shown = (overrides: Partial<ShownEndpoint> = {}): ShownEndpoint => ({
  name: 'fraud-prod',
  status: 'InService',
  lastModifiedAt: '2026-11-20T09:00:00.000Z',
  searched: {
    configName: 'fraud-prod-cfg-18',
    variants: [{ VariantName: 'AllTraffic', DesiredInstanceCount: 2, DesiredWeight: 1 }],
    tags: { environment: 'prod' },
    capture: 'Started',
    monitors: [{ name: 'fraud-prod-data-quality', status: 'Scheduled', config: 'c', lastModifiedAt: undefined }],
  },
  alarms: watchedAlarms(facts()).map((name) => shownAlarm(name)),
  scaling: [],
  components: [],
  ...overrides,
});
const alarms = (name: string, overrides: Partial<ShownAlarm>) =>
  (shown().alarms ?? []).map((each) => (each.name === name ? { ...each, ...overrides } : each));

test('the perfect endpoint is shown as it was read', () => {
  expect(partsNotIn(facts(), shown(), [], rules)).toEqual([]);
});

test('what could not be read tells nothing', () => {
  const unread = shown({ searched: undefined, alarms: undefined, scaling: undefined, components: undefined });
  expect(partsNotIn(facts({ monitors: [] }), unread, [], rules)).toEqual([]);
  expect(Object.keys(fingerprintOf(unread))).toEqual(['endpoint']);
  expect(movedParts(fingerprintOf(shown()), fingerprintOf(unread))).toEqual(['endpoint']);
});

describe('a fingerprint', () => {
  test('is the same whatever order lists are in', () => {
    const both = [shownAlarm('a'), shownAlarm('b')];
    expect(fingerprintOf(shown({ alarms: both }))).toEqual(fingerprintOf(shown({ alarms: both.toReversed() })));
  });
  test('says which parts moved, and which were never seen', () => {
    const before = fingerprintOf(shown({ alarms: undefined }));
    const now = fingerprintOf(shown({ scaling: [{ variant: 'AllTraffic', min: 1, max: 2 }] }));
    expect(movedParts(before, now)).toEqual(['scaling']);
    expect(unseenParts(before, now)).toEqual(['alarms']);
  });
});

describe('alarms', () => {
  const name = 'fraud-prod-DataDriftAlarm';
  test.each<[string, Partial<ShownAlarm>, boolean]>([
    ['gone', { exists: false }, true],
    ['silent', { actionsEnabled: false }, true],
    ['muted', { mutedBy: ['holiday'] }, true],
    ['of which nobody could tell whether they are muted', { mutedBy: undefined }, false],
    ['changed after the reading', { updatedAt: later(1) }, true],
    ['changed before the reading', { updatedAt: later(-1) }, false],
  ])('that are %s: told %s', (_name, overrides, told) => {
    const read = facts({
      deployment: { known: true, strategy: 'blue-green', rollbackAlarms: [alarm(name, { mutedBy: [] })] },
    });
    expect(partsNotIn(read, shown({ alarms: alarms(name, overrides) }), [], rules)).toEqual(told ? ['alarms'] : []);
  });
  test('that others depend on are watched too; that they are there is only known from the sweep before', () => {
    const composite = alarm('any', { type: 'composite', dependsOn: ['child'] });
    const read = facts({ deployment: { known: true, strategy: 'blue-green', rollbackAlarms: [composite] } });
    expect(watchedAlarms(read)).toEqual(['any', 'child']);
    const gone = shown({ alarms: [shownAlarm('any'), shownAlarm('child', { exists: false })] });
    expect(partsNotIn(read, gone, [], rules)).toEqual([]);
    expect(partsNotIn(read, gone, ['alarms'], rules)).toEqual(['alarms']);
  });
});

describe('bounds of scaling', () => {
  const scaling = (min: number, max: number) => shown({ scaling: [{ variant: 'AllTraffic', min, max }] });
  const scaled = facts({
    variants: [instanceVariant({ scaledBy: 'application-auto-scaling', minInstances: 2, maxInstances: 6 })],
  });
  test.each([
    [scaled, scaling(2, 6), []],
    [scaled, scaling(1, 6), ['scaling']],
    [scaled, scaling(2, 7), ['scaling']],
    [scaled, shown(), ['scaling']],
    [facts(), scaling(2, 2), ['scaling']],
    // Two are asked for at the moment, which counts although the floor is higher.
    [scaled, scaling(3, 6), []],
  ])('%#: are told where they are others than were read', (read, seen, parts) => {
    expect(partsNotIn(read, seen, [], rules)).toEqual(parts);
  });
});

test('a component that came, went or was updated is told', () => {
  const read = facts({ variants: [componentHost()] });
  const component = (name: string, lastModifiedAt?: string) => shown({ components: [{ name, lastModifiedAt }] });
  expect(partsNotIn(read, component('fraud-a', later(-60)), [], rules)).toEqual([]);
  expect(partsNotIn(read, component('fraud-a', later(60)), [], rules)).toEqual(['components']);
  expect(partsNotIn(read, component('fraud-b'), [], rules)).toEqual(['components']);
  expect(partsNotIn(read, shown(), [], rules)).toEqual(['components']);
});
