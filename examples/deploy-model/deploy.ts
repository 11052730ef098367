// Deploys a model as its plan says, once the plan has been accepted. Run it with Node 24 or newer:
//
//   node examples/deploy-model/deploy.ts examples/plans/churn-staging.yaml --role ROLE_ARN [options of "portcullis plan submit"]
//
// It ends with the exit code of `portcullis plan submit --wait` where the plan may not be carried out, so that a pipeline
// stops there. What it then makes is exactly what the plan says: Portcullis compares, and asks nobody again.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ApplicationAutoScalingClient, RegisterScalableTargetCommand } from '@aws-sdk/client-application-auto-scaling';
import {
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  CreateModelCommand,
  type DeploymentConfig,
  DescribeEndpointCommand,
  type ProductionVariant,
  SageMakerClient,
  UpdateEndpointCommand,
} from '@aws-sdk/client-sagemaker';
import { parse } from 'yaml';
import { DeploymentPlan } from '../../shared/model/deployment-plan.ts';

const [file = '', flag, role = '', ...options] = process.argv.slice(2);
if (file === '' || flag !== '--role' || role === '') {
  console.error('usage: node deploy.ts PLAN --role ROLE_ARN [options of "portcullis plan submit"]');
  process.exit(64);
}
const plan = DeploymentPlan.parse(parse(readFileSync(file, 'utf8')));

// 1. Ask, and wait for the answer. Progress goes to the terminal; how it ended is JSON.
const portcullis = fileURLToPath(new URL('../../bin/portcullis.mjs', import.meta.url));
const asked = spawnSync(process.execPath, [portcullis, 'plan', 'submit', file, '--wait', '--json', ...options], {
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'inherit'],
});
if (asked.status !== 0) {
  console.error(asked.stdout);
  process.exit(asked.status ?? 2);
}
const accepted = JSON.parse(asked.stdout) as { id: string };

// 2. Make it. Names are new each time; Portcullis compares what runs, not what it is called.
const region = plan.region ?? process.env.AWS_REGION ?? 'us-east-1';
const sagemaker = new SageMakerClient({ region });
const suffix = new Date().toISOString().replace(/\D/g, '').slice(0, 14);
const configName = `${plan.endpoint}-${suffix}`.slice(-63);

type PlannedVariant = DeploymentPlan['variants'][number];

/** The name of the planned model; one that is only described is made. */
async function modelFor({ name, model }: PlannedVariant): Promise<string> {
  if (!model) throw new Error(`variant ${name} hosts inference components, which this example does not make`);
  if (model.name !== undefined) return model.name;
  const [artifact, ...more] = model.artifacts;
  if (more.length > 0) throw new Error(`variant ${name} has several artifacts; name a model instead`);
  const ModelName = `${configName}-${name}`.slice(0, 63);
  await sagemaker.send(
    new CreateModelCommand({
      ModelName,
      ExecutionRoleArn: role,
      PrimaryContainer: {
        Image: model.image,
        Mode: model.multiModel ? 'MultiModel' : 'SingleModel',
        ...(artifact !== undefined && { ModelDataUrl: artifact }),
        ...(model.environment && { Environment: model.environment }),
      },
    }),
  );
  return ModelName;
}

async function variantFrom(planned: PlannedVariant): Promise<ProductionVariant> {
  const { name, weight, serverless, instanceType, instancePools, instances } = planned;
  const common = { VariantName: name, InitialVariantWeight: weight, ModelName: await modelFor(planned) };
  if (serverless) {
    const { memorySizeMb, maxConcurrency, provisionedConcurrency } = serverless;
    return {
      ...common,
      ServerlessConfig: {
        MemorySizeInMB: memorySizeMb,
        MaxConcurrency: maxConcurrency,
        ...(provisionedConcurrency !== undefined && { ProvisionedConcurrency: provisionedConcurrency }),
      },
    };
  }
  const pools = instancePools?.map((type, index) => ({
    InstanceType: type as ProductionVariant['InstanceType'],
    Priority: index + 1,
  }));
  return {
    ...common,
    InitialInstanceCount: instances,
    ...(pools ? { InstancePools: pools } : { InstanceType: instanceType as ProductionVariant['InstanceType'] }),
  } as ProductionVariant;
}

async function variants(shadow: boolean): Promise<ProductionVariant[]> {
  return Promise.all(plan.variants.filter((each) => each.shadow === shadow).map(variantFrom));
}

if (plan.asynchronous) throw new Error('the plan is of an asynchronous endpoint, and no plan says where answers go');
const { dataCapture, deploymentConfig } = plan;
const shadows = await variants(true);
await sagemaker.send(
  new CreateEndpointConfigCommand({
    EndpointConfigName: configName,
    ProductionVariants: await variants(false),
    ...(shadows.length > 0 && { ShadowProductionVariants: shadows }),
    ...(plan.volumeKmsKeyId !== undefined && { KmsKeyId: plan.volumeKmsKeyId }),
    ...(dataCapture && {
      DataCaptureConfig: {
        EnableCapture: true,
        InitialSamplingPercentage: dataCapture.samplingPercentage,
        DestinationS3Uri: dataCapture.destinationS3Uri,
        ...(dataCapture.kmsKeyId !== undefined && { KmsKeyId: dataCapture.kmsKeyId }),
        CaptureOptions: [{ CaptureMode: 'Input' }, { CaptureMode: 'Output' }],
      },
    }),
  }),
);

const strategy: DeploymentConfig =
  deploymentConfig.strategy === 'rolling'
    ? {
        RollingUpdatePolicy: {
          MaximumBatchSize: { Type: 'CAPACITY_PERCENT', Value: 50 },
          WaitIntervalInSeconds: 600,
        },
      }
    : {
        BlueGreenUpdatePolicy: {
          TrafficRoutingConfiguration: { Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 600 },
        },
      };
const howItGetsThere: DeploymentConfig = {
  ...strategy,
  AutoRollbackConfiguration: { Alarms: deploymentConfig.rollbackAlarms.map((AlarmName) => ({ AlarmName })) },
};

const endpoint = { EndpointName: plan.endpoint };
const exists = await sagemaker.send(new DescribeEndpointCommand(endpoint)).then(
  () => true,
  (error: Error) => {
    if (/could not find/i.test(error.message)) return false;
    throw error;
  },
);
const target = { ...endpoint, EndpointConfigName: configName, DeploymentConfig: howItGetsThere };
if (exists) await sagemaker.send(new UpdateEndpointCommand(target));
else {
  // The tag is what tells Portcullis the environment.
  const Tags = [{ Key: 'environment', Value: plan.environment }];
  await sagemaker.send(new CreateEndpointCommand({ ...target, Tags }));
}

// 3. Bounds of auto scaling belong to the plan, too. The state before them is a step on the way to it.
for (const { name, scaling } of plan.variants) {
  if (!scaling) continue;
  await new ApplicationAutoScalingClient({ region }).send(
    new RegisterScalableTargetCommand({
      ServiceNamespace: 'sagemaker',
      ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
      ResourceId: `endpoint/${plan.endpoint}/variant/${name}`,
      MinCapacity: scaling.min,
      MaxCapacity: scaling.max,
    }),
  );
}
console.log(`${plan.endpoint} is being moved to ${configName}, as plan ${accepted.id} says.`);
