import { describe, expect, test } from 'vitest';
import { changeOf } from '../../shared/model/endpoint-history.ts';
import { recordHash } from '../../shared/model/ledger-record.ts';
import { againPage } from '../../web/again-page.ts';
import { approvalPage } from '../../web/approval-page.ts';
import { changePage } from '../../web/change-page.ts';
import { changesPage } from '../../web/changes-page.ts';
import { endpointPage } from '../../web/endpoint-page.ts';
import { factsSection } from '../../web/facts-section.ts';
import { backFromProviderPage, codePage, loginPage, toProviderPage } from '../../web/login-page.ts';
import { messagePage } from '../../web/message-page.ts';
import { overviewPage } from '../../web/overview-page.ts';
import { quarantinePage } from '../../web/quarantine-page.ts';
import { waitingPage } from '../../web/waiting-page.ts';
import * as a from '../builders.ts';
import { approvalModel, changesModel, HOSTILE, overviewModel, row, waiting } from './web-builders.ts';

/** A change in which every text that comes from outside is hostile. */
function hostileHistory() {
  const facts = a.facts({
    endpoint: { ...a.endpoint, name: HOSTILE },
    environment: { name: 'prod', source: 'tag', evidence: HOSTILE },
    configName: HOSTILE,
    volumeKmsKeyId: HOSTILE,
    dataCapture: { enabled: true, samplingPercentage: 1, destinationS3Uri: HOSTILE, kmsKeyId: HOSTILE },
    variants: [
      a.componentHost({
        name: HOSTILE,
        instanceTypes: [HOSTILE],
        components: [{ name: HOSTILE, copies: 1, model: a.model({ name: HOSTILE }), baseComponent: HOSTILE }],
        models: [
          a.model({
            containers: [{ image: HOSTILE, mode: 'SingleModel', environmentSha256: HOSTILE, artifactUris: [HOSTILE] }],
          }),
        ],
      }),
    ],
    artifacts: [
      a.artifact({
        uri: HOSTILE,
        version: HOSTILE,
        encryption: { status: 'unverifiable', reason: HOSTILE },
        bucket: { name: HOSTILE, encryption: { status: 'missing' } },
      }),
    ],
    monitors: [a.monitor({ name: HOSTILE })],
    deployment: { known: true, strategy: 'none', rollbackAlarms: [a.alarm(HOSTILE)] },
  });
  const opened = a.opened(1, facts, { cause: HOSTILE });
  const baseline = {
    digest: a.HEX,
    deployment: { ...a.opened().deployment, volumeKmsKeyId: `old ${HOSTILE}` },
    result: 'approved' as const,
    approvedFor: [],
    generation: 1,
    at: a.NOW,
  };
  const finding = { ...a.finding(HOSTILE, 'needs-approval', HOSTILE), statement: `${HOSTILE} \`${HOSTILE}\`` };
  const cost = {
    ...a.findings().cost,
    unknown: [HOSTILE],
    variants: [{ variant: HOSTILE, floorUsd: 1, ceilingUsd: 1, explanation: HOSTILE }],
    pricesSource: HOSTILE,
  };
  return a.history(
    { body: { ...opened, baseline }, actor: a.person(HOSTILE) },
    { kind: 'event-joined', generation: 1, event: a.change({ cause: HOSTILE, actor: a.person(HOSTILE) }) },
    a.findings(1, [finding], { cost }),
    a.requested(1, { approvers: [HOSTILE], reasons: [HOSTILE] }),
    a.given({ approver: HOSTILE, reason: HOSTILE, decides: false }),
    a.verified(1, [finding]),
    a.outcome(1, 'rejected', { reason: HOSTILE }),
  );
}

