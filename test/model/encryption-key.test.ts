import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  encryptionKeyId,
  formatEncryptionKeys,
  MalformedKeyError,
  parseEncryptionKeys,
} from '../../shared/model/encryption-key.ts';

const bytes = () => randomBytes(32);
const parsed = (text: string) => parseEncryptionKeys(text, 'KEY');

test('keys are read with their ids, the active one first, from lines and from a list with commas', () => {
  const [active, previous] = [bytes(), bytes()];
  const ids = [encryptionKeyId(active), encryptionKeyId(previous)];
  for (const separator of ['\n', ',', ' ,\n'])
    expect(
      parsed([active, previous].map((each) => each.toString('base64')).join(separator)).map(({ id }) => id),
    ).toEqual(ids);
});

test('what is written is read back the same', () => {
  const keys = parsed([bytes(), bytes(), bytes()].map((each) => each.toString('base64')).join(','));
  const dated = keys.map((key) => ({ ...key, createdAt: '2026-11-21' }));
  expect(parsed(formatEncryptionKeys(dated))).toEqual(dated);
});

describe('what is no key is refused, and not repeated', () => {
  const good = bytes().toString('base64');
  test.each([
    ['nothing', '', /has no key/],
    ['a comment', '# later', /has no key/],
    ['31 bytes', randomBytes(31).toString('base64'), /exactly 32 bytes/],
    ['33 bytes', randomBytes(33).toString('base64'), /exactly 32 bytes/],
    ['hex', randomBytes(32).toString('hex'), /exactly 32 bytes/],
    ['a sentence', 'correct horse battery staple', /must be a key in base64/],
    ['zeros', Buffer.alloc(32).toString('base64'), /is no random key/],
    ['a repeated word', Buffer.from('password'.repeat(4)).toString('base64'), /is no random key/],
    ['the same twice', `${good},${good}`, /has the same key twice/],
    ['the id of another key', `${'0'.repeat(12)} 2026-11-21 ${good}`, /which was damaged/],
    ['a day that is none', `${encryptionKeyId(Buffer.from(good, 'base64'))} today ${good}`, /must be written like/],
  ])('%s', (_what, text, told) => {
    const attempt = () => parsed(text);
    expect(attempt).toThrow(MalformedKeyError);
    expect(attempt).toThrow(told);
    const { message } = (() => {
      try {
        return attempt() as never;
      } catch (error) {
        return error as Error;
      }
    })();
    for (const word of text.split(/[\s,]+/).filter((each) => each.length > 12)) expect(message).not.toContain(word);
  });
});
