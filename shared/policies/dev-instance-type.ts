import { hostedVariants, runsOnInstances } from '../model/endpoint-facts.ts';
import { violation } from '../model/finding.ts';
import { instanceTypesOf } from '../model/variant.ts';
import { inEnvironment, type Policy, typeList } from './policy.ts';

const environment = inEnvironment('dev');

export const devInstanceType: Policy = {
  id: 'dev-instance-type',
  statement: ({ dev }) => `Development models MUST use ${typeList(dev.instanceTypes)} instance type.`,
  rationale: 'Cost optimization for development workloads',
  waivable: false,
  appliesTo: (facts) => {
    const inDev = environment(facts);
    if (inDev !== true) return inDev;
    return runsOnInstances(facts) || 'Serverless variants have no instance type.';
  },
  check: (facts, { dev }) =>
    hostedVariants(facts).flatMap((variant) =>
      instanceTypesOf(variant)
        .filter((type) => !dev.instanceTypes.includes(type))
        .map((type) => violation(`Variant ${variant.name} uses ${type}; dev may use ${dev.instanceTypes.join(', ')}.`)),
    ),
};
