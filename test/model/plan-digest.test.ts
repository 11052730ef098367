import { describe, expect, test } from 'vitest';
import type * as z from 'zod';
import { digestOf } from '../../shared/model/canonical-json.ts';
import { DeploymentPlan } from '../../shared/model/deployment-plan.ts';
import { changeDigest, differences, effectiveDeployment } from '../../shared/model/effective-deployment.ts';
import type { Artifact, EndpointFacts } from '../../shared/model/endpoint-facts.ts';
import { factsFromPlan, onTheWay } from '../../shared/model/planned-facts.ts';
import type { Container, Variant } from '../../shared/model/variant.ts';
import {
  ARTIFACT,
  artifact,
  componentHost,
  endpoint,
  facts,
  inDev,
  instanceVariant,
  model,
  NOW,
  poolVariant,
  serverlessVariant,
} from '../builders.ts';

// An approval of a plan is bound to its digest. So for every kind of variant: the plan and the endpoint made by it have
// one digest, whatever was then changed of the endpoint voids it, and the plan of what was changed has the new one.

type Given = z.input<typeof DeploymentPlan>;
type GivenVariant = Given['variants'][number];

const digest = (read: EndpointFacts) => changeDigest(effectiveDeployment(read));

const fraud = { image: 'fraud:3.4.1', artifacts: [ARTIFACT], environment: { MODE: 'strict' } };
const environmentSha256 = digestOf({ MODE: 'strict' });
const OTHER = 's3://ml-artifacts-prod/fraud/other.tar.gz';
const [container] = model().containers;
if (!container) throw new Error('the model has a container');
const models = (overrides: Partial<Container> = {}) => [
  model({ containers: [{ ...container, environmentSha256, ...overrides }] }),
];

const base: Given = {
  kind: 'DeploymentPlan',
  endpoint: endpoint.name,
  account: endpoint.account,
  region: endpoint.region,
  environment: 'prod',
  variants: [],
  volumeKmsKeyId: 'volume-key',
  dataCapture: { samplingPercentage: 20, destinationS3Uri: 's3://ml-capture-prod/fraud', kmsKeyId: 'capture-key' },
};
const capture = {
  enabled: true,
  samplingPercentage: 20,
  destinationS3Uri: 's3://ml-capture-prod/fraud',
  kmsKeyId: 'capture-key',
};
const made = (overrides: Partial<EndpointFacts> = {}) =>
  facts({ volumeKmsKeyId: 'volume-key', dataCapture: capture, ...overrides });

/** The plan as it was read; whatever it names is there, each artifact in its first version. */
function planned(given: Given, version = 'etag:1'): EndpointFacts {
  const artifacts = new Map<string, Artifact>(
    [ARTIFACT, OTHER].map((uri) => [uri, artifact({ uri, version: uri === ARTIFACT ? version : 'etag:1' })]),
  );
  return factsFromPlan(DeploymentPlan.parse(given), NOW, { models: new Map(), artifacts });
}

/** One variant of each kind, as planned and as read from the endpoint that it became. */
const KINDS: Record<Variant['kind'], { plan: GivenVariant; live: Variant }> = {
  instance: {
    plan: { instanceType: 'ml.m5.large', instances: 2, scaling: { min: 2, max: 4 }, model: fraud },
    live: instanceVariant({ models: models(), maxInstances: 4 }),
  },
  'instance-pool': {
    plan: { instancePools: ['ml.m5.large', 'ml.m5.xlarge'], instances: 2, scaling: { min: 2, max: 4 }, model: fraud },
    live: poolVariant({ models: models(), maxInstances: 4 }),
  },
  serverless: {
    plan: { serverless: { memorySizeMb: 2048, maxConcurrency: 20, provisionedConcurrency: 2 }, model: fraud },
    live: serverlessVariant({ models: models(), provisionedConcurrency: 2 }),
  },
  'inference-component-host': {
    plan: {
      instanceType: 'ml.m5.large',
      instances: 2,
      scaling: { min: 2, max: 4 },
      components: [{ name: 'fraud-a', copies: 2, model: fraud, baseComponent: 'base' }],
    },
    live: componentHost({
      maxInstances: 4,
      components: [{ name: 'fraud-a', copies: 2, model: models()[0] ?? null, baseComponent: 'base' }],
    }),
  },
};

