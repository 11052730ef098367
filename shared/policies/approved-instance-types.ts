import { hostedVariants, runsOnInstances } from '../model/endpoint-facts.ts';
import { needsApproval, type Problem, violation } from '../model/finding.ts';
import { formatUsd } from '../model/hourly-cost.ts';
import { isKnownType } from '../model/price-table.ts';
import { instanceTypesOf } from '../model/variant.ts';
import { costOf, explainCost, priceMove } from './budget.ts';
import type { Policy } from './policy.ts';
import type { PolicySettings } from './settings.ts';

function isApproved(type: string, environment: 'dev' | 'staging' | 'prod', settings: PolicySettings): boolean {
  const allowed = settings[environment].instanceTypes;
  if (allowed !== 'any') return allowed.includes(type);
  return isKnownType(settings.prices, type);
}

export const approvedInstanceTypes: Policy = {
  id: 'approved-instance-types',
  statement: () => 'Instance types must be approved per environment.',
  rationale:
    'Dev: ml.m5.large only. Staging: ml.m5.large, ml.m5.xlarge. Prod: any approved type (approval above $30/hour)',
  waivable: true,
  appliesTo: (facts) => runsOnInstances(facts) || 'Serverless variants have no instance type.',
  check: (facts, settings, around) => {
    const environment = facts.environment.name;
    const problems: Problem[] = hostedVariants(facts).flatMap((variant) =>
      instanceTypesOf(variant)
        .filter((type) => !isApproved(type, environment, settings))
        .map((type) =>
          violation(
            settings[environment].instanceTypes === 'any'
              ? `Variant ${variant.name} uses ${type}, an instance type unknown to the price table of ${settings.prices.asOf}.`
              : `Variant ${variant.name} uses ${type}, which is not approved for ${environment}.`,
          ),
        ),
    );
    if (environment !== 'prod') return problems;
    const cost = costOf(facts, settings);
    const limit = settings.prod.approvalAboveHourlyCostUsd;
    return cost.ceilingUsd > limit
      ? [
          ...problems,
          needsApproval(
            `It can cost ${explainCost(cost)}; above ${formatUsd(limit)}/h needs approval.${priceMove(facts, settings, around)}`,
          ),
        ]
      : problems;
  },
};
