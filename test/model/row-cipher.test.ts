import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { encryptionKeyId } from '../../shared/model/encryption-key.ts';
import { type RowCipher, rowCipher, SealedRowError, sealedWith } from '../../shared/model/row-cipher.ts';

const key = (fill: number) => {
  const bytes = Buffer.from(Array.from({ length: 32 }, (_, index) => (index * 7 + fill) % 256));
  return { id: encryptionKeyId(bytes), bytes };
};
const [first, second] = [key(1), key(2)];
const cipher = rowCipher([first], randomBytes);
const place = ['dynamodb', 'item-portcullis-ledger~0a1b2c/=d4/'];
const text = JSON.stringify({ record: { S: 'approved because the canary is fine' } });
const refusal = (by: RowCipher, where: readonly string[], envelope: Uint8Array) => {
  try {
    by.open(where, envelope);
  } catch (error) {
    expect(error).toBeInstanceOf(SealedRowError);
    return (error as Error).message;
  }
  return 'opened';
};

test('what was sealed opens in its place, whatever it was, and names its key', () => {
  for (const each of [text, '', '\0', 'ü€𝄞', 'x'.repeat(100_000)]) {
    const envelope = cipher.seal(place, each);
    expect(cipher.open(place, envelope)).toBe(each);
    expect(sealedWith(envelope)).toBe(first.id);
    expect(envelope.length).toBe(Buffer.byteLength(each) + 36);
  }
});

test('the same row never looks the same twice, and shows nothing of what is in it', () => {
  const [a, b] = [cipher.seal(place, text), cipher.seal(place, text)];
  expect(a.equals(b)).toBe(false);
  for (const envelope of [a, b]) expect(envelope.includes('canary')).toBe(false);
});

test('the nonce is what chance gave, and nothing else', () => {
  const nonces: number[] = [];
  const counted = rowCipher([first], (bytes) => {
    nonces.push(bytes);
    return Buffer.alloc(bytes, nonces.length);
  });
  expect(counted.seal(place, text).subarray(8, 20)).toEqual(Buffer.alloc(12, 1));
  expect(counted.seal(place, text).subarray(8, 20)).toEqual(Buffer.alloc(12, 2));
  expect(nonces).toEqual([12, 12]);
});

describe('what is not what was stored does not open', () => {
  const envelope = cipher.seal(place, text);

  test('any bit that is turned', () => {
    for (let bit = 0; bit < envelope.length * 8; bit += 1) {
      const changed = Buffer.from(envelope);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(refusal(cipher, place, changed), `bit ${bit}`).not.toBe('opened');
    }
  });

  test('any end that is cut off, and anything added', () => {
    for (let length = 0; length < envelope.length; length += 1)
      expect(refusal(cipher, place, envelope.subarray(0, length)), `${length} bytes`).not.toBe('opened');
    expect(refusal(cipher, place, Buffer.concat([envelope, Buffer.alloc(1)]))).toMatch(/was changed/);
  });

  test.each([
    ['another row', ['dynamodb', 'item-portcullis-ledger~0a1b2c/=d5/']],
    ['another file', ['aws.sqlite', place[1] ?? '']],
    ['a name that is made of the same letters', ['dynamodbitem-portcullis-ledger~0a1b2c/=d4/']],
    ['one part more', [...place, '']],
  ])('put under %s', (_what, where) => {
    expect(refusal(cipher, where, envelope)).toMatch(/was changed, or comes from another place/);
  });

  test('with another key, which is named with those that are there', () => {
    expect(refusal(rowCipher([second], randomBytes), place, envelope)).toMatch(
      new RegExp(`encrypted with key ${first.id}, and only ${second.id} is there`),
    );
  });

  test('where somebody put plain text in its place', () => {
    expect(refusal(cipher, place, Buffer.from(text))).toMatch(/is not encrypted/);
  });
});

test('after a rotation the new key seals and both open', () => {
  const rotated = rowCipher([second, first], randomBytes);
  expect(rotated.open(place, cipher.seal(place, text))).toBe(text);
  const fresh = rotated.seal(place, text);
  expect(sealedWith(fresh)).toBe(second.id);
  expect(refusal(cipher, place, fresh)).toMatch(new RegExp(`key ${second.id}`));
});

test('a hidden name is found again with its key only, and is one for each place', () => {
  const hidden = cipher.hide(place);
  expect(hidden).toMatch(/^[0-9a-f]{40}$/);
  expect(rowCipher([first], randomBytes).hide(place)).toBe(hidden);
  const others = [rowCipher([second], randomBytes).hide(place), cipher.hide(['dynamodb']), cipher.hide([place.join()])];
  expect(new Set([hidden, ...others]).size).toBe(4);
});
