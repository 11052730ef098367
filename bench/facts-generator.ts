import type {
  Artifact,
  EndpointFacts,
  Monitor,
  ObjectEncryption,
  RollbackAlarm,
} from '../shared/model/endpoint-facts.ts';
import type { Environment, EnvironmentFact } from '../shared/model/environment.ts';
import type { Model, Variant } from '../shared/model/variant.ts';

// Endpoint facts as a company with a few teams would have them: mostly in order, each thing wrong now and then.
// The same seed gives the same facts on every machine, so a benchmark's input can be named by it.

const NOW = Date.parse('2026-11-20T10:00:00.000Z');
const MINUTE = 60_000;
const DAY = 1440 * MINUTE;

type Random = {
  /** At least 0, below 1. */
  next: () => number;
  chance: (probability: number) => boolean;
  /** Both ends included. */
  int: (min: number, max: number) => number;
  pick: <T>(list: readonly T[]) => T;
  /** By weight. */
  oneOf: <T>(...weighted: [weight: number, value: T][]) => T;
  hex: (length: number) => string;
};

/** A seeded generator (mulberry32): Math.random cannot be repeated. */
function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (min: number, max: number) => min + Math.floor(next() * (max - min + 1));
  return {
    next,
    chance: (probability) => next() < probability,
    int,
    pick: (list) => list[int(0, list.length - 1)] as (typeof list)[number],
    oneOf: (...weighted) => {
      let left = next() * weighted.reduce((sum, [weight]) => sum + weight, 0);
      for (const [weight, value] of weighted) {
        left -= weight;
        if (left < 0) return value;
      }
      return (weighted.at(-1) as (typeof weighted)[number])[1];
    },
    hex: (length) => Array.from({ length }, () => int(0, 15).toString(16)).join(''),
  };
}

const at = (time: number) => new Date(time).toISOString();

const TEAMS = ['fraud', 'search', 'pricing', 'churn', 'vision', 'support-chat', 'ads-ranking', 'forecast'];
const PURPOSES = ['scorer', 'ranker', 'embedder', 'classifier', 'summarizer', 'detector'];

function environmentOf(random: Random): EnvironmentFact {
  const name = random.oneOf<Environment>([40, 'prod'], [28, 'staging'], [32, 'dev']);
  const source =
    name === 'prod'
      ? random.oneOf<'tag' | 'name' | 'default'>([85, 'tag'], [8, 'name'], [7, 'default'])
      : random.oneOf<'tag' | 'name'>([90, 'tag'], [10, 'name']);
  switch (source) {
    case 'tag':
      return { name, source, evidence: `tag environment=${name}` };
    case 'name':
      return { name, source, evidence: `no tag environment; name matches *-${name}-*` };
    case 'default':
      return { name, source, evidence: 'no tag environment; no name pattern matches; treated as prod' };
  }
}

/** Mostly what suits the environment; dear, unpriced and unknown types now and then. */
function instanceType(random: Random, environment: Environment): string {
  const usual = {
    dev: ['ml.m5.large'],
    staging: ['ml.m5.large', 'ml.m5.xlarge'],
    prod: [
      'ml.m5.xlarge',
      'ml.m5.2xlarge',
      'ml.c5.xlarge',
      'ml.c6i.large',
      'ml.r5.large',
      'ml.g4dn.xlarge',
      'ml.g5.2xlarge',
    ],
  }[environment];
  return random.oneOf<() => string>(
    [84, () => random.pick(usual)],
    [8, () => random.pick(['ml.m5.4xlarge', 'ml.g5.2xlarge', 'ml.inf2.xlarge', 'ml.t2.medium'])],
    [5, () => random.pick(['ml.g5.12xlarge', 'ml.g5.48xlarge', 'ml.p4d.24xlarge', 'ml.p5.48xlarge'])],
    [2, () => random.pick(['ml.g7.4xlarge', 'ml.trn2.48xlarge', 'ml.p6-b200.48xlarge'])],
    [1, () => random.pick(['ml.m9.large', 'ml.q1.xlarge'])],
  )();
}

function instanceRange(random: Random, environment: Environment) {
  const min =
    environment === 'prod' ? random.oneOf([9, 1], [55, 2], [20, 3], [16, 4]) : random.oneOf([82, 1], [12, 2], [6, 3]);
  const scales = random.chance(environment === 'prod' ? 0.45 : 0.12);
  const max = scales ? min + random.int(1, 6) : min;
  return {
    desiredInstances: random.int(min, max),
    minInstances: min,
    maxInstances: max,
    scaledBy: scales
      ? random.pick(['application-auto-scaling', 'managed-instance-scaling'] as const)
      : ('nothing' as const),
  };
}

