import type { Baseline } from './ledger-record.ts';
import type { RemediationCall } from './remediation-call.ts';

/** A running variant, as far as an update can retain it or a call can set it; names as in the SageMaker API. */
export type LiveCounts = {
  VariantName?: string | undefined;
  DesiredInstanceCount?: number | undefined;
  DesiredWeight?: number | undefined;
};

/** A call that might bring back what was accepted, and what the variants would be after it (those left out: as configured). */
export type Way = { call: RemediationCall; live: LiveCounts[] };

/** What an update can keep of the running variants. Data capture never: the config says what was accepted. */
const RETAINABLE = ['DesiredInstanceCount', 'DesiredWeight'] as const;
/** First as the config says, then keeping as little as possible. */
const KEEPING: readonly (readonly (typeof RETAINABLE)[number][])[] = [
  [],
  ['DesiredInstanceCount'],
  ['DesiredWeight'],
  ['DesiredInstanceCount', 'DesiredWeight'],
];

/**
 * Every UpdateEndpoint that deploys the accepted config again. Which counts and weights it leaves is a matter of
 * RetainAllVariantProperties and ExcludeRetainedVariantProperties (UpdateEndpoint API; without the first the config's
 * own count). Which of them brings back the accepted digest is for the reader of facts to say.
 */
export function waysByUpdate(
  name: string,
  { configName, deploymentConfig }: Pick<Baseline, 'configName' | 'deploymentConfig'>,
  running: readonly LiveCounts[],
): Way[] {
  return KEEPING.map((kept) => {
    const excluded = [...RETAINABLE.filter((each) => !kept.includes(each)), 'DataCaptureConfig'];
    return {
      call: {
        api: 'sagemaker:UpdateEndpoint',
        input: {
          EndpointName: name,
          EndpointConfigName: configName ?? '',
          ...(kept.length > 0 && {
            RetainAllVariantProperties: true,
            ExcludeRetainedVariantProperties: excluded.map((each) => ({ VariantPropertyType: each })),
          }),
          ...(deploymentConfig && { DeploymentConfig: deploymentConfig }),
        },
      },
      live:
        kept.length === 0
          ? []
          : running.map((variant) => ({
              VariantName: variant.VariantName,
              ...Object.fromEntries(kept.map((each) => [each, variant[each]])),
            })),
    };
  });
}

const numberIn = (value: unknown) => (typeof value === 'number' ? value : undefined);

/**
 * Where the accepted config is the one in service, its counts and weights were changed, and one call sets them. A count
 * that scaling may move within its bounds is left to scaling.
 */
export function wayByCounts(name: string, { deployment }: Baseline, running: readonly LiveCounts[]): Way {
  const wanted = deployment.variants.map((variant) => {
    const { minInstances, maxInstances, weight } = variant;
    const fixed = minInstances === maxInstances ? numberIn(minInstances) : undefined;
    return {
      VariantName: String(variant.name),
      ...(numberIn(weight) !== undefined && { DesiredWeight: Number(weight) }),
      ...(fixed !== undefined && { DesiredInstanceCount: fixed }),
    };
  });
  const live = running.map((variant) => ({
    ...variant,
    ...wanted.find(({ VariantName }) => VariantName === variant.VariantName),
  }));
  return {
    call: {
      api: 'sagemaker:UpdateEndpointWeightsAndCapacities',
      input: { EndpointName: name, DesiredWeightsAndCapacities: wanted },
    },
    live,
  };
}
