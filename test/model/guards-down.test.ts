import { expect, test } from 'vitest';
import { baselineAfter, changeOf } from '../../shared/model/endpoint-history.ts';
import { lostGuards, newlyLostGuards } from '../../shared/model/guards-down.ts';
import { policies } from '../../shared/policies/index.ts';
import { facts, finding, findings, history, inStaging, opened, outcome, type Written } from '../builders.ts';

const gone = finding('rollback-alarms', 'violation', 'Alarm x does not exist.');
const accepted: Written[] = [opened(1), findings(1), outcome(1, 'approved')];
/** Change 2 of an endpoint whose change 1 was accepted. */
const lost = (read = facts(), list = [gone]) => {
  const written = history(
    ...accepted,
    opened(2, read, { baseline: baselineAfter(history(...accepted)) }),
    findings(2, list),
  );
  return lostGuards(changeOf(written, 2) ?? expect.fail());
};

test('the same deployment with a guard less has lost it', () => expect(lost()).toEqual([gone]));

test('another deployment has lost nothing: it was never there with these guards', () => {
  expect(lost(facts({ volumeKmsKeyId: 'another' }))).toEqual([]);
});
test('nor has one that nobody has accepted yet', () => {
  const first = history(opened(1), findings(1, [gone]));
  expect(lostGuards(changeOf(first, 1) ?? expect.fail())).toEqual([]);
});
test('nor has one outside of prod, or one whose violation is about something else', () => {
  expect(lost(facts({ environment: inStaging }))).toEqual([]);
  expect(lost(facts(), [finding('prod-budget', 'violation', 'too dear')])).toEqual([]);
  expect(lost(facts(), [finding('rollback-alarms', 'waived', 'waived')])).toEqual([]);
});
test('every policy about guards is one whose loss is told', () => {
  for (const { id } of policies.filter(({ guard }) => guard)) {
    expect(lost(facts(), [finding(id, 'violation', 'gone')]), id).toHaveLength(1);
  }
});
test('a change that is not on record has lost nothing', () => {
  expect(newlyLostGuards(history(...accepted), 7)).toEqual([]);
});
