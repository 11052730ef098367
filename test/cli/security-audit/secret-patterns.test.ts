import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { secretsIn, shown } from '../../../cli/security-audit/secret-patterns.ts';

// Put together here, so that this file holds nothing that looks like a secret.
const LETTERS = 'q7Zr2LmXv9Tc4Wb8Kd3Hs6Ny1Pf5Gj0RuAe2Bo';
const SECRETS: [kind: string, text: string][] = [
  ['AWS access key id', `id: ${['AKIA', 'QJ7ZRL2MXV9TCWB8'].join('')}`],
  ['AWS secret access key', `aws_secret_access_key = ${LETTERS}+/`],
  ['private key', `-----BEGIN EC ${'PRIVATE'} KEY-----\n${LETTERS}`],
  ['Slack token', ['xoxb', '123456', LETTERS].join('-')],
  ['Slack webhook', ['https://hooks.slack.com', 'services', 'T1AB2CD3', 'B9ZY8XW7', LETTERS].join('/')],
  ['GitHub token', ['ghp', LETTERS].join('_')],
  ['npm token', ['npm', LETTERS.slice(0, 36)].join('_')],
  ['npm login', `//registry.npmjs.org/:_auth${'Token'}=${LETTERS}`],
  ['JSON web token', ['eyJhbGciOiJFUzI1', 'eyJzdWIiOiJhc2hh', LETTERS].join('.')],
  ['password in an address', `postgres://asha:${LETTERS.slice(0, 12)}@db.internal/x`],
  ['value of a secret name', `"encryptionKey": "${LETTERS}"`],
];

describe('secrets', () => {
  test.each(SECRETS)('of the kind "%s" are found, and never shown', (kind, text) => {
    const found = secretsIn(`first line\n${text}\n`);
    expect(found.map((each) => each.kind)).toContain(kind);
    for (const each of found) {
      expect(each.line).toBe(2);
      expect(each.text.length).toBeGreaterThan(8);
      expect(shown(each)).not.toContain(each.text.slice(0, 8));
    }
  });

  test('that are random are found under a secret name, whatever they are', () => {
    for (let count = 0; count < 200; count += 1) {
      const value = createHash('sha256')
        .update(String(count))
        .digest(count % 2 ? 'base64' : 'hex');
      expect(secretsIn(`PORTCULLIS_ACCESS_TOKEN=${value}`), value).toHaveLength(1);
    }
  });

  test.each([
    `"integrity": "sha512-${LETTERS}${LETTERS}=="`,
    "token: 'xoxb-canary-bot-token'",
    '"accessKeyId": "ASIAEXAMPLEKEYID0000"',
    'const secret = process.env.PORTCULLIS_ACCESS_TOKEN;',
    'accessToken: services.config.accessTokenOfPrograms',
    'NextToken: previous.NextTokenOfThePageBefore',
    `-----BEGIN ${'PRIVATE'} KEY----- and what follows`,
    'http://127.0.0.1:4566/a@b',
  ])('are not seen in %s', (text) => expect(secretsIn(text)).toEqual([]));
});
