import { describe, expect, test } from 'vitest';
import type { AlarmHistory } from '../../shared/model/alarm-history.ts';
import type { EndpointFacts, RollbackAlarm } from '../../shared/model/endpoint-facts.ts';
import { changeOf } from '../../shared/model/endpoint-history.ts';
import { rollbackOf, stretchOf, withHistories } from '../../shared/model/rollback.ts';
import { rollbackLine } from '../../shared/model/rolled-back.ts';
import { alarm, change, facts, history, later, opened, outcome, person } from '../builders.ts';

const [OLD, NEW] = ['fraud-prod-cfg-18', 'fraud-prod-cfg-19'];
/** While it was being deployed, and what is there after a quarter of an hour. */
const underWay = (overrides: Partial<EndpointFacts> = {}) =>
  facts({ configName: NEW, underWay: true, status: 'Updating', replacesConfig: OLD, ...overrides });
const settled = (overrides: Partial<EndpointFacts> = {}) =>
  facts({ readAt: later(900), lastModifiedAt: later(800), ...overrides });
const rolledBack = { requested: NEW, inService: OLD, reason: null, alarms: [] };

describe('a deployment that was seen under way', () => {
  test('and whose endpoint is back on the config that it had before was rolled back', () => {
    expect(rollbackOf(history(opened(1, underWay())), 1, settled())).toEqual(rolledBack);
  });
  test('and that arrived was not', () => {
    expect(rollbackOf(history(opened(1, underWay())), 1, settled({ configName: NEW }))).toBeUndefined();
  });
  test('and that is under way still is not known to be', () => {
    expect(rollbackOf(history(opened(1, underWay())), 1, settled({ underWay: true }))).toBeUndefined();
  });
  test('and was replaced by a third config was not', () => {
    expect(rollbackOf(history(opened(1, underWay())), 1, settled({ configName: 'cfg-20' }))).toBeUndefined();
  });
  test('of a new endpoint has nothing to go back to', () => {
    const { replacesConfig: _none, ...first } = underWay();
    expect(rollbackOf(history(opened(1, first)), 1, settled())).toBeUndefined();
  });
  test.each([
    ['an event of this change', 1],
    ['an event of the next', 2],
  ])('and that somebody took back, as %s says, was not rolled back by SageMaker', (_name, generation) => {
    const back = change({
      cause: 'UpdateEndpoint',
      actor: person('asha'),
      at: later(300),
      sighting: { configName: OLD },
    });
    const told = history(opened(1, underWay()), { kind: 'event-joined', generation, event: back });
    expect(rollbackOf(told, 1, settled())).toBeUndefined();
    const started = history(
      opened(1, underWay()),
      opened(2, settled(), { requestedConfig: OLD, changedAt: later(300) }),
    );
    expect(rollbackOf(started, 1, settled())).toBeUndefined();
  });
  test('is not taken back by a native event, which only shows what is there', () => {
    const shown = change({ at: later(800), sighting: { configName: OLD, settled: true } });
    const told = history(opened(1, underWay()), { kind: 'event-joined', generation: 2, event: shown });
    expect(rollbackOf(told, 1, settled())).toEqual(rolledBack);
  });
});

describe('a deployment that was over before it was read', () => {
  const before = [opened(1), outcome(1)] as const;
  const call = change({ actor: person('asha'), sighting: { configName: NEW } });

  test('was rolled back where the call asked for another config than the one that is in service as before', () => {
    const asked = history(...before, opened(2, settled(), { requestedConfig: NEW, changedAt: later(600) }));
    expect(rollbackOf(asked, 2, settled())).toEqual(rolledBack);
    const joined = history(...before, opened(2, settled()), { kind: 'event-joined', generation: 2, event: call });
    expect(rollbackOf(joined, 2, settled())).toEqual(rolledBack);
  });
  test('was not where nobody is known to have asked for anything else', () => {
    expect(rollbackOf(history(...before, opened(2, settled())), 2, settled())).toBeUndefined();
  });
});