/** Where the company keeps its artifacts, and how often something else holds for one of them. */
function encryption(random: Random, wrong: number): ObjectEncryption {
  if (random.chance(wrong)) {
    return random.oneOf<ObjectEncryption>(
      [3, { status: 'unencrypted' }],
      [2, { status: 'missing' }],
      [2, { status: 'unverifiable', reason: 'AccessDenied' }],
      [2, { status: 'encrypted', algorithm: 'SSE-C', keyId: null }],
      [1, { status: 'encrypted', algorithm: 'other', keyId: null }],
    );
  }
  const keyId = `arn:aws:kms:us-east-1:111122223333:key/${random.hex(8)}-${random.hex(4)}`;
  return random.oneOf<ObjectEncryption>(
    [60, { status: 'encrypted', algorithm: 'SSE-S3', keyId: null }],
    [35, { status: 'encrypted', algorithm: 'SSE-KMS', keyId }],
    [5, { status: 'encrypted', algorithm: 'DSSE-KMS', keyId }],
  );
}

function model(random: Random, name: string, bucket: string): Model {
  const containers = random.chance(0.1) ? 2 : 1;
  return {
    name,
    containers: Array.from({ length: containers }, (_, index) => ({
      image: `111122223333.dkr.ecr.us-east-1.amazonaws.com/${name}:${random.int(1, 9)}.${random.int(0, 20)}`,
      mode: random.chance(0.03) ? 'MultiModel' : 'SingleModel',
      environmentSha256: random.chance(0.6) ? random.hex(64) : null,
      // Some bake the weights into the image.
      artifactUris: random.chance(0.08) ? [] : [`s3://${bucket}/${name}/${index}/model.tar.gz`],
    })),
  };
}

function variant(
  random: Random,
  environment: Environment,
  name: string,
  models: string,
  bucket: string,
  second: boolean,
): Variant {
  const shadow = second && random.chance(0.5);
  const base = {
    name,
    shadow,
    weight: shadow ? 0 : random.oneOf([95, 1], [5, 0]),
    models: [model(random, models, bucket)],
  };
  const range = instanceRange(random, environment);
  switch (
    random.oneOf<Variant['kind']>(
      [72, 'instance'],
      [9, 'instance-pool'],
      [9, 'serverless'],
      [10, 'inference-component-host'],
    )
  ) {
    case 'instance':
      return { kind: 'instance', ...base, ...range, instanceType: instanceType(random, environment) };
    case 'instance-pool':
      return {
        kind: 'instance-pool',
        ...base,
        ...range,
        pools: Array.from({ length: random.int(1, 3) }, (_, index) => ({
          instanceType: instanceType(random, environment),
          priority: index + 1,
        })),
      };
    case 'serverless':
      return {
        kind: 'serverless',
        ...base,
        memorySizeMb: random.pick([1024, 2048, 4096]),
        maxConcurrency: random.int(5, 50),
        provisionedConcurrency: random.chance(0.2) ? random.int(1, 10) : null,
      };
    case 'inference-component-host':
      return {
        kind: 'inference-component-host',
        ...base,
        models: [],
        ...range,
        instanceTypes: Array.from({ length: random.oneOf([90, 1], [10, 2]) }, () => instanceType(random, environment)),
        components: Array.from({ length: random.int(1, 4) }, (_, index) => ({
          name: `${name}-component-${index}`,
          copies: random.int(1, 4),
          model: random.chance(0.8) ? model(random, `${models}-${index}`, bucket) : null,
          baseComponent: index > 0 && random.chance(0.2) ? `${name}-component-0` : null,
        })),
      };
  }
}

function alarm(random: Random, name: string): RollbackAlarm {
  if (random.chance(0.06)) return { name, exists: false };
  return {
    name,
    exists: true,
    type: random.oneOf<'metric' | 'composite' | 'log'>([85, 'metric'], [12, 'composite'], [3, 'log']),
    state: random.oneOf<'OK' | 'ALARM' | 'INSUFFICIENT_DATA'>([85, 'OK'], [5, 'ALARM'], [10, 'INSUFFICIENT_DATA']),
    actionsEnabled: random.chance(0.9),
    watchesEndpoint: random.oneOf<boolean | null>([88, true], [7, false], [5, null]),
  };
}

function rollbackAlarms(random: Random, endpoint: string): RollbackAlarm[] {
  if (random.chance(0.1)) return [];
  const alarms: RollbackAlarm[] = [];
  for (const role of ['ModelMonitorAlarm', 'DataDriftAlarm']) {
    if (random.chance(0.1)) continue;
    alarms.push(
      alarm(
        random,
        random.oneOf<string>([70, `${endpoint}-${role}`], [20, role], [10, `${endpoint}-${role.toLowerCase()}`]),
      ),
    );
    // A second one for the same role, often the company-wide one.
    if (random.chance(0.08)) alarms.push(alarm(random, role));
  }
  if (random.chance(0.4)) alarms.push(alarm(random, `${endpoint}-5xx`));
  if (random.chance(0.2)) alarms.push(alarm(random, `${endpoint}-latency-p99`));
  return alarms;
}

