import { hostedVariants, runsOnInstances } from '../model/endpoint-facts.ts';
import { needsApproval, violation } from '../model/finding.ts';
import { instanceTypesOf } from '../model/variant.ts';
import { inEnvironment, type Policy, typeList } from './policy.ts';

const environment = inEnvironment('staging');

export const stagingInstanceType: Policy = {
  id: 'staging-instance-type',
  statement: ({ staging }) => `Staging models may use ${typeList(staging.instanceTypes)} instance types.`,
  rationale: 'Balance between cost and performance for testing',
  waivable: true,
  appliesTo: (facts) => {
    const inStaging = environment(facts);
    if (inStaging !== true) return inStaging;
    return runsOnInstances(facts) || 'Serverless variants have no instance type.';
  },
  // The exception, "Requires approval if instance_count >= 3", counts the whole endpoint at its ceiling: splitting
  // three instances over three variants, or letting auto scaling add the third, is still three instances.
  check: (facts, { staging }) => {
    const variants = hostedVariants(facts);
    const instances = variants.reduce((sum, { maxInstances }) => sum + maxInstances, 0);
    const wrongTypes = variants.flatMap((variant) =>
      instanceTypesOf(variant)
        .filter((type) => !staging.instanceTypes.includes(type))
        .map((type) =>
          violation(`Variant ${variant.name} uses ${type}; staging may use ${staging.instanceTypes.join(', ')}.`),
        ),
    );
    return instances >= staging.approvalFromInstances
      ? [
          ...wrongTypes,
          needsApproval(
            `The endpoint can run ${instances} instances; ${staging.approvalFromInstances} or more in staging need approval.`,
          ),
        ]
      : wrongTypes;
  },
};
