import { hostedVariants, runsOnInstances } from '../model/endpoint-facts.ts';
import { violation } from '../model/finding.ts';
import { serves } from '../model/variant.ts';
import { inEnvironment, type Policy } from './policy.ts';

const environment = inEnvironment('prod');

export const prodMinInstances: Policy = {
  id: 'prod-min-instances',
  statement: ({ prod }) =>
    `Production models must have \`instance_count >= ${prod.minInstances}\` for high availability.`,
  rationale: 'Ensure zero-downtime deployments and fault tolerance',
  waivable: false,
  appliesTo: (facts) => {
    const inProd = environment(facts);
    if (inProd !== true) return inProd;
    return runsOnInstances(facts) || 'Serverless variants have no instance count; AWS spreads them itself.';
  },
  check: (facts, { prod }) => {
    const variants = hostedVariants(facts).filter(({ shadow }) => !shadow);
    // Variants of weight 0 get no traffic, unless all of them have it: then one of them is what the endpoint has.
    const serving = facts.variants.some(serves) ? variants.filter(serves) : variants;
    return serving
      .filter((variant) => variant.minInstances < prod.minInstances)
      .map((variant) =>
        violation(`Variant ${variant.name} can run on ${variant.minInstances}, needs ${prod.minInstances}.`),
      );
  },
};
