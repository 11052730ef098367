import { createECDH, generateKeyPairSync, randomBytes } from 'node:crypto';
import { GetPublicKeyCommand, SignCommand, type SignCommandInput } from '@aws-sdk/client-kms';
import { awsError, type FakeAws } from './fake-aws.ts';

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

/** KMS with one key of P-256. It is given digests and signs those, which node can not be asked to do. */
export function fakeSigningKey(aws: FakeAws) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const secret = numberOf(Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url'));
  const inputs: SignCommandInput[] = [];
  aws.kms.on(GetPublicKeyCommand).resolves({ PublicKey: publicKey.export({ type: 'spki', format: 'der' }) });
  aws.kms.on(SignCommand).callsFake(async (input: SignCommandInput) => {
    await aws.world.before('Sign', input);
    const digest = Buffer.from(input.Message ?? []);
    if (input.MessageType !== 'DIGEST' || input.SigningAlgorithm !== 'ECDSA_SHA_256' || digest.length !== 32)
      throw awsError('ValidationException');
    inputs.push(input);
    const once = (numberOf(randomBytes(32)) % (ORDER - 1n)) + 1n;
    const curve = createECDH('prime256v1');
    curve.setPrivateKey(bytesOf(once));
    const r = numberOf(curve.getPublicKey().subarray(1, 33)) % ORDER;
    const s = (inverse(once) * (numberOf(digest) + r * secret)) % ORDER;
    const both = Buffer.concat([integer(r), integer(s)]);
    return { Signature: Buffer.concat([Buffer.from([0x30, both.length]), both]) };
  });
  return { inputs, pem: publicKey.export({ type: 'spki', format: 'pem' }) as string };
}
