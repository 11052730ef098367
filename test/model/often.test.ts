import { expect, test } from 'vitest';
import * as z from 'zod';
import { EndpointFacts } from '../../shared/model/endpoint-facts.ts';
import { often } from '../../shared/model/often.ts';
import { artifact, componentHost, facts, instanceVariant, poolVariant, serverlessVariant } from '../builders.ts';

const plain = z.strictObject(EndpointFacts.shape);
const warm = (schema: z.ZodType) => {
  for (let reading = 0; reading < 2_001; reading += 1) schema.safeParse(facts());
};

test('nothing in the facts keeps zod from writing code that reads them', () => {
  expect(() => z.compile(plain, { strict: true })).not.toThrow();
});

test('what was read often is read alike, of every kind', () => {
  const schema = often(plain);
  warm(schema);
  const all = [
    facts(),
    facts({
      variants: [
        instanceVariant(),
        poolVariant({ name: 'p' }),
        serverlessVariant({ name: 's' }),
        componentHost({ name: 'h' }),
      ],
    }),
    facts({
      deployment: {
        known: true,
        strategy: 'rolling',
        rollbackAlarms: [],
        deploymentConfig: { a: [1, null, { b: 'c' }] },
      },
    }),
  ];
  for (const each of all) expect(schema.parse(each)).toEqual(each);
});

test.each([
  ['a status of nobody', { status: 'Resting' }],
  ['no variant', { variants: [] }],
  ['a field that there is not', { colour: 'green' }],
  ['a time that is none', { readAt: 'yesterday' }],
  ['a wrong field of an artifact', { artifacts: [{ ...artifact(), encryption: { status: 'encrypted' } }] }],
  [
    'a date where JSON is wanted',
    { deployment: { known: true, strategy: 'none', rollbackAlarms: [], deploymentConfig: { at: new Date(0) } } },
  ],
])('%s is refused in the same words after thousands of readings as before', (_, broken) => {
  const schema = often(plain);
  const wrong = { ...facts(), ...broken };
  const before = schema.safeParse(wrong).error?.issues;
  expect(before?.length).toBeGreaterThan(0);
  expect(before).toEqual(plain.safeParse(wrong).error?.issues);
  warm(schema);
  expect(schema.safeParse(wrong).error?.issues).toEqual(before);
});

test('a schema that another is made of stays strict there', () => {
  const inner = often(z.strictObject({ a: z.string() }));
  const outer = z.strictObject({ inner });
  for (let reading = 0; reading < 2_001; reading += 1) outer.parse({ inner: { a: 'x' } });
  expect(outer.safeParse({ inner: { a: 'x', b: 'y' } }).error?.issues).toMatchObject([
    { code: 'unrecognized_keys', path: ['inner'], keys: ['b'] },
  ]);
});
