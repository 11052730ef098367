import { describe, expect, test } from 'vitest';
import { readEndpoint } from '../../shared/aws/endpoint-reader.ts';
import { digestOf } from '../../shared/model/canonical-json.ts';
import { endpoint } from '../builders.ts';
import { fakeAws, type World } from '../fake-aws.ts';

const CONFIG = 'fraud-prod-cfg-18';
const MODEL = 'fraud-2026-11-19';

async function read(change: (world: World) => void) {
  const aws = fakeAws();
  change(aws.world);
  const facts = await readEndpoint(aws.services, endpoint);
  if (!facts) throw new Error('the endpoint is gone');
  return { facts, calls: aws.calls };
}
type Container = NonNullable<World['models'][string]['PrimaryContainer']>;
const withContainers = async (...Containers: Container[]) =>
  (
    await read((world) => {
      world.models[MODEL] = { Containers };
    })
  ).facts;
const urisOf = async (...containers: Container[]) =>
  (await withContainers(...containers)).artifacts.map(({ uri }) => uri).sort();

describe('every source of artifacts is found', () => {
  const source = (S3Uri: string, more = {}) => ({
    S3DataSource: { S3Uri, S3DataType: 'S3Prefix' as const, CompressionType: 'None' as const, ...more },
  });
  test.each<[string, Container, string[]]>([
    ['ModelDataUrl', { ModelDataUrl: 's3://b/m.tar.gz' }, ['s3://b/m.tar.gz']],
    ['ModelDataSource', { ModelDataSource: source('s3://b/m/') }, ['s3://b/m/']],
    [
      'its manifest',
      { ModelDataSource: source('s3://b/m/', { ManifestS3Uri: 's3://b/manifest' }) },
      ['s3://b/m/', 's3://b/manifest'],
    ],
    [
      'AdditionalModelDataSources',
      {
        ModelDataUrl: 's3://b/0',
        AdditionalModelDataSources: [
          { ChannelName: 'a', ...source('s3://b/1') },
          { ChannelName: 'b', ...source('s3://b/2') },
        ],
      },
      ['s3://b/0', 's3://b/1', 's3://b/2'],
    ],
    ['no model data at all, which is legal', { Image: 'x' }, []],
  ])('%s', async (_what, container, uris) => {
    expect(await urisOf(container)).toEqual(uris);
  });

  test('of every container', async () => {
    expect(await urisOf({ ModelDataUrl: 's3://b/1' }, { ModelDataUrl: 's3://b/2' })).toEqual(['s3://b/1', 's3://b/2']);
  });
  test('of a model package, with its image', async () => {
    const { facts } = await read((world) => {
      world.models[MODEL] = { PrimaryContainer: { ModelPackageName: 'fraud/42' } };
      world.packages['fraud/42'] = {
        InferenceSpecification: {
          Containers: [
            { Image: 'packaged', ModelDataUrl: 's3://b/p.tar.gz' },
            { Image: 'second', ModelDataSource: source('s3://b/q/') },
          ],
        },
      };
    });
    expect(facts.variants[0]?.models[0]?.containers[0]).toMatchObject({
      image: 'packaged',
      artifactUris: ['s3://b/p.tar.gz', 's3://b/q/'],
    });
  });
  test('of models that pools put in place of the variant’s own', async () => {
    const { facts } = await read((world) => {
      world.models.other = { PrimaryContainer: { ModelDataUrl: 's3://b/other' } };
      world.configs[CONFIG] = {
        ProductionVariants: [
          {
            VariantName: 'AllTraffic',
            ModelName: MODEL,
            InstancePools: [{ InstanceType: 'ml.m5.large', Priority: 1, ModelNameOverride: 'other' }],
          },
        ],
      };
    });
    expect(facts.variants[0]?.models.map(({ name }) => name)).toEqual([MODEL, 'other']);
    expect(facts.artifacts.map(({ uri }) => uri)).toContain('s3://b/other');
  });
  test('the same address in two containers is looked at once', async () => {
    expect(await urisOf({ ModelDataUrl: 's3://b/1' }, { ModelDataUrl: 's3://b/1' })).toEqual(['s3://b/1']);
  });
});

