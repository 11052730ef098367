import { digestOf } from './canonical-json.ts';
import type { DeploymentPlan, PlannedModel, PlannedVariant } from './deployment-plan.ts';
import { changeDigest, effectiveDeployment } from './effective-deployment.ts';
import type { Artifact, EndpointFacts, ObjectEncryption } from './endpoint-facts.ts';
import { artifactUrisOf, isHosted, type Model, type Variant } from './variant.ts';

/** What was read from AWS about a plan: models by name, artifacts by URI. Without it the plan stands for itself. */
export type ReadOfPlan = { models: ReadonlyMap<string, Model>; artifacts: ReadonlyMap<string, Artifact> };

/** Where nothing is read, a plan that names a model does not say what it loads; this stands for it and is never encrypted. */
const unread = (name: string): Model => ({
  name,
  containers: [{ image: null, mode: 'SingleModel', environmentSha256: null, artifactUris: [`model:${name}`] }],
});

const isNotEmpty = (value: object | undefined): value is object => value !== undefined && Object.keys(value).length > 0;

function modelFrom(planned: PlannedModel, read: ReadOfPlan | undefined): Model {
  if (planned.name !== undefined) return read?.models.get(planned.name) ?? unread(planned.name);
  return {
    name: 'planned',
    containers: [
      {
        image: planned.image ?? null,
        mode: planned.multiModel ? 'MultiModel' : 'SingleModel',
        environmentSha256: isNotEmpty(planned.environment) ? digestOf(planned.environment) : null,
        artifactUris: [...new Set(planned.artifacts)],
      },
    ],
  };
}

function variantFrom(planned: PlannedVariant, asynchronous: boolean, read: ReadOfPlan | undefined): Variant {
  const { name, shadow, weight, serverless, instances = 0, scaling, instancePools, instanceType = '' } = planned;
  const common = { name, shadow, weight, models: planned.model ? [modelFrom(planned.model, read)] : [] };
  if (serverless) {
    const { memorySizeMb, maxConcurrency, provisionedConcurrency = null } = serverless;
    return { kind: 'serverless', ...common, memorySizeMb, maxConcurrency, provisionedConcurrency };
  }
  const range = {
    desiredInstances: instances,
    minInstances: scaling?.min ?? instances,
    maxInstances: scaling?.max ?? instances,
    scaledBy: scaling ? ('application-auto-scaling' as const) : ('nothing' as const),
    ...(asynchronous && { asynchronous }),
  };
  if (!planned.model) {
    const components = (planned.components ?? []).map(({ name, copies, model, baseComponent = null }) => ({
      name,
      copies,
      model: model ? modelFrom(model, read) : null,
      baseComponent,
    }));
    const instanceTypes = instancePools ?? [instanceType];
    return { kind: 'inference-component-host', ...common, ...range, instanceTypes, components };
  }
  if (instancePools) {
    const pools = instancePools.map((type, index) => ({ instanceType: type, priority: index + 1 }));
    return { kind: 'instance-pool', ...common, ...range, pools };
  }
  return { kind: 'instance', ...common, ...range, instanceType };
}

function declaredEncryption({ artifactEncryption }: DeploymentPlan): ObjectEncryption {
  if (artifactEncryption === undefined) {
    return { status: 'unverifiable', reason: 'the plan does not say; add artifactEncryption' };
  }
  if (artifactEncryption === 'none') return { status: 'unencrypted' };
  return { status: 'encrypted', algorithm: artifactEncryption, keyId: null };
}

/** Artifacts as read, or as declared where nothing was. */
function artifactsOf(plan: DeploymentPlan, variants: readonly Variant[], read: ReadOfPlan | undefined): Artifact[] {
  return artifactUrisOf(variants).map((uri) => {
    const encryption = uri.startsWith('model:')
      ? ({ status: 'unverifiable', reason: 'the plan names a model, and nothing is read here' } as const)
      : declaredEncryption(plan);
    const bucket = { name: uri.startsWith('s3://') ? (uri.split('/')[2] ?? '') : uri, encryption };
    return read?.artifacts.get(uri) ?? { uri, version: null, encryption, bucket };
  });
}

