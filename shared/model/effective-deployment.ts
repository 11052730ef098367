import * as z from 'zod';
import { digestOf } from './canonical-json.ts';
import type { EndpointFacts } from './endpoint-facts.ts';
import { Endpoint } from './endpoint-ref.ts';
import { Environment } from './environment.ts';
import { JsonValue } from './json-value.ts';
import { isHosted, type Variant } from './variant.ts';

/**
 * What will run, and nothing else: the fields whose change is a different deployment. It holds only what reads the
 * same from a plan that names artifact versions, while a deployment is under way, and after it. Names of configs and models and all times stay
 * out, so the identical deployment run again is the same one.
 */
export const EffectiveDeployment = z.strictObject({
  schema: z.literal(1),
  endpoint: Endpoint,
  environment: Environment,
  variants: z.array(z.record(z.string(), JsonValue)),
  volumeKmsKeyId: z.string().nullable(),
  dataCapture: JsonValue,
});
export type EffectiveDeployment = z.infer<typeof EffectiveDeployment>;

const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function effectiveVariant(variant: Variant, versionOf: (uri: string) => string) {
  const models = (list: Variant['models']) =>
    list.map((model) => ({
      containers: model.containers.map(({ image, mode, environmentSha256, artifactUris }) => ({
        image,
        mode,
        environmentSha256,
        artifacts: [...artifactUris].sort(byText).map((uri) => ({ uri, version: versionOf(uri) })),
      })),
    }));
  const common = {
    name: variant.name,
    kind: variant.kind,
    shadow: variant.shadow,
    weight: variant.weight,
    models: models(variant.models),
  };
  if (!isHosted(variant)) {
    const { memorySizeMb, maxConcurrency, provisionedConcurrency } = variant;
    return { ...common, memorySizeMb, maxConcurrency, provisionedConcurrency };
  }
  const { minInstances, maxInstances, asynchronous } = variant;
  const range = { minInstances, maxInstances, ...(asynchronous && { asynchronous }) };
  switch (variant.kind) {
    case 'instance':
      return { ...common, ...range, instanceType: variant.instanceType };
    case 'instance-pool':
      return { ...common, ...range, pools: variant.pools };
    case 'inference-component-host':
      return {
        ...common,
        ...range,
        instanceTypes: variant.instanceTypes,
        components: [...variant.components]
          .sort((a, b) => byText(a.name, b.name))
          .map(({ name, copies, model, baseComponent }) => ({
            name,
            copies,
            baseComponent,
            models: models(model ? [model] : []),
          })),
      };
  }
}

/** Projects facts on what will run. */
export function effectiveDeployment(facts: EndpointFacts): EffectiveDeployment {
  const { dataCapture } = facts;
  const versions = new Map(facts.artifacts.map(({ uri, version }) => [uri, version ?? 'unreadable']));
  return {
    schema: 1,
    endpoint: { ...facts.endpoint, name: facts.endpoint.name.toLowerCase() },
    environment: facts.environment.name,
    variants: [...facts.variants]
      .sort((a, b) => byText(a.name, b.name))
      .map((variant) => effectiveVariant(variant, (uri) => versions.get(uri) ?? 'unreadable')),
    volumeKmsKeyId: facts.volumeKmsKeyId,
    dataCapture: dataCapture && {
      enabled: dataCapture.enabled,
      samplingPercentage: dataCapture.samplingPercentage,
      destinationS3Uri: dataCapture.destinationS3Uri,
      kmsKeyId: dataCapture.kmsKeyId,
    },
  };
}

/** The change digest: SHA-256 over the canonical effective deployment. Approvals are bound to it. */
export function changeDigest(deployment: EffectiveDeployment): string {
  return digestOf(deployment);
}

export type Difference = { field: string; before: string | undefined; after: string | undefined };

/** `{variants: [{name: 'a', weight: 1}]}` -> `variants[a].weight = 1`: lists of named things are keyed by name. */
function flatten(value: unknown, path: string, into: Map<string, string>): void {
  if (Array.isArray(value)) {
    value.forEach((item, index) => {
      const named = typeof item === 'object' && item !== null && 'name' in item ? String(item.name) : `${index + 1}`;
      flatten(item, `${path}[${named}]`, into);
    });
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) flatten(item, path ? `${path}.${key}` : key, into);
  } else {
    into.set(path, value === null ? 'none' : String(value));
  }
}

/** The fields in which two effective deployments differ, in order; empty where their digests are equal. */
export function differences(before: EffectiveDeployment | undefined, after: EffectiveDeployment): Difference[] {
  const old = new Map<string, string>();
  const now = new Map<string, string>();
  if (before) flatten(before, '', old);
  flatten(after, '', now);
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((field) => old.get(field) !== now.get(field))
    .map((field) => ({ field, before: old.get(field), after: now.get(field) }));
}
