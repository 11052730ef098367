import { describe, expect, test } from 'vitest';
import { isMissing, readEndpoint, UnreadableFactsError } from '../../shared/aws/endpoint-reader.ts';
import { ConfigFile } from '../../shared/config.ts';
import { changeDigest, effectiveDeployment } from '../../shared/model/effective-deployment.ts';
import { config, endpoint, facts, opened } from '../builders.ts';
import { awsError, countWaves, fakeAws, type World } from '../fake-aws.ts';

const CONFIG = 'fraud-prod-cfg-18';

/** Reads the perfect endpoint after something in its world was changed. */
async function read(change: (world: World) => void = () => undefined) {
  const aws = fakeAws();
  change(aws.world);
  return readEndpoint(aws.services, endpoint);
}
const variantOf = async (change: (world: World) => void) => (await read(change))?.variants[0];
type ConfiguredVariant = NonNullable<World['configs'][string]['ProductionVariants']>[number];
const configured = (world: World, variant: Partial<ConfiguredVariant>) => {
  const [first] = world.configs[CONFIG]?.ProductionVariants ?? [];
  world.configs[CONFIG] = {
    ...world.configs[CONFIG],
    ProductionVariants: [{ VariantName: 'AllTraffic', ...first, ...variant }],
  };
};
const live = (world: World, variant: object) => {
  const [first] = world.endpoint?.ProductionVariants ?? [];
  world.endpoint = { ...world.endpoint, ProductionVariants: [{ VariantName: 'AllTraffic', ...first, ...variant }] };
};
const status = (world: World, EndpointStatus: string) => {
  world.endpoint = { ...world.endpoint, EndpointStatus: EndpointStatus as never };
};

describe('readEndpoint', () => {
  test('reads the perfect endpoint as the perfect facts', async () => {
    expect(await read()).toEqual(facts());
  });

  test('reads every list to its end', async () => {
    const whole = await read();
    expect(
      await read((world) => {
        world.pageSize = 1;
      }),
    ).toEqual(whole);
    const many = await read((world) => {
      world.pageSize = 2;
      world.tags = [
        ...Array.from({ length: 9 }, (_, index) => ({ Key: `t${index}`, Value: 'x' })),
        { Key: 'environment', Value: 'dev' },
      ];
      const [schedule] = world.schedules;
      world.schedules = Array.from({ length: 5 }, (_, index) => ({ ...schedule, MonitoringScheduleName: `s${index}` }));
      for (const { MonitoringScheduleName: name = '' } of world.schedules) {
        world.described[name] = world.described['fraud-prod-data-quality'] ?? {};
      }
    });
    expect(many?.environment.name).toBe('dev');
    expect(many?.monitors.map(({ name }) => name)).toEqual(['s0', 's1', 's2', 's3', 's4']);
  });

  test('a missing endpoint is undefined, not an error', async () => {
    expect(
      await read((world) => {
        world.endpoint = undefined;
      }),
    ).toBeUndefined();
  });
  test('one that is being deleted counts as gone', async () => {
    expect(await read((world) => status(world, 'Deleting'))).toBeUndefined();
  });
  test.each([
    ['InService', false],
    ['Failed', false],
    ['OutOfService', false],
    ['UpdateRollbackFailed', false],
    ['Creating', true],
    ['Updating', true],
    ['RollingBack', true],
    ['SystemUpdating', true],
  ])('%s: a deployment is under way: %s', async (name, underWay) => {
    expect(await read((world) => status(world, name))).toMatchObject({ status: name, underWay });
  });
  test('an unknown status is an error, never guessed', async () => {
    await expect(read((world) => status(world, 'Hibernating'))).rejects.toThrow(
      new UnreadableFactsError('Endpoint status Hibernating is unknown.'),
    );
  });
  test('a config that was deleted while in use is an error that says so', async () => {
    const reading = read((world) => {
      world.configs = {};
    });
    await expect(reading).rejects.toMatchObject({
      name: 'UnreadableFactsError',
      message: expect.stringContaining(`${CONFIG} was deleted while in use`),
    });
  });
  test('an answer that makes no sense is an error that names the field', async () => {
    await expect(read((world) => live(world, { DesiredInstanceCount: -1 }))).rejects.toMatchObject({
      name: 'UnreadableFactsError',
      message: expect.stringContaining('variants.0.desiredInstances'),
    });
  });
  test.each([
    'ListTags',
    'ListMonitoringSchedules',
    'DescribeAlarms',
    'DescribeScalableTargets',
    'DescribeModel',
    'HeadObject',
    'DescribeDataQualityJobDefinition',
  ])('where %s is throttled the whole reading fails with its error', async (throttled) => {
    const reading = read((world) => {
      world.before = (command) => {
        if (command === throttled) throw awsError('ThrottlingException', 'slow down', 503);
      };
    });
    await expect(reading).rejects.toMatchObject({ name: 'ThrottlingException' });
  });
});

