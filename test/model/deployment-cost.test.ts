import { expect, test } from 'vitest';
import { deploymentCost } from '../../shared/model/deployment-cost.ts';
import { effectiveDeployment } from '../../shared/model/effective-deployment.ts';
import { hourlyCost } from '../../shared/model/hourly-cost.ts';
import * as a from '../builders.ts';

const { prices } = a.settings();

test.each([
  ['instances', a.instanceVariant({ maxInstances: 6 })],
  ['a pool', a.poolVariant()],
  ['a host of components', a.componentHost()],
  ['a serverless variant', a.serverlessVariant()],
  ['what has no price', a.serverlessVariant({ provisionedConcurrency: 2 })],
])('what is on record about %s is enough to say what it costs', (_what, variant) => {
  const facts = a.facts({ variants: [variant] });
  // How many instances there were at the moment is on no record.
  const { steadyUsd: _now, ...cost } = hourlyCost(facts, prices);
  expect(deploymentCost(effectiveDeployment(facts), prices)).toEqual(cost);
});
