import { describe, expect, test } from 'vitest';
import { effectiveDeployment } from '../../shared/model/effective-deployment.ts';
import { approvalPage } from '../../web/approval-page.ts';
import * as a from '../builders.ts';
import { approvalModel, asha, need, waiting } from './web-builders.ts';

const show = (...model: Parameters<typeof approvalModel>) => approvalPage(approvalModel(...model)).toString();
const FORM = '<form class="decide" method="post"';

const baselineOf = (facts = a.facts()) => ({
  digest: a.HEX,
  deployment: effectiveDeployment(facts),
  result: 'approved' as const,
  approvedFor: ['prod-human-approval'],
  generation: 7,
  at: '2026-10-01T08:00:00.000Z',
});

describe('a request that waits', () => {
  test('says what is asked: endpoint, environment and how we know, who, when', () => {
    const html = show();
    expect(html).toContain('Approve <span class="name">fraud-prod</span> in prod?');
    for (const text of ['tag environment=prod', 'mallory', 'role session name', '2026-11-20 09:59', 'UpdateEndpoint'])
      expect(html).toContain(text);
    expect(html).toContain('lets exactly this deployment stand');
  });

  test('has a form with the digest, the token of this session, a reason and two answers', () => {
    const html = show();
    expect(html).toContain(`${FORM} action="/approvals/${a.REQUEST}/answer"`);
    expect(html).toContain(`<input type="hidden" name="digest" value="${a.opened().digest}">`);
    expect(html).toContain('<input type="hidden" name="token" value="answer-token">');
    expect(html).toMatch(/<textarea id="answer-text" name="reason" required/);
    expect(html).toContain('name="answer" value="approved"');
    expect(html).toContain('name="answer" value="rejected"');
  });

  test('in prod wants the name typed, and nothing fills it in; elsewhere it does not', () => {
    expect(show()).toMatch(/<input id="answer-name" name="name" maxlength="256" value="" autocomplete="off"/);
    const inDev = a.opened(1, a.facts({ environment: a.inDev }));
    const dev = a.history({ body: inDev, actor: a.person('mallory') }, a.findings(), a.requested());
    expect(show(dev)).not.toContain('answer-name');
  });

  test('cannot be approved by pressing Enter: the first button of the form is dead', () => {
    const form = show().split(FORM)[1] ?? '';
    expect(form.match(/<button[^>]*>/)?.[0]).toBe('<button disabled hidden aria-hidden="true">');
  });

  test('compares with the last accepted deployment in plain words', () => {
    const now = a.facts({
      variants: [
        a.instanceVariant({ maxInstances: 6, scaledBy: 'application-auto-scaling' }),
        a.serverlessVariant({ name: 'canary' }),
      ],
    });
    const history = a.history(a.opened(1, now, { baseline: baselineOf() }), a.findings(), a.requested());
    const html = show(history);
    expect(html).toContain('<a href="/changes/111122223333/us-east-1/fraud-prod/7">change 7</a>');
    expect(html).toMatch(/highest instance count<\/div><\/th>.*<code>2<\/code>.*<code>6<\/code>/);
    expect(html).toContain('Variant canary is new');
    expect(html).not.toContain('first deployment');
  });

  test('of the same deployment says that nothing differs', () => {
    const history = a.history(a.opened(1, a.facts(), { baseline: baselineOf() }), a.findings(), a.requested());
    expect(show(history)).toContain('Nothing: it is the same as');
  });

  test('of a first deployment says so and lists what will run', () => {
    const html = show();
    expect(html).toContain('first deployment on record');
    expect(html).toContain('2 × ml.m5.large (fixed)');
    expect(html).toContain('s3://ml-artifacts-prod/fraud/model.tar.gz');
  });

  test('shows the cost at floor and ceiling with how it came about, and what has no price', () => {
    const cost = { ...a.findings().cost, floorUsd: 1, ceilingUsd: 9.5, unknown: ['variant x: no price'] };
    const html = show(waiting(a.findings(1, undefined, { cost })));
    for (const text of ['<b>$1.00</b>', '<b>$9.50</b>', '2 x ml.m5.large at $0.115', 'variant x: no price'])
      expect(html).toContain(text);
  });

  test('puts what asks first, then advice, and folds passes and what does not apply', () => {
    const list = [
      a.finding('p', 'pass'),
      a.finding('n', 'not-applicable', 'no'),
      a.finding('v', 'advice', 'hm'),
      a.finding('q', 'needs-approval', 'look'),
    ];
    const html = show(waiting(a.findings(1, list)));
    const places = [
      'What q says.',
      'What v says.',
      '<summary>1 met, 1 not applicable',
      'What p says.',
      'What n says.',
    ].map((text) => html.indexOf(text));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((one, other) => one - other));
  });

  test('counts approvals, names who gave them, and says what is wanted and why', () => {
    const history = a.history(a.opened(), a.findings(), a.requested(), {
      body: a.given({ approver: 'ben', decides: false, reason: 'fine by me' }),
      at: a.later(60),
    });
    const needs = [
      need({ needed: 2, given: 1, because: 'CloudTrail has not named who made the change' }),
      need({ group: 'risk', because: 'the environment is prod' }),
    ];
    const html = show(history, { state: { state: 'waiting', approvalsNeeded: 2, approvalsGiven: 1, needs } });
    for (const text of [
      '<strong>1 of 2</strong> given, because CloudTrail has not named who made the change',
      '<strong>0 of 1</strong> from risk, because the environment is prod',
      'Ben Okafor',
      'fine by me',
      'nobody named yet',
    ]) {
      expect(html).toContain(text);
    }
  });

  test('to who made the change offers to withdraw and not to decide', () => {
    const html = show(waiting(), { visitor: asha({ isRequester: true }) });
    expect(html).toContain('somebody else has to decide it');
    expect(html).toContain(`action="/approvals/${a.REQUEST}/withdraw"`);
    expect(html).not.toContain(`action="/approvals/${a.REQUEST}/answer"`);
    expect(show()).not.toContain('/withdraw"');
  });

  test('to who has answered offers to comment and not to answer again', () => {
    const html = show(waiting(a.given({ decides: false })));
    expect(html).toContain('You have answered.');
    expect(html).not.toContain(`action="/approvals/${a.REQUEST}/answer"`);
    expect(html).toContain(`action="/approvals/${a.REQUEST}/comment"`);
  });

  test('offers to break the glass to those who may, folded, with a confirmation of its own', () => {
    const form = `action="/approvals/${a.REQUEST}/break-glass"`;
    expect(show()).not.toContain(form);
    const html = show(waiting(), { visitor: asha({ mayBreakGlass: true }) });
    expect(html).toContain(form);
    expect(html).toMatch(/<details class="more"><summary>Approve alone in an emergency/);
    expect(html).toMatch(/<input type="checkbox" name="alone" value="yes" required>/);
  });

  test('to who has not logged in has no form but the login, and says whose link it was', () => {
    const nobody = { kind: 'nobody', login: { way: 'code', personal: true }, next: '/approvals/x?to=y' } as const;
    const html = show(waiting(), { visitor: { ...nobody, addressee: 'Ben Okafor' } });
    expect([...html.matchAll(/<form[^>]* action="([^"]*)"/g)].map(([, action]) => action)).toEqual(['/login/code']);
    expect(html).toContain('This link was sent to <strong>Ben Okafor</strong>');
    expect(html).toContain('name="next" value="/approvals/x?to=y"');
  });

  test('says what it cost before, what it will, and what the budget is', () => {
    const costBefore = { ...a.findings().cost, floorUsd: 0.1, ceilingUsd: 0.2 };
    const html = show(waiting(), { costBefore, budgetUsd: 50 });
    expect(html).toContain('$0.10 to $0.20 \u2192 <strong>$0.23</strong> an hour, within the budget of $50.00');
    expect(show(waiting(), { budgetUsd: 0.05 })).toContain('<strong>over</strong> the budget of $0.05');
  });

  test('says what was decided about the endpoint before', () => {
    const past = a.history(a.opened(), a.findings(), a.requested(), a.given({ approver: 'ben' }), a.outcome());
    expect(show(waiting(), { earlier: past.changes })).toMatch(
      /<dt>Before<\/dt>.*>Approved<\/a> by Ben Okafor, <time datetime="2026-11-20T10:00:00.000Z"/,
    );
    expect(show()).toContain('nothing decided lately');
  });

  test('says when it expires and how long that is', () => {
    expect(show(waiting(), { now: a.later(3600) })).toContain('<strong>23 h 0 min</strong>');
  });

  test('says which messages failed, and when none were sent yet', () => {
    expect(show(waiting(), { notifyErrors: ['ben: MessageRejected'] })).toContain('ben: MessageRejected');
    expect(show(waiting(), { notified: false })).toContain('have not been sent yet');
  });

  test('says so where the change has ended without an answer', () => {
    expect(show(waiting(a.outcome(1, 'undetermined')))).toContain('Nothing waits for an answer any more');
  });

  test('after a refused form shows why at the top and keeps what was typed, in that form only', () => {
    const html = show(waiting(), {
      refusal: { action: 'answer', reason: 'That is not it.', typed: { reason: 'all checked', name: 'fraud' } },
    });
    expect(html).toMatch(/<main[^>]*>\s*<div class="alert" role="alert">.*That is not it\./s);
    expect(html).toContain('<title>Not recorded:');
    expect(html.match(/all checked<\/textarea>/g)).toHaveLength(1);
    expect(html.match(/<input id="answer-name"[^>]*>/)?.[0]).toContain('value="fraud"');
    const commented = { action: 'comment', reason: 'Too long.', typed: { text: 'hm' } } as const;
    expect(show(waiting(), { refusal: commented })).toMatch(/<details class="more" open><summary>Comment/);
  });
});

