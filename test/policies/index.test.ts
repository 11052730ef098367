import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EndpointFacts } from '../../shared/model/endpoint-facts.ts';
import { decide, Finding } from '../../shared/model/finding.ts';
import type { Variant } from '../../shared/model/variant.ts';
import { evaluate, evaluateGuards, policies } from '../../shared/policies/index.ts';
import {
  alarm,
  artifact,
  componentHost,
  facts,
  inDev,
  inStaging,
  instanceVariant,
  monitor,
  poolVariant,
  prices,
  serverlessVariant,
  settings,
} from '../builders.ts';

const outcomes = (read: ReturnType<typeof facts>) =>
  Object.fromEntries(evaluate(read, settings()).map(({ policy, outcome }) => [policy, outcome]));

test('the perfect prod endpoint asks for approval and has nothing else against it', () => {
  expect(outcomes(facts())).toEqual({
    'dev-instance-type': 'not-applicable',
    'staging-instance-type': 'not-applicable',
    'prod-min-instances': 'pass',
    'staging-budget': 'not-applicable',
    'prod-budget': 'pass',
    'prod-human-approval': 'needs-approval',
    'rollback-alarms': 'pass',
    'prod-model-monitor': 'pass',
    'minimal-instance-counts': 'not-applicable',
    'approved-instance-types': 'pass',
    'encrypted-artifacts': 'pass',
  });
  expect(decide(evaluate(facts(), settings()))).toBe('needs-approval');
});

test.each([inDev, inStaging])('the same endpoint with one instance in $name is compliant', (environment) => {
  const small = facts({ environment, variants: [instanceVariant({ minInstances: 1, maxInstances: 1 })] });
  expect(decide(evaluate(small, settings()))).toBe('compliant');
});

test('every policy has an id of its own', () => {
  expect(new Set(policies.map(({ id }) => id)).size).toBe(policies.length);
});

test('only what can change without the deployment changing is verified again', () => {
  expect(evaluateGuards(facts(), settings()).map(({ policy }) => policy)).toEqual([
    'rollback-alarms',
    'prod-model-monitor',
  ]);
});

const types = fc.constantFrom('ml.m5.large', 'ml.m5.xlarge', 'ml.g5.48xlarge', 'ml.p5en.48xlarge', 'ml.m99.large');
const counts = fc.record({ minInstances: fc.nat(4), maxInstances: fc.nat(9), weight: fc.nat(2), shadow: fc.boolean() });
const variant: fc.Arbitrary<Variant> = fc.oneof(
  fc.tuple(counts, types).map(([range, instanceType]) => instanceVariant({ ...range, instanceType })),
  fc
    .tuple(counts, types)
    .map(([range, type]) => poolVariant({ ...range, pools: [{ instanceType: type, priority: 1 }] })),
  fc.tuple(counts, types).map(([range, type]) => componentHost({ ...range, instanceTypes: [type] })),
  fc.option(fc.nat(3)).map((provisionedConcurrency) => serverlessVariant({ provisionedConcurrency })),
);
const anyFacts = fc
  .record({
    environment: fc.constantFrom(inDev, inStaging, facts().environment),
    variants: fc.array(variant, { minLength: 1, maxLength: 4 }),
    artifacts: fc.constantFrom<EndpointFacts['artifacts']>(
      [],
      [artifact()],
      [artifact({ encryption: { status: 'missing' } })],
    ),
    monitors: fc.constantFrom<EndpointFacts['monitors']>([], [monitor()], [monitor({ status: 'Stopped' })]),
    deployment: fc.constantFrom<EndpointFacts['deployment']>(
      facts().deployment,
      { known: false as const, reason: 'under way' },
      {
        known: true as const,
        strategy: 'none' as const,
        rollbackAlarms: [alarm('DataDriftAlarm', { watchesEndpoint: null })],
      },
    ),
  })
  .map((overrides) => facts(overrides));

test('every policy answers for every endpoint, once, in document order, with a reason unless it passes', () => {
  fc.assert(
    fc.property(anyFacts, (read) => {
      const found = evaluate(read, settings());
      expect(found.map(({ policy }) => policy)).toEqual(policies.map(({ id }) => id));
      for (const finding of found) {
        expect(Finding.parse(finding)).toEqual(finding);
        expect(finding.messages.length > 0).toBe(finding.outcome !== 'pass');
      }
    }),
  );
});

test('in prod nothing is compliant without being asked about', () => {
  fc.assert(
    fc.property(
      anyFacts,
      (read) => read.environment.name !== 'prod' || decide(evaluate(read, settings())) !== 'compliant',
    ),
  );
});

test('a check that cannot do its work is a violation, and the other policies still answer', () => {
  const broken = facts({ artifacts: [artifact({ bucket: undefined as never })] });
  const found = evaluate(broken, settings());
  expect(found).toHaveLength(policies.length);
  expect(found.find(({ policy }) => policy === 'encrypted-artifacts')).toMatchObject({
    outcome: 'violation',
    messages: [expect.stringMatching(/^The check itself failed: /)],
  });
  expect(decide(found)).toBe('blocked');
});

test('judging the same facts twice gives the same findings, and changes neither facts nor settings', () => {
  const [read, by] = [facts(), settings({ prices: structuredClone(prices) })];
  const before = structuredClone({ read, by });
  expect(evaluate(read, by)).toEqual(evaluate(read, by));
  expect({ read, by }).toEqual(before);
});