/** Where a plan that does not say so belongs; the loopback AWS has this account and region too. */
const HERE = { account: '000000000000', region: 'us-east-1' };

/**
 * The facts as they would be if everything the plan says came true. Alarms and monitors count as declared: whether
 * they exist is verified when the endpoint does. With `read`, models and artifacts are those that are there.
 */
export function factsFromPlan(plan: DeploymentPlan, now: string, read?: ReadOfPlan): EndpointFacts {
  const variants = plan.variants.map((variant) => variantFrom(variant, plan.asynchronous === true, read));
  return {
    schema: 1,
    endpoint: {
      account: plan.account ?? HERE.account,
      region: plan.region ?? HERE.region,
      name: plan.endpoint,
    },
    environment: { name: plan.environment, source: 'tag', evidence: `the plan says ${plan.environment}` },
    status: 'InService',
    configName: 'planned',
    underWay: false,
    // Long ago: what the plan does not say is missing, not merely late.
    createdAt: '1970-01-01T00:00:00.000Z',
    lastModifiedAt: now,
    readAt: now,
    reusedSince: null,
    variants,
    volumeKmsKeyId: plan.volumeKmsKeyId ?? null,
    dataCapture: plan.dataCapture
      ? { enabled: true, ...plan.dataCapture, kmsKeyId: plan.dataCapture.kmsKeyId ?? null }
      : null,
    deployment: {
      known: true,
      strategy: plan.deploymentConfig.strategy ?? 'none',
      rollbackAlarms: plan.deploymentConfig.rollbackAlarms.map((name) => ({
        name,
        exists: true,
        type: 'metric',
        state: 'OK',
        actionsEnabled: true,
        watchesEndpoint: true,
      })),
    },
    monitors: plan.monitors.map(({ type, baseline }) => ({
      name: `planned ${type}`,
      type,
      status: 'Scheduled',
      baselineUris: baseline ? [baseline] : [],
      createdAt: null,
    })),
    artifacts: artifactsOf(plan, variants, read),
  };
}

/** More steps than this are not told apart; then only the state before all of them is on the way. */
const MAX_STEPS = 6;

/** What comes after the endpoint by a call of its own: bounds of auto scaling, an inference component. Undoes it. */
type Step = (variants: Variant[]) => Variant[];

function stepsTo(variants: readonly Variant[]): Step[] {
  return variants.filter(isHosted).flatMap((hosted): Step[] => {
    const { name, desiredInstances } = hosted;
    const change = (edit: (variant: Variant) => Variant): Step => {
      return (list) => list.map((variant) => (variant.name === name ? edit(variant) : variant));
    };
    const fixed = { minInstances: desiredInstances, maxInstances: desiredInstances };
    const unscaled = change((variant) => (isHosted(variant) ? { ...variant, ...fixed } : variant));
    const components = hosted.kind === 'inference-component-host' ? hosted.components : [];
    return [
      ...(hosted.minInstances === hosted.maxInstances ? [] : [unscaled]),
      ...components.map((component) =>
        change((variant) =>
          variant.kind === 'inference-component-host'
            ? { ...variant, components: variant.components.filter((each) => each.name !== component.name) }
            : variant,
        ),
      ),
    ];
  });
}

/**
 * Digests of the states that lead to the planned one, since bounds of auto scaling are registered and inference
 * components are made after the endpoint: approving the plan approves them.
 */
export function onTheWay(facts: EndpointFacts): string[] {
  const steps = stepsTo(facts.variants);
  const all = 2 ** Math.min(steps.length, MAX_STEPS) - 1;
  const choices =
    steps.length > MAX_STEPS
      ? [steps]
      : Array.from({ length: all }, (_, index) => steps.filter((_step, bit) => ((index + 1) >> bit) % 2 === 1));
  const digests = choices
    .filter((undone) => undone.length > 0)
    .map((undone) => {
      const variants = undone.reduce((list, undo) => undo(list), [...facts.variants]);
      return changeDigest(effectiveDeployment({ ...facts, variants }));
    });
  return [...new Set(digests)];
}
