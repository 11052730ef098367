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

function problemsOf(artifact: Artifact, { encryption }: PolicyLimits): string[] {
  const object = whatIsWrong(artifact.encryption, encryption);
  const bucket = whatIsWrong(artifact.bucket.encryption, encryption);
  return [
    ...(object ? [`Artifact ${artifact.uri} ${object}.`] : []),
    ...(bucket ? [`Bucket ${artifact.bucket.name} ${bucket}.`] : []),
  ];
}

export const encryptedArtifacts: Policy = {
  id: 'encrypted-artifacts',
  statement: () => 'All model artifacts must be stored in encrypted S3 buckets.',
  rationale: 'Data protection and compliance',
  waivable: true,
  appliesTo: ({ artifacts }) =>
    artifacts.length > 0 || 'The models load no artifacts from S3 (weights are in the images).',
  check: (facts, settings) =>
    [...new Set(facts.artifacts.flatMap((artifact) => problemsOf(artifact, settings)))].map(violation),
};
