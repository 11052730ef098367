import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, type Mock, test, vi } from 'vitest';
import { ROUTES, respond } from '../../local/http-api.ts';
import { acceptRemediation } from '../../shared/aws/accept-remediation.ts';
import { decide } from '../../shared/aws/approvals.ts';
import { askAgain } from '../../shared/aws/ask-again.ts';
import { comment } from '../../shared/aws/comment.ts';
import { reviewBreakGlass } from '../../shared/aws/review-break-glass.ts';
import { grantWaiver, revokeWaiver } from '../../shared/aws/waivers.ts';
import { withdraw } from '../../shared/aws/withdraw.ts';
import { ConfigFile } from '../../shared/config.ts';
import { streamOf } from '../../shared/model/endpoint-ref.ts';
import * as a from '../builders.ts';
import { clickEvent, fakeSlack, formOf, payload, SLACK, signed as signedBySlack } from '../fake-slack.ts';
import { eventFor, gateInMemory } from './gate-in-memory.ts';

// Every way to change something about a request, counted: each leads to the one function that decides it, and to no
// other. A route that is added has to be added here, with what it reaches.

vi.mock('../../shared/aws/approvals.ts', async (actual) => {
  const module = await actual<typeof import('../../shared/aws/approvals.ts')>();
  return { ...module, decide: vi.fn(module.decide) };
});
vi.mock('../../shared/aws/accept-remediation.ts', async (actual) => {
  const module = await actual<typeof import('../../shared/aws/accept-remediation.ts')>();
  return { ...module, acceptRemediation: vi.fn(module.acceptRemediation) };
});
vi.mock('../../shared/aws/ask-again.ts', async (actual) => {
  const module = await actual<typeof import('../../shared/aws/ask-again.ts')>();
  return { ...module, askAgain: vi.fn(module.askAgain) };
});
vi.mock('../../shared/aws/comment.ts', async (actual) => {
  const module = await actual<typeof import('../../shared/aws/comment.ts')>();
  return { ...module, comment: vi.fn(module.comment) };
});
vi.mock('../../shared/aws/review-break-glass.ts', async (actual) => {
  const module = await actual<typeof import('../../shared/aws/review-break-glass.ts')>();
  return { ...module, reviewBreakGlass: vi.fn(module.reviewBreakGlass) };
});
vi.mock('../../shared/aws/waivers.ts', async (actual) => {
  const module = await actual<typeof import('../../shared/aws/waivers.ts')>();
  return { ...module, grantWaiver: vi.fn(module.grantWaiver), revokeWaiver: vi.fn(module.revokeWaiver) };
});
vi.mock('../../shared/aws/withdraw.ts', async (actual) => {
  const module = await actual<typeof import('../../shared/aws/withdraw.ts')>();
  return { ...module, withdraw: vi.fn(module.withdraw) };
});

const DECIDING = {
  decide,
  comment,
  withdraw,
  reviewBreakGlass,
  askAgain,
  grantWaiver,
  revokeWaiver,
  acceptRemediation,
} as Record<string, unknown> as Record<string, Mock>;
const ACTIONS: Record<string, string> = {
  answer: 'decide',
  comment: 'comment',
  withdraw: 'withdraw',
  review: 'reviewBreakGlass',
  again: 'askAgain',
  'ask-again': 'askAgain',
  'break-glass': 'decide',
  grant: 'grantWaiver',
  revoke: 'revokeWaiver',
  'put-back': 'acceptRemediation',
};
const PUT_BACK = '/changes/{account}/{region}/{endpoint}/{generation}/put-back';
const WAIVERS = '/waivers/{account}/{region}/{endpoint}';
/** Routes that change something else. None of them may write anything about a request. */
const ELSEWHERE: Record<string, string> = {
  'POST /code': 'mails a code',
  'POST /login/code': 'mails a code',
  'POST /login/verify': 'begins a session',
  'POST /login/provider': 'begins a login',
  'POST /login/callback': 'begins a session',
  'POST /logout': 'ends a session',
  'POST /api/plans': 'submits a plan',
  'POST /token/plans': 'submits a plan',
};