describe('a request that takes no more answers', () => {
  test.each(['approved', 'rejected'] as const)('because it was %s says by whom and why, without a form', (answer) => {
    const html = show(waiting({ body: a.given({ answer, reason: 'checked twice' }), actor: a.person('asha') }));
    expect(html).toContain(
      answer === 'approved' ? '<span class="badge good">Approved</span>' : '<span class="badge bad">Rejected</span>',
    );
    for (const text of ['Asha Rao', 'checked twice', 'has not ended yet']) expect(html).toContain(text);
    expect(html).not.toContain('/answer"');
  });

  test('shows how the change ended', () => {
    const html = show(
      waiting(a.given(), a.verified(), a.outcome(1, 'blocked', { reason: 'Violates rollback-alarms.' })),
    );
    expect(html).toContain('Violates rollback-alarms.');
  });

  test('because it was superseded says that a newer change took its place', () => {
    const html = show(waiting(), { state: { state: 'superseded' } });
    expect(html).toContain('A newer change took its place.');
    expect(html).not.toContain('/answer"');
  });

  test('because it expired says since when, and that unanswered means no', () => {
    const html = show(waiting(), { state: { state: 'expired' } });
    expect(html).toContain('unanswered means no');
    expect(html).toContain('2026-11-21 10:00');
    expect(html).not.toContain('/answer"');
  });

  test('because its expiry is on record says so', () => {
    const decided = {
      kind: 'decided' as const,
      generation: 1,
      digest: a.HEX,
      request: a.REQUEST,
      answer: 'expired' as const,
      reason: 'nobody answered until then',
    };
    expect(show(waiting(decided))).toContain('nobody answered until then');
  });

  test.each(['expired', 'superseded', 'withdrawn'] as const)('because it was %s can be asked again', (answer) => {
    const decided = { ...a.given(), kind: 'decided' as const, answer, reason: 'so' };
    const { approver: _a, decides: _d, ...body } = decided;
    expect(show(waiting(body), { visitor: asha({ mayAskAgain: true }) })).toContain(
      `action="/approvals/${a.REQUEST}/ask-again"`,
    );
    expect(show(waiting(body))).not.toContain('/ask-again"');
  });

  test('because somebody decided cannot be asked again', () => {
    expect(show(waiting(a.given(), a.outcome()))).not.toContain('/ask-again"');
  });

  test('because the glass was broken wants a review, from anybody but who broke it', () => {
    const broken = a.given({ approver: 'ben', breakGlass: true });
    const html = show(waiting(broken));
    expect(html).toContain('alone, by breaking the glass');
    expect(html).toContain(`action="/approvals/${a.REQUEST}/review"`);
    expect(show(waiting(broken), { visitor: asha({ id: 'ben' }) })).not.toContain('/review"');
    const { approver: _approver, answer: _answer, decides: _decides, breakGlass: _glass, ...rest } = broken;
    const reviewed = {
      ...rest,
      kind: 'break-glass-reviewed' as const,
      reviewer: 'asha',
      finding: 'justified' as const,
    };
    const after = show(waiting(broken, reviewed));
    expect(after).toContain('reviewed it as justified');
    expect(after).not.toContain('/review"');
  });
});
