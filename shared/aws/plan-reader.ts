import pLimit from 'p-limit';
import type { DeploymentPlan } from '../model/deployment-plan.ts';
import type { EndpointFacts } from '../model/endpoint-facts.ts';
import type { EndpointRef } from '../model/endpoint-ref.ts';
import { factsFromPlan } from '../model/planned-facts.ts';
import { artifactUrisOf } from '../model/variant.ts';
import { readArtifact } from './artifact-reader.ts';
import { isMissing, type Readable, type Reading, UnreadableFactsError } from './endpoint-reader.ts';
import { readModel } from './model-reader.ts';
import { ReadCache } from './read-cache.ts';

async function readNamedModel(reading: Reading, name: string) {
  try {
    return await readModel(reading, name);
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new UnreadableFactsError(`The plan names model ${name}, which does not exist in SageMaker.`);
  }
}

/**
 * The facts of a plan: what it says, with the models that it names and the versions and encryption of all artifacts as
 * they are in AWS now. Nothing read before is reused. Throws UnreadableFactsError where a model does not exist.
 */
export async function readPlanned(services: Readable, ref: EndpointRef, plan: DeploymentPlan): Promise<EndpointFacts> {
  const limit = pLimit(services.config.file.reading.concurrency);
  const reading: Reading = {
    services,
    ref,
    cache: new ReadCache(Number.POSITIVE_INFINITY, () => 0),
    call: (run) => limit(run),
  };
  const now = services.now();
  const named = plan.variants
    .flatMap(({ model, components = [] }) => [model?.name, ...components.map((each) => each.model?.name)])
    .filter((name) => name !== undefined);
  const models = new Map(
    await Promise.all([...new Set(named)].map(async (name) => [name, await readNamedModel(reading, name)] as const)),
  );
  const uris = artifactUrisOf(factsFromPlan(plan, now, { models, artifacts: new Map() }).variants);
  const artifacts = await Promise.all(uris.map(async (uri) => [uri, await readArtifact(reading, uri)] as const));
  return factsFromPlan(plan, now, { models, artifacts: new Map(artifacts) });
}
