import { createHmac } from 'node:crypto';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { opened, REQUEST } from './builders.ts';

/** What our Slack app is known by. None of it is a real one. */
export const SLACK = {
  webhookUrl: 'https://hooks.slack.com/services/T0TEAM/B0HOOK/canary-webhook',
  signingSecret: 'canary-signing-secret-of-slack',
  botToken: 'xoxb-canary-bot-token-of-slack',
  responseUrl: 'https://hooks.slack.com/actions/T0TEAM/1/canary-response',
  team: 'T0TEAM',
  appId: 'A0APP',
  channel: 'C0CHANNEL',
};

type Block = Record<string, unknown> & { type: string };
type Posted = { url: string; body: { text: string; channel?: string; blocks?: Block[] } & Record<string, unknown> };

/** Limits of Block Kit that a message of ours could break. */
function invalidBlocks(blocks: readonly Block[] = []): boolean {
  const tooLong = (text: unknown, most: number) => {
    const { text: words = '' } = (text ?? {}) as { text?: string };
    return words.length > most || words.length === 0;
  };
  return (
    blocks.length > 50 ||
    blocks.some(({ type, text, fields, elements, element }) => {
      if (type === 'header') return tooLong(text, 150);
      if (type === 'section' && Array.isArray(fields))
        return fields.length > 10 || fields.some((each) => tooLong(each, 2_000));
      if (type === 'section') return tooLong(text, 3_000);
      if (type === 'context') return (elements as unknown[]).length > 10;
      if (type === 'actions') return (elements as { value: string }[]).some(({ value }) => value.length > 2_000);
      if (type === 'input') return (element as { max_length: number }).max_length > 3_000;
      return true;
    })
  );
}

const json = (value: object) =>
  new Response(JSON.stringify(value), { headers: { 'content-type': 'application/json' } });
const word = (text: string, status: number, headers: Record<string, string> = {}) =>
  new Response(text, { status, headers });

/** How Slack says no, as it documents it: webhooks with a word and a status, the API with JSON and 200. */
export const REFUSALS = {
  noService: () => word('no_service', 404),
  channelIsArchived: () => word('channel_is_archived', 410),
  invalidPayload: () => word('invalid_payload', 400),
  rateLimited: (seconds: number | string) => word('', 429, { 'retry-after': String(seconds) }),
  notInChannel: () => json({ ok: false, error: 'not_in_channel' }),
  internalError: () => json({ ok: false, error: 'internal_error' }),
  htmlPage: () => word('<html><body>503 canary</body></html>', 503),
  unreachable: () => {
    throw new TypeError('fetch failed: canary');
  },
  timeout: () => {
    throw new DOMException('canary', 'TimeoutError');
  },
};

/** Slack's webhooks, `chat.postMessage` and response URLs. `next` answers before it does, one after another. */
export function fakeSlack() {
  const posted: Posted[] = [];
  const calls: { url: string; init: RequestInit }[] = [];
  const next: (() => Response)[] = [];
  const answer = async (url: string, init: RequestInit): Promise<Response> => {
    calls.push({ url, init });
    const scripted = next.shift();
    if (scripted) return scripted();
    const body = JSON.parse(String(init.body)) as Posted['body'];
    const headers = new Headers(init.headers);
    if (url === 'https://slack.com/api/chat.postMessage') {
      if (headers.get('authorization') !== `Bearer ${SLACK.botToken}`)
        return json({ ok: false, error: 'invalid_auth' });
      if (body.channel !== SLACK.channel) return json({ ok: false, error: 'channel_not_found' });
      if (invalidBlocks(body.blocks)) return json({ ok: false, error: 'invalid_blocks' });
      posted.push({ url, body });
      return json({ ok: true, channel: body.channel, ts: '1.1' });
    }
    if (url !== SLACK.webhookUrl && url !== SLACK.responseUrl) return REFUSALS.noService();
    if (invalidBlocks(body.blocks)) return word('invalid_blocks', 400);
    posted.push({ url, body });
    return word('ok', 200);
  };
  return { posted, calls, next, fetch: ((url: string, init: RequestInit) => answer(url, init)) as typeof fetch };
}

/** What Slack says about a press of a button in our message. */
export const payload = (overrides: Record<string, unknown> = {}): Record<string, unknown> => ({
  type: 'block_actions',
  api_app_id: SLACK.appId,
  team: { id: SLACK.team, domain: 'example' },
  user: { id: 'U0ASHA', username: 'asha', name: 'asha', team_id: SLACK.team },
  trigger_id: '1.2.3',
  container: { type: 'message', message_ts: '1.1', channel_id: SLACK.channel },
  channel: { id: SLACK.channel, name: 'approvals' },
  response_url: SLACK.responseUrl,
  actions: [pressed('approved')],
  state: { values: { reason: { reason: { type: 'plain_text_input', value: 'looks right' } } } },
  ...overrides,
});
export const pressed = (answer: 'approved' | 'rejected', overrides: Record<string, unknown> = {}) => ({
  type: 'button',
  action_id: answer === 'approved' ? 'approve' : 'reject',
  block_id: 'decision',
  value: JSON.stringify({ request: REQUEST, digest: opened().digest, answer, ...overrides }),
});
export const formOf = (value: unknown) => new URLSearchParams({ payload: JSON.stringify(value) }).toString();

export const signatureOf = (timestamp: string | number, body: string, secret = SLACK.signingSecret) =>
  `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`;

/** Headers as Slack sends them at `now` (ISO 8601). */
export function signed(body: string, now: string): Record<string, string> {
  const timestamp = String(Math.floor(Date.parse(now) / 1000));
  return {
    'content-type': 'application/x-www-form-urlencoded',
    'x-slack-request-timestamp': timestamp,
    'x-slack-signature': signatureOf(timestamp, body),
  };
}

/** A POST to our address for clicks. */
export const clickEvent = (body: string, headers: Record<string, string>): APIGatewayProxyEventV2 => ({
  version: '2.0',
  routeKey: '$default',
  rawPath: '/slack/interactions',
  rawQueryString: '',
  headers: { host: 'gate.example.com', ...headers },
  requestContext: {
    accountId: '111122223333',
    apiId: 'api',
    domainName: 'gate.example.com',
    domainPrefix: 'gate',
    http: {
      method: 'POST',
      path: '/slack/interactions',
      protocol: 'HTTP/1.1',
      sourceIp: '203.0.113.9',
      userAgent: 'Slackbot 1.0',
    },
    requestId: 'r',
    routeKey: '$default',
    stage: '$default',
    time: '',
    timeEpoch: 0,
  },
  body: Buffer.from(body).toString('base64'),
  isBase64Encoded: true,
});
