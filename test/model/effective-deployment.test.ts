import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  changeDigest,
  differences,
  EffectiveDeployment,
  effectiveDeployment,
} from '../../shared/model/effective-deployment.ts';
import type { EndpointFacts } from '../../shared/model/endpoint-facts.ts';
import type { Variant } from '../../shared/model/variant.ts';
import {
  artifact,
  componentHost,
  endpoint,
  facts,
  inDev,
  instanceVariant,
  model,
  monitor,
  poolVariant,
  serverlessVariant,
} from '../builders.ts';

const digest = (read: EndpointFacts) => changeDigest(effectiveDeployment(read));
const of = (...variants: Variant[]) => facts({ variants });
const fields = (before: EndpointFacts, after: EndpointFacts) =>
  differences(effectiveDeployment(before), effectiveDeployment(after)).map(({ field }) => field);

const [container] = model().containers;
if (!container) throw new Error('the model has a container');
const withContainer = (overrides: Partial<typeof container>) =>
  of(instanceVariant({ models: [model({ containers: [{ ...container, ...overrides }] })] }));
const [component] = componentHost().components;
if (!component) throw new Error('the host has a component');
const host = of(componentHost());
const capture = {
  enabled: true,
  samplingPercentage: 20,
  destinationS3Uri: 's3://ml-capture-prod/fraud',
  kmsKeyId: null,
};
const pools = poolVariant().pools;
const image = 'variants[AllTraffic].models[1].containers[1].image';

/** What was changed; the perfect thing; the changed thing; the field that a page names. */
const changes: [string, EndpointFacts, EndpointFacts, string][] = [
  ['account', facts(), facts({ endpoint: { ...endpoint, account: '222233334444' } }), 'endpoint.account'],
  ['region', facts(), facts({ endpoint: { ...endpoint, region: 'eu-west-1' } }), 'endpoint.region'],
  ['name', facts(), facts({ endpoint: { ...endpoint, name: 'other' } }), 'endpoint.name'],
  ['environment', facts(), facts({ environment: inDev }), 'environment'],
  ['volume key', facts(), facts({ volumeKmsKeyId: 'key' }), 'volumeKmsKeyId'],
  ['data capture off', facts(), facts({ dataCapture: null }), 'dataCapture'],
  ['capture switch', facts(), facts({ dataCapture: { ...capture, enabled: false } }), 'dataCapture.enabled'],
  [
    'capture sampling',
    facts(),
    facts({ dataCapture: { ...capture, samplingPercentage: 0 } }),
    'dataCapture.samplingPercentage',
  ],
  [
    'capture place',
    facts(),
    facts({ dataCapture: { ...capture, destinationS3Uri: 's3://x' } }),
    'dataCapture.destinationS3Uri',
  ],
  ['capture key', facts(), facts({ dataCapture: { ...capture, kmsKeyId: 'key' } }), 'dataCapture.kmsKeyId'],
  ['variant name', facts(), of(instanceVariant({ name: 'blue' })), 'variants[blue].name'],
  ['variant kind', of(serverlessVariant()), facts(), 'variants[AllTraffic].kind'],
  ['shadow', facts(), of(instanceVariant({ shadow: true })), 'variants[AllTraffic].shadow'],
  ['weight', facts(), of(instanceVariant({ weight: 0.5 })), 'variants[AllTraffic].weight'],
  [
    'instance type',
    facts(),
    of(instanceVariant({ instanceType: 'ml.m5.xlarge' })),
    'variants[AllTraffic].instanceType',
  ],
  ['answers from a queue', facts(), of(instanceVariant({ asynchronous: true })), 'variants[AllTraffic].asynchronous'],
  ['floor', facts(), of(instanceVariant({ minInstances: 1 })), 'variants[AllTraffic].minInstances'],
  ['ceiling', facts(), of(instanceVariant({ maxInstances: 9 })), 'variants[AllTraffic].maxInstances'],
  ['one more variant', facts(), of(instanceVariant(), instanceVariant({ name: 'b' })), 'variants[b].kind'],
  ['image', facts(), withContainer({ image: 'fraud:3.4.2' }), image],
  ['container mode', facts(), withContainer({ mode: 'MultiModel' }), image.replace('image', 'mode')],
  [
    'environment variables',
    facts(),
    withContainer({ environmentSha256: 'x' }),
    image.replace('image', 'environmentSha256'),
  ],
  [
    'artifact address',
    facts(),
    withContainer({ artifactUris: ['s3://b/k'] }),
    image.replace('image', 'artifacts[1].uri'),
  ],
  [
    'artifact version',
    facts(),
    facts({ artifacts: [artifact({ version: 'etag:2' })] }),
    image.replace('image', 'artifacts[1].version'),
  ],
  [
    'artifact that cannot be read any more',
    facts(),
    facts({ artifacts: [artifact({ version: null })] }),
    image.replace('image', 'artifacts[1].version'),
  ],
  [
    'pool type',
    of(poolVariant()),
    of(poolVariant({ pools: pools.slice(0, 1) })),
    'variants[AllTraffic].pools[2].instanceType',
  ],
  [
    'pool priority',
    of(poolVariant()),
    of(poolVariant({ pools: pools.map((pool) => ({ ...pool, priority: 3 - pool.priority })) })),
    'variants[AllTraffic].pools[1].priority',
  ],
  [
    'serverless memory',
    of(serverlessVariant()),
    of(serverlessVariant({ memorySizeMb: 4096 })),
    'variants[AllTraffic].memorySizeMb',
  ],
  [
    'serverless concurrency',
    of(serverlessVariant()),
    of(serverlessVariant({ maxConcurrency: 1 })),
    'variants[AllTraffic].maxConcurrency',
  ],
  [
    'provisioned concurrency',
    of(serverlessVariant()),
    of(serverlessVariant({ provisionedConcurrency: 1 })),
    'variants[AllTraffic].provisionedConcurrency',
  ],
  ['host types', host, of(componentHost({ instanceTypes: ['ml.m5.xlarge'] })), 'variants[AllTraffic].instanceTypes[1]'],
  [
    'component copies',
    host,
    of(componentHost({ components: [{ ...component, copies: 1 }] })),
    'variants[AllTraffic].components[fraud-a].copies',
  ],
  [
    'component name',
    host,
    of(componentHost({ components: [{ ...component, name: 'b' }] })),
    'variants[AllTraffic].components[b].name',
  ],
  [
    'component base',
    host,
    of(componentHost({ components: [{ ...component, baseComponent: 'base' }] })),
    'variants[AllTraffic].components[fraud-a].baseComponent',
  ],
  [
    'component model',
    host,
    of(componentHost({ components: [{ ...component, model: model({ containers: [{ ...container, image: 'x' }] }) }] })),
    'variants[AllTraffic].components[fraud-a].models[1].containers[1].image',
  ],
];

