import { withinBudget } from './budget.ts';
import { inEnvironment, type Policy } from './policy.ts';

export const prodBudget: Policy = {
  id: 'prod-budget',
  statement: ({ prod }) => `Production environment maximum budget: $${prod.maxHourlyCostUsd} USD per hour.`,
  rationale: 'Higher budget for production workloads with HA requirements',
  waivable: true,
  appliesTo: inEnvironment('prod'),
  check: (facts, settings, around) => withinBudget(facts, settings, settings.prod.maxHourlyCostUsd, around),
};
