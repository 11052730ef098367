import { describe, expect, test } from 'vitest';
import type * as z from 'zod';
import { DeploymentPlan } from '../../shared/model/deployment-plan.ts';
import { changeDigest, effectiveDeployment } from '../../shared/model/effective-deployment.ts';
import { EndpointFacts } from '../../shared/model/endpoint-facts.ts';
import { decide } from '../../shared/model/finding.ts';
import { factsFromPlan } from '../../shared/model/planned-facts.ts';
import { evaluate } from '../../shared/policies/index.ts';
import {
  ARTIFACT,
  endpoint,
  facts,
  instanceVariant,
  model,
  NOW,
  poolVariant,
  serverlessVariant,
  settings,
} from '../builders.ts';

type Given = z.input<typeof DeploymentPlan>;
const variant: Given['variants'][number] = {
  model: { image: 'fraud:3.4.1', artifacts: [ARTIFACT] },
  instanceType: 'ml.m5.large',
  instances: 2,
};
const perfect: Given = {
  kind: 'DeploymentPlan',
  endpoint: endpoint.name,
  account: endpoint.account,
  region: endpoint.region,
  environment: 'prod',
  variants: [variant],
  dataCapture: { samplingPercentage: 20, destinationS3Uri: 's3://ml-capture-prod/fraud' },
  deploymentConfig: { rollbackAlarms: ['ModelMonitorAlarm', 'fraud-prod-DataDriftAlarm'] },
  monitors: [{ type: 'DataQuality', baseline: 's3://ml-artifacts-prod/fraud/constraints.json' }],
  artifactEncryption: 'SSE-S3',
};
const planned = (overrides: Partial<Given> = {}) =>
  factsFromPlan(DeploymentPlan.parse({ ...perfect, ...overrides }), NOW);
const withVariant = (overrides: Partial<Given['variants'][number]>) =>
  planned({ variants: [{ ...variant, ...overrides }] });
const outcomes = (read: EndpointFacts) =>
  Object.fromEntries(evaluate(read, settings()).map(({ policy, outcome }) => [policy, outcome]));

describe('factsFromPlan', () => {
  test('the perfect plan asks for approval and has nothing else against it, like the endpoint it describes', () => {
    expect(EndpointFacts.parse(planned())).toEqual(planned());
    expect(outcomes(planned())).toEqual(outcomes(facts()));
    expect(decide(evaluate(planned(), settings()))).toBe('needs-approval');
  });

  test('what the plan declares counts as there, settled and in force', () => {
    const rollbackAlarms = [
      { name: 'ModelMonitorAlarm', actionsEnabled: true, watchesEndpoint: true },
      { exists: true },
    ];
    expect(planned()).toMatchObject({
      endpoint,
      environment: { name: 'prod', evidence: 'the plan says prod' },
      status: 'InService',
      underWay: false,
      readAt: NOW,
      reusedSince: null,
      deployment: { known: true, rollbackAlarms },
      dataCapture: { enabled: true, samplingPercentage: 20, kmsKeyId: null },
      artifacts: [{ uri: ARTIFACT, version: null, bucket: { name: 'ml-artifacts-prod' } }],
    });
    expect(planned({ dataCapture: undefined }).dataCapture).toBeNull();
  });

  test('a plan and the endpoint made by it are one deployment, as far as artifacts have no versions', () => {
    const image = {
      ...model(),
      containers: [{ image: 'fraud:3.4.1', mode: 'SingleModel' as const, environmentSha256: null, artifactUris: [] }],
    };
    const live = facts({ artifacts: [], variants: [instanceVariant({ models: [image] })] });
    const digest = (read: EndpointFacts) => changeDigest(effectiveDeployment(read));
    expect(digest(withVariant({ model: { image: 'fraud:3.4.1' } }))).toBe(digest(live));
    expect(digest(withVariant({ model: { image: 'fraud:3.4.2' } }))).not.toBe(digest(live));
  });

  test.each<[string, Partial<Given>, string]>([
    ['no word about encryption', { artifactEncryption: undefined }, 'encrypted-artifacts'],
    ['artifacts that will not be encrypted', { artifactEncryption: 'none' }, 'encrypted-artifacts'],
    ['no alarms', { deploymentConfig: {} }, 'rollback-alarms'],
    ['no monitors: what a plan leaves out is missing, not late', { monitors: [] }, 'prod-model-monitor'],
    ['a monitor without a baseline', { monitors: [{ type: 'ModelBias' }] }, 'prod-model-monitor'],
    ['one instance', { variants: [{ ...variant, instances: 1 }] }, 'prod-min-instances'],
    ['too much money', { variants: [{ ...variant, instanceType: 'ml.p4d.24xlarge' }] }, 'prod-budget'],
  ])('%s is a violation before anything is made', (_what, overrides, policy) => {
    const violated = Object.entries(outcomes(planned(overrides))).filter(([, outcome]) => outcome === 'violation');
    expect(violated.map(([name]) => name)).toEqual([policy]);
  });

  test('every kind of variant is planned as it will be read', () => {
    expect(withVariant({ scaling: { min: 1, max: 5 } }).variants[0]).toMatchObject({
      desiredInstances: 2,
      minInstances: 1,
      maxInstances: 5,
      scaledBy: 'application-auto-scaling',
    });
    const pools = { instanceType: undefined, instancePools: ['ml.m5.large', 'ml.m5.xlarge'] };
    expect(withVariant(pools).variants[0]).toMatchObject({ kind: 'instance-pool', pools: poolVariant().pools });
    const serverless = {
      instanceType: undefined,
      instances: undefined,
      serverless: { memorySizeMb: 2048, maxConcurrency: 20 },
    };
    const { models: _, ...settingsOfIt } = serverlessVariant();
    expect(withVariant(serverless).variants[0]).toMatchObject(settingsOfIt);
    expect(withVariant({ shadow: true, weight: 0 }).variants[0]).toMatchObject({ shadow: true, weight: 0 });
    expect(
      withVariant({ model: { multiModel: true, environment: { A: '1' } } }).variants[0]?.models[0]?.containers[0],
    ).toMatchObject({
      image: null,
      mode: 'MultiModel',
      environmentSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });
});

describe('a plan', () => {
  test.each<[string, object]>([
    ['of another kind', { kind: 'Plan' }],
    ['without variants', { variants: [] }],
    ['with a name that AWS would refuse', { endpoint: 'not_a_name' }],
    ['with no environment', { environment: undefined }],
    ['with an artifact that is not in S3', { variants: [{ ...variant, model: { artifacts: ['/tmp/x'] } }] }],
    ['with nothing to run on', { variants: [{ instances: 1 }] }],
    ['with two things to run on', { variants: [{ ...variant, instancePools: ['ml.m5.large'] }] }],
    ['without a number of instances', { variants: [{ instanceType: 'ml.m5.large' }] }],
    ['with a misspelt field', { alarms: [] }],
  ])('%s is refused', (_what, broken) => {
    expect(DeploymentPlan.safeParse({ ...perfect, ...broken }).success).toBe(false);
  });
  test('the perfect one is not', () => expect(DeploymentPlan.safeParse(perfect).success).toBe(true));
});
