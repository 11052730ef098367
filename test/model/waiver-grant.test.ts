import { describe, expect, test } from 'vitest';
import { grantOf, revocationOf, type WaiverRequest } from '../../shared/model/waiver-grant.ts';
import { waivability } from '../../shared/policies/index.ts';
import { config, granted, history, later, NOW, opened, openedPlan, person, revoked, waiver } from '../builders.ts';

const DAY = 86_400;
const rules = config().file.approvals;
const request = (overrides: Partial<WaiverRequest> = {}): WaiverRequest => ({
  person: 'asha',
  policy: 'prod-model-monitor',
  until: later(30 * DAY),
  reason: 'the monitor is being rebuilt',
  ...overrides,
});
const granting = { rules, policies: waivability, maxDays: 90, now: NOW, newId: () => 'w9' };
const grant = (given: WaiverRequest, past = history(opened()), plans = history()) =>
  grantOf(past, plans, given, granting);

describe('a waiver is granted', () => {
  test('with everything that an auditor asks: what, for how long, why, by whom', () => {
    expect(grant(request())).toEqual({
      reply: 'recorded',
      record: {
        kind: 'waiver-granted',
        generation: 1,
        waiver: {
          id: 'w9',
          policy: 'prod-model-monitor',
          environment: 'prod',
          from: NOW,
          until: later(30 * DAY),
          reason: 'the monitor is being rebuilt',
          approver: 'asha',
          names: ['asha', 'asha@example.com'],
        },
      },
    });
  });
  test('for an endpoint that is not there yet, where its environment is said', () => {
    expect(grant(request({ environment: 'dev' }), history())).toMatchObject({
      reply: 'recorded',
      record: { generation: 1, waiver: { environment: 'dev' } },
    });
    expect(grant(request(), history())).toMatchObject({ reply: 'refused', code: 'wrong-environment' });
  });
  test('once, however often the same is asked for', () => {
    const mine = granted({ until: later(30 * DAY), reason: request().reason, policy: request().policy });
    expect(grant(request(), history(opened(), mine))).toEqual({ reply: 'already-recorded' });
    expect(grant(request({ person: 'ben' }), history(opened(), mine))).toMatchObject({ reply: 'recorded' });
  });

  test.each<[string, Partial<WaiverRequest>, string, RegExp]>([
    ['somebody who is no approver', { person: 'mallory' }, 'not-an-approver', /mallory/],
    ['a policy that there is not', { policy: 'no-such' }, 'not-waivable', /no policy no-such.*prod-model-monitor/],
    ['a policy without exception', { policy: 'prod-min-instances' }, 'not-waivable', /no exception/],
    ['a policy that asks people, who can approve', { policy: 'prod-human-approval' }, 'not-waivable', /no exception/],
    ['no reason', { reason: ' ' }, 'no-reason', /reason/],
    ['an end in the past', { until: later(-1) }, 'wrong-dates', /future/],
    ['an end at this moment', { until: NOW }, 'wrong-dates', /future/],
    ['a beginning in the past', { from: later(-1) }, 'wrong-dates', /must not be in the past/],
    ['an end before the beginning', { from: later(20), until: later(10) }, 'wrong-dates', /after from/],
    ['an end that cannot be read', { until: 'soon' }, 'wrong-dates', /soon/],
    ['more than the settings allow', { until: later(90 * DAY + 1) }, 'wrong-dates', /at most 90 days/],
    ['another environment than the endpoint is in', { environment: 'dev' }, 'wrong-environment', /is prod/],
  ])('and not with %s', (_what, overrides, code, reason) => {
    const reply = grant(request(overrides));
    expect(reply).toMatchObject({ reply: 'refused', code });
    expect(reply.reply === 'refused' && reply.reason).toMatch(reason);
  });
  test('for exactly as long as the settings allow', () => {
    expect(grant(request({ until: later(90 * DAY) })).reply).toBe('recorded');
  });
  test('not by whoever made the change that stands', () => {
    const own = history({ body: opened(), actor: person('asha@example.com') });
    expect(grant(request(), own)).toMatchObject({ reply: 'refused', code: 'own-change' });
    expect(grant(request({ person: 'ben' }), own).reply).toBe('recorded');
  });
  test('not by whoever planned the change', () => {
    const plans = history({ body: openedPlan(), actor: person('asha') });
    expect(grant(request(), history(opened()), plans)).toMatchObject({ code: 'own-change' });
  });
});

describe('a waiver is revoked', () => {
  const revoke = (given: Partial<Parameters<typeof revocationOf>[1]> = {}, past = history(opened(), granted())) =>
    revocationOf(past, { waiver: 'w1', person: 'ben', reason: 'it is back', ...given }, rules, NOW);

  test('by any approver, with a reason', () => {
    expect(revoke()).toEqual({
      reply: 'recorded',
      record: {
        kind: 'waiver-revoked',
        generation: 1,
        waiver: 'w1',
        policy: waiver().policy,
        until: waiver().until,
        approver: 'ben',
        reason: 'it is back',
      },
    });
  });
  test('once', () => {
    expect(revoke({}, history(opened(), granted(), revoked()))).toEqual({ reply: 'already-recorded' });
  });
  test.each([
    ['by somebody who is no approver', { person: 'mallory' }, 'not-an-approver'],
    ['without a reason', { reason: '' }, 'no-reason'],
    ['where there is none', { waiver: 'w7' }, 'no-waiver'],
  ])('and not %s', (_what, given, code) => {
    expect(revoke(given)).toMatchObject({ reply: 'refused', code });
  });
  test('and not after its end', () => {
    expect(revoke({}, history(opened(), granted({ until: NOW })))).toMatchObject({ code: 'no-waiver' });
  });
});
