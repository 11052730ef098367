import { describe, expect, test } from 'vitest';
import { effectiveDeployment } from '../../shared/model/effective-deployment.ts';
import { approvalPage } from '../../web/approval-page.ts';
import * as a from '../builders.ts';
import { approvalModel, waiting } from './web-builders.ts';

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

  test('has a form with the digest, a code field that nothing fills in, a reason and two answers', () => {
    const html = show();
    expect(html).toContain(`${FORM} action="/approvals/${a.REQUEST}"`);
    expect(html).toContain(`<input type="hidden" name="digest" value="${a.opened().digest}">`);
    expect(html).toMatch(/<input id="code" name="code" required maxlength="64" autocomplete="off"/);
    expect(html).toMatch(/<textarea id="reason" name="reason" required/);
    expect(html).toContain('name="answer" value="approved"');
    expect(html).toContain('name="answer" value="rejected"');
  });

  test('cannot be approved by pressing Enter: the first button of the form is dead', () => {
    const form = show().split(FORM)[1] ?? '';
    expect(form.match(/<button[^>]*>/)?.[0]).toBe('<button disabled hidden aria-hidden="true">');
  });

  test('asks the browser to name the origin when it posts', () => {
    expect(show()).toContain('<meta name="referrer" content="same-origin">');
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

  test('counts approvals, names who gave them, and says why more are needed where nobody is named', () => {
    const history = a.history(a.opened(), a.findings(), a.requested(), {
      body: a.given({ decides: false, reason: 'fine by me' }),
      at: a.later(60),
    });
    const html = show(history, { state: { state: 'waiting', approvalsNeeded: 2, approvalsGiven: 1 } });
    for (const text of [
      '<strong>1 of 2</strong> approvals',
      'Asha Rao',
      'fine by me',
      'CloudTrail has not named who made the change',
      'nobody named yet',
    ]) {
      expect(html).toContain(text);
    }
  });

  test('says when it expires and how long that is', () => {
    expect(show(waiting(), { now: a.later(3600) })).toContain('<strong>23 h 0 min</strong>');
  });

  test('says which messages failed, and when none were sent yet', () => {
    expect(show(waiting(), { notifyErrors: ['ben: MessageRejected'] })).toContain('ben: MessageRejected');
    expect(show(waiting(), { notified: false })).toContain('have not been sent yet');
  });

  test('says so where the change has ended without an answer', () => {
    expect(show(waiting(a.outcome(1, 'undetermined')))).toContain('nothing waits for it any more');
  });

  test('after a refused answer shows why at the top, keeps the reason and forgets the code', () => {
    const html = show(waiting(), { refusal: { reason: 'That is not the code.', typedReason: 'all checked' } });
    expect(html).toMatch(/<main[^>]*>\s*<div class="alert" role="alert">.*That is not the code\./s);
    expect(html).toContain('<title>Not recorded:');
    expect(html).toContain('all checked</textarea>');
    expect(html.match(/<input id="code"[^>]*>/)?.[0]).not.toContain('value=');
  });
});

describe('a request that takes no more answers', () => {
  test.each(['approved', 'rejected'] as const)('because it was %s says by whom and why, without a form', (answer) => {
    const html = show(waiting({ body: a.given({ answer, reason: 'checked twice' }), actor: a.person('asha') }));
    expect(html).toContain(
      answer === 'approved' ? '<span class="badge good">Approved</span>' : '<span class="badge bad">Rejected</span>',
    );
    for (const text of ['Asha Rao', 'checked twice', 'has not ended yet']) expect(html).toContain(text);
    expect(html).not.toContain(FORM);
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
    expect(html).not.toContain(FORM);
  });

  test('because it expired says since when, and that unanswered means no', () => {
    const html = show(waiting(), { state: { state: 'expired' } });
    expect(html).toContain('unanswered means no');
    expect(html).toContain('2026-11-21 10:00');
    expect(html).not.toContain(FORM);
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
});
