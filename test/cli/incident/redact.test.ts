import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { knownSecrets, REDACTED, redactorOf } from '../../../cli/incident/redact.ts';

const SECRET = 'canary/with "quotes" & more';
const redactor = redactorOf(knownSecrets({ PORTCULLIS_ACCESS_TOKEN: SECRET }));
const lines = (text: string, options = {}) => [...redactor.lines(text.split('\n'), options)].join('\n');

describe('known secrets', () => {
  test('are the values of variables with a secret name, and each of several in one', () => {
    const env = {
      PORTCULLIS_ACCESS_TOKEN: 'canary-active, canary-next',
      AWS_SECRET_ACCESS_KEY: 'canary-aws',
      PORTCULLIS_ENCRYPTION_KEY: 'canary-key',
      PORTCULLIS_SECRET_ID: 'portcullis-prod',
      PORTCULLIS_TOKEN_KEY_ID: 'alias/portcullis',
      PORTCULLIS_CONSOLE_URL: 'https://gate.example.com',
      EMPTY_TOKEN: '',
      SHORT_TOKEN: 'on',
    };
    expect(new Set(knownSecrets(env))).toEqual(
      new Set(['canary-active, canary-next', 'canary-active', 'canary-next', 'canary-aws', 'canary-key']),
    );
  });

  test('are taken out however they are written', () => {
    for (const spelling of [SECRET, JSON.stringify(SECRET).slice(1, -1), encodeURIComponent(SECRET)])
      expect(lines(`before ${spelling} after`)).toBe(`before ${REDACTED} after`);
  });

  test('are in no line, whatever stands around them', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        expect(lines(`${before}${SECRET}${after}`)).not.toContain(SECRET);
      }),
    );
  });
});

describe('what looks like a secret is taken out:', () => {
  test.each([
    ['a bearer token', 'authorization: Bearer canary.abc-123', 'authorization: Bearer [redacted]'],
    ['a mailed code', 'code K7QM2-XVA9R was wrong', 'code [redacted] was wrong'],
    [
      'a Slack token, although it says what it is',
      `with ${['xoxb', 'canary', 'bot-token'].join('-')}!`,
      'with [redacted]!',
    ],
    [
      'a private key, all of its lines',
      '-----BEGIN EC PRIVATE KEY-----\nabc\n-----END EC PRIVATE KEY-----\nend',
      '[redacted]\n[redacted]\n[redacted]\nend',
    ],
  ])('%s', (_what, text, wanted) => expect(lines(text)).toBe(wanted));
});

test('in settings the value of a secret name goes, whatever it looks like, and nothing else', () => {
  const settings =
    'members:\n  externalId: abc # shared\n  readRole: portcullis-read\nenvironments: { tagKey: environment }';
  expect(lines(settings, { settings: true })).toBe(
    `members:\n  externalId: ${REDACTED}\n  readRole: portcullis-read\nenvironments: { tagKey: environment }`,
  );
  expect(lines(settings)).toBe(settings);
});

test('for a short value no record is left out, since it may be a word', () => {
  const short = redactorOf(knownSecrets({ API_TOKEN: 'approved' }));
  expect(short.knows('the change was approved')).toBe(false);
  expect(redactor.knows(`a record with ${SECRET}`)).toBe(true);
});
