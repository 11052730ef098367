import { describe, expect, test } from 'vitest';
import { postToChannel, postToWebhook, respondToClick } from '../../shared/aws/slack.ts';
import { services } from '../fake-aws.ts';
import { fakeSlack, REFUSALS, SLACK } from '../fake-slack.ts';

const MESSAGE = { text: 'Approve?', blocks: [{ type: 'header', text: { type: 'plain_text', text: 'Approve?' } }] };
function setUp() {
  const slack = fakeSlack();
  const waits: number[] = [];
  const built = services({ fetchPinned: slack.fetch, wait: async (ms) => void waits.push(ms) });
  return {
    slack,
    waits,
    webhook: (url = SLACK.webhookUrl) => postToWebhook(built, url, MESSAGE),
    post: (token = SLACK.botToken, channel = SLACK.channel) => postToChannel(built, token, channel, MESSAGE),
    respond: (url = SLACK.responseUrl) => respondToClick(built, url, { tell: 'No.' }),
  };
}
const wordOf = (work: Promise<void>) =>
  work.then(
    () => 'sent',
    (error: Error) => {
      expect(error.name).toBe('SlackError');
      expect(`${error.stack}${JSON.stringify(error)}`).not.toContain('canary');
      return error.message;
    },
  );

test('a webhook and the API get the message, and nobody fetches what its links lead to', async () => {
  const { slack, webhook, post } = setUp();
  await webhook();
  await post();
  expect(slack.posted.map(({ url, body }) => [url, body.channel])).toEqual([
    [SLACK.webhookUrl, undefined],
    ['https://slack.com/api/chat.postMessage', SLACK.channel],
  ]);
  for (const { body } of slack.posted)
    expect(body).toMatchObject({ ...MESSAGE, unfurl_links: false, unfurl_media: false });
});
test('a redirect is not followed, and no call waits for ever', async () => {
  const { slack, post } = setUp();
  await post();
  expect(slack.calls[0]?.init).toMatchObject({ redirect: 'error', signal: expect.any(AbortSignal) });
});

describe('where Slack says no for good, it is not asked again, and its word is what is told:', () => {
  test.each([
    ['a webhook that is gone', REFUSALS.noService, 'no_service'],
    ['an archived channel', REFUSALS.channelIsArchived, 'channel_is_archived'],
    ['blocks that it does not know', REFUSALS.invalidPayload, 'invalid_payload'],
  ])('%s', async (_, refusal, expected) => {
    const { slack, webhook } = setUp();
    slack.next.push(refusal);
    expect(await wordOf(webhook())).toBe(expected);
    expect(slack.calls).toHaveLength(1);
  });
  test('a channel that our app is not in', async () => {
    const { slack, post } = setUp();
    slack.next.push(REFUSALS.notInChannel);
    expect(await wordOf(post())).toBe('not_in_channel');
    expect(slack.calls).toHaveLength(1);
  });
  test('a channel that is not there, and a token that is none', async () => {
    const { post } = setUp();
    expect(await wordOf(post(SLACK.botToken, 'C0OTHER'))).toBe('channel_not_found');
    expect(await wordOf(post('xoxb-canary-of-somebody-else'))).toBe('invalid_auth');
  });
});

describe('what may pass is tried three times:', () => {
  test.each([
    ['too many at once', () => REFUSALS.rateLimited(0), 'rate limited'],
    ['a page of HTML', REFUSALS.htmlPage, 'HTTP 503'],
    ['nobody there', REFUSALS.unreachable, 'not reachable'],
    ['no answer', REFUSALS.timeout, 'no answer in time'],
    ['its own fault', REFUSALS.internalError, 'internal_error'],
  ])('%s', async (_, refusal, expected) => {
    const once = setUp();
    once.slack.next.push(refusal, refusal);
    expect(await wordOf(once.post())).toBe('sent');
    const always = setUp();
    always.slack.next.push(refusal, refusal, refusal, refusal);
    expect(await wordOf(always.post())).toBe(expected);
    expect(always.slack.calls).toHaveLength(3);
    expect(always.waits).toHaveLength(2);
  });
});

describe('Slack may ask for patience:', () => {
  test.each([
    ['as long as it says', 5, [5_000, 5_000]],
    ['but not for longer than a Lambda should wait', 6, []],
    ['and a wait that is no number is a second', 'soon', [1_000, 1_000]],
  ])('%s', async (_, seconds, expected) => {
    const { slack, waits, webhook } = setUp();
    const refusal = () => REFUSALS.rateLimited(seconds);
    slack.next.push(refusal, refusal, refusal);
    expect(await wordOf(webhook())).toBe('rate limited');
    expect(waits).toEqual(expected);
    expect(slack.calls).toHaveLength(expected.length + 1);
  });
});

describe('nothing but Slack is called:', () => {
  test.each([
    'http://hooks.slack.com/services/canary',
    'https://hooks.slack.com.evil.example/canary',
    'https://evil.example/hooks.slack.com/canary',
    'https://hooks.slack.com@evil.example/canary',
    'https://canary@hooks.slack.com/',
    'https://hooks.slack.com:8443/canary',
    'https://169.254.169.254/canary',
    'https://[::ffff:169.254.169.254]/canary',
    'https://2852039166/canary',
    'file:///canary',
    'canary',
  ])('%s', async (url) => {
    const { slack, respond, webhook } = setUp();
    expect(await wordOf(respond(url))).toBe('not an address of Slack');
    expect(await wordOf(webhook(url))).toBe('not an address of Slack');
    expect(slack.calls).toEqual([]);
  });
});

test('an answer to a click is tried once, since Slack waits for us meanwhile', async () => {
  const { slack, respond } = setUp();
  slack.next.push(() => REFUSALS.rateLimited(0));
  expect(await wordOf(respond())).toBe('rate limited');
  expect(slack.calls).toHaveLength(1);
  await respond();
  expect(slack.posted.at(-1)?.body).toEqual({ response_type: 'ephemeral', replace_original: false, text: 'No.' });
});
