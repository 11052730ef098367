import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { eventOfRecord, type SecurityEvent, securityLine } from '../../shared/model/security-event.ts';
import { SECURITY_EVENT_CATALOGUE } from '../../shared/security-event-catalogue.ts';
import { endpoint, given, opened, person, records, requested } from '../builders.ts';

const AT = '2026-11-21T10:00:00.000Z';

describe('a hostile name', () => {
  test.each([
    ['a line of its own', 'asha\n{"at":"x","event":"login","actor":"ben"}'],
    ['a line by the returns of old', 'asha\r\n{"event":"login"}'],
    ['a line by the separators of Unicode', 'asha\u2028{"event":"login"}\u2029\u0085\u000b\u000c'],
    ['a field of its own', 'asha","event":"login","x":"'],
    ['text turned around', 'asha\u202e\u2066nimda\u2069'],
    ['an escape of the terminal', '\u001b[2J\u009b1A\u0007'],
    ['half a character', '\ud800'],
    ['what programs take for a number', '\u0000\ufeff'],
  ])('cannot forge %s', (_what, actor) => {
    const line = securityLine(AT, { event: 'denial', actor });
    expect(line).toMatch(/^[\u0020-\u007e]+$/);
    expect(JSON.parse(line)).toEqual({ at: AT, event: 'denial', actor });
  });
  test('stays one line of plain characters that says the same, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (subject) => {
        const line = securityLine(AT, { event: 'store', subject });
        expect(/^[\u0020-\u007e]+$/.test(line)).toBe(true);
        expect(JSON.parse(line)).toEqual({ at: AT, event: 'store', subject });
      }),
      { numRuns: process.env.PORTCULLIS_PROOF === 'full' ? 20_000 : 200 },
    );
  });
  test('is cut, however long', () => {
    expect(securityLine(AT, { event: 'store', subject: 'x'.repeat(1_000_000) }).length).toBeLessThan(400);
  });
});

test('a field that is not there is not written', () => {
  const event: SecurityEvent = { event: 'logout', actor: undefined, sequence: 1 };
  expect(securityLine(AT, event)).toBe(`{"at":"${AT}","event":"logout","sequence":1}`);
});

test('a record is a decision where a person wants something, and says who', () => {
  const events = records({ body: opened(), actor: person('mallory') }, requested(), given()).map(eventOfRecord);
  expect(events.map(({ event, actor, detail, sequence }) => [event, actor, detail, sequence])).toEqual([
    ['store', 'mallory', 'change-opened', 1],
    ['store', 'portcullis', 'approval-requested', 2],
    ['decision', given().approver, 'approval-given', 3],
  ]);
  expect(events[0]?.subject).toContain(endpoint.name);
  expect(JSON.stringify(events)).not.toContain(given().reason);
});

test('every event is in the catalogue, and says when there is one', () => {
  expect(Object.keys(SECURITY_EVENT_CATALOGUE)).toHaveLength(10);
  for (const { when, fields } of Object.values(SECURITY_EVENT_CATALOGUE))
    expect(when.length * fields.length).toBeGreaterThan(100);
});
