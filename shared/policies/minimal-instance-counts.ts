import { hostedVariants, runsOnInstances } from '../model/endpoint-facts.ts';
import { advice } from '../model/finding.ts';
import { inEnvironment, type Policy } from './policy.ts';

const environment = inEnvironment('dev', 'staging');

export const minimalInstanceCounts: Policy = {
  id: 'minimal-instance-counts',
  statement: () => 'Development and staging workloads should use minimal instance counts.',
  rationale: 'Reduce infrastructure costs for non-production',
  waivable: true,
  appliesTo: (facts) => {
    const applies = environment(facts);
    if (applies !== true) return applies;
    return runsOnInstances(facts) || 'Serverless variants have no instance count.';
  },
  check: (facts, settings) => {
    const { defaultInstances } = facts.environment.name === 'dev' ? settings.dev : settings.staging;
    return hostedVariants(facts)
      .filter(({ maxInstances }) => maxInstances > defaultInstances)
      .map(({ name, maxInstances }) =>
        advice(`Variant ${name} can run ${maxInstances} instances; ${defaultInstances} is the default here.`),
      );
  },
};
