import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pseudonyms } from '../../shared/model/pseudonym.ts';
import { change, given, opened, openedPlan, outcome, person, plan, records, requested } from '../builders.ts';

const KEY = 'k'.repeat(32);

describe('a pseudonym', () => {
  test('is the same for every spelling of a person, another for another, and another with another key', () => {
    const { of } = pseudonyms(KEY);
    expect(of('Asha')).toMatch(/^person-[0-9a-f]{12}$/);
    expect([of('asha'), of('ASHA@example.com')]).toEqual([of('Asha'), of('Asha')]);
    expect(of('ben')).not.toBe(of('asha'));
    expect(pseudonyms('l'.repeat(32)).of('asha')).not.toBe(of('asha'));
    expect(pseudonyms(KEY).of('asha')).toBe(of('asha'));
  });
  test('is the same for every name that a known person has', () => {
    const { of } = pseudonyms(KEY, [['asha', 'arn:aws:iam::111122223333:user/ar', 'Asha Rao']]);
    expect([of('asha rao'), of('arn:aws:iam::111122223333:user/ar')]).toEqual([of('asha'), of('asha')]);
  });
  test('takes a key that nobody can guess', () => {
    expect(() => pseudonyms('short')).toThrow('at least 32 bytes');
  });
});

describe('a record', () => {
  const arn = 'arn:aws:sts::111122223333:assumed-role/Admin/mallory';
  const list = records(
    { body: opened(), actor: { ...person('mallory', 'Mallory@example.com'), arn } },
    { kind: 'event-joined', generation: 1, event: change({ actor: person('mallory') }) },
    openedPlan(1, plan({ requester: 'mallory@example.com', reason: 'Mallory and asha want it' })),
    requested(),
    { body: given({ reason: 'mallory asked, BEN agreed', approvers: ['asha', 'ben'] }), id: 'approval#r#asha' },
    outcome(1, 'approved', { requesters: ['mallory'], reason: 'approved by asha.' }),
  );
  const { record, of } = pseudonyms(KEY, [['asha', 'asha@example.com', 'Asha Rao'], ['ben']]);
  const hidden = list.map(record);
  const text = JSON.stringify(hidden);

  test('names nobody any more: not in fields, ids, ARNs or in what people wrote', () => {
    expect(text).not.toMatch(/mallory|asha|"ben"|BEN/i);
    expect(hidden[4]).toMatchObject({
      id: `approval#r#${of('asha')}`,
      body: { approver: of('asha'), reason: `${of('mallory')} asked, ${of('ben')} agreed` },
    });
  });
  test('is otherwise as it was: the gate, digests, facts and the shape', () => {
    expect(hidden[3]?.actor).toEqual(list[3]?.actor);
    expect(hidden[0]?.body).toEqual(list[0]?.body);
    expect(hidden.map(({ previous }) => previous)).toEqual(list.map(({ previous }) => previous));
  });
  test('keeps words that only contain a name', () => {
    const [shown] = records({ body: given({ approver: 'ben', reason: 'benefit of Bengal, says ben-jamin' }) });
    expect(record(shown)?.body).toMatchObject({ reason: `benefit of Bengal, says ${of('ben')}-jamin` });
  });
});

test('whatever people are called, no field and no text of their records names them', () => {
  const name = fc.string({ unit: fc.constantFrom(...'abcxyzé.+(*[@ '.split('')), minLength: 2, maxLength: 12 });
  fc.assert(
    fc.property(name, name, (who, text) => {
      const called = `q${who}q`;
      const [made] = records({ body: given({ approver: called, reason: `${text} ${called} ${text}` }) });
      return !JSON.stringify(pseudonyms(KEY).record(made)).toLowerCase().includes(JSON.stringify(called).slice(1, -1));
    }),
    { numRuns: 50 },
  );
});
