import { describe, expect, test } from 'vitest';
import { type SlackSigned, slackForgery } from '../../shared/model/slack-signature.ts';
import { later, NOW } from '../builders.ts';
import { SLACK, signatureOf } from '../fake-slack.ts';

const BODY = 'payload=%7B%22type%22%3A%22block_actions%22%7D';
const secondsAt = (iso: string) => String(Math.floor(Date.parse(iso) / 1000));

const perfect = (
  overrides: Partial<Omit<SlackSigned, 'body'>> = {},
  body: string | Uint8Array = BODY,
): SlackSigned => ({
  timestamp: secondsAt(NOW),
  signature: signatureOf(secondsAt(NOW), BODY),
  ...overrides,
  body: Buffer.from(body),
});
const forgery = (signed: SlackSigned, now = NOW, secret = SLACK.signingSecret) => slackForgery(signed, secret, now);
const sentAt = (iso: string) => perfect({ timestamp: secondsAt(iso), signature: signatureOf(secondsAt(iso), BODY) });

test('what Slack documents as an example is taken', () => {
  // https://docs.slack.dev/authentication/verifying-requests-from-slack
  const example =
    'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c';
  const signed = {
    timestamp: '1531420618',
    signature: 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
    body: Buffer.from(example),
  };
  expect(forgery(signed, '2018-07-12T18:36:58.000Z', '8f742231b10e8888abcd99yyyzzz85a5')).toBeUndefined();
});

test('a body signed just now is taken', () => expect(forgery(perfect())).toBeUndefined());

describe('the clocks may be five minutes apart, and no more,', () => {
  test.each([
    [-300, undefined],
    [-301, 'too old'],
    [300, undefined],
    [301, 'from the future'],
  ])('when it was signed %i seconds from now', (seconds, expected) => {
    expect(forgery(sentAt(later(seconds)))).toBe(expected);
  });
});

describe('a body is refused', () => {
  test.each([
    ['without a timestamp', perfect({ timestamp: undefined }), 'no signature'],
    ['without a signature', perfect({ signature: undefined }), 'no signature'],
    [
      'with another secret',
      perfect({ signature: signatureOf(secondsAt(NOW), BODY, 'another secret') }),
      'wrong signature',
    ],
    ['with one byte changed', perfect({}, BODY.replace('b', 'c')), 'wrong signature'],
    ['with one byte more', perfect({}, `${BODY} `), 'wrong signature'],
    ['of nothing', perfect({}, ''), 'wrong signature'],
    ['moved to another second', perfect({ timestamp: String(Number(secondsAt(NOW)) + 1) }), 'wrong signature'],
    ['with the signature cut short', perfect({ signature: perfect().signature?.slice(0, 66) }), 'malformed'],
    ['with the signature in capitals', perfect({ signature: perfect().signature?.toUpperCase() }), 'malformed'],
    ['with another version', perfect({ signature: perfect().signature?.replace('v0', 'v1') }), 'malformed'],
    ['with two signatures', perfect({ signature: `${perfect().signature},${perfect().signature}` }), 'malformed'],
    ['with a timestamp spelt otherwise', perfect({ timestamp: `${secondsAt(NOW)}.0` }), 'malformed'],
    ['with a timestamp that begins with a zero', perfect({ timestamp: `0${secondsAt(NOW)}` }), 'malformed'],
    ['with a timestamp that is no number', perfect({ timestamp: 'NaN' }), 'malformed'],
  ] as const)('%s', (_, signed, expected) => expect(forgery(signed)).toBe(expected));

  test('whose bytes are no text, although text made of them would be the same', () => {
    const bytes = Uint8Array.of(0x61, 0xff);
    const read = Buffer.from(bytes).toString('utf8');
    const signature = signatureOf(secondsAt(NOW), read);
    expect(forgery(perfect({ signature }, bytes))).toBe('wrong signature');
    expect(forgery(perfect({ signature }, read))).toBeUndefined();
  });
});
