import { expect, test } from 'vitest';
import type { Artifact, ObjectEncryption } from '../../shared/model/endpoint-facts.ts';
import { encryptedArtifacts } from '../../shared/policies/encrypted-artifacts.ts';
import { evaluatePolicy } from '../../shared/policies/policy.ts';
import { ARTIFACT, artifact, facts, inDev, settings } from '../builders.ts';

const held = (artifacts: Artifact[], by = settings()) => evaluatePolicy(encryptedArtifacts, facts({ artifacts }), by);
const encrypted = (algorithm: 'SSE-S3' | 'SSE-KMS' | 'DSSE-KMS' | 'SSE-C' | 'other'): ObjectEncryption => ({
  status: 'encrypted',
  algorithm,
  keyId: null,
});
const object = (encryption: ObjectEncryption, by = settings()) => held([artifact({ encryption })], by);
const bucket = (encryption: ObjectEncryption) => held([artifact({ bucket: { name: 'b', encryption } })]);

test.each(['SSE-S3', 'SSE-KMS', 'DSSE-KMS'] as const)('%s counts', (algorithm) => {
  expect(object(encrypted(algorithm))).toMatchObject({ outcome: 'pass', messages: [] });
});

test.each([
  [{ status: 'unencrypted' }, 'is not encrypted.'],
  [{ status: 'missing' }, 'does not exist.'],
  [{ status: 'unverifiable', reason: 'access denied' }, 'could not be verified (access denied).'],
  [encrypted('SSE-C'), 'is encrypted with SSE-C, not SSE-S3 or SSE-KMS.'],
  [encrypted('other'), 'is encrypted with other, not SSE-S3 or SSE-KMS.'],
] as [ObjectEncryption, string][])('an object that is %j is a violation, and so is a bucket', (encryption, text) => {
  expect(object(encryption)).toMatchObject({ outcome: 'violation', messages: [`Artifact ${ARTIFACT} ${text}`] });
  expect(bucket(encryption)).toMatchObject({ outcome: 'violation', messages: [`Bucket b ${text}`] });
});

test('a bad bucket is named once, however many artifacts are in it', () => {
  const bad = { name: 'b', encryption: { status: 'unencrypted' } as const };
  expect(held([artifact({ bucket: bad }), artifact({ uri: 's3://b/2', bucket: bad })]).messages).toEqual([
    'Bucket b is not encrypted.',
  ]);
});

test('one bad artifact among good ones is found', () => {
  expect(held([artifact(), artifact({ uri: 's3://b/2', encryption: { status: 'unencrypted' } })]).messages).toEqual([
    'Artifact s3://b/2 is not encrypted.',
  ]);
});

test('where only KMS counts, SSE-S3 does not', () => {
  const by = settings({ encryption: ['SSE-KMS'] });
  const kms = { name: 'b', encryption: encrypted('SSE-KMS') };
  expect(held([artifact({ encryption: encrypted('SSE-S3'), bucket: kms })], by).messages).toEqual([
    `Artifact ${ARTIFACT} is encrypted with SSE-S3, not SSE-KMS.`,
  ]);
  expect(held([artifact({ encryption: encrypted('DSSE-KMS'), bucket: kms })], by).outcome).toBe('pass');
});

test('models that load nothing from S3 have nothing to encrypt, and it says so', () => {
  expect(held([])).toMatchObject({
    outcome: 'not-applicable',
    messages: ['The models load no artifacts from S3 (weights are in the images).'],
  });
});

test('it applies in dev too', () => {
  const dev = facts({ environment: inDev, artifacts: [artifact({ encryption: { status: 'unencrypted' } })] });
  expect(evaluatePolicy(encryptedArtifacts, dev, settings()).outcome).toBe('violation');
});