function hostilePages(): Record<string, string> {
  const endpoint = { ...a.endpoint, name: HOSTILE };
  const history = hostileHistory();
  const change = changeOf(history, 1);
  if (!change) throw new Error('no change');
  const hostileRow = row({
    endpoint: HOSTILE,
    account: HOSTILE,
    region: HOSTILE,
    reason: HOSTILE,
    cause: HOSTILE,
    who: HOSTILE,
    request: HOSTILE,
  });
  const approval = { notifyErrors: [HOSTILE], names: new Map([[HOSTILE, HOSTILE]]) };
  const pages = {
    approval: approvalPage(
      approvalModel(history, {
        ...approval,
        refusal: { action: 'answer', reason: HOSTILE, typed: { reason: `</textarea>${HOSTILE}`, name: HOSTILE } },
      }),
    ),
    'decided approval': approvalPage(
      approvalModel(history, {
        ...approval,
        state: { state: 'decided', decided: { answer: 'expired', approvers: [], reason: HOSTILE } },
      }),
    ),
    'approval for who has not logged in': approvalPage(
      approvalModel(history, {
        ...approval,
        visitor: { kind: 'nobody', login: { way: 'provider', name: HOSTILE }, next: `/${HOSTILE}`, addressee: HOSTILE },
      }),
    ),
    login: loginPage({ way: 'provider', name: HOSTILE, next: `/${HOSTILE}` }),
    code: codePage({ next: `/${HOSTILE}`, again: `/${HOSTILE}`, refused: HOSTILE }),
    'back from the provider': backFromProviderPage({ code: HOSTILE, state: HOSTILE, iss: HOSTILE }),
    'on to the provider': toProviderPage(`/${HOSTILE}`, HOSTILE),
    'asked for again': againPage(`/${HOSTILE}`),
    change: changePage({ endpoint, change, history, approval: undefined }),
    changes: changesPage(
      changesModel({
        rows: [hostileRow],
        filter: { endpoint: HOSTILE, person: HOSTILE, cause: HOSTILE, from: HOSTILE, to: HOSTILE },
        after: HOSTILE,
        next: HOSTILE,
        lookedBackTo: HOSTILE,
      }),
    ),
    overview: overviewPage(
      overviewModel({
        waiting: [{ id: HOSTILE, endpoint, generation: 1, expiresAt: HOSTILE, askedAt: a.NOW, forMe: true }],
        reviews: [{ request: HOSTILE, endpoint, since: a.NOW }],
        guardsDown: [hostileRow],
        latest: [hostileRow],
        costs: [{ environment: 'prod', committedUsd: 1, unacceptedUsd: 1, budgetUsd: 1 }],
      }),
    ),
    endpoint: endpointPage({ endpoint, changes: history.changes, older: HOSTILE, continued: true }),
    waiting: waitingPage({ requests: [{ id: HOSTILE, endpoint, generation: 1, expiresAt: HOSTILE }], now: a.NOW }),
    quarantine: quarantinePage({
      events: [
        { id: HOSTILE, reason: HOSTILE, at: HOSTILE, event: JSON.stringify({ [HOSTILE]: HOSTILE }) },
        { id: 'x', reason: '', at: a.NOW, event: HOSTILE },
      ],
      dropped: [{ reason: HOSTILE, count: 1 }],
    }),
    message: messagePage({ happened: HOSTILE, why: HOSTILE, todo: HOSTILE }, HOSTILE),
  };
  return Object.fromEntries(Object.entries(pages).map(([name, html]) => [name, html.toString()]));
}