function monitors(random: Random, endpoint: string, createdAt: number): Monitor[] {
  const count = random.oneOf([22, 0], [58, 1], [15, 2], [5, 3]);
  return Array.from({ length: count }, (_, index) => {
    const type = random.pick(['DataQuality', 'ModelQuality', 'ModelBias', 'ModelExplainability', 'unknown'] as const);
    return {
      name: `${endpoint}-${type.toLowerCase()}-${index}`,
      type,
      status: random.oneOf<Monitor['status']>([82, 'Scheduled'], [6, 'Pending'], [6, 'Failed'], [6, 'Stopped']),
      baselineUris: random.chance(0.88)
        ? [`s3://ml-baselines/${endpoint}/constraints.json`, `s3://ml-baselines/${endpoint}/statistics.json`]
        : [],
      createdAt: random.chance(0.95) ? at(createdAt + random.int(0, 600) * MINUTE) : null,
    };
  });
}

function artifactsOf(random: Random, variants: readonly Variant[]): Artifact[] {
  const models = variants.flatMap((each) => [
    ...each.models,
    ...(each.kind === 'inference-component-host' ? each.components.flatMap((component) => component.model ?? []) : []),
  ]);
  const uris = models.flatMap(({ containers }) => containers.flatMap(({ artifactUris }) => artifactUris));
  const buckets = new Map<string, ObjectEncryption>();
  return [...new Set(uris)].map((uri) => {
    const name = uri.split('/')[2] ?? '';
    const bucket = buckets.get(name) ?? encryption(random, 0.05);
    buckets.set(name, bucket);
    const version = random.oneOf<string | null>([60, random.hex(32)], [37, `etag:${random.hex(32)}`], [3, null]);
    return { uri, version, encryption: encryption(random, 0.06), bucket: { name, encryption: bucket } };
  });
}

function endpointFacts(random: Random, index: number): EndpointFacts {
  const environment = environmentOf(random);
  const team = random.pick(TEAMS);
  const name = `${team}-${random.pick(PURPOSES)}-${environment.name}-${index}`;
  const bucket = `ml-artifacts-${environment.name}-${team}`;
  const readAt = NOW - random.int(0, DAY);
  const createdAt = readAt - (random.chance(0.12) ? random.int(1, 180) * MINUTE : random.int(180, 600 * 1440) * MINUTE);
  const underWay = random.chance(0.15);
  const variants = Array.from({ length: random.oneOf([76, 1], [19, 2], [5, 3]) }, (_, number) =>
    variant(
      random,
      environment.name,
      number === 0 ? 'AllTraffic' : `Variant${number + 1}`,
      `${name}-m${number}`,
      bucket,
      number > 0,
    ),
  );
  return {
    schema: 1,
    endpoint: {
      account: random.pick(['111122223333', '444455556666']),
      region: random.oneOf<string>([92, 'us-east-1'], [8, 'eu-west-1']),
      name,
    },
    environment,
    status: underWay
      ? random.pick(['Creating', 'Updating'] as const)
      : random.oneOf<EndpointFacts['status']>([94, 'InService'], [3, 'OutOfService'], [3, 'Failed']),
    configName: `${name}-cfg-${random.int(1, 40)}`,
    underWay,
    createdAt: at(createdAt),
    lastModifiedAt: at(createdAt + random.next() * (readAt - createdAt)),
    readAt: at(readAt),
    reusedSince: null,
    variants,
    volumeKmsKeyId: random.chance(0.3) ? `arn:aws:kms:us-east-1:111122223333:key/${random.hex(8)}` : null,
    dataCapture: random.chance(environment.name === 'prod' ? 0.95 : 0.6)
      ? {
          enabled: random.chance(0.9),
          samplingPercentage: random.pick([5, 20, 50, 100]),
          destinationS3Uri: `s3://ml-capture-${environment.name}/${name}`,
          kmsKeyId: null,
        }
      : null,
    deployment: underWay
      ? { known: false, reason: 'A deployment is under way.' }
      : {
          known: true,
          strategy: random.oneOf<'blue-green' | 'rolling' | 'none'>([75, 'blue-green'], [15, 'rolling'], [10, 'none']),
          rollbackAlarms: rollbackAlarms(random, name),
        },
    monitors: random.chance(environment.name === 'prod' ? 1 : 0.15) ? monitors(random, name, createdAt) : [],
    artifacts: artifactsOf(random, variants),
  };
}

/** `count` endpoints' facts; the same for the same seed. */
export function generateFacts(count: number, seed = 20261120): EndpointFacts[] {
  const random = randomFrom(seed);
  return Array.from({ length: count }, (_, index) => endpointFacts(random, index));
}
