import { createECDH, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';

/** The order of the curve P-256 (FIPS 186-4, D.1.2.3). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const numberOf = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
const bytesOf = (value: bigint) => Buffer.from(value.toString(16).padStart(64, '0'), 'hex');

function inverse(value: bigint): bigint {
  let [a, b, x, y] = [value % ORDER, ORDER, 1n, 0n];
  while (a > 1n) [a, b, x, y] = [b % a, a, y - (b / a) * x, x];
  return ((x % ORDER) + ORDER) % ORDER;
}

/** An integer of DER: no leading zeros, and one where the first bit would make it negative. */
function integer(value: bigint): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex');
  const positive = (bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes;
  return Buffer.concat([Buffer.from([2, positive.length]), positive]);
}

/** A key of P-256 that signs digests, as KMS does and node can not be asked to. */
export function signingKey(): { publicKey: KeyObject; signDigest: (digest: Uint8Array) => Buffer } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const secret = numberOf(Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url'));
  const signDigest = (digest: Uint8Array) => {
    const once = (numberOf(randomBytes(32)) % (ORDER - 1n)) + 1n;
    const curve = createECDH('prime256v1');
    curve.setPrivateKey(bytesOf(once));
    const r = numberOf(curve.getPublicKey().subarray(1, 33)) % ORDER;
    const s = (inverse(once) * (numberOf(digest) + r * secret)) % ORDER;
    const both = Buffer.concat([integer(r), integer(s)]);
    return Buffer.concat([Buffer.from([0x30, both.length]), both]);
  };
  return { publicKey, signDigest };
}