describe('while a deployment is under way', () => {
  const updating = (world: World) => {
    status(world, 'Updating');
    world.configs['fraud-prod-cfg-19'] = {
      ProductionVariants: [
        {
          VariantName: 'AllTraffic',
          ModelName: 'fraud-2026-11-19',
          InstanceType: 'ml.m5.xlarge',
          InitialInstanceCount: 4,
        },
      ],
      KmsKeyId: 'volume-key',
    };
    world.endpoint = {
      ...world.endpoint,
      PendingDeploymentSummary: {
        EndpointConfigName: 'fraud-prod-cfg-19',
        ProductionVariants: [
          { VariantName: 'AllTraffic', CurrentInstanceCount: 1, DesiredInstanceCount: 3, DesiredWeight: 0.5 },
        ],
      },
    };
  };
  test('the pending config is read, with the counts that are coming', async () => {
    expect(await read(updating)).toMatchObject({
      configName: 'fraud-prod-cfg-19',
      underWay: true,
      volumeKmsKeyId: 'volume-key',
      variants: [{ instanceType: 'ml.m5.xlarge', desiredInstances: 3, minInstances: 3, weight: 0.5 }],
    });
  });
  test('which alarms it would roll back on is not known, and nobody asks CloudWatch', async () => {
    const aws = fakeAws();
    updating(aws.world);
    expect((await readEndpoint(aws.services, endpoint))?.deployment).toEqual({
      known: false,
      reason: 'A deployment is under way.',
    });
    expect(aws.calls).not.toContain('DescribeAlarms');
  });
});