describe('a container', () => {
  test('is single-model unless it says otherwise', async () => {
    const facts = await withContainers({ Image: 'a' }, { Image: 'b', Mode: 'MultiModel' });
    expect(facts.variants[0]?.models[0]?.containers.map(({ mode }) => mode)).toEqual(['SingleModel', 'MultiModel']);
  });
  test('shows its environment variables only as a digest, since people put secrets there', async () => {
    const facts = await withContainers(
      { Image: 'a', Environment: { B: '2', PASSWORD: 'hunter2' } },
      { Image: 'b', Environment: {} },
    );
    expect(facts.variants[0]?.models[0]?.containers.map(({ environmentSha256 }) => environmentSha256)).toEqual([
      digestOf({ PASSWORD: 'hunter2', B: '2' }),
      null,
    ]);
    expect(JSON.stringify(facts)).not.toContain('hunter2');
  });
});

describe('inference components', () => {
  const host = (world: World, components: World['components']) => {
    world.configs[CONFIG] = {
      ProductionVariants: [{ VariantName: 'AllTraffic', InstanceType: 'ml.g5.xlarge', InitialInstanceCount: 2 }],
    };
    world.components = Object.fromEntries(
      Object.entries(components).map(([name, each]) => [name, { VariantName: 'AllTraffic', ...each }]),
    );
  };
  const componentsOf = async (components: World['components'], pageSize = 100) => {
    const { facts, calls } = await read((world) => {
      host(world, components);
      world.pageSize = pageSize;
    });
    const [variant] = facts.variants;
    if (variant?.kind !== 'inference-component-host') throw new Error(`read as ${variant?.kind}`);
    return { ...variant, artifacts: facts.artifacts.map(({ uri }) => uri), calls };
  };

  test('with a container of their own are read with its image and artifact', async () => {
    const { components, artifacts, instanceTypes } = await componentsOf({
      ic: {
        Specification: {
          Container: {
            DeployedImage: { SpecifiedImage: 'llm:1' },
            ArtifactUrl: 's3://b/llm.tar.gz',
            Environment: { A: '1' },
          },
        },
        RuntimeConfig: { DesiredCopyCount: 3, CurrentCopyCount: 1 },
      } as never,
    });
    expect(instanceTypes).toEqual(['ml.g5.xlarge']);
    expect(components).toEqual([
      {
        name: 'ic',
        copies: 3,
        baseComponent: null,
        rollbackAlarms: null,
        model: {
          name: 'ic',
          containers: [
            {
              image: 'llm:1',
              mode: 'SingleModel',
              environmentSha256: digestOf({ A: '1' }),
              artifactUris: ['s3://b/llm.tar.gz'],
            },
          ],
        },
      },
    ]);
    expect(artifacts).toEqual(['s3://b/llm.tar.gz']);
  });
  test('with a model are read with it', async () => {
    const { components, artifacts } = await componentsOf({ ic: { Specification: { ModelName: MODEL } } as never });
    expect(components[0]?.model?.name).toBe(MODEL);
    expect(artifacts).toEqual(['s3://ml-artifacts-prod/fraud/model.tar.gz']);
  });
  test('with one specification per instance type are read from the first', async () => {
    const { components } = await componentsOf({ ic: { Specifications: [{ ModelName: MODEL }] } as never });
    expect(components[0]?.model?.name).toBe(MODEL);
  });
  test('that are adapters name their base', async () => {
    const { components } = await componentsOf({
      lora: { Specification: { BaseInferenceComponentName: 'base' } } as never,
    });
    expect(components).toEqual([{ name: 'lora', copies: 0, model: null, baseComponent: 'base', rollbackAlarms: null }]);
  });
  test('are listed to the end, and only those of the variant', async () => {
    const { components } = await componentsOf({ a: {}, b: {}, c: {}, elsewhere: { VariantName: 'Other' } }, 1);
    expect(components.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });
  test('are read every time, since no endpoint event tells of their change', async () => {
    const aws = fakeAws();
    host(aws.world, { ic: {} });
    await readEndpoint(aws.services, endpoint);
    aws.calls.length = 0;
    await readEndpoint(aws.services, endpoint);
    expect(aws.calls).toEqual(expect.arrayContaining(['ListInferenceComponents', 'DescribeInferenceComponent']));
  });
  test('may run on pools', async () => {
    const { facts } = await read((world) => {
      world.configs[CONFIG] = {
        ProductionVariants: [
          {
            VariantName: 'AllTraffic',
            InstancePools: [
              { InstanceType: 'ml.g5.xlarge', Priority: 1 },
              { InstanceType: 'ml.g5.2xlarge', Priority: 2 },
            ],
          },
        ],
      };
    });
    expect(facts.variants[0]).toMatchObject({
      kind: 'inference-component-host',
      instanceTypes: ['ml.g5.xlarge', 'ml.g5.2xlarge'],
    });
  });
});