describe('the digest changes with', () => {
  test.each(changes)('%s, and the difference names it', (_what, before, after, field) => {
    expect(digest(after)).not.toBe(digest(before));
    expect(fields(before, after)).toContain(field);
  });
  test('every field of a variant, of a container and of a component', () => {
    const [first] = effectiveDeployment(host).variants;
    expect(Object.keys(first ?? {}).sort()).toEqual(
      [
        'components',
        'instanceTypes',
        'kind',
        'maxInstances',
        'minInstances',
        'models',
        'name',
        'shadow',
        'weight',
      ].sort(),
    );
    expect(changes.length).toBeGreaterThan(30);
  });
});

const two = [instanceVariant({ name: 'a' }), instanceVariant({ name: 'b', weight: 2 })];
const alike: [string, EndpointFacts, EndpointFacts][] = [
  ['the name of the config', facts(), facts({ configName: 'fraud-prod-cfg-99' })],
  ['the name of the model', facts(), of(instanceVariant({ models: [model({ name: 'again' })] }))],
  ['when it was read', facts(), facts({ readAt: '2026-11-21T00:00:00.000Z' })],
  [
    'when it was made or modified',
    facts(),
    facts({ createdAt: '2020-01-01T00:00:00.000Z', lastModifiedAt: '2026-11-21T00:00:00.000Z' }),
  ],
  ['its status', facts(), facts({ status: 'Updating', underWay: true })],
  ['the order of variants', of(...two), of(...[...two].reverse())],
  [
    'the order of components',
    of(componentHost({ components: [component, { ...component, name: 'b' }] })),
    of(componentHost({ components: [{ ...component, name: 'b' }, component] })),
  ],
  [
    'the order of artifacts',
    withContainer({ artifactUris: ['s3://b/1', 's3://b/2'] }),
    withContainer({ artifactUris: ['s3://b/2', 's3://b/1'] }),
  ],
  [
    'the desired count within its bounds',
    of(instanceVariant({ maxInstances: 4 })),
    of(instanceVariant({ maxInstances: 4, desiredInstances: 3 })),
  ],
  ['what scales it', facts(), of(instanceVariant({ scaledBy: 'application-auto-scaling' }))],
  ['the case of the endpoint name', facts(), facts({ endpoint: { ...endpoint, name: 'FRAUD-prod' } })],
  ['how the environment is known', facts(), facts({ environment: { name: 'prod', source: 'default', evidence: 'x' } })],
  ['its monitors', facts(), facts({ monitors: [monitor({ status: 'Stopped' })] })],
  [
    'its alarms, which are known only afterwards',
    facts(),
    facts({ deployment: { known: false, reason: 'under way' } }),
  ],
  [
    'how an artifact is encrypted',
    facts(),
    facts({ artifacts: [artifact({ encryption: { status: 'unencrypted' } })] }),
  ],
];

describe('the digest does not change with', () => {
  test.each(alike)('%s', (_what, before, after) => {
    expect(digest(after)).toBe(digest(before));
    expect(fields(before, after)).toEqual([]);
  });
});

describe('differences', () => {
  test('shows the value before and after, and none where there was none', () => {
    const before = effectiveDeployment(facts());
    expect(differences(before, effectiveDeployment(facts({ volumeKmsKeyId: 'key' })))).toEqual([
      { field: 'volumeKmsKeyId', before: 'none', after: 'key' },
    ]);
    expect(differences(before, effectiveDeployment(facts({ dataCapture: null })))[0]).toMatchObject({
      before: 'true',
      after: undefined,
    });
  });
  test('against nothing is every field', () => {
    const all = differences(undefined, effectiveDeployment(facts()));
    expect(all.length).toBeGreaterThan(15);
    expect(all.every(({ before, after }) => before === undefined && after !== undefined)).toBe(true);
  });
  test('against itself is empty', () => expect(fields(facts(), facts())).toEqual([]));
});

test('an effective deployment survives being stored', () => {
  for (const [, before, after] of changes) {
    for (const each of [before, after].map(effectiveDeployment)) {
      const stored = EffectiveDeployment.parse(JSON.parse(JSON.stringify(each)));
      expect(changeDigest(stored)).toBe(changeDigest(each));
    }
  }
});

test('whatever the counts and weights, equal deployments have equal digests and different ones do not', () => {
  const numbers = fc.record({ minInstances: fc.nat(5), maxInstances: fc.nat(5), weight: fc.nat(3) });
  fc.assert(
    fc.property(numbers, numbers, (a, b) => {
      const [left, right] = [of(instanceVariant(a)), of(instanceVariant(b))];
      return (digest(left) === digest(right)) === (fields(left, right).length === 0);
    }),
  );
});