describe('the variants', () => {
  test('without scaling floor and ceiling are the desired count', async () => {
    expect(await variantOf((world) => live(world, { DesiredInstanceCount: 5 }))).toMatchObject({
      desiredInstances: 5,
      minInstances: 5,
      maxInstances: 5,
      scaledBy: 'nothing',
    });
  });
  test('Application Auto Scaling gives the bounds', async () => {
    const bounds = { ResourceId: 'endpoint/fraud-prod/variant/AllTraffic', MinCapacity: 1, MaxCapacity: 40 };
    expect(
      await variantOf((world) => {
        world.targets = [bounds as never];
      }),
    ).toMatchObject({
      desiredInstances: 2,
      minInstances: 1,
      maxInstances: 40,
      scaledBy: 'application-auto-scaling',
    });
  });
  test('scheduled actions that are still to come stretch the bounds, those that are over do not', async () => {
    const ResourceId = 'endpoint/fraud-prod/variant/AllTraffic';
    const action = (Schedule: string, MinCapacity: number, MaxCapacity: number, more = {}) => ({
      ...{ ResourceId, Schedule, ScalableTargetAction: { MinCapacity, MaxCapacity } },
      ...more,
    });
    const seen = await variantOf((world) => {
      world.targets = [{ ResourceId, MinCapacity: 2, MaxCapacity: 4 } as never];
      world.scheduledActions = [
        action('cron(0 22 * * ? *)', 1, 4),
        action('at(2026-11-21T08:00:00)', 2, 30),
        action('at(2026-11-18T08:00:00)', 0, 50),
        action('rate(1 day)', 0, 60, { EndTime: new Date('2026-11-20T09:00:00.000Z') }),
        { ...action('cron(0 1 * * ? *)', 0, 90), ResourceId: 'endpoint/fraud-prod/variant/Other' },
      ];
    });
    expect(seen).toMatchObject({ minInstances: 1, maxInstances: 30, scaledBy: 'application-auto-scaling' });
  });
  test('the bounds of an endpoint whose name has capitals are found, even by an event that writes it small', async () => {
    const aws = fakeAws();
    aws.world.endpoint = { ...aws.world.endpoint, EndpointName: 'Fraud-Prod' };
    aws.world.targets = [
      { ResourceId: 'endpoint/Fraud-Prod/variant/AllTraffic', MinCapacity: 1, MaxCapacity: 40 } as never,
    ];
    expect((await readEndpoint(aws.services, endpoint))?.variants[0]).toMatchObject({
      minInstances: 1,
      maxInstances: 40,
    });
  });
  test('the bounds of a variant come from its own target', async () => {
    const other = { ResourceId: 'endpoint/fraud-prod/variant/Other', MinCapacity: 1, MaxCapacity: 40 };
    expect(
      await variantOf((world) => {
        world.targets = [other as never];
      }),
    ).toMatchObject({ scaledBy: 'nothing' });
  });
  test('managed scaling gives the bounds, live before configured', async () => {
    const scaling = { Status: 'ENABLED', MinInstanceCount: 0, MaxInstanceCount: 8 } as const;
    expect(await variantOf((world) => configured(world, { ManagedInstanceScaling: scaling }))).toMatchObject({
      minInstances: 0,
      maxInstances: 8,
      scaledBy: 'managed-instance-scaling',
    });
    const both = await variantOf((world) => {
      configured(world, { ManagedInstanceScaling: scaling });
      live(world, { ManagedInstanceScaling: { ...scaling, MaxInstanceCount: 9 } });
    });
    expect(both).toMatchObject({ maxInstances: 9 });
    expect(
      await variantOf((world) => configured(world, { ManagedInstanceScaling: { ...scaling, Status: 'DISABLED' } })),
    ).toMatchObject({ scaledBy: 'nothing' });
  });
  test('the live count and weight win over those of the config', async () => {
    const seen = await variantOf((world) => {
      configured(world, { InitialInstanceCount: 9, InitialVariantWeight: 9 });
      live(world, { DesiredInstanceCount: 3, DesiredWeight: 0 });
    });
    expect(seen).toMatchObject({ desiredInstances: 3, weight: 0 });
  });
  test('the images that SageMaker resolved are recorded, and are not part of what is approved', async () => {
    const deployed = (resolved: string) => (world: World) =>
      live(world, { DeployedImages: [{ SpecifiedImage: 'fraud:3.4.1', ResolvedImage: resolved }] });
    const first = await read(deployed('fraud@sha256:1'));
    expect(first?.variants[0]?.resolvedImages).toEqual([{ specified: 'fraud:3.4.1', resolved: 'fraud@sha256:1' }]);
    const second = await read(deployed('fraud@sha256:2'));
    const digests = [first, second].map((each) => each && changeDigest(effectiveDeployment(each)));
    expect(digests).toEqual([opened().digest, opened().digest]);
  });
  test('a variant with pools is read with every type and its priority', async () => {
    const seen = await variantOf((world) => {
      const { InstanceType: _, ...first } = world.configs[CONFIG]?.ProductionVariants?.[0] ?? { VariantName: '' };
      world.configs[CONFIG] = {
        ProductionVariants: [
          {
            ...first,
            InstancePools: [
              { InstanceType: 'ml.m5.large', Priority: 1 },
              { InstanceType: 'ml.m5.xlarge', Priority: 2 },
            ],
          },
        ],
      };
    });
    expect(seen).toMatchObject({
      kind: 'instance-pool',
      pools: [
        { instanceType: 'ml.m5.large', priority: 1 },
        { instanceType: 'ml.m5.xlarge', priority: 2 },
      ],
    });
  });
  test('a serverless variant is read live before configured, and has no scaling to ask about', async () => {
    const aws = fakeAws();
    aws.world.configs[CONFIG] = {
      ProductionVariants: [
        {
          VariantName: 'AllTraffic',
          ModelName: 'fraud-2026-11-19',
          ServerlessConfig: { MemorySizeInMB: 1024, MaxConcurrency: 5 },
        },
      ],
    };
    live(aws.world, {
      DesiredServerlessConfig: { MemorySizeInMB: 2048, MaxConcurrency: 20, ProvisionedConcurrency: 3 },
    });
    expect((await readEndpoint(aws.services, endpoint))?.variants).toMatchObject([
      { kind: 'serverless', memorySizeMb: 2048, maxConcurrency: 20, provisionedConcurrency: 3 },
    ]);
    expect(aws.calls).not.toContain('DescribeScalableTargets');
  });
  test('a variant of an endpoint that answers from a queue says so', async () => {
    const seen = await read((world) => {
      world.configs[CONFIG] = {
        ...world.configs[CONFIG],
        AsyncInferenceConfig: { OutputConfig: { S3OutputPath: 's3://answers/fraud' } },
      };
    });
    expect(seen?.variants).toMatchObject([{ kind: 'instance', asynchronous: true }]);
    expect((await read())?.variants[0]).not.toHaveProperty('asynchronous');
  });
  test('a shadow variant is one', async () => {
    const seen = await read((world) => {
      world.configs[CONFIG] = {
        ...world.configs[CONFIG],
        ShadowProductionVariants: [
          {
            VariantName: 'shadow',
            ModelName: 'fraud-2026-11-19',
            InstanceType: 'ml.m5.xlarge',
            InitialInstanceCount: 1,
          },
        ],
      };
    });
    expect(seen?.variants.map(({ name, shadow }) => [name, shadow])).toEqual([
      ['AllTraffic', false],
      ['shadow', true],
    ]);
  });
  test('one with nothing to run on is an error, not a guess', async () => {
    const reading = read((world) => {
      world.configs[CONFIG] = { ProductionVariants: [{ VariantName: 'AllTraffic' }] };
    });
    await expect(reading).rejects.toMatchObject({
      name: 'UnreadableFactsError',
      message: expect.stringContaining('an unknown kind'),
    });
    const noType = read((world) => {
      world.configs[CONFIG] = { ProductionVariants: [{ VariantName: 'AllTraffic', ModelName: 'fraud-2026-11-19' }] };
    });
    await expect(noType).rejects.toMatchObject({
      name: 'UnreadableFactsError',
      message: 'Variant AllTraffic has no instance type.',
    });
  });
});