const changing = ROUTES.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`);
const actionOf = (route: string) =>
  /^POST (?:\/api|\/code)?\/approvals\/\{id\}\/([a-z-]+)$/.exec(route)?.[1] ??
  (route.includes(WAIVERS) || route.endsWith(PUT_BACK) ? route.split('/').at(-1) : undefined);
const reaches = (route: string) => (route === 'POST /slack/interactions' ? 'decide' : ACTIONS[actionOf(route) ?? '']);

const DIGEST = a.opened().digest;
const FIELDS: Record<string, Record<string, unknown>> = {
  answer: { answer: 'approved', reason: 'ok', digest: DIGEST },
  comment: { text: 'hello' },
  withdraw: { reason: 'no' },
  review: { finding: 'justified', reason: 'ok' },
  again: {},
  grant: { policy: 'prod-model-monitor', until: a.later(86_400), reason: 'ok' },
  revoke: { waiver: 'w1', reason: 'ok' },
  'put-back': { reason: 'ok', digest: DIGEST },
};
const FORM_FIELDS: Record<string, Record<string, string>> = {
  answer: { answer: 'approved', reason: 'ok', name: 'fraud-prod' },
  comment: { text: 'hello' },
  withdraw: { reason: 'no' },
  review: { finding: 'justified', reason: 'ok' },
  'ask-again': {},
  'break-glass': { reason: 'ok', name: 'fraud-prod', alone: 'yes' },
  'put-back': { reason: 'ok', name: 'fraud-prod' },
};

beforeEach(() => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  vi.stubEnv('PORTCULLIS_SLACK_SIGNING_SECRET', SLACK.signingSecret);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.clearAllMocks();
});

async function gate() {
  const arn = 'arn:aws:iam::111122223333:user/asha';
  const slack = { team: SLACK.team, user: 'U0ASHA' };
  const file = ConfigFile.parse({
    approvals: {
      approvers: [a.approver('asha', { awsIdentities: [arn], slack }), a.approver('ben')],
      groups: { oncall: ['asha'] },
      breakGlassGroup: 'oncall',
    },
    notifications: { slack: { channel: SLACK.channel, appId: SLACK.appId, buttons: ['prod'] } },
  });
  return { arn, ...(await gateInMemory({ config: a.config({ file }), fetchPinned: fakeSlack().fetch })) };
}
type Gate = Awaited<ReturnType<typeof gate>>;

/** Does what the route is for, as asha; with `proven` false, the same without proof that it is her. */
async function use(route: string, proven: boolean, world: Gate): Promise<void> {
  const { services, arn, aws } = world;
  const action = actionOf(route) ?? '';
  const { account, region, name } = a.endpoint;
  const path = route
    .replace('POST ', '')
    .replace('{id}', a.REQUEST)
    .replace(WAIVERS, `/waivers/${account}/${region}/${name}`)
    .replace(PUT_BACK, `/changes/${account}/${region}/${name}/1/put-back`);
  const json = { 'content-type': 'application/json' };
  if (route === 'POST /slack/interactions') {
    const body = formOf(payload({}));
    const headers = signedBySlack(body, aws.clock.now);
    await respond(clickEvent(body, proven ? headers : { ...headers, 'x-slack-signature': 'v0=00' }), services);
  } else if (route.startsWith('POST /api/')) {
    const event = eventFor(path, { method: 'POST', headers: json, body: JSON.stringify(FIELDS[action]) });
    if (proven) Object.assign(event.requestContext, { authorizer: { iam: { userArn: arn } } });
    await respond(event, services);
  } else if (route.startsWith('POST /code/')) {
    const ask = eventFor('/code', { method: 'POST', headers: json, body: '{"person":"asha"}' });
    const { binding } = JSON.parse((await respond(ask, services)).body ?? '{}') as { binding: string };
    const code = proven ? world.codeIn('asha@example.com') : 'WRONG';
    const body = JSON.stringify({ person: 'asha', binding, code, ...FIELDS[action] });
    await respond(eventFor(path, { method: 'POST', headers: json, body }), services);
  } else {
    const browser = await world.loggedIn('asha');
    // A form of the page, or where this state of the request has none, the token that it would carry.
    const { formToken } = await import('../../shared/model/form-token.ts');
    const secret = [...browser.cookies].find(([name]) => name.endsWith('portcullis'))?.[1] ?? '';
    const about = action === 'put-back' ? [streamOf(a.endpoint), '1'] : [a.REQUEST];
    const token = proven ? formToken(secret, action, ...about, DIGEST) : '0'.repeat(64);
    await browser.post(path, { digest: DIGEST, token, ...FORM_FIELDS[action] });
  }
}

describe('every route that changes something', () => {
  test('is counted here', () => {
    const uncounted = changing.filter((route) => reaches(route) === undefined && !(route in ELSEWHERE));
    expect(uncounted).toEqual([]);
    expect(Object.keys(ELSEWHERE).filter((route) => !changing.includes(route))).toEqual([]);
    expect(changing.length).toBeGreaterThan(20);
  });

  const deciding = changing.filter((route) => reaches(route) !== undefined);
  test.each(deciding)(
    '%s reaches the function that decides it, once, in the name of whoever proved it',
    async (route) => {
      const world = await gate();
      await use(route, true, world);
      const called = Object.entries(DECIDING).flatMap(([name, { mock }]) =>
        mock.calls.map(([, given]) => [name, given]),
      );
      const ofEndpoint = route.includes(WAIVERS) || route.endsWith(PUT_BACK);
      const about = ofEndpoint ? { endpoint: a.endpoint } : { request: a.REQUEST };
      expect(called).toEqual([[reaches(route), expect.objectContaining({ ...about, person: 'asha' })]]);
    },
  );
  test.each(deciding)('%s reaches nothing without that proof, and writes nothing', async (route) => {
    const world = await gate();
    await use(route, false, world);
    expect(Object.values(DECIDING).flatMap(({ mock }) => mock.calls)).toEqual([]);
    expect(world.said()).toEqual([]);
  });
  test.each(Object.keys(ELSEWHERE))('%s writes nothing about a request, whatever is sent there', async (route) => {
    const world = await gate();
    const path = route.replace('POST ', '');
    for (const type of ['application/json', 'application/x-www-form-urlencoded']) {
      const fields = {
        ...FIELDS.answer,
        ...FORM_FIELDS['break-glass'],
        request: a.REQUEST,
        id: a.REQUEST,
        person: 'asha',
      };
      const body = type.endsWith('json') ? JSON.stringify(fields) : new URLSearchParams(fields as never).toString();
      await respond(eventFor(path, { method: 'POST', headers: { 'content-type': type }, body }), world.services);
    }
    expect(Object.values(DECIDING).flatMap(({ mock }) => mock.calls)).toEqual([]);
    expect(world.said()).toEqual([]);
  });
});

describe('there is no other way to write it', () => {
  const root = new URL('../..', import.meta.url).pathname;
  const sources = ['shared', 'functions', 'console', 'web', 'local', 'cli'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length)),
  );
  const textOf = (path: string) => readFileSync(join(root, path), 'utf8');
  const containing = (pattern: RegExp) => sources.filter((path) => pattern.test(textOf(path))).sort();

  test('the sources were found', () => expect(sources.length).toBeGreaterThan(150));
  test('what answers a route cannot append', () => {
    const appending = containing(/import \{[^}]*\bappend\b[^}]*\} from '[^']*\/ledger\.ts'/);
    expect(appending.filter((path) => /^(console|web|cli|local)\//.test(path))).toEqual([]);
    expect(appending).toContain('shared/aws/approvals.ts');
    expect(appending).not.toContain('functions/take-answers.ts');
  });
  test.each([
    ['approval-given', ['shared/model/approval.ts']],
    // The gate itself notes whom it told once more.
    ['commented', ['shared/aws/remind.ts', 'shared/model/comment.ts']],
    ['waiver-granted', ['shared/model/waiver-grant.ts']],
    ['waiver-revoked', ['shared/model/waiver-grant.ts']],
    ['break-glass-reviewed', ['shared/model/break-glass-review.ts']],
    ['remediation-accepted', ['shared/model/put-back-acceptance.ts']],
    ['remediation-intended', ['shared/aws/remediation-records.ts']],
    // The gate's own: what a later change or time ended, and what was decided by answers that were there already.
    [
      'decided',
      [
        'functions/gather-facts.ts',
        'functions/verify-monitoring.ts',
        'shared/model/approval.ts',
        'shared/model/withdrawal.ts',
      ],
    ],
  ])('a record of kind %s is made in these files only', (kind, files) => {
    expect(containing(new RegExp(`kind: '${kind}'(?!\\))`))).toEqual(files);
  });
});
