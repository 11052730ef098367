import { withinBudget } from './budget.ts';
import { inEnvironment, type Policy } from './policy.ts';

export const stagingBudget: Policy = {
  id: 'staging-budget',
  statement: ({ staging }) => `Staging environment maximum budget: $${staging.maxHourlyCostUsd} USD per hour.`,
  rationale: 'Cost control for non-production workloads',
  waivable: true,
  appliesTo: inEnvironment('staging'),
  check: (facts, settings, around) => withinBudget(facts, settings, settings.staging.maxHourlyCostUsd, around),
};