describe('which alarm tripped', () => {
  const watched = (...rollbackAlarms: RollbackAlarm[]) =>
    settled({ deployment: { known: true, strategy: 'blue-green', rollbackAlarms } });
  const told = (read: EndpointFacts) => rollbackOf(history(opened(1, underWay())), 1, read);

  test('is the one in ALARM, and the one that changed its state since', () => {
    const read = watched(
      alarm('quiet', { stateSince: later(-86_400) }),
      alarm('drift', { state: 'ALARM', stateSince: later(300) }),
      alarm('errors', { stateSince: later(600) }),
    );
    expect(told(read)?.alarms).toEqual([
      { name: 'drift', state: 'ALARM', since: later(300) },
      { name: 'errors', state: 'OK', since: later(600) },
    ]);
    expect(rollbackLine(told(read) ?? rolledBack)).toBe(
      `SageMaker rolled it back: in service is ${OLD} again, not ${NEW}. Tripped since it began: drift (ALARM since ${later(300)}), errors (OK since ${later(600)}).`,
    );
  });
  test('is not known where none moved; then SageMaker may have given a reason', () => {
    const read = { ...watched(alarm('quiet', { stateSince: later(-86_400) })), failureReason: 'No capacity.' };
    expect(rollbackLine(told(read) ?? rolledBack)).toContain('No capacity. No alarm of it has changed its state');
  });

  const stretch = { from: later(0), until: later(800) };
  const withTold = (read: EndpointFacts, histories: Record<string, AlarmHistory>) =>
    withHistories(told(read) ?? rolledBack, read, stretch, new Map(Object.entries(histories)));
  const calm: AlarmHistory = { known: true, inAlarm: false, at: null };
  const denied: AlarmHistory = { known: false, why: 'its history could not be read (AccessDeniedException)' };

  test('is told by its history where it is in OK again, or deleted', () => {
    const read = watched(alarm('errors', { stateSince: later(400) }), { name: 'gone', exists: false });
    const now = withTold(read, {
      errors: { known: true, inAlarm: true, at: later(200) },
      gone: { known: true, inAlarm: true, at: later(250) },
    });
    expect(now).toMatchObject({
      alarms: [
        { name: 'errors', state: 'OK', since: later(400), trippedAt: later(200) },
        { name: 'gone', state: 'deleted', since: null, trippedAt: later(250) },
      ],
      unknown: [],
    });
    expect(rollbackLine(now)).toContain(
      `Tripped since it began: errors (went to ALARM at ${later(200)}, OK since ${later(400)}), gone (went to ALARM at ${later(250)}, deleted since).`,
    );
  });
  test('is not one that only had no data for a while, as its history tells', () => {
    const now = withTold(watched(alarm('errors', { stateSince: later(400) })), { errors: calm });
    expect(now).toMatchObject({ alarms: [], unknown: [] });
    expect(rollbackLine(now)).toContain('None of its alarms was in ALARM in that time, as their histories tell.');
  });
  test('is unknown where a history cannot be read, unless its state tells', () => {
    const read = watched(
      alarm('errors', { stateSince: later(400) }),
      alarm('quiet', { stateSince: later(-86_400) }),
      alarm('drift', { state: 'ALARM', stateSince: later(300) }),
      { name: 'gone', exists: false },
    );
    const now = withTold(read, { errors: denied, quiet: denied, drift: denied, gone: denied });
    expect(now.alarms).toEqual([{ name: 'drift', state: 'ALARM', since: later(300) }]);
    expect(now.unknown?.map(({ name }) => name)).toEqual(['errors', 'gone']);
    expect(rollbackLine(now)).toContain(
      'Whether errors tripped is unknown: its history could not be read (AccessDeniedException).',
    );
  });
  test('is none that went to ALARM only after it was over', () => {
    const now = withTold(watched(alarm('late', { state: 'ALARM', stateSince: later(850) })), { late: calm });
    expect(now.alarms).toEqual([]);
  });
  test('is looked for from the change on until the endpoint was in service again', () => {
    const mine = changeOf(history(opened(1, underWay())), 1);
    expect(mine && stretchOf(mine, settled())).toEqual({ from: opened().changedAt, until: later(800) });
    expect(mine && stretchOf(mine, settled({ lastModifiedAt: later(-900) }))?.until).toBe(later(900));
  });
});
