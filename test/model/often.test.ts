import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { EndpointFacts } from '../../shared/model/endpoint-facts.ts';
import { often } from '../../shared/model/often.ts';
import { artifact, componentHost, facts, instanceVariant, poolVariant, serverlessVariant } from '../builders.ts';

const plain = z.strictObject(EndpointFacts.shape);
test('nothing in the facts keeps zod from writing code that reads them', () => {
  expect(() => z.compile(plain, { strict: true })).not.toThrow();
});

test('what was read often is read alike, of every kind', () => {
  const schema = often(plain, 0);
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
])('%s is refused in the same words after some readings as before', (_, broken) => {
  const schema = often(plain, 1);
  const wrong = { ...facts(), ...broken };
  const before = schema.safeParse(wrong).error?.issues;
  expect(before?.length).toBeGreaterThan(0);
  expect(before).toEqual(plain.safeParse(wrong).error?.issues);
  schema.parse(facts());
  expect(schema.safeParse(wrong).error?.issues).toEqual(before);
});

/** A value with one of its parts, however deep, replaced, left out, or beside one too many. */
function* variantsOf(value: unknown): Generator<unknown> {
  for (const other of [undefined, null, true, -1, 1.5, '', 'x', [], {}]) yield other;
  if (Array.isArray(value)) {
    for (const [index, each] of value.entries()) for (const other of variantsOf(each)) yield value.with(index, other);
  } else if (typeof value === 'object' && value !== null) {
    yield { ...value, more: 1 };
    for (const [name, each] of Object.entries(value)) {
      const { [name]: _left, ...without } = value as Record<string, unknown>;
      yield without;
      for (const other of variantsOf(each)) yield { ...value, [name]: other };
    }
  }
}

test('every field, replaced by anything or left out, is taken or refused as ever', () => {
  const schema = often(plain, 0);
  const variants = [instanceVariant(), poolVariant({ name: 'p' }), serverlessVariant({ name: 's' }), componentHost()];
  let [taken, refused] = [0, 0];
  for (const changed of variantsOf(facts({ variants }))) {
    const [expected, read] = [plain.safeParse(changed), schema.safeParse(changed)];
    const same =
      read.success === expected.success &&
      isDeepStrictEqual(read.data, expected.data) &&
      isDeepStrictEqual(read.error?.issues, expected.error?.issues);
    if (!same) expect(read, JSON.stringify(changed)).toEqual(expected);
    if (read.success) taken += 1;
    else refused += 1;
  }
  expect(taken).toBeGreaterThan(100);
  expect(refused).toBeGreaterThan(500);
});

test('a schema that another is made of stays strict there', () => {
  const inner = often(z.strictObject({ a: z.string() }), 0);
  const outer = z.strictObject({ inner });
  expect(outer.parse({ inner: { a: 'x' } })).toEqual({ inner: { a: 'x' } });
  expect(outer.safeParse({ inner: { a: 'x', b: 'y' } }).error?.issues).toMatchObject([
    { code: 'unrecognized_keys', path: ['inner'], keys: ['b'] },
  ]);
});
