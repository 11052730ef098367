import type { SlackMessage } from '../model/message.ts';
import { pinnedFetch, RefusedCallError } from './pinned-fetch.ts';
import type { Secrets } from './secrets.ts';
import type { With } from './services.ts';

/** The only hosts that are called, so that no address from outside makes us call anything else. */
const HOSTS = ['slack.com', 'hooks.slack.com'];
const MAX_TRIES = 3;
/** Slack may ask for more patience than a waiting Lambda should have. */
const MAX_WAIT_SECONDS = 5;
/** What it says when it is its own fault, and trying again may help. */
const PASSING = [
  'fatal_error',
  'internal_error',
  'rate_limited',
  'ratelimited',
  'request_timeout',
  'service_unavailable',
];

/** How messages get there: as our app into a channel, or through an incoming webhook. */
type WayToSlack = { token: string; channel: string } | { url: string };

/** Undefined where Slack is not set up. */
export function wayToSlack(
  { slackBotToken: token, slackWebhookUrl: url }: Pick<Secrets, 'slackBotToken' | 'slackWebhookUrl'>,
  channel: string | undefined,
): WayToSlack | undefined {
  if (token !== undefined && channel !== undefined) return { token, channel };
  return url === undefined ? undefined : { url };
}

/** Slack did not take a message. `message` is Slack's own word for it, such as `channel_not_found`, and no address. */
export class SlackError extends Error {
  override readonly name = 'SlackError';
  readonly retryAfterSeconds: number | undefined;
  constructor(word: string, retryAfterSeconds?: number) {
    super(word);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

type Call = { url: string; body: object; token?: string | undefined };

function allowed(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname, port, username, password } = new URL(url);
  return protocol === 'https:' && HOSTS.includes(hostname) && port === '' && username === '' && password === '';
}

/** Slack's word for what went wrong; a page of HTML or anything longer is not repeated. */
const wordIn = (text: string, status: number) =>
  /^[a-z][a-z_]{2,60}$/.test(text.trim()) ? text.trim() : `HTTP ${status}`;

function errorIn(text: string): string | undefined {
  try {
    const { ok, error } = JSON.parse(text) as { ok?: unknown; error?: unknown };
    return ok === true ? undefined : wordIn(String(error ?? ''), 200);
  } catch {
    return 'no JSON';
  }
}

/** One try. Resolves where Slack took it; throws SlackError, with seconds to wait where another try may help. */
async function tryOnce(
  { fetchPinned = pinnedFetch as typeof fetch }: With,
  { url, body, token }: Call,
  timeoutMs: number,
): Promise<void> {
  let response: Response;
  let text: string;
  try {
    response = await fetchPinned(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json; charset=utf-8',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(body),
      // A redirect would carry the message, and with it the token, to wherever somebody says.
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    text = await response.text();
  } catch (error) {
    if (error instanceof RefusedCallError) throw new SlackError(`not called: ${error.message}`);
    throw new SlackError((error as Error).name === 'TimeoutError' ? 'no answer in time' : 'not reachable', 0.2);
  }
  const { status } = response;
  if (status === 429) {
    const seconds = Number(response.headers.get('retry-after') ?? 1);
    throw new SlackError('rate limited', Number.isFinite(seconds) && seconds >= 0 ? seconds : 1);
  }
  if (status >= 500) throw new SlackError(wordIn(text, status), 0.2);
  if (status !== 200) throw new SlackError(wordIn(text, status));
  // A webhook answers with a word, a method of the API with JSON, which may be an error although the status is 200.
  const word = token === undefined ? undefined : errorIn(text);
  if (word !== undefined) throw new SlackError(word, PASSING.includes(word) ? 0.2 : undefined);
}

async function call(services: With, what: Call, { tries = MAX_TRIES, timeoutMs = 5_000 } = {}): Promise<void> {
  if (!allowed(what.url)) throw new SlackError('not an address of Slack');
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryOnce(services, what, timeoutMs);
    } catch (error) {
      const seconds = error instanceof SlackError ? error.retryAfterSeconds : undefined;
      if (seconds === undefined || attempt >= tries || seconds > MAX_WAIT_SECONDS) throw error;
      await services.wait(seconds * 1_000);
    }
  }
}

/** Links are not to be fetched by Slack, nor to be shown with a preview of what is behind them. */
const QUIET = { unfurl_links: false, unfurl_media: false };

/** Posts through an incoming webhook. Throws SlackError after three tries. */
export function postToWebhook(services: With, url: string, message: SlackMessage): Promise<void> {
  return call(services, { url, body: { ...message, ...QUIET } });
}

/** Posts as our app. Throws SlackError after three tries. */
export function postToChannel(services: With, token: string, channel: string, message: SlackMessage): Promise<void> {
  return call(services, {
    url: 'https://slack.com/api/chat.postMessage',
    token,
    body: { channel, ...message, ...QUIET },
  });
}

/**
 * Answers a click, once and quickly: Slack waits three seconds for us. Either the message that was clicked in is
 * replaced, or whoever clicked reads a text that nobody else sees.
 */
export function respondToClick(
  services: With,
  responseUrl: string,
  answer: { replaceWith: SlackMessage } | { tell: string },
): Promise<void> {
  const body =
    'tell' in answer
      ? { response_type: 'ephemeral', replace_original: false, text: answer.tell }
      : { replace_original: true, ...answer.replaceWith, ...QUIET };
  return call(services, { url: responseUrl, body }, { tries: 1, timeoutMs: 1_000 });
}
