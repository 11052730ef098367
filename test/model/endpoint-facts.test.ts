import { describe, expect, test } from 'vitest';
import { EndpointFacts, hostedVariants, runsOnInstances } from '../../shared/model/endpoint-facts.ts';
import {
  artifact,
  componentHost,
  facts,
  instanceVariant,
  monitor,
  poolVariant,
  serverlessVariant,
} from '../builders.ts';

describe('facts', () => {
  test('the perfect ones are what their schema says', () => {
    expect(EndpointFacts.parse(facts())).toEqual(facts());
  });
  test.each([
    ['no variants', { variants: [] }],
    ['a status that AWS does not have', { status: 'IN_SERVICE' }],
    ['monitors left out', { monitors: undefined }],
    ['artifacts left out', { artifacts: undefined }],
    ['a monitor in an unknown state', { monitors: [{ ...monitor(), status: 'Odd' }] }],
    [
      'an unverifiable artifact without a reason',
      { artifacts: [artifact({ encryption: { status: 'unverifiable' } as never })] },
    ],
    ['an unknown deployment without a reason', { deployment: { known: false } }],
    ['a field that nobody declared', { owner: 'risk' }],
  ])('%s are refused: facts are total', (_what, broken) => {
    expect(EndpointFacts.safeParse({ ...facts(), ...broken }).success).toBe(false);
  });
});

test('variants are told apart by whether they run on instances, shadow ones too', () => {
  const variants = [
    instanceVariant(),
    serverlessVariant({ name: 's' }),
    poolVariant({ name: 'p', shadow: true }),
    componentHost({ name: 'h' }),
  ];
  expect(hostedVariants(facts({ variants })).map(({ name }) => name)).toEqual(['AllTraffic', 'p', 'h']);
  expect(runsOnInstances(facts({ variants }))).toBe(true);
  expect(runsOnInstances(facts({ variants: [serverlessVariant()] }))).toBe(false);
});
