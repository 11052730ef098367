import {
  type ContainerDefinition,
  DescribeInferenceComponentCommand,
  DescribeModelCommand,
  DescribeModelPackageCommand,
  type InferenceComponentSpecificationSummary,
  type ModelPackageContainerDefinition,
  paginateListInferenceComponents,
} from '@aws-sdk/client-sagemaker';
import { digestOf } from '../model/canonical-json.ts';
import type { Container, InferenceComponent, Model } from '../model/variant.ts';
import { alarmNamesOf } from './alarm-reader.ts';
import type { Reading } from './endpoint-reader.ts';

type AnyContainer = Pick<ContainerDefinition, 'Image' | 'Mode' | 'ModelDataUrl' | 'ModelDataSource' | 'Environment'> &
  Pick<ContainerDefinition, 'AdditionalModelDataSources' | 'ModelPackageName'>;

const present = (values: (string | undefined)[]) => values.filter((value): value is string => Boolean(value));

/** Every place a container loads data from. */
function artifactUrisOf(container: AnyContainer | ModelPackageContainerDefinition): string[] {
  const additional = 'AdditionalModelDataSources' in container ? (container.AdditionalModelDataSources ?? []) : [];
  const sources = [container.ModelDataSource?.S3DataSource, ...additional.map(({ S3DataSource }) => S3DataSource)];
  return present([container.ModelDataUrl, ...sources.flatMap((source) => [source?.S3Uri, source?.ManifestS3Uri])]);
}

/** No variables are the same as none given. */
const digestOfEnvironment = (variables: Record<string, string> = {}) =>
  Object.keys(variables).length > 0 ? digestOf(variables) : null;

async function containerFrom({ services, cache, call }: Reading, container: AnyContainer): Promise<Container> {
  const uris = artifactUrisOf(container);
  let image = container.Image ?? null;
  const packageName = container.ModelPackageName;
  if (packageName) {
    const found = await cache.get(`package:${packageName}`, () =>
      call(() => services.sagemaker.send(new DescribeModelPackageCommand({ ModelPackageName: packageName }))),
    );
    const packaged = found.InferenceSpecification?.Containers ?? [];
    uris.push(...packaged.flatMap(artifactUrisOf));
    image ??= packaged[0]?.Image ?? null;
  }
  return {
    image,
    mode: container.Mode ?? 'SingleModel',
    environmentSha256: digestOfEnvironment(container.Environment),
    artifactUris: [...new Set(uris)],
  };
}

/** A model with every artifact source of every container. */
export async function readModel(reading: Reading, name: string): Promise<Model> {
  const { services, ref, cache, call } = reading;
  return cache.get(`model:${ref.region}:${name}`, async () => {
    const model = await call(() => services.sagemaker.send(new DescribeModelCommand({ ModelName: name })));
    const containers = model.Containers?.length
      ? model.Containers
      : model.PrimaryContainer
        ? [model.PrimaryContainer]
        : [];
    return { name, containers: await Promise.all(containers.map((container) => containerFrom(reading, container))) };
  });
}

async function modelOfComponent(
  reading: Reading,
  name: string,
  specification: InferenceComponentSpecificationSummary | undefined,
): Promise<Model | null> {
  if (specification?.ModelName) return readModel(reading, specification.ModelName);
  const container = specification?.Container;
  if (!container) return null;
  return {
    name,
    containers: [
      {
        image: container.DeployedImage?.SpecifiedImage ?? null,
        mode: 'SingleModel',
        environmentSha256: digestOfEnvironment(container.Environment),
        artifactUris: present([container.ArtifactUrl]),
      },
    ],
  };
}

/** The inference components that run on a variant. They change without any endpoint event, so they are never cached. */
export async function readComponents(reading: Reading, variant: string): Promise<InferenceComponent[]> {
  const { services, ref, call } = reading;
  const names = await call(async () => {
    const found: string[] = [];
    const pages = paginateListInferenceComponents(
      { client: services.sagemaker, pageSize: 100 },
      { EndpointNameEquals: ref.name, VariantNameEquals: variant },
    );
    for await (const page of pages) {
      found.push(
        ...present((page.InferenceComponents ?? []).map(({ InferenceComponentName }) => InferenceComponentName)),
      );
    }
    return found;
  });
  return Promise.all(
    names.map(async (name) => {
      const component = await call(() =>
        services.sagemaker.send(new DescribeInferenceComponentCommand({ InferenceComponentName: name })),
      );
      // With one specification per instance type the singular is absent.
      const specification = component.Specification ?? component.Specifications?.[0];
      return {
        name,
        copies: component.RuntimeConfig?.DesiredCopyCount ?? 0,
        model: await modelOfComponent(reading, name, specification),
        baseComponent: specification?.BaseInferenceComponentName ?? null,
        // Updates of a component are deployments of their own, with alarms of their own.
        rollbackAlarms: component.LastDeploymentConfig
          ? alarmNamesOf(component.LastDeploymentConfig.AutoRollbackConfiguration)
          : null,
      };
    }),
  );
}
