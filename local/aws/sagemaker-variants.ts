import { sha256 } from '../../shared/model/canonical-json.ts';
import { type Json, present } from './input.ts';
import type { Loopback } from './loopback.ts';
import type { ConfiguredVariant } from './sagemaker-endpoint-configs.ts';
import { imagesOf, type ModelRow } from './sagemaker-models.ts';
import { keyOf, seconds } from './sagemaker-resources.ts';

/** A variant as DescribeEndpoint shows it; a pending one has an InstanceType too, a live one never. */
export type LiveVariant = {
  VariantName: string;
  InstanceType?: string;
  DeployedImages?: Json[];
  VariantStatus?: { Status: string; StatusMessage: string; StartTime: number }[];
  CurrentWeight: number;
  DesiredWeight: number;
  CurrentInstanceCount?: number;
  DesiredInstanceCount?: number;
  InstancePools?: { InstanceType: string; CurrentInstanceCount: number }[];
  CurrentServerlessConfig?: Json;
  DesiredServerlessConfig?: Json;
  ManagedInstanceScaling?: Json;
  RoutingConfig?: Json;
};

/** What ECR would resolve the tag to; here the same tag always has the same digest. */
function resolved(image: string): string {
  return image.includes('@sha256:') ? image : `${image.replace(/:[^:/]+$/, '')}@sha256:${sha256(image)}`;
}

export const deployedImage = (image: string, at: number): Json => ({
  SpecifiedImage: image,
  ResolvedImage: resolved(image),
  ResolutionTime: seconds(at),
});

/** AWS takes the pool of the first priority as long as there is capacity; here there always is. */
function poolsOf({ InstancePools }: ConfiguredVariant, count: number): LiveVariant['InstancePools'] {
  const ordered = InstancePools?.toSorted((a, b) => (a.Priority ?? 1) - (b.Priority ?? 1));
  return ordered?.map(({ InstanceType }, index) => ({ InstanceType, CurrentInstanceCount: index === 0 ? count : 0 }));
}

/** A configured variant once it runs. `retained`: count and weight to keep instead of the config's. */
export function liveVariant(
  loopback: Loopback,
  configured: ConfiguredVariant,
  retained: Pick<LiveVariant, 'DesiredInstanceCount' | 'DesiredWeight'> | undefined,
): LiveVariant {
  const { VariantName, ModelName, ServerlessConfig, ManagedInstanceScaling, InitialVariantWeight } = configured;
  const model = ModelName ? loopback.store.get<ModelRow>('model', keyOf(ModelName)) : undefined;
  const images = model ? imagesOf(model) : [];
  const weight = retained?.DesiredWeight ?? InitialVariantWeight;
  const wanted = configured.InitialInstanceCount ?? ManagedInstanceScaling?.MinInstanceCount ?? 1;
  const count = ServerlessConfig ? undefined : (retained?.DesiredInstanceCount ?? wanted);
  return {
    VariantName,
    CurrentWeight: weight,
    DesiredWeight: weight,
    ...present({
      DeployedImages:
        images.length > 0 ? images.map((image) => deployedImage(image, loopback.now().getTime())) : undefined,
      CurrentInstanceCount: count,
      DesiredInstanceCount: count,
      InstancePools: poolsOf(configured, count ?? 0),
      CurrentServerlessConfig: ServerlessConfig,
      DesiredServerlessConfig: ServerlessConfig,
      ManagedInstanceScaling,
      RoutingConfig: configured.RoutingConfig as Json | undefined,
    }),
  };
}

/** The same variant while it is being deployed: nothing of it runs yet. */
export function pendingVariant(live: LiveVariant, configured: ConfiguredVariant, startedAt: number): LiveVariant {
  const { CurrentServerlessConfig: _none, ...rest } = live;
  return {
    ...rest,
    CurrentWeight: 0,
    ...present({
      InstanceType: configured.InstanceType,
      CurrentInstanceCount: live.CurrentInstanceCount === undefined ? undefined : 0,
      InstancePools: live.InstancePools?.map((pool) => ({ ...pool, CurrentInstanceCount: 0 })),
    }),
    VariantStatus: [
      { Status: 'Creating', StatusMessage: 'Creating a new fleet for the variant.', StartTime: seconds(startedAt) },
    ],
  };
}

export type WeightAndCapacity = {
  VariantName: string;
  DesiredWeight?: number | undefined;
  DesiredInstanceCount?: number | undefined;
  ServerlessUpdateConfig?: Json | undefined;
};

/** A variant that scales: what is wanted changes at once, what runs follows. */
export function scalingVariant(live: LiveVariant, wanted: WeightAndCapacity, startedAt: number): LiveVariant {
  const count = wanted.DesiredInstanceCount;
  return {
    ...live,
    DesiredWeight: wanted.DesiredWeight ?? live.DesiredWeight,
    ...present({
      DesiredInstanceCount: count ?? live.DesiredInstanceCount,
      DesiredServerlessConfig: wanted.ServerlessUpdateConfig
        ? { ...live.DesiredServerlessConfig, ...wanted.ServerlessUpdateConfig }
        : live.DesiredServerlessConfig,
    }),
    VariantStatus: [
      {
        Status: 'Updating',
        StatusMessage: count === undefined ? 'Updating weights.' : `Scaling to the desired instance count of ${count}.`,
        StartTime: seconds(startedAt),
      },
    ],
  };
}

export function settledVariant(variant: LiveVariant): LiveVariant {
  const { VariantStatus: _over, ...live } = variant;
  const pools = live.InstancePools?.map((pool, index) => ({
    ...pool,
    CurrentInstanceCount: index === 0 ? (live.DesiredInstanceCount ?? 0) : 0,
  }));
  return {
    ...live,
    CurrentWeight: live.DesiredWeight,
    ...present({
      CurrentInstanceCount: live.DesiredInstanceCount,
      CurrentServerlessConfig: live.DesiredServerlessConfig,
      InstancePools: pools,
    }),
  };
}