describe('the settings of the config', () => {
  test('without data capture there is none', async () => {
    expect(
      (
        await read((world) => {
          delete world.configs[CONFIG]?.DataCaptureConfig;
        })
      )?.dataCapture,
    ).toBeNull();
  });
  test('capture is on unless it is switched off, as in the API', async () => {
    const capture = { InitialSamplingPercentage: 5, DestinationS3Uri: 's3://c', KmsKeyId: 'k', CaptureOptions: [] };
    const seen = await read((world) => {
      world.configs[CONFIG] = { ...world.configs[CONFIG], DataCaptureConfig: capture };
    });
    expect(seen?.dataCapture).toEqual({
      enabled: true,
      samplingPercentage: 5,
      destinationS3Uri: 's3://c',
      kmsKeyId: 'k',
      directions: [],
      live: { status: 'Started', samplingPercentage: 20 },
    });
    const off = await read((world) => {
      world.configs[CONFIG] = { ...world.configs[CONFIG], DataCaptureConfig: { ...capture, EnableCapture: false } };
    });
    expect(off?.dataCapture?.enabled).toBe(false);
  });
  test.each([
    [{ RollingUpdatePolicy: {} }, 'rolling'],
    [{ BlueGreenUpdatePolicy: {} }, 'blue-green'],
    [undefined, 'none'],
  ])('the last deployment %j was %s', async (LastDeploymentConfig, strategy) => {
    const seen = await read((world) => {
      world.endpoint = { ...world.endpoint, LastDeploymentConfig: LastDeploymentConfig as never };
    });
    expect(seen?.deployment).toEqual({
      known: true,
      strategy,
      rollbackAlarms: [],
      bakeSeconds: 0,
      deploymentConfig: LastDeploymentConfig ?? null,
    });
  });
});

