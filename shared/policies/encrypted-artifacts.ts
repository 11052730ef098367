import type { Artifact, ObjectEncryption } from '../model/endpoint-facts.ts';
import { violation } from '../model/finding.ts';
import type { Policy } from './policy.ts';
import type { PolicyLimits } from './settings.ts';

/** What keeps this encryption from counting; undefined where it counts. */
function whatIsWrong(encryption: ObjectEncryption, accepted: PolicyLimits['encryption']): string | undefined {
  switch (encryption.status) {
    case 'unencrypted':
      return 'is not encrypted';
    case 'missing':
      return 'does not exist';
    case 'unverifiable':
      return `could not be verified (${encryption.reason})`;
    case 'encrypted': {
      const counts = encryption.algorithm === 'DSSE-KMS' ? 'SSE-KMS' : encryption.algorithm;
      return accepted.some((name) => name === counts)
        ? undefined
        : `is encrypted with ${encryption.algorithm}, not ${accepted.join(' or ')}`;
    }
  }
}

/** What is wrong with artifacts and their buckets, each said once: a bucket holds many. */
function wrongOf(artifacts: readonly Artifact[], { encryption }: PolicyLimits): string[] {
  const wrong: string[] = [];
  for (const artifact of artifacts) {
    const object = whatIsWrong(artifact.encryption, encryption);
    const bucket = whatIsWrong(artifact.bucket.encryption, encryption);
    if (object) wrong.push(`Artifact ${artifact.uri} ${object}.`);
    if (bucket) wrong.push(`Bucket ${artifact.bucket.name} ${bucket}.`);
  }
  return wrong.length > 1 ? [...new Set(wrong)] : wrong;
}

export const encryptedArtifacts: Policy = {
  id: 'encrypted-artifacts',
  statement: () => 'All model artifacts must be stored in encrypted S3 buckets.',
  rationale: 'Data protection and compliance',
  waivable: true,
  appliesTo: ({ artifacts }) =>
    artifacts.length > 0 || 'The models load no artifacts from S3 (weights are in the images).',
  check: ({ artifacts }, settings) => wrongOf(artifacts, settings).map(violation),
};
