import { describe, expect, test } from 'vitest';
import { askedChange } from '../../shared/model/approval.ts';
import { ApprovalSettings } from '../../shared/model/approval-settings.ts';
import { askedFirst, mayBeDue, roundsDue } from '../../shared/model/asked-people.ts';
import type { ApprovalNeed } from '../../shared/model/ledger-record.ts';
import { approver, given, later, NOW, opened, person, REQUEST, requested } from '../builders.ts';
import { waiting } from '../web/web-builders.ts';

const settings = (overrides: Record<string, unknown> = {}) =>
  ApprovalSettings.parse({ approvers: ['asha', 'ben', 'chen', 'dana'].map((id) => approver(id)), ...overrides });
const escalating = (overrides: Record<string, unknown> = {}) =>
  settings({ groups: { leads: ['chen', 'dana'] }, escalation: { afterHours: 6, group: 'leads' }, ...overrides });
const need = (count: number, group: string | null = null): ApprovalNeed => ({ group, count, because: 'test' });
const ids = (people: readonly { id: string }[]) => people.map(({ id }) => id);

describe('asked at first is', () => {
  const first = (of: ApprovalSettings, needs = [need(1)], requesters = [person('mallory')]) =>
    ids(askedFirst(requesters, needs, of));

  test('everybody on the list, where there is no second group', () => {
    expect(first(settings())).toEqual(['asha', 'ben', 'chen', 'dana']);
  });
  test('nobody who made the change, under whatever name', () => {
    expect(first(settings(), [need(1)], [person('session', 'BEN@example.com')])).toEqual(['asha', 'chen', 'dana']);
  });
  test('not the second group, whose turn comes later', () => {
    expect(first(escalating())).toEqual(['asha', 'ben']);
  });
  test('the second group too, where as members of another group their approval is wanted', () => {
    const groups = { leads: ['chen', 'dana'], finance: ['chen'] };
    expect(first(escalating({ groups }), [need(1), need(1, 'finance')])).toEqual(['asha', 'ben', 'chen']);
  });
  test('the second group too, where without it there are too few', () => {
    expect(first(escalating(), [need(3)])).toEqual(['asha', 'ben', 'chen', 'dana']);
    expect(first(escalating(), [need(1)], [person('asha'), person('ben')])).toEqual(['chen', 'dana']);
  });
  test('nobody, where the list is empty', () => expect(first(settings({ approvers: [] }))).toEqual([]));
});

describe('due is', () => {
  const hoursLater = (hours: number) => later(hours * 3600);
  const due = (hours: number, of = escalating(), from = waiting()) => {
    const change = askedChange(from, 1, REQUEST);
    if (!change) throw new Error('nobody was asked');
    return roundsDue(from, change, of, hoursLater(hours)).map(({ round, people }) => [round, ids(people)]);
  };

  test('nothing before the first hours are over', () => expect(due(3.99)).toEqual([]));
  test('a reminder of those who were asked, once every four hours and three times at most', () => {
    const rounds = [4, 7.9, 8, 12, 16, 23].map((hours) => due(hours, settings()).map(([round]) => round));
    expect(rounds).toEqual([
      ['reminder-1'],
      ['reminder-1'],
      ['reminder-2'],
      ['reminder-3'],
      ['reminder-3'],
      ['reminder-3'],
    ]);
    expect(due(4, settings())).toEqual([['reminder-1', ['asha', 'ben']]]);
  });
  test('no reminder, where nobody wants any', () => expect(due(20, settings({ reminderHours: 0 }))).toEqual([]));
  test('a word to the second group, once its time has come', () => {
    expect(due(5.99)).toEqual([['reminder-1', ['asha', 'ben']]]);
    expect(due(6)).toEqual([
      ['escalation', ['chen', 'dana']],
      ['reminder-1', ['asha', 'ben']],
    ]);
  });
  test('nothing for those who have answered, or made the change', () => {
    const answered = waiting(given({ decides: false }));
    expect(due(6, escalating({ requiredApprovals: 2 }), answered)).toEqual([
      ['escalation', ['chen', 'dana']],
      ['reminder-1', ['ben']],
    ]);
    const known = waiting({
      body: {
        kind: 'event-joined',
        generation: 1,
        event: {
          endpoint: opened().facts.endpoint,
          kind: 'endpoint',
          cause: 'x',
          eventId: 'e',
          at: NOW,
          sighting: {},
          actor: person('chen'),
        },
      },
    });
    expect(due(6, escalating(), known)[0]).toEqual(['escalation', ['dana']]);
  });
  test('nothing for those whose approval would not help: what is missing is that of another group', () => {
    const rules = { rules: [{ group: 'leads' }], requiredApprovals: 1 };
    const of = settings({ groups: { leads: ['ben', 'dana'] }, ...rules });
    expect(due(4, of, waiting(given({ decides: false })))).toEqual([['reminder-1', ['ben']]]);
  });
  test('nothing for those who were taken off the list', () => {
    expect(due(4, settings({ approvers: [approver('ben')] }))).toEqual([['reminder-1', ['ben']]]);
  });
  test.each([
    ['is decided', waiting(given())],
    ['has been replaced by a newer change', waiting(opened(2, undefined, { digest: 'f'.repeat(64) }))],
  ])('nothing, once it %s', (_, from) => expect(due(20, escalating(), from)).toEqual([]));
  test('nothing, once its time is over', () => {
    expect(Date.parse(requested().expiresAt)).toBe(Date.parse(hoursLater(24)));
    expect(due(24)).toEqual([]);
  });
});

test('whether anything may be due can be told without reading what is on record', () => {
  const at = (hours: number, of = escalating()) => mayBeDue(NOW, of, later(hours * 3600));
  expect([at(3.9), at(4)]).toEqual([false, true]);
  expect([at(5.9, escalating({ reminderHours: 0 })), at(6, escalating({ reminderHours: 0 }))]).toEqual([false, true]);
  expect(at(23, settings({ reminderHours: 0 }))).toBe(false);
});