describe('how it reads', () => {
  test('an ordinary endpoint takes thirteen calls, four deep', async () => {
    const aws = fakeAws();
    const seen = countWaves(aws);
    await readEndpoint(aws.services, endpoint);
    expect([...aws.calls].sort()).toEqual([
      'DescribeAlarms',
      'DescribeDataQualityJobDefinition',
      'DescribeEndpoint',
      'DescribeEndpointConfig',
      'DescribeModel',
      'DescribeMonitoringSchedule',
      'DescribeScalableTargets',
      'GetBucketEncryption',
      'HeadObject',
      'HeadObject',
      'ListAlarmMuteRules',
      'ListMonitoringSchedules',
      'ListTags',
    ]);
    expect(seen.waves).toBeLessThanOrEqual(4);
  });

  test('what an event names and what the reading before asked for by name is looked up at once', async () => {
    const aws = fakeAws();
    const cold = countWaves(aws);
    await readEndpoint(aws.services, endpoint, { expectedConfig: CONFIG });
    expect(cold.waves).toBeLessThanOrEqual(3);
    aws.calls.length = 0;
    const warm = countWaves(aws);
    expect(await readEndpoint(aws.services, endpoint, { expectedConfig: CONFIG })).toEqual(facts());
    expect(warm.waves).toBe(1);
    expect([...aws.calls].sort()).toEqual(['DescribeAlarms', 'DescribeEndpoint', 'ListMonitoringSchedules']);
  });

  test('and where the names are others by now, the others are read, and nothing else is told', async () => {
    const aws = fakeAws();
    await readEndpoint(aws.services, endpoint);
    aws.world.schedules = [];
    aws.world.described = {};
    const alarms = { AutoRollbackConfiguration: { Alarms: [{ AlarmName: 'fraud-prod-5xx' }] } };
    aws.world.endpoint = { ...aws.world.endpoint, LastDeploymentConfig: alarms };
    const seen = await readEndpoint(aws.services, endpoint, { expectedConfig: 'another' });
    expect(seen).toMatchObject({ configName: CONFIG, monitors: [], deployment: { known: true } });
    expect(seen?.deployment.known && seen.deployment.rollbackAlarms.map(({ name }) => name)).toEqual([
      'fraud-prod-5xx',
    ]);
  });

  test('again within a minute, what never or slowly changes is not read again', async () => {
    const aws = fakeAws();
    await readEndpoint(aws.services, endpoint);
    aws.calls.length = 0;
    await readEndpoint(aws.services, endpoint);
    expect(aws.calls).toEqual(
      expect.arrayContaining(['DescribeAlarms', 'DescribeEndpoint', 'ListMonitoringSchedules']),
    );
    for (const slow of [
      'DescribeDataQualityJobDefinition',
      'DescribeEndpointConfig',
      'DescribeModel',
      'GetBucketEncryption',
      'HeadObject',
    ]) {
      expect(aws.calls).not.toContain(slow);
    }
  });

  test('a minute later, or when asked for fresh facts, everything is read again', async () => {
    const aws = fakeAws();
    await readEndpoint(aws.services, endpoint);
    aws.calls.length = 0;
    await readEndpoint(aws.services, endpoint, { fresh: true });
    expect(aws.calls).toHaveLength(13);
    aws.clock.advance(61);
    await readEndpoint(aws.services, endpoint);
    expect(aws.calls).toHaveLength(26);
  });

  test('without a cache nothing is reused', async () => {
    const aws = fakeAws({ config: config({ file: ConfigFile.parse({ reading: { cacheSeconds: 0 } }) }) });
    await readEndpoint(aws.services, endpoint);
    await readEndpoint(aws.services, endpoint);
    expect(aws.calls).toHaveLength(26);
  });

  test('the reading is stamped before its first call, so that everything earlier is in it', async () => {
    const aws = fakeAws();
    aws.world.before = () => void aws.clock.advance(1);
    expect((await readEndpoint(aws.services, endpoint))?.readAt).toBe(facts().readAt);
  });

  test('never more calls are under way than configured', async () => {
    const aws = fakeAws({ config: config({ file: ConfigFile.parse({ reading: { concurrency: 3 } }) }) });
    const uris = Array.from({ length: 20 }, (_, index) => `s3://ml-artifacts-prod/part-${index}`);
    for (const uri of uris) aws.world.objects[uri.slice('s3://'.length)] = { ServerSideEncryption: 'AES256' };
    aws.world.models['fraud-2026-11-19'] = { Containers: uris.map((ModelDataUrl) => ({ ModelDataUrl })) };
    const seen = countWaves(aws);
    expect((await readEndpoint(aws.services, endpoint))?.artifacts).toHaveLength(20);
    expect(seen.most).toBe(3);
  });
});

test.each([
  [awsError('ValidationException', 'Could not find endpoint "x".'), true],
  [awsError('ResourceNotFound'), true],
  [awsError('ValidationException', '1 validation error detected'), false],
  [awsError('AccessDeniedException', 'could not find'), false],
])('%s is missing: %s', (error, expected) => {
  expect(isMissing(error)).toBe(expected);
});
