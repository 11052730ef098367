import { describe, expect, test } from 'vitest';
import { changeOf } from '../../shared/model/endpoint-history.ts';
import { type ApprovalMail, approvalMail } from '../../web/approval-mail.ts';
import type { Asked } from '../../web/asking.ts';
import { facts, findings, given, history, instanceVariant, later, opened, person, requested } from '../builders.ts';
import { HOSTILE, waiting } from './web-builders.ts';

const LINK = `https://gate.example.com/approvals/${'r'.repeat(26)}?to=${'p'.repeat(26)}`;
const askedIn = (from = waiting(), generation = 1): Asked => {
  const change = changeOf(from, generation);
  if (!change?.opened || !change.request) throw new Error('nobody was asked');
  return { ...change, opened: change.opened, request: change.request };
};
const mail = (overrides: Partial<ApprovalMail> = {}) =>
  approvalMail({
    change: askedIn(),
    requesters: [person('mallory')],
    names: new Map([['asha', 'Asha Rao']]),
    to: 'Ben Okafor',
    occasion: 'asked',
    link: LINK,
    ...overrides,
  });

describe('the mail says', () => {
  test.each([
    ['to whom', 'Hello Ben Okafor,'],
    ['who made which change', 'mallory changed the prod endpoint fraud-prod'],
    ['what is new about it', 'The first deployment on record for this endpoint'],
    ['which policy asks', 'What prod-human-approval says.'],
    ['what it costs', '$0.23 an hour'],
    ['where it is', '111122223333, us-east-1'],
    ['until when', `it is rejected at ${requested().expiresAt.slice(0, 16).replace('T', ' ')} UTC.`],
    ['where to decide', LINK],
    ['that opening the link decides nothing', 'opening it decides nothing'],
  ])('%s, in text and in HTML', (_, words) => {
    const { text, html } = mail();
    expect(text).toContain(words);
    expect(html).toContain(words);
  });
  test('what is different from the last accepted deployment, before and after', () => {
    const grown = facts({ variants: [instanceVariant({ instanceType: 'ml.m5.xlarge' })] });
    const accepted = { ...opened(), deployment: opened().deployment };
    const change = askedIn(
      history(
        {
          body: opened(1, grown, {
            baseline: {
              digest: accepted.digest,
              deployment: accepted.deployment,
              result: 'approved',
              approvedFor: [],
              generation: 1,
              at: later(-60),
            },
          }),
        },
        findings(),
        requested(),
      ),
    );
    expect(mail({ change }).text).toContain('variant AllTraffic \u203a instance type: ml.m5.large \u2192 ml.m5.xlarge');
  });
  test('what others have answered, by name', () => {
    const change = askedIn(waiting(given({ decides: false })));
    expect(mail({ change }).text).toContain('Approved by Asha Rao: looks right');
  });
  test('that nobody is known to have made it', () => {
    expect(mail({ requesters: [] }).text).toContain('somebody whom CloudTrail has not named yet changed');
  });
});

test.each([
  ['asked', 'Approve fraud-prod (prod)?', "ask for a person's decision"],
  ['reminder', 'Still waiting: approve fraud-prod (prod)?', 'have not answered yet'],
  ['escalation', 'Nobody has answered: approve fraud-prod (prod)?', 'so you are asked too'],
  ['expired', 'Expired: fraud-prod (prod)', 'unanswered means no'],
  ['break-glass', 'Approved in an emergency: fraud-prod (prod)', 'Somebody else has to review that'],
] as const)(
  'the mail about a request that is "%s" says so in its subject and its first words',
  (occasion, subject, words) => {
    expect(mail({ occasion }).subject).toBe(subject);
    expect(mail({ occasion }).text).toContain(words);
  },
);

describe('the HTML', () => {
  test('loads nothing, runs nothing, and has one link, to our page', () => {
    const { html } = mail();
    expect([...html.matchAll(/\b(?:href|src|action|background)="([^"]*)"/g)].map(([, to]) => to)).toEqual([LINK]);
    expect(html).not.toMatch(/<(script|img|link|iframe|form|input|button|style|svg|object)\b|\bon\w+=|url\(/i);
  });
  test('escapes what others wrote', () => {
    const { html } = mail({ to: HOSTILE, requesters: [person(HOSTILE)] });
    expect(html).not.toMatch(/<script|<img|\u202e/);
    expect(html).toContain('&lt;script&gt;');
  });
});
test('a name with line breaks cannot add a line, or a header', () => {
  const { subject, text } = mail({
    requesters: [person('mallory\r\nBcc: everybody@example.com\n\nApproved already.')],
  });
  expect(subject).not.toMatch(/[\r\n]/);
  expect(text.split('\n').filter((line) => /^(Bcc|Approved already)/.test(line))).toEqual([]);
});
test.each(['expired', 'break-glass'] as const)(
  'a notice (%s) asks for no answer, so it does not say what happens without one',
  (occasion) => {
    expect(mail({ occasion }).text).not.toContain('Without an answer');
  },
);
test('a plan says that it is one, and why somebody wants it', () => {
  const planned = askedIn();
  const document = { reason: 'better recall', changeTicket: 'CHG-17' };
  const change = { ...planned, opened: { ...planned.opened, plan: { document } } } as unknown as Asked;
  const { subject, text } = mail({ change });
  expect(subject).toBe('Approve the plan for fraud-prod (prod)?');
  expect(text).toContain('mallory plans to change');
  expect(text).toContain('better recall Ticket: CHG-17');
});
test('more differences than anybody reads in a mail are counted', () => {
  const change = askedIn();
  const cost = findings().cost;
  const variants = Array.from({ length: 30 }, (_, index) => ({
    variant: `v${index}`,
    floorUsd: 1,
    ceilingUsd: 1,
    explanation: 'x',
  }));
  const { text } = mail({ change: { ...change, findings: findings(1, undefined, { cost: { ...cost, variants } }) } });
  expect(text).toContain('and 19 more, which are on the page');
});
