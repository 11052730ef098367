import { GetPublicKeyCommand, SignCommand, type SignCommandInput } from '@aws-sdk/client-kms';
import { signingKey } from '../cost/signing-key.ts';
import { awsError, type FakeAws } from './fake-aws.ts';

/** KMS with one key of P-256. */
export function fakeSigningKey(aws: FakeAws) {
  const { publicKey, signDigest } = signingKey();
  const inputs: SignCommandInput[] = [];
  aws.kms.on(GetPublicKeyCommand).resolves({ PublicKey: publicKey.export({ type: 'spki', format: 'der' }) });
  aws.kms.on(SignCommand).callsFake(async (input: SignCommandInput) => {
    await aws.world.before('Sign', input);
    const digest = Buffer.from(input.Message ?? []);
    if (input.MessageType !== 'DIGEST' || input.SigningAlgorithm !== 'ECDSA_SHA_256' || digest.length !== 32)
      throw awsError('ValidationException');
    inputs.push(input);
    return { Signature: signDigest(digest) };
  });
  return { inputs, pem: publicKey.export({ type: 'spki', format: 'pem' }) as string };
}