/** A change of one field, made to the plan and to the endpoint alike. */
type Edit = { field: string; plan: (given: Given) => Given; live: (read: EndpointFacts) => EndpointFacts };

const ofEndpoint: Edit[] = [
  {
    field: 'endpoint.account',
    plan: (given) => ({ ...given, account: '222233334444' }),
    live: (read) => ({ ...read, endpoint: { ...endpoint, account: '222233334444' } }),
  },
  {
    field: 'endpoint.region',
    plan: (given) => ({ ...given, region: 'eu-west-1' }),
    live: (read) => ({ ...read, endpoint: { ...endpoint, region: 'eu-west-1' } }),
  },
  {
    field: 'endpoint.name',
    plan: (given) => ({ ...given, endpoint: 'other' }),
    live: (read) => ({ ...read, endpoint: { ...endpoint, name: 'other' } }),
  },
  {
    field: 'environment',
    plan: (given) => ({ ...given, environment: 'dev' }),
    live: (read) => ({ ...read, environment: inDev }),
  },
  {
    field: 'volumeKmsKeyId',
    plan: (given) => ({ ...given, volumeKmsKeyId: 'other-key' }),
    live: (read) => ({ ...read, volumeKmsKeyId: 'other-key' }),
  },
  {
    field: 'dataCapture.enabled',
    plan: ({ dataCapture: _off, ...given }) => given,
    live: (read) => ({ ...read, dataCapture: null }),
  },
  ...(
    [
      ['samplingPercentage', 50],
      ['destinationS3Uri', 's3://elsewhere/x'],
      ['kmsKeyId', 'other-key'],
    ] as const
  ).map(
    ([name, value]): Edit => ({
      field: `dataCapture.${name}`,
      plan: (given) => ({ ...given, dataCapture: { ...capturePlan, [name]: value } }),
      live: (read) => ({ ...read, dataCapture: { ...capture, [name]: value } }),
    }),
  ),
];
const capturePlan = base.dataCapture as NonNullable<Given['dataCapture']>;

const ofVariant = (
  field: string,
  plan: (variant: GivenVariant) => GivenVariant,
  live: (variant: Variant) => object,
): Edit => ({
  field,
  plan: (given) => ({ ...given, variants: given.variants.map(plan) }),
  live: (read) => ({ ...read, variants: read.variants.map((each) => ({ ...each, ...live(each) }) as Variant) }),
});
const same = <T>(field: string, name: keyof GivenVariant & keyof Variant, value: T): Edit =>
  ofVariant(
    field,
    (given) => ({ ...given, [name]: value }),
    () => ({ [name]: value }),
  );

const common: Edit[] = [same('name', 'name', 'blue'), same('shadow', 'shadow', true), same('weight', 'weight', 0.5)];
/** The floor, the ceiling, and both at once where there is no scaling. */
const range: Edit[] = [
  ofVariant(
    'minInstances',
    (given) => ({ ...given, scaling: { min: 1, max: 4 } }),
    () => ({ minInstances: 1 }),
  ),
  ofVariant(
    'maxInstances',
    (given) => ({ ...given, scaling: { min: 2, max: 9 } }),
    () => ({ maxInstances: 9 }),
  ),
];
const changed: [string, object, Partial<Container>][] = [
  ['image', { image: 'fraud:3.4.2' }, { image: 'fraud:3.4.2' }],
  ['mode', { multiModel: true }, { mode: 'MultiModel' }],
  ['environmentSha256', { environment: { MODE: 'lax' } }, { environmentSha256: digestOf({ MODE: 'lax' }) }],
  ['artifacts[1].uri', { artifacts: [OTHER] }, { artifactUris: [OTHER] }],
  ['artifacts[2].uri', { artifacts: [ARTIFACT, OTHER] }, { artifactUris: [ARTIFACT, OTHER] }],
];
const ofModel: Edit[] = changed.map(([field, plan, live]) =>
  ofVariant(
    `models[1].containers[1].${field}`,
    (given) => ({ ...given, model: { ...fraud, ...plan } }),
    () => ({ models: models(live) }),
  ),
);
const component = { name: 'fraud-a', copies: 2, model: fraud, baseComponent: 'base' };
const ofComponent = (field: string, plan: object, live: object): Edit =>
  ofVariant(
    `components[fraud-a].${field}`,
    (given) => ({ ...given, components: [{ ...component, ...plan }] }),
    (variant) => ({
      components: (variant.kind === 'inference-component-host' ? variant.components : []).map((each) => ({
        ...each,
        ...live,
      })),
    }),
  );

