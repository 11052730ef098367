import type { Artifact, EndpointFacts, ObjectEncryption } from '../shared/model/endpoint-facts.ts';
import { instanceTypesOf, isHosted, type Variant } from '../shared/model/variant.ts';
import { type Html, html } from './html.ts';
import { summary } from './table.ts';

const KINDS: Record<Variant['kind'], string> = {
  instance: 'Instances',
  'instance-pool': 'Instance pool',
  serverless: 'Serverless',
  'inference-component-host': 'Host of inference components',
};
const SCALED = {
  nothing: 'fixed',
  'application-auto-scaling': 'moved by Application Auto Scaling',
  'managed-instance-scaling': 'moved by managed instance scaling',
} as const;

function size(variant: Variant): string {
  if (!isHosted(variant)) {
    const { memorySizeMb, maxConcurrency, provisionedConcurrency } = variant;
    const kept = provisionedConcurrency ? `, ${provisionedConcurrency} kept warm` : '';
    return `${memorySizeMb} MB, at most ${maxConcurrency} requests at once${kept}`;
  }
  const { minInstances: min, maxInstances: max, scaledBy } = variant;
  return `${min === max ? min : `${min} to ${max}`} × ${instanceTypesOf(variant).join(' or ')} (${SCALED[scaledBy]})`;
}

function modelsOf(variant: Variant): Variant['models'] {
  if (variant.kind !== 'inference-component-host') return variant.models;
  return [...variant.models, ...variant.components.flatMap(({ model }) => (model ? [model] : []))];
}

function encryptionWords(encryption: ObjectEncryption): string {
  switch (encryption.status) {
    case 'encrypted':
      return encryption.algorithm;
    case 'unverifiable':
      return `unverifiable: ${encryption.reason}`;
    default:
      return encryption.status;
  }
}

/** `SSE-KMS in a bucket with SSE-S3, version 3HL4...` */
const artifactWords = ({ encryption, bucket, version }: Artifact) =>
  `${encryptionWords(encryption)} in a bucket with ${encryptionWords(bucket.encryption)}, version ${version ?? 'unreadable'}`;

/** Every variant with what it runs on and what it loads. */
export function whatRuns({ variants, artifacts }: EndpointFacts): Html {
  const found = new Map(artifacts.map((artifact) => [artifact.uri, artifact]));
  const artifact = (uri: string) => {
    const known = found.get(uri);
    return html`<li><code>${uri}</code>${known && html`<br><small class="muted">${artifactWords(known)}</small>`}</li>`;
  };
  return html`${variants.map((variant) => {
    const containers = modelsOf(variant).flatMap((model) => model.containers);
    const uris = [...new Set(containers.flatMap(({ artifactUris }) => artifactUris))];
    return html`<section class="card"><h3>Variant ${variant.name}</h3>
${summary([
  [KINDS[variant.kind], size(variant)],
  ['Traffic', variant.shadow ? 'shadow: gets copies, answers nobody' : `weight ${variant.weight}`],
  [
    'Components',
    variant.kind === 'inference-component-host' &&
      variant.components.map(({ name, copies }) => `${name} × ${copies}`).join(', '),
  ],
  [
    'Images',
    html`<ul class="plain">${containers.map(({ image, mode }) => html`<li><code>${image ?? 'from a model package'}</code>${mode === 'MultiModel' && ' (multi-model)'}</li>`)}</ul>`,
  ],
  ['Loads', uris.length > 0 ? html`<ul class="plain">${uris.map(artifact)}</ul>` : 'nothing from S3'],
])}</section>
`;
  })}`;
}
