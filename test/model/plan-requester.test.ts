import { describe, expect, test } from 'vitest';
import { type Actor, unknownActor } from '../../shared/model/actor.ts';
import { approvalsNeeded, decideApproval } from '../../shared/model/approval.ts';
import { ApprovalSettings } from '../../shared/model/approval-settings.ts';
import { historyOf, requestersOf } from '../../shared/model/endpoint-history.ts';
import { changeFromPlan } from '../../shared/model/submitted-plan.ts';
import {
  approver,
  endpoint,
  findings,
  NOW,
  openedPlan,
  person,
  plan,
  plannedEndpoint,
  REQUEST,
  records,
  requested,
  type Written,
} from '../builders.ts';

const rules = ApprovalSettings.parse({
  approvers: [approver('asha', { awsIdentities: ['asha.rao'] }), approver('ben'), approver('cleo')],
});
/** Who is recorded as having submitted a plan that names `requester`. */
const submitter = (requester: string | undefined, proven?: Actor): Actor =>
  changeFromPlan(plan({ requester }), endpoint, { eventId: 'e', at: NOW, ...(proven && { actor: proven }) }).actor ??
  unknownActor;

const planned = (...submitters: Actor[]) => {
  const [first = unknownActor, ...others] = submitters;
  const again = others.map(
    (actor, index): Written => ({
      body: {
        kind: 'event-joined',
        generation: 1,
        event: { ...changeFromPlan(plan(), endpoint, { eventId: `again-${index}`, at: NOW }), actor },
      },
      actor,
    }),
  );
  const written = records({ body: openedPlan(), actor: first }, ...again, findings(), requested());
  return historyOf(written.map((record) => ({ ...record, endpoint: plannedEndpoint })));
};
const answer = (history: ReturnType<typeof planned>, who: string) =>
  decideApproval(
    history,
    1,
    { request: REQUEST, approver: who, answer: 'approved', reason: 'fine', digest: openedPlan().digest },
    rules,
    NOW,
  );

describe('whoever a plan names without proof', () => {
  test.each(['asha', 'ASHA@example.com', 'asha.rao'])('%s stays unknown, so two have to approve', (name) => {
    const history = planned(submitter(name));
    expect(requestersOf(history, 1)).toMatchObject([{ kind: 'unknown', person: name, via: 'claim' }]);
    expect(approvalsNeeded(history, 1, rules)).toBe(2);
  });
  test.each(['asha', 'ASHA@example.com', 'asha.rao'])('%s may not approve it, and others may', (name) => {
    const history = planned(submitter(name));
    expect(answer(history, 'asha')).toMatchObject({ reply: 'refused', code: 'own-change' });
    expect(answer(history, 'ben')).toMatchObject({ reply: 'recorded', final: undefined });
  });
  test('is one more name of whoever AWS says it was, who is known', () => {
    const history = planned(submitter('asha', person('dana')));
    expect(approvalsNeeded(history, 1, rules)).toBe(1);
    expect(answer(history, 'asha')).toMatchObject({ reply: 'refused', code: 'own-change' });
    expect(answer(history, 'ben')).toMatchObject({ reply: 'recorded', final: { answer: 'approved' } });
  });
});

describe('a plan that nobody is named for', () => {
  test('is by somebody unknown, who counts as one', () => {
    expect(submitter(undefined)).toEqual(unknownActor);
    expect(approvalsNeeded(planned(unknownActor), 1, rules)).toBe(2);
  });
  test('does not get a known requester by being submitted again, signed', () => {
    expect(approvalsNeeded(planned(unknownActor, person('dana')), 1, rules)).toBe(2);
    expect(approvalsNeeded(planned(person('dana'), unknownActor), 1, rules)).toBe(2);
    expect(approvalsNeeded(planned(person('dana'), person('lee')), 1, rules)).toBe(1);
  });
  test('refuses everybody who submitted it', () => {
    const history = planned(person('ben'), person('asha.rao'));
    for (const who of ['asha', 'ben']) expect(answer(history, who)).toMatchObject({ code: 'own-change' });
    expect(answer(history, 'cleo')).toMatchObject({ reply: 'recorded' });
  });
});