const OF_KIND: Record<Variant['kind'], Edit[]> = {
  instance: [
    ...range,
    ...ofModel,
    ofVariant(
      'instanceType',
      (given) => ({ ...given, instanceType: 'ml.m5.xlarge' }),
      () => ({ instanceType: 'ml.m5.xlarge' }),
    ),
  ],
  'instance-pool': [
    ...range,
    ...ofModel,
    ofVariant(
      'pools[1].instanceType',
      (given) => ({ ...given, instancePools: ['ml.c5.large', 'ml.m5.xlarge'] }),
      () => ({
        pools: [
          { instanceType: 'ml.c5.large', priority: 1 },
          { instanceType: 'ml.m5.xlarge', priority: 2 },
        ],
      }),
    ),
    ofVariant(
      'pools[2].priority',
      (given) => ({ ...given, instancePools: ['ml.m5.large'] }),
      () => ({ pools: [{ instanceType: 'ml.m5.large', priority: 1 }] }),
    ),
  ],
  serverless: [
    ...ofModel,
    ...(
      [
        ['memorySizeMb', 4096],
        ['maxConcurrency', 10],
        ['provisionedConcurrency', 1],
      ] as const
    ).map(([name, value]) =>
      ofVariant(
        name,
        (given) => ({
          ...given,
          serverless: { memorySizeMb: 2048, maxConcurrency: 20, provisionedConcurrency: 2, [name]: value },
        }),
        () => ({ [name]: value }),
      ),
    ),
  ],
  'inference-component-host': [
    ...range,
    ofVariant(
      'instanceTypes[1]',
      (given) => ({ ...given, instanceType: 'ml.m5.xlarge' }),
      () => ({ instanceTypes: ['ml.m5.xlarge'] }),
    ),
    ofComponent('name', { name: 'fraud-b' }, { name: 'fraud-b' }),
    ofComponent('copies', { copies: 1 }, { copies: 1 }),
    ofComponent('baseComponent', { baseComponent: 'elsewhere' }, { baseComponent: 'elsewhere' }),
    ...changed.map(([field, plan, live]) =>
      ofComponent(`models[1].containers[1].${field}`, { model: { ...fraud, ...plan } }, { model: models(live)[0] }),
    ),
  ],
};

const ROWS = (Object.keys(KINDS) as Variant['kind'][]).flatMap((kind) =>
  [...ofEndpoint, ...common, ...OF_KIND[kind]].map((edit) => [kind, edit.field, edit] as const),
);
const givenOf = (kind: Variant['kind']): Given => ({ ...base, variants: [KINDS[kind].plan] });
const liveOf = (kind: Variant['kind']) =>
  made({ variants: [KINDS[kind].live], artifacts: [artifact(), artifact({ uri: OTHER })] });

describe.each(Object.keys(KINDS) as Variant['kind'][])('a plan with a variant of kind %s', (kind) => {
  test('and the endpoint made by it, twice, are one deployment', () => {
    const first = liveOf(kind);
    const again = { ...first, configName: 'another', readAt: '2026-11-21T00:00:00.000Z' };
    const digests = [planned(givenOf(kind)), first, again].map(digest);
    expect(new Set(digests).size).toBe(1);
    expect(differences(effectiveDeployment(planned(givenOf(kind))), effectiveDeployment(first))).toEqual([]);
  });

  test('is voided by another version of its artifact', () => {
    const live = liveOf(kind);
    const overwritten = { ...live, artifacts: live.artifacts.map((each) => ({ ...each, version: 'etag:2' })) };
    expect(digest(overwritten)).not.toBe(digest(planned(givenOf(kind))));
    expect(digest(overwritten)).toBe(digest(planned(givenOf(kind), 'etag:2')));
  });

  test('has a change below for every field of the digest', () => {
    const before = effectiveDeployment(liveOf(kind));
    const covered = new Set(
      ROWS.filter(([of]) => of === kind).flatMap(([, , { live }]) =>
        differences(before, effectiveDeployment(live(liveOf(kind)))).map(({ field }) => field),
      ),
    );
    const fields = differences(undefined, before).map(({ field }) => field);
    // Another version is tested above; a kind cannot be changed alone; the schema is the digest's own.
    const elsewhere = /^(schema|variants\[AllTraffic\]\.(kind|.*artifacts\[\d\]\.version))$/;
    expect(fields.filter((field) => !covered.has(field) && !elsewhere.test(field))).toEqual([]);
    expect(fields.length).toBeGreaterThan(18);
  });
});

