import { expect, test } from 'vitest';
import { evaluatePolicy } from '../../shared/policies/policy.ts';
import { prodHumanApproval } from '../../shared/policies/prod-human-approval.ts';
import {
  componentHost,
  facts,
  inDev,
  inStaging,
  instanceVariant,
  poolVariant,
  serverlessVariant,
  settings,
} from '../builders.ts';

test.each([instanceVariant(), poolVariant(), serverlessVariant(), componentHost()])(
  'every production deployment asks, of the kind $kind too',
  (variant) => {
    expect(evaluatePolicy(prodHumanApproval, facts({ variants: [variant] }), settings())).toMatchObject({
      outcome: 'needs-approval',
      messages: ['This is a production deployment; a person must approve it.'],
    });
  },
);

test('so does one that is prod only because nothing says otherwise', () => {
  const environment = { name: 'prod', source: 'default', evidence: 'no tag' } as const;
  expect(evaluatePolicy(prodHumanApproval, facts({ environment }), settings()).outcome).toBe('needs-approval');
});

test.each([inDev, inStaging])('in $name nobody is asked', (environment) => {
  expect(evaluatePolicy(prodHumanApproval, facts({ environment }), settings())).toMatchObject({
    outcome: 'not-applicable',
    messages: [expect.stringMatching(/about production endpoints; this one is .* \(tag environment=/)],
  });
});