describe('hostile names, reasons, tags and events', () => {
  test.each(Object.entries(hostilePages()))('do no harm on the %s page', (_name, html) => {
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(html).not.toMatch(/<script/i);
    expect(html).not.toMatch(/<img/i);
    expect(html).not.toContain('\u202e');
    // Every tag is one of ours: a name, then attributes in double quotes and nothing else.
    for (const [tag] of html.matchAll(/<[^!][^>]*>/g)) {
      expect(tag).toMatch(/^<\/?[a-z0-9]+(\s+[a-zA-Z][a-zA-Z0-9-]*(="[^"<>]*")?)*\s*\/?>$/);
      expect(tag.replace(/"[^"]*"/g, '')).not.toMatch(/\s(on\w+|style)=/i);
      expect(tag).not.toMatch(/(href|action)="(?!\/)(?!#)/);
    }
  });
});

describe('every page', () => {
  test.each(Object.entries(hostilePages()))(
    '%s has a language, a title, one h1, landmarks, a skip link and no second stylesheet',
    (_name, html) => {
      expect(html).toMatch(/^<!doctype html>\n<html lang="en">/);
      // Parts of drawings have titles too.
      expect(html.split('</head>')[0]?.match(/<title>/g)).toHaveLength(1);
      expect(html.match(/<h1>/g)).toHaveLength(1);
      for (const tag of ['<header ', '<nav ', '<main ', '<footer ']) expect(html).toContain(tag);
      expect(html).toContain('<a class="skip" href="#main">');
      expect(html.match(/<link /g)).toHaveLength(1);
    },
  );
});

describe('the list of changes', () => {
  const page = (...rows: ReturnType<typeof row>[]) => changesPage(changesModel({ rows })).toString();

  test('links each change and says how it stands in words', () => {
    const html = page(row({ state: 'blocked', reason: 'Violates prod-budget.' }));
    expect(html).toContain('href="/changes/111122223333/us-east-1/fraud-prod/1"');
    expect(html).toContain('href="/endpoints/111122223333/us-east-1/fraud-prod"');
    expect(html).toContain('<span class="badge bad">Blocked</span>');
    expect(html).toContain('Violates prod-budget.');
  });

  test('shows an open change with an open request as waiting and links the request', () => {
    const waits = `<a href="/approvals/${a.REQUEST}"><span class="badge ask">Waiting</span></a>`;
    expect(page(row({ request: a.REQUEST }))).toContain(waits);
    expect(page(row())).not.toContain('Waiting</span>');
  });

  test('keeps the filter that was asked for in its fields and in every link, and says when nothing fits it', () => {
    const filter = {
      environment: 'dev',
      result: 'blocked',
      from: '2026-10',
      endpoint: 'fraud',
      person: 'eve',
    } as const;
    const html = changesPage(changesModel({ rows: [], filter, next: 'further' })).toString();
    for (const field of ['value="dev" selected', 'value="blocked" selected', 'value="2026-10"', 'value="eve"'])
      expect(html).toContain(field);
    const kept = 'environment=dev&amp;result=blocked&amp;from=2026-10&amp;endpoint=fraud&amp;person=eve';
    expect(html).toContain(`href="/changes?${kept}&amp;after=further"`);
    expect(html).toContain('Nothing fits so far.');
    expect(changesPage(changesModel({ rows: [], filter })).toString()).toContain('No change fits this filter.');
  });

  test('offers the rows that it shows as CSV: the same filter, from the same place', () => {
    const html = changesPage(changesModel({ filter: { environment: 'prod' }, after: 'here', limit: 200 })).toString();
    expect(html).toContain('href="/changes.csv?environment=prod&amp;rows=200&amp;after=here">These 1 as CSV');
  });

  test('a choice that is on is taken back by its own link', () => {
    const html = changesPage(changesModel({ filter: { environment: 'prod', result: 'blocked' } })).toString();
    expect(html).toContain('<a href="/changes?environment=prod" aria-current="true">Blocked</a>');
    expect(html).toContain('<a href="/changes?result=blocked" aria-current="true">In prod</a>');
  });
});

describe('the overview', () => {
  const counts = { compliant: 3, approved: 1, blocked: 2, superseded: 1 };

  test('says in words and in a table what its charts show', () => {
    const weeks = [...overviewModel().weeks.slice(1), { from: '2026-11-23', to: '2026-11-29', counts }];
    const html = overviewPage(overviewModel({ weeks })).toString();
    expect(html).toContain('7 changes in 2 weeks: 4 accepted, 2 not let through, 1 went away.');
    expect(html).toMatch(/<a href="\/changes\?from=2026-11-23&amp;to=2026-11-29">Nov 23<\/a>/);
    expect(html).toMatch(/data-label="Accepted"><div>4<\/div>/);
  });

  test('begins with what waits for the reader, then what ends first', () => {
    const request = { endpoint: a.endpoint, generation: 1, askedAt: a.later(-7_200), expiresAt: a.later(3_600) };
    const waiting = [
      { ...request, id: 'other', forMe: false },
      { ...request, id: 'mine', expiresAt: a.later(7_200), forMe: true },
    ];
    const html = overviewPage(overviewModel({ waiting })).toString();
    expect(html.indexOf('/approvals/mine')).toBeLessThan(html.indexOf('/approvals/other'));
    expect(html).toContain('For you');
    expect(html).toContain('2 wait. The oldest has waited for 2 h 0 min.');
  });

  test('names reviews, guards and quarantined events, and says so when nobody is needed', () => {
    const html = overviewPage(
      overviewModel({
        reviews: [{ request: a.REQUEST, endpoint: a.endpoint, since: a.later(-60) }],
        guardsDown: [row({ reason: 'The alarm fraud-5xx is muted.' })],
        quarantined: { count: 100, more: true },
      }),
    ).toString();
    for (const text of ['approved in an emergency', 'The alarm fraud-5xx is muted.', 'More than 100 events'])
      expect(html).toContain(text);
    expect(overviewPage(overviewModel()).toString()).toContain('Nothing. No decision is waited for');
  });

  test('an environment over its budget is said to be, and what nobody accepted is shown apart', () => {
    const costs = [{ environment: 'prod' as const, committedUsd: 40, unacceptedUsd: 15, budgetUsd: 50 }];
    const html = overviewPage(overviewModel({ costs })).toString();
    expect(html).toContain('prod $55.00 of $50.00, over it.');
    expect(html).toMatch(/data-label="Runs without having been accepted"><div>\$15\.00/);
  });
});

describe('the history of an endpoint', () => {
  const changes = waiting({ body: a.given(), actor: a.person('asha') }, a.verified(), a.outcome()).changes;

  test('has each change with its end, and what was different', () => {
    const html = endpointPage({ endpoint: a.endpoint, changes, older: '7-2', continued: false }).toString();
    expect(html).toContain('change 1</a>');
    expect(html).toContain('first deployment on record');
    expect(html).toContain('href="/endpoints/111122223333/us-east-1/fraud-prod?before=7-2"');
    expect(html).toContain('href="/endpoints/111122223333/us-east-1/fraud-prod?plans=yes">its plans');
  });
});

describe('the page of a change', () => {
  const page = (history: ReturnType<typeof waiting>, generation = 1) => {
    const change = changeOf(history, generation);
    if (!change) throw new Error('no change');
    return changePage({ endpoint: a.endpoint, change, history, approval: undefined }).toString();
  };

  test('tells the whole story in order, from the event to the outcome', () => {
    const html = page(waiting({ body: a.given(), actor: a.person('asha') }, a.verified(), a.outcome()));
    const story = [
      'It happened: UpdateEndpoint',
      'Opened:',
      'Policies checked:',
      'Approval requested',
      'Answered:',
      'Monitors and alarms verified:',
      'Ended:',
    ];
    const places = story.map((text) => html.indexOf(text));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((one, other) => one - other));
    expect(html).toContain('looks right');
  });

  test('says how long each step took, and proves each record by its hash and that of the one before', () => {
    const history = waiting({ body: a.given(), actor: a.person('asha') }, a.verified(), a.outcome());
    const html = page(history);
    const [first, second] = history.changes[0]?.records ?? [];
    expect(html).toContain('From the event to the outcome: <strong>');
    expect(html).toMatch(/\d+ (ms|s|min) later/);
    expect(html).toContain('nothing: it is the first');
    expect(second?.previous).toBe(first && recordHash(first));
    expect(html.split(second?.previous ?? '-').length - 1).toBeGreaterThanOrEqual(2);
  });

  test('links an event of CloudTrail to CloudTrail, and no other', () => {
    const id = '0a1b2c3d-1111-4222-8333-444455556666';
    const trail = 'https://us-east-1.console.aws.amazon.com/cloudtrailv2/home?region=us-east-1#/events/';
    expect(page(a.history(a.opened(1, undefined, { eventId: id })))).toContain(`href="${trail}${id}"`);
    const native = { eventId: id, cause: 'SageMaker Endpoint State Change' };
    expect(page(a.history(a.opened(1, undefined, native)))).not.toContain('https://');
    expect(page(a.history(a.opened(1, undefined, { eventId: '1/../x' })))).not.toContain('https://');
  });

  test('shows every finding with its sentence, the cost, the digest and the raw records', () => {
    const list = [
      a.finding('one', 'needs-approval', 'Somebody must look.'),
      a.finding('two', 'pass'),
      a.finding('three', 'not-applicable', 'Not here.'),
    ];
    const html = page(waiting(a.findings(1, list)));
    for (const text of ['What one says.', 'Somebody must look.', 'What two says.', 'What three says.', 'Not here.'])
      expect(html).toContain(text);
    expect(html).toContain('1 met, 1 not applicable');
    expect(html).toContain('$0.23');
    expect(html).toContain(a.opened().digest);
    expect(html).toContain('&quot;kind&quot;: &quot;change-opened&quot;');
  });

  test('after a waiver was granted names whoever granted it', () => {
    const cause = { cause: 'waiver granted', eventId: 'waiver-w1', waivers: [a.waiver()] };
    const html = page(a.history(a.opened(1, undefined, cause)));
    expect(html).toContain(`<strong>${a.waiver().approver}</strong> waived <code>${a.waiver().policy}</code>`);
    expect(html).not.toContain('This event does not say who did it.');
  });

  test('gives every time with its zone', () => {
    const shown = [...page(waiting(a.findings())).matchAll(/<time [^>]*>([^<]*)</g)].map(([, text]) => text);
    expect(shown.length).toBeGreaterThan(3);
    for (const text of shown) expect(text).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)? UTC$/);
  });

  test('of a plan says nothing of an endpoint that there is not yet', () => {
    const facts = (planned: boolean) => String(factsSection(a.facts(), planned));
    for (const name of ['Status', 'Created', 'Last modified', 'Endpoint config']) {
      expect(facts(false)).toContain(`<dt>${name}</dt>`);
      expect(facts(true)).not.toContain(`<dt>${name}</dt>`);
    }
    expect(facts(true)).toContain('<dt>Read from AWS</dt>');
  });

  test('of a change that joined another points to that one, and the other shows what joined it', () => {
    const joined = {
      kind: 'change-joined' as const,
      generation: 2,
      cause: 'SageMaker Endpoint State Change',
      eventId: 'e2',
      changedAt: a.NOW,
      digest: a.opened().digest,
      joined: 1,
    };
    const history = waiting({ body: joined, actor: a.person('carol') });
    expect(page(history, 2)).toContain('<a href="/changes/111122223333/us-east-1/fraud-prod/1">change 1</a>');
    expect(page(history)).toContain('carol');
  });

  test('still shows a record of a kind that it does not know', () => {
    expect(page(waiting({ kind: 'moon-phase', generation: 1 } as never))).toContain('moon-phase');
  });

  test('of an endpoint that was gone before it was read has its outcome and nothing made up', () => {
    const html = page(
      a.history(a.outcome(1, 'deleted', { reason: 'The endpoint does not exist any more.', digest: null })),
    );
    expect(html).toContain('<span class="badge plain">Deleted</span>');
    expect(html).not.toContain('<h2>Facts</h2>');
  });

  test('stays under what a Lambda may answer, however many and large the records are', () => {
    const event = a.change({ actor: a.person('x'.repeat(100_000)) });
    const many = Array.from({ length: 300 }, () => ({
      kind: 'event-joined' as const,
      generation: 1,
      event: { ...event, cause: '"'.repeat(100) },
    }));
    const html = page(waiting(...many.map((body) => ({ body }))));
    expect(Buffer.byteLength(html)).toBeLessThan(5_500_000);
    expect(html).toContain('more characters are not shown here');
  });
});

describe('the quarantine', () => {
  test('shows the reason, the event as text, and how often something was left alone', () => {
    const html = quarantinePage({
      events: [{ id: 'abc', reason: 'detail: is no detail', at: a.NOW, event: '{"a":1}' }],
      dropped: [{ reason: 'aws-maintenance', count: 1_200 }],
    }).toString();
    expect(html).toContain('detail: is no detail');
    expect(html).toContain('{\n  &quot;a&quot;: 1\n}');
    expect(html).toContain('1,200');
  });

  test('says so when it is empty', () => {
    expect(quarantinePage({ events: [], dropped: [] }).toString()).toContain('The quarantine is empty.');
  });
});

test('requests that wait are listed soonest expiry first', () => {
  const request = { endpoint: a.endpoint, generation: 1 };
  const html = waitingPage({
    requests: [
      { ...request, id: 'late', expiresAt: a.later(90_000) },
      { ...request, id: 'soon', expiresAt: a.later(3_900) },
    ],
    now: a.NOW,
  }).toString();
  expect(html.indexOf('/approvals/soon')).toBeLessThan(html.indexOf('/approvals/late'));
  expect(html).toContain('1 h 5 min');
});
