import { needsApproval } from '../model/finding.ts';
import { inEnvironment, type Policy } from './policy.ts';

export const prodHumanApproval: Policy = {
  id: 'prod-human-approval',
  statement: () => 'All production deployments require explicit human approval.',
  rationale: 'Prevent autonomous changes to critical production systems',
  waivable: true,
  asks: true,
  appliesTo: inEnvironment('prod'),
  check: () => [needsApproval('This is a production deployment; a person must approve it.')],
};