describe('after the approval of a plan', () => {
  test('there are changes of at least 25 fields below', () => {
    expect(new Set(ROWS.map(([, field]) => field)).size).toBeGreaterThanOrEqual(25);
  });
  test.each(ROWS)('%s: another %s voids it, and a plan of just that is the same deployment', (kind, field, edit) => {
    const approved = digest(planned(givenOf(kind)));
    const live = edit.live(liveOf(kind));
    expect(digest(live)).not.toBe(approved);
    expect(digest(planned(edit.plan(givenOf(kind))))).toBe(digest(live));
    const found = differences(effectiveDeployment(liveOf(kind)), effectiveDeployment(live));
    expect(found.some(({ field: path }) => path.endsWith(field) || path.includes(field))).toBe(true);
  });
  test('another kind of variant voids it', () => {
    const digests = Object.values(KINDS).map(({ plan }) => digest(planned({ ...base, variants: [plan] })));
    expect(new Set(digests).size).toBe(4);
  });
  test.each<[string, Partial<Given>]>([
    ['who asks', { requester: 'asha' }],
    ['why', { reason: 'because' }],
    ['the ticket', { changeTicket: 'CHG-1' }],
    ['until when it is valid', { validUntil: '2026-11-30T00:00:00Z' }],
    ['the alarms, which are compared by themselves', { deploymentConfig: { rollbackAlarms: ['x'] } }],
    ['the monitors to come', { monitors: [{ type: 'ModelBias' }] }],
  ])('%s is no part of what will run', (_what, more) => {
    expect(digest(planned({ ...givenOf('instance'), ...more }))).toBe(digest(planned(givenOf('instance'))));
  });
  test('variables that are none are no variables', () => {
    const none = {
      ...givenOf('instance'),
      variants: [{ ...KINDS.instance.plan, model: { ...fraud, environment: {} } }],
    };
    const live = made({
      variants: [instanceVariant({ models: models({ environmentSha256: null }), maxInstances: 4 })],
    });
    expect(digest(planned(none))).toBe(digest(live));
  });
});

describe('states on the way to a plan', () => {
  const way = (given: Given) => onTheWay(planned(given));
  test('are none where nothing comes after the endpoint', () => {
    expect(way(givenOf('serverless'))).toEqual([]);
    expect(way({ ...base, variants: [{ instanceType: 'ml.m5.large', instances: 2, model: fraud }] })).toEqual([]);
  });
  test('hold the one before auto scaling is registered: as many instances as asked for, no more and no less', () => {
    const unscaled = made({ variants: [instanceVariant({ models: models() })] });
    expect(way(givenOf('instance'))).toEqual([digest(unscaled)]);
    const other = made({ variants: [instanceVariant({ models: models(), minInstances: 3, maxInstances: 3 })] });
    expect(way(givenOf('instance'))).not.toContain(digest(other));
  });
  test('hold every order in which scaling and components can come', () => {
    const bare = componentHost({ components: [] });
    const scaled = { ...bare, maxInstances: 4 };
    const filled = {
      ...componentHost(),
      components: (liveOf('inference-component-host').variants[0] as typeof bare).components,
    };
    const expected = [bare, scaled, filled].map((variant) => digest(made({ variants: [variant] })));
    expect(way(givenOf('inference-component-host')).sort()).toEqual(expected.sort());
  });
  test('are only the first of all where there are too many to tell apart', () => {
    const many = Array.from({ length: 8 }, (_, index) => ({ name: `c${index}`, copies: 1 }));
    const host = { instanceType: 'ml.m5.large', instances: 2, components: many };
    const first = digest(made({ variants: [componentHost({ components: [] })] }));
    expect(way({ ...base, variants: [host] })).toEqual([first]);
  });
});
