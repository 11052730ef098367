import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { respond } from '../../local/http-api.ts';
import type { Services } from '../../shared/aws/services.ts';
import { ConfigFile } from '../../shared/config.ts';
import { UnreadableApproversError } from '../../shared/model/approval-settings.ts';
import { approver, config, findings, given, later, NOW, opened, person, REQUEST, requested } from '../builders.ts';
import { fakeAws, sealed } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';
import {
  clickEvent,
  fakeSlack,
  formOf,
  payload,
  pressed,
  REFUSALS,
  SLACK,
  signatureOf,
  signed,
} from '../fake-slack.ts';
import { requestItem } from '../web/web-builders.ts';

const inSlack = (id: string) => approver(id, { slack: { team: SLACK.team, user: `U0${id.toUpperCase()}` } });
const settings = (overrides: Record<string, unknown> = {}, approvals: Record<string, unknown> = {}) =>
  ConfigFile.parse({
    approvals: { approvers: [inSlack('asha'), inSlack('ben'), approver('chen'), inSlack('mallory')], ...approvals },
    notifications: { slack: { channel: SLACK.channel, appId: SLACK.appId, buttons: ['prod'], ...overrides } },
  });

const logged = vi.fn();
beforeEach(() => {
  vi.stubEnv('PORTCULLIS_SLACK_SIGNING_SECRET', SLACK.signingSecret);
  vi.spyOn(console, 'error').mockImplementation(logged);
});
afterEach(() => {
  expect(JSON.stringify(logged.mock.calls)).not.toContain('canary');
  logged.mockReset();
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** A request of prod that waits, made by mallory. */
function setUp(file = settings(), overrides: Partial<Services> = {}) {
  const slack = fakeSlack();
  const aws = fakeAws({ config: config({ file }), fetchPinned: slack.fetch, ...overrides });
  const tables = fakeTables(aws);
  tables.seed({ body: opened(), actor: person('mallory') }, findings(), requested());
  tables.approvals.set(REQUEST, requestItem({ token: sealed('canary-task-token', REQUEST) }));
  const send = async (body: string, headers = signed(body, aws.clock.now)) =>
    (await respond(clickEvent(body, headers), aws.services)).statusCode;
  const click = (changes: Record<string, unknown> = {}) => send(formOf(payload(changes)));
  /** What is kept anywhere, besides the marks of signatures that came in. */
  const kept = () => ({
    records: tables.records().length,
    items: [...tables.approvals].filter(([id]) => !id.startsWith('slack#')),
  });
  return { aws, tables, slack, send, click, kept, services: aws.services };
}
const bodies = (slack: ReturnType<typeof fakeSlack>) => slack.posted.map(({ body }) => body);

describe('a press of Approve', () => {
  test('by an approver decides in their name, through Slack, with their reason and for the digest of the message', async () => {
    const { aws, click, tables } = setUp();
    expect(await click()).toBe(200);
    expect(aws.world.resumed).toEqual(['canary-task-token']);
    expect(tables.bodies().at(-1)).toMatchObject({
      kind: 'approval-given',
      approver: 'asha',
      answer: 'approved',
      reason: 'looks right',
      digest: opened().digest,
      via: 'slack',
      decides: true,
    });
  });
  test('changes the message for everybody: who decided, and no buttons', async () => {
    const { click, slack } = setUp();
    await click();
    expect(bodies(slack)).toMatchObject([{ replace_original: true, text: 'Approved: fraud-prod (prod)' }]);
    const [{ blocks = [] } = {}] = bodies(slack);
    expect(JSON.stringify(blocks)).toContain('Approved by Asha: looks right');
    expect(blocks.map(({ type }) => type)).not.toContain('actions');
  });
  test('that is not enough yet shows the answer and keeps the buttons for the others', async () => {
    const { click, slack, tables } = setUp(settings({}, { requiredApprovals: 2 }));
    await click();
    expect(tables.bodies().at(-1)).toMatchObject({ decides: false });
    expect(JSON.stringify(bodies(slack))).toContain('Approved by Asha');
    expect(bodies(slack)[0]?.blocks?.map(({ type }) => type)).toContain('actions');
    await click({ user: { id: 'U0BEN', team_id: SLACK.team } });
    expect(tables.bodies().at(-1)).toMatchObject({ approver: 'ben', decides: true });
  });
  test('after somebody else has decided shows that, and tells whoever was late', async () => {
    const { click, slack, tables } = setUp();
    tables.add(given({ answer: 'rejected', approver: 'ben', reason: 'no' }));
    await click();
    expect(bodies(slack)).toMatchObject([
      { replace_original: true, text: 'Rejected: fraud-prod (prod)' },
      { response_type: 'ephemeral', text: 'The request was rejected before your answer came.' },
    ]);
  });
  test('a second time is the same answer, and shows how it stands', async () => {
    const { aws, click, slack, tables } = setUp();
    await click();
    aws.clock.advance(1);
    expect(await click()).toBe(200);
    expect(tables.kinds().filter((kind) => kind.startsWith('approval-given'))).toHaveLength(1);
    expect(bodies(slack)).toHaveLength(2);
  });
});
test('a press of Reject rejects', async () => {
  const { click, tables } = setUp();
  await click({ actions: [pressed('rejected')] });
  expect(tables.bodies().at(-1)).toMatchObject({ answer: 'rejected', decides: true });
});

describe('signed is not authorised:', () => {
  const stranger = { id: 'U0STRANGER', team_id: SLACK.team };
  test.each([
    ['somebody who is on no list', {}, { user: stranger }],
    ['an approver of whom Slack is not listed', {}, { user: { id: 'U0CHEN', team_id: SLACK.team } }],
    [
      'the same member id in another workspace',
      {},
      { team: { id: 'T0OTHER' }, user: { id: 'U0ASHA', team_id: 'T0OTHER' } },
    ],
    ['a guest who belongs to another workspace', {}, { user: { id: 'U0ASHA', team_id: 'T0OTHER' } }],
    ['a member of whom Slack does not say where they belong', {}, { user: { id: 'U0ASHA' } }],
    ['an app installed for a whole organization', {}, { team: null }],
    ['somebody whose name is that of an approver', {}, { user: { ...stranger, username: 'asha', name: 'asha' } }],
    ['anybody, where the list is empty', { approvers: [] }, {}],
  ])('%s is told so, alone, and nothing is written', async (_, approvals, changes) => {
    const { click, slack, kept } = setUp(settings({}, approvals));
    const before = kept();
    expect(await click(changes)).toBe(200);
    expect(kept()).toEqual(before);
    expect(bodies(slack)).toEqual([
      {
        response_type: 'ephemeral',
        replace_original: false,
        text: 'You are not on the list of approvers, so this was not counted.',
      },
    ]);
  });
  test('two approvers with one member id cannot be told apart, so it is neither', async () => {
    const twin = { ...inSlack('ben'), slack: { team: SLACK.team, user: 'U0ASHA' } };
    const file = settings();
    const { click, kept } = setUp({ ...file, approvals: { ...file.approvals, approvers: [inSlack('asha'), twin] } });
    const before = kept();
    await click();
    expect(kept()).toEqual(before);
  });
  test('a list that cannot be read is a list without anybody', async () => {
    const readApprovals = () => {
      throw new UnreadableApproversError('portcullis.yaml is not there');
    };
    const { click, kept } = setUp(settings(), { readApprovals });
    const before = kept();
    expect(await click()).toBe(200);
    expect(kept()).toEqual(before);
  });
  test.each([
    ['whoever made the change', { user: { id: 'U0MALLORY', team_id: SLACK.team } }, /made this change/],
    ['an answer without a reason', { state: undefined }, /Give a reason/],
    [
      'an answer to another deployment',
      { actions: [pressed('approved', { digest: 'f'.repeat(64) })] },
      /another deployment/,
    ],
    [
      'an answer to what is no request',
      { actions: [pressed('approved', { request: 'x'.repeat(26) })] },
      /no such request/,
    ],
  ])('%s is refused by the one who decides', async (_, changes, why) => {
    const { click, slack, kept } = setUp();
    const before = kept();
    expect(await click(changes)).toBe(200);
    expect(kept()).toEqual(before);
    expect(bodies(slack)).toMatchObject([{ response_type: 'ephemeral', text: expect.stringMatching(why) }]);
  });
  test('an environment without buttons is not decided by one that was kept', async () => {
    const { click, slack, kept } = setUp(settings({ buttons: ['dev'] }));
    const before = kept();
    await click();
    expect(kept()).toEqual(before);
    expect(bodies(slack)[0]?.text).toContain(`https://gate.example.com/approvals/${REQUEST}`);
  });
  test('a request that has expired stays expired, and its buttons go', async () => {
    const { aws, click, slack, tables } = setUp();
    aws.clock.advance(86_400);
    const before = tables.records().length;
    await click();
    expect(tables.records()).toHaveLength(before);
    expect(bodies(slack)).toMatchObject([{ replace_original: true }, { response_type: 'ephemeral' }]);
    expect(bodies(slack)[0]?.blocks?.map(({ type }) => type)).not.toContain('actions');
  });
});

describe('what is not from Slack, from just now and for us is refused, without a call and without a write:', () => {
  const body = formOf(payload());
  test.each([
    ['without a signature', { 'x-slack-signature': '' }, 401],
    ['signed five minutes and a second ago', signed(body, later(-301)), 401],
    ['signed for five minutes and a second from now', signed(body, later(301)), 401],
  ])('%s', async (_, headers, status) => {
    const { aws, send, slack, kept } = setUp();
    const before = kept();
    aws.calls.length = 0;
    expect(await send(body, { ...signed(body, NOW), ...headers })).toBe(status);
    expect(kept()).toEqual(before);
    expect([aws.calls, slack.calls]).toEqual([[], []]);
  });
  test('of another app of the same workspace', async () => {
    const { click, kept } = setUp();
    const before = kept();
    expect(await click({ api_app_id: 'A0OTHER' })).toBe(403);
    expect(kept()).toEqual(before);
  });
  test.each([
    ['no signing secret', settings(), ''],
    ['no app', ConfigFile.parse({}), SLACK.signingSecret],
  ])('where %s is set up', async (_, file, secret) => {
    vi.stubEnv('PORTCULLIS_SLACK_SIGNING_SECRET', secret);
    const { click, kept } = setUp(file);
    const before = kept();
    expect(await click()).toBe(403);
    expect(kept()).toEqual(before);
  });
  test('larger than any click', async () => {
    const { send } = setUp();
    expect(await send(`${body}${'&a=b'.repeat(70_000)}`)).toBe(413);
  });
});

test('the same click sent again is refused, even while its signature is good', async () => {
  const { aws, send, tables, slack } = setUp();
  const body = formOf(payload());
  const headers = signed(body, NOW);
  expect(await send(body, headers)).toBe(200);
  expect(JSON.stringify(slack.calls)).not.toContain('canary-task');
  const before = [tables.records(), [...tables.approvals], slack.calls.length];
  aws.clock.advance(299);
  expect(await send(body, headers)).toBe(409);
  expect([tables.records(), [...tables.approvals], slack.calls.length]).toEqual(before);
});
test('of the same click sent many times at once, one counts', async () => {
  const { send } = setUp();
  const body = formOf(payload());
  const answers = await Promise.all(Array.from({ length: 20 }, () => send(body)));
  expect(answers.filter((status) => status === 200)).toHaveLength(1);
  expect(answers.filter((status) => status === 409)).toHaveLength(19);
});
test.each([
  ['a link', payload({ actions: [{ type: 'button', action_id: 'open' }] })],
  ['something of another kind', { type: 'view_submission' }],
])('a press of %s is heard and does nothing', async (_, value) => {
  const { send, slack, kept } = setUp();
  const before = kept();
  expect(await send(formOf(value))).toBe(200);
  expect([kept(), slack.calls]).toEqual([before, []]);
});

test('a Slack that does not answer is waited for less than the three seconds that it waits for us', async () => {
  const { click, tables, services } = setUp();
  tables.add(given({ answer: 'rejected', approver: 'ben', reason: 'no' }));
  services.fetch = (_url, init) =>
    new Promise((_resolve, reject) => init?.signal?.addEventListener('abort', () => reject(init.signal?.reason)));
  const started = performance.now();
  expect(await click()).toBe(200);
  expect(performance.now() - started).toBeLessThan(2_000);
});

describe('the decision stands', () => {
  test.each([
    ['Slack cannot be reached', {}, [REFUSALS.unreachable]],
    ['Slack wants patience', {}, [() => REFUSALS.rateLimited(1)]],
    ['the address to answer to is not one of Slack', { response_url: 'https://169.254.169.254/' }, []],
    ['there is no address to answer to', { response_url: undefined }, []],
  ])('where %s, and Slack is told that it was heard', async (_, changes, next) => {
    const { click, slack, tables } = setUp();
    slack.next.push(...next);
    expect(await click(changes)).toBe(200);
    expect(tables.bodies().at(-1)).toMatchObject({ kind: 'approval-given' });
    expect(slack.posted).toEqual([]);
    expect(slack.calls.every(({ url }) => url === SLACK.responseUrl)).toBe(true);
  });
});

const RUNS = process.env.PORTCULLIS_PROOF === 'full' ? 40_000 : 1_500;
test(`of ${RUNS} forged and replayed clicks none writes anything`, async () => {
  const { aws, send, kept, tables } = setUp(settings({}, { requiredApprovals: 3 }));
  const seen = formOf(payload());
  const headers = signed(seen, NOW);
  expect(await send(seen, headers)).toBe(200);
  const timestamp = headers['x-slack-request-timestamp'] ?? '';
  const before = [kept(), tables.approvals.size];
  const flip = (text: string, at: number, by: number) =>
    text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ by) + text.slice(at + 1);
  const at = (text: string) => fc.nat(text.length - 1);
  const bit = fc.constantFrom(1, 2, 4, 8, 16, 32);
  const ben = formOf(payload({ user: { id: 'U0BEN', team_id: SLACK.team } }));
  const forged = fc.oneof(
    // What was seen on the wire, again: as it is, at other times, with a bit changed, in another name.
    fc.constant({ body: seen, headers }),
    fc.integer({ min: -400, max: 400 }).map((by) => ({
      body: by === 0 ? ben : seen,
      headers: { ...headers, 'x-slack-request-timestamp': String(Number(timestamp) + by) },
    })),
    fc.tuple(at(seen), bit).map(([place, by]) => ({ body: flip(seen, place, by), headers })),
    fc
      .tuple(
        at('v0=').map((n) => n),
        fc.nat(63),
        bit,
      )
      .map(([, place, by]) => ({
        body: ben,
        headers: { ...headers, 'x-slack-signature': flip(headers['x-slack-signature'] ?? '', place + 3, by) },
      })),
    fc
      .record({ team: fc.constantFrom(SLACK.team, 'T0OTHER'), user: fc.constantFrom('U0ASHA', 'U0BEN', 'U0X') })
      .map((who) => ({
        body: formOf(
          payload({ team: { id: who.team }, user: { id: who.user, team_id: who.team }, trigger_id: 'forged' }),
        ),
        headers,
      })),
    // Signed with whatever may be guessed instead of the secret.
    fc.constantFrom('', 'secret', SLACK.appId, SLACK.team, SLACK.signingSecret.slice(1)).map((secret) => ({
      body: ben,
      headers: { ...headers, 'x-slack-signature': signatureOf(timestamp, ben, secret) },
    })),
    fc.tuple(fc.string(), fc.string(), fc.string()).map(([body, when, signature]) => ({
      body,
      headers: { 'x-slack-request-timestamp': when, 'x-slack-signature': signature },
    })),
  );
  const statuses = new Set<number | undefined>();
  aws.calls.length = 0;
  for (const { body, headers: sent } of fc.sample(forged, { numRuns: RUNS, seed: 7 }))
    statuses.add(await send(body, sent));
  expect([...statuses].sort()).toEqual([401, 409]);
  expect([kept(), tables.approvals.size]).toEqual(before);
  expect(aws.calls.filter((call) => call === 'ExecuteStatement')).toEqual([]);
  // A replay is found out by trying to note its signature, which fails; nothing else is tried.
  expect(new Set(aws.calls)).toEqual(new Set(['UpdateItem']));
});
