import { beforeEach, describe, expect, test } from 'vitest';
import { autoScaling } from '../../local/aws/auto-scaling.ts';
import { resumeTransitions, sagemaker } from '../../local/aws/sagemaker.ts';
import { readEvent } from '../../shared/model/aws-event.ts';
import {
  callerOf,
  detailTypes,
  fixture,
  inMemoryLoopback,
  START,
  shapeOf,
  type TestLoopback,
} from './in-memory-loopback.ts';

const IMAGE = '111122223333.dkr.ecr.us-east-1.amazonaws.com/fraud:3.4.1';
const ARN = 'arn:aws:sagemaker:us-east-1:111122223333';
const ALARMS = { AutoRollbackConfiguration: { Alarms: [{ AlarmName: 'fraud-prod-DataDriftAlarm' }] } };

let loopback: TestLoopback;
let call: ReturnType<typeof callerOf>;

function start(transitionMs = 0): void {
  loopback = inMemoryLoopback(transitionMs);
  call = callerOf({ ...sagemaker(loopback), ...autoScaling(loopback) });
}
beforeEach(() => start());

const createModel = (name = 'fraud') =>
  call('CreateModel', {
    ModelName: name,
    PrimaryContainer: { Image: IMAGE, ModelDataUrl: 's3://models/fraud.tar.gz' },
  });
const variant = (more = {}) => ({
  VariantName: 'AllTraffic',
  ModelName: 'fraud',
  InitialInstanceCount: 2,
  InstanceType: 'ml.m5.large',
  ...more,
});
const createConfig = (name: string, variants: object[] = [variant()], more = {}) =>
  call('CreateEndpointConfig', { EndpointConfigName: name, ProductionVariants: variants, ...more });

/** An endpoint fraud-prod on config-1, in service; config-2 has three instances of another type. */
function createEndpoint(more = {}): void {
  createModel();
  createConfig('config-1');
  createConfig('config-2', [
    variant({ InitialInstanceCount: 3, InstanceType: 'ml.m5.xlarge', InitialVariantWeight: 0.5 }),
  ]);
  call('CreateEndpoint', { EndpointName: 'fraud-prod', EndpointConfigName: 'config-1', ...more });
  loopback.pass(loopback.transitionMs);
  loopback.events.length = 0;
}
const describeEndpoint = () => call('DescribeEndpoint', { EndpointName: 'fraud-prod' });
const update = (more = {}) =>
  call('UpdateEndpoint', { EndpointName: 'fraud-prod', EndpointConfigName: 'config-2', ...more });

describe('validation', () => {
  test('a missing endpoint, config and model are ValidationExceptions that name the ARN', () => {
    const error = (what: string, kind: string) =>
      expect.objectContaining({
        code: 'ValidationException',
        message: `Could not find ${what} "${ARN}:${kind}/none".`,
      });
    expect(() => call('DescribeEndpoint', { EndpointName: 'none' })).toThrow(error('endpoint', 'endpoint'));
    expect(() => call('DescribeEndpointConfig', { EndpointConfigName: 'none' })).toThrow(
      error('endpoint configuration', 'endpoint-config'),
    );
    expect(() => call('DescribeModel', { ModelName: 'none' })).toThrow(error('model', 'model'));
    expect(() => createConfig('config-1', [variant({ ModelName: 'none' })])).toThrow(error('model', 'model'));
  });
  test('missing schedules and job definitions are ResourceNotFound', () => {
    const notFound = expect.objectContaining({ code: 'ResourceNotFound' });
    expect(() => call('DescribeMonitoringSchedule', { MonitoringScheduleName: 'none' })).toThrow(notFound);
    expect(() => call('DescribeModelBiasJobDefinition', { JobDefinitionName: 'none' })).toThrow(notFound);
  });
  test('an endpoint that exists cannot be created again, whatever the case of its name', () => {
    createEndpoint();
    const message = `Cannot create already existing endpoint "${ARN}:endpoint/fraud-prod".`;
    expect(() => call('CreateEndpoint', { EndpointName: 'Fraud-Prod', EndpointConfigName: 'config-1' })).toThrow(
      message,
    );
  });
  test('all that is wrong with an input is said at once, by the names that AWS uses', () => {
    const create = () => createConfig('-bad', [variant({ InitialInstanceCount: 0 })]);
    expect(create).toThrow(
      /2 validation errors.*'endpointConfigName'.*'productionVariants\.1\.member\.initialInstanceCount'/,
    );
  });
  test('AutoRollbackConfiguration is no member of an endpoint config, and that is said', () => {
    createModel();
    expect(() => createConfig('config-1', [variant()], ALARMS)).toThrow(
      'Unknown parameter in input: "AutoRollbackConfiguration"',
    );
    expect(() => update(ALARMS)).toThrow('Unknown parameter in input: "AutoRollbackConfiguration"');
  });
  test.each([
    [
      'neither type nor pools nor serverless',
      [{ VariantName: 'a', ModelName: 'fraud', InitialInstanceCount: 1 }],
      /Exactly one of InstanceType/,
    ],
    [
      'serverless with instances',
      [variant({ ServerlessConfig: { MemorySizeInMB: 2048, MaxConcurrency: 5 } })],
      /Exactly one of InstanceType/,
    ],
    ['a type without a count', [variant({ InitialInstanceCount: undefined })], /InitialInstanceCount is required/],
    ['a host of components without a role', [variant({ ModelName: undefined })], /ExecutionRoleArn is required/],
    ['two variants of one name', [variant(), variant()], /must be unique/],
  ])('a config with %s is refused', (_what, variants, message) => {
    createModel();
    expect(() => createConfig('config-1', variants)).toThrow(message);
  });
  test('what was refused has stored nothing and emitted nothing', () => {
    createEndpoint();
    expect(() => update({ EndpointConfigName: 'none' })).toThrow('Could not find');
    expect(loopback.events).toEqual([]);
    expect(describeEndpoint()).toMatchObject({ EndpointStatus: 'InService', EndpointConfigName: 'config-1' });
  });
});

describe('the life of an endpoint', () => {
  test('it is created, goes into service after a while, and shows what it runs without an instance type', () => {
    start(1000);
    createModel();
    createConfig('config-1', [variant()], {
      DataCaptureConfig: {
        InitialSamplingPercentage: 20,
        DestinationS3Uri: 's3://capture',
        CaptureOptions: [{ CaptureMode: 'Input' }],
      },
    });
    call('CreateEndpoint', { EndpointName: 'fraud-prod', EndpointConfigName: 'config-1', DeploymentConfig: ALARMS });
    const creating = describeEndpoint();
    expect(creating).toMatchObject({
      EndpointStatus: 'Creating',
      EndpointConfigName: 'config-1',
      CreationTime: START / 1000,
      PendingDeploymentSummary: {
        EndpointConfigName: 'config-1',
        ProductionVariants: [
          { InstanceType: 'ml.m5.large', CurrentInstanceCount: 0, DesiredInstanceCount: 2, DesiredWeight: 1 },
        ],
      },
    });
    expect(creating).not.toHaveProperty('ProductionVariants');
    loopback.pass(999);
    expect(describeEndpoint()).toMatchObject({ EndpointStatus: 'Creating' });
    loopback.pass(1);
    const inService = describeEndpoint();
    expect(inService).toMatchObject({
      EndpointStatus: 'InService',
      LastDeploymentConfig: ALARMS,
      DataCaptureConfig: { EnableCapture: true, CaptureStatus: 'Started', CurrentSamplingPercentage: 20 },
      ProductionVariants: [
        {
          VariantName: 'AllTraffic',
          CurrentWeight: 1,
          CurrentInstanceCount: 2,
          DeployedImages: [
            { SpecifiedImage: IMAGE, ResolvedImage: expect.stringMatching(/fraud@sha256:[0-9a-f]{64}$/) },
          ],
        },
      ],
    });
    expect(JSON.stringify(inService)).not.toContain('InstanceType');
    expect(inService).not.toHaveProperty('PendingDeploymentSummary');
  });
  test('with no transition time it is in service when the call returns', () => {
    createEndpoint();
    expect(describeEndpoint()).toMatchObject({ EndpointStatus: 'InService' });
  });
  test('an update shows the old config on top and the new one pending, then serves the new one', () => {
    start(1000);
    createEndpoint({ DeploymentConfig: ALARMS });
    update();
    const updating = describeEndpoint();
    expect(updating).toMatchObject({
      EndpointStatus: 'Updating',
      EndpointConfigName: 'config-1',
      ProductionVariants: [{ CurrentInstanceCount: 2, DesiredInstanceCount: 2 }],
      PendingDeploymentSummary: {
        EndpointConfigName: 'config-2',
        StartTime: expect.any(Number),
        ProductionVariants: [{ InstanceType: 'ml.m5.xlarge', DesiredInstanceCount: 3, DesiredWeight: 0.5 }],
      },
    });
    expect(() => update()).toThrow(`Cannot update in-progress endpoint "${ARN}:endpoint/fraud-prod".`);
    expect(() => call('DeleteEndpoint', { EndpointName: 'fraud-prod' })).toThrow('Cannot update in-progress endpoint');
    loopback.pass(1000);
    expect(describeEndpoint()).toMatchObject({ EndpointStatus: 'InService', EndpointConfigName: 'config-2' });
  });
  test('an update without a DeploymentConfig drops the last one, unless it is retained', () => {
    createEndpoint({ DeploymentConfig: ALARMS });
    update({ RetainDeploymentConfig: true });
    expect(describeEndpoint()).toMatchObject({ LastDeploymentConfig: ALARMS });
    update({ EndpointConfigName: 'config-1' });
    expect(describeEndpoint()).not.toHaveProperty('LastDeploymentConfig');
  });
  test('retained variant properties stay as they are live, but for those excluded', () => {
    createEndpoint();
    update({
      RetainAllVariantProperties: true,
      ExcludeRetainedVariantProperties: [{ VariantPropertyType: 'DesiredWeight' }],
    });
    expect(describeEndpoint()).toMatchObject({ ProductionVariants: [{ DesiredInstanceCount: 2, DesiredWeight: 0.5 }] });
  });
  test('weights and counts change without a pending deployment', () => {
    start(1000);
    createEndpoint();
    const DesiredWeightsAndCapacities = [{ VariantName: 'AllTraffic', DesiredInstanceCount: 4, DesiredWeight: 0.25 }];
    call('UpdateEndpointWeightsAndCapacities', { EndpointName: 'fraud-prod', DesiredWeightsAndCapacities });
    const scaling = describeEndpoint();
    expect(scaling).toMatchObject({
      EndpointStatus: 'Updating',
      ProductionVariants: [{ CurrentInstanceCount: 2, DesiredInstanceCount: 4 }],
    });
    expect(scaling).not.toHaveProperty('PendingDeploymentSummary');
    loopback.pass(1000);
    expect(describeEndpoint()).toMatchObject({
      EndpointStatus: 'InService',
      ProductionVariants: [{ CurrentInstanceCount: 4, CurrentWeight: 0.25 }],
    });
    expect(JSON.stringify(describeEndpoint())).not.toContain('VariantStatus');
  });
  test('a deleted endpoint is deleting, then gone with its tags and scaling bounds', () => {
    start(1000);
    createEndpoint({ Tags: [{ Key: 'environment', Value: 'prod' }] });
    const scaling = { ServiceNamespace: 'sagemaker', ResourceId: 'endpoint/fraud-prod/variant/AllTraffic' };
    const target = { ...scaling, ScalableDimension: 'sagemaker:variant:DesiredInstanceCount' };
    call('RegisterScalableTarget', { ...target, MinCapacity: 1, MaxCapacity: 2 });
    call('DeleteEndpoint', { EndpointName: 'fraud-prod' });
    expect(describeEndpoint()).toMatchObject({ EndpointStatus: 'Deleting' });
    loopback.pass(1000);
    expect(() => describeEndpoint()).toThrow('Could not find endpoint');
    expect(loopback.store.keys('tags')).toEqual([]);
    expect(call('DescribeScalableTargets', { ServiceNamespace: 'sagemaker' })).toEqual({ ScalableTargets: [] });
  });
  test('a config named for it ends in a silent rollback to the old one', () => {
    start(1000);
    createEndpoint();
    createConfig('config-3-rollback', [variant({ InitialInstanceCount: 9 })]);
    update({ EndpointConfigName: 'config-3-rollback' });
    expect(describeEndpoint()).toMatchObject({ PendingDeploymentSummary: { EndpointConfigName: 'config-3-rollback' } });
    loopback.pass(1000);
    expect(describeEndpoint()).toMatchObject({
      EndpointStatus: 'InService',
      EndpointConfigName: 'config-1',
      ProductionVariants: [{ CurrentInstanceCount: 2 }],
    });
  });
  test('an update fails where the config in use has been deleted, as it does on AWS', () => {
    createEndpoint();
    call('DeleteEndpointConfig', { EndpointConfigName: 'config-1' });
    expect(() => update()).toThrow('Could not find endpoint configuration');
  });
  test('every status change has a later LastModifiedTime, even within one millisecond', () => {
    createEndpoint();
    const times = [describeEndpoint().LastModifiedTime];
    for (const config of ['config-2', 'config-1', 'config-2']) {
      update({ EndpointConfigName: config });
      times.push(describeEndpoint().LastModifiedTime);
    }
    expect(times).toEqual([...new Set(times)].sort());
    const told = loopback.events.filter((event) => event['detail-type'] === 'SageMaker Endpoint State Change');
    const modified = told.map(({ detail }) => detail.LastModifiedTime as number);
    expect(modified).toHaveLength(6);
    expect(modified).toEqual([...new Set(modified)].sort());
  });
  test('transitions under way go on after a restart', () => {
    start(1000);
    createEndpoint();
    update();
    loopback.loseTimers();
    loopback.pass(400);
    resumeTransitions(loopback);
    loopback.pass(599);
    expect(describeEndpoint()).toMatchObject({ EndpointStatus: 'Updating' });
    loopback.pass(1);
    expect(describeEndpoint()).toMatchObject({ EndpointStatus: 'InService', EndpointConfigName: 'config-2' });
  });
  test('pools, serverless and shadow variants show what is theirs', () => {
    createModel();
    createConfig(
      'config-1',
      [
        variant({
          InstanceType: undefined,
          InstancePools: [
            { InstanceType: 'ml.g5.xlarge', Priority: 2 },
            { InstanceType: 'ml.g6.xlarge', Priority: 1 },
          ],
        }),
      ],
      {
        ShadowProductionVariants: [
          { VariantName: 'shadow', ModelName: 'fraud', ServerlessConfig: { MemorySizeInMB: 2048, MaxConcurrency: 5 } },
        ],
      },
    );
    call('CreateEndpoint', { EndpointName: 'fraud-prod', EndpointConfigName: 'config-1' });
    const serverless = { MemorySizeInMB: 2048, MaxConcurrency: 5 };
    const described = describeEndpoint();
    expect(described).toMatchObject({
      ProductionVariants: [
        {
          InstancePools: [
            { InstanceType: 'ml.g6.xlarge', CurrentInstanceCount: 2 },
            { InstanceType: 'ml.g5.xlarge', CurrentInstanceCount: 0 },
          ],
        },
      ],
      ShadowProductionVariants: [
        { VariantName: 'shadow', CurrentServerlessConfig: serverless, DesiredServerlessConfig: serverless },
      ],
    });
    expect(described).not.toHaveProperty('ShadowProductionVariants.0.DesiredInstanceCount');
  });
});

describe('events', () => {
  test('an update emits the call first, then the state and the deployment, then that it is in service', () => {
    start(1000);
    createEndpoint();
    update({ DeploymentConfig: ALARMS });
    loopback.pass(1000);
    expect(detailTypes(loopback)).toEqual([
      'AWS API Call via CloudTrail',
      'SageMaker Endpoint State Change',
      'SageMaker Endpoint Deployment State Change',
      'SageMaker Endpoint State Change',
    ]);
    expect(loopback.events.map(({ detail }) => detail.EndpointStatus)).toEqual([
      undefined,
      'UPDATING',
      'UPDATING',
      'IN_SERVICE',
    ]);
    const [, updating, deployment] = loopback.events;
    const LastModifiedTime = updating?.detail.LastModifiedTime as number;
    expect(LastModifiedTime).toBeGreaterThan(START + 1000);
    expect(updating?.detail).toMatchObject({ EndpointConfigName: 'config-1' });
    expect(deployment?.detail).toMatchObject({
      LastModifiedTime,
      PendingDeploymentSummary: { EndpointConfigName: 'config-2', StartTime: LastModifiedTime },
    });
    expect(loopback.events[3]?.detail).toMatchObject({ EndpointConfigName: 'config-2' });
  });
  test('they have the shape of the recorded ones', () => {
    createEndpoint();
    update({ RetainAllVariantProperties: false, DeploymentConfig: ALARMS });
    const [trail, updating, deployment, inService] = loopback.events;
    const skipped = /sessionContext|blueGreenUpdatePolicy|^\.(id|version|account|region|resources)/;
    const of = (event: unknown) => shapeOf(event).filter((path) => !skipped.test(path));
    expect(of(trail)).toEqual(expect.arrayContaining(of(fixture('cloudtrail-sagemaker-UpdateEndpoint'))));
    expect(of(deployment).sort()).toEqual(of(fixture('sagemaker-endpoint-deployment-state-change.baking')).sort());
    expect(of(updating).sort()).toEqual(of(fixture('sagemaker-endpoint-state-change.updating')).sort());
    expect(of(inService).sort()).toEqual(of(fixture('sagemaker-endpoint-state-change.in-service')).sort());
  });
  test('the call says who made it, in whole seconds', () => {
    createEndpoint();
    update();
    expect(loopback.events[0]).toMatchObject({
      source: 'aws.sagemaker',
      time: '2026-11-20T10:00:00Z',
      detail: {
        eventTime: '2026-11-20T10:00:00Z',
        userIdentity: { type: 'IAMUser', userName: 'dana', arn: 'arn:aws:iam::111122223333:user/dana' },
        requestParameters: { endpointName: 'fraud-prod', endpointConfigName: 'config-2' },
        responseElements: { endpointArn: `${ARN}:endpoint/fraud-prod` },
        readOnly: false,
      },
    });
  });
  test('the gate reads each of them as a change of the endpoint', () => {
    createEndpoint();
    update();
    call('UpdateEndpointWeightsAndCapacities', {
      EndpointName: 'fraud-prod',
      DesiredWeightsAndCapacities: [{ VariantName: 'AllTraffic', DesiredInstanceCount: 4 }],
    });
    call('DeleteEndpoint', { EndpointName: 'fraud-prod' });
    const place = { id: 'e-1', account: loopback.account, region: loopback.region };
    const readings = loopback.events.map((event) => readEvent({ ...place, ...event }));
    expect(readings).toHaveLength(10);
    for (const reading of readings) {
      expect(reading).toMatchObject({ as: 'change', change: { endpoint: { name: 'fraud-prod' } } });
    }
  });
});

describe('lists', () => {
  test('they come page by page, filtered, and newest first', () => {
    for (let index = 1; index <= 5; index += 1) {
      createModel(`fraud-${index}`);
      loopback.pass(10);
    }
    createModel('churn');
    const first = call<{ Models: { ModelName: string }[]; NextToken: string }>('ListModels', {
      NameContains: 'fraud',
      MaxResults: 2,
    });
    expect(first.Models.map(({ ModelName }) => ModelName)).toEqual(['fraud-5', 'fraud-4']);
    createModel('fraud-6');
    call('DeleteModel', { ModelName: 'fraud-4' });
    const second = call('ListModels', { NameContains: 'fraud', MaxResults: 3, NextToken: first.NextToken });
    expect(second).toMatchObject({
      Models: [{ ModelName: 'fraud-3' }, { ModelName: 'fraud-2' }, { ModelName: 'fraud-1' }],
    });
    expect(second).not.toHaveProperty('NextToken');
    expect(() => call('ListModels', { NextToken: '%%' })).toThrow('Invalid pagination token');
  });
  test('endpoints can be sorted and asked for by status', () => {
    createEndpoint();
    call('CreateEndpoint', { EndpointName: 'a-second', EndpointConfigName: 'config-1' });
    const names = (input: object) =>
      call<{ Endpoints: { EndpointName: string }[] }>('ListEndpoints', input).Endpoints.map(
        ({ EndpointName }) => EndpointName,
      );
    expect(names({ SortBy: 'Name', SortOrder: 'Ascending' })).toEqual(['a-second', 'fraud-prod']);
    expect(names({ StatusEquals: 'Updating' })).toEqual([]);
  });
});

describe('monitoring', () => {
  const definition = (type: string, endpoint = 'fraud-prod') => ({
    JobDefinitionName: `fraud-${type}`,
    [`${type}BaselineConfig`]: { ConstraintsResource: { S3Uri: 's3://baselines/constraints.json' } },
    [`${type}AppSpecification`]: { ImageUri: 'analyzer' },
    [`${type}JobInput`]: { EndpointInput: { EndpointName: endpoint, LocalPath: '/opt/ml' } },
    [`${type}JobOutputConfig`]: { MonitoringOutputs: [] },
    JobResources: { ClusterConfig: {} },
    RoleArn: 'arn:aws:iam::111122223333:role/Monitor',
  });
  const schedule = (type: string) => ({
    MonitoringScheduleName: `fraud-${type}`,
    MonitoringScheduleConfig: {
      ScheduleConfig: { ScheduleExpression: 'cron(0 * ? * * *)' },
      MonitoringJobDefinitionName: `fraud-${type}`,
      MonitoringType: type,
    },
  });

  test.each(['DataQuality', 'ModelQuality', 'ModelBias', 'ModelExplainability'])(
    'a %s definition keeps its baseline',
    (type) => {
      call(`Create${type}JobDefinition`, definition(type));
      const described = call(`Describe${type}JobDefinition`, { JobDefinitionName: `fraud-${type}` });
      expect(described).toMatchObject({
        [`${type}BaselineConfig`]: { ConstraintsResource: { S3Uri: 's3://baselines/constraints.json' } },
      });
      expect(() => call(`Create${type}JobDefinition`, definition(type))).toThrow(
        expect.objectContaining({ code: 'ResourceInUse' }),
      );
      call(`Delete${type}JobDefinition`, { JobDefinitionName: `fraud-${type}` });
      expect(() => call(`Describe${type}JobDefinition`, { JobDefinitionName: `fraud-${type}` })).toThrow('not found');
    },
  );
  test('schedules are listed by endpoint, type and status', () => {
    createEndpoint();
    for (const type of ['DataQuality', 'ModelBias']) {
      call(`Create${type}JobDefinition`, definition(type));
      call('CreateMonitoringSchedule', schedule(type));
    }
    call('StopMonitoringSchedule', { MonitoringScheduleName: 'fraud-ModelBias' });
    const names = (input: object) =>
      call<{ MonitoringScheduleSummaries: { MonitoringScheduleName: string }[] }>('ListMonitoringSchedules', input)
        .MonitoringScheduleSummaries.map(({ MonitoringScheduleName }) => MonitoringScheduleName)
        .sort();
    expect(names({ EndpointName: 'fraud-prod' })).toEqual(['fraud-DataQuality', 'fraud-ModelBias']);
    expect(names({ EndpointName: 'other' })).toEqual([]);
    expect(names({ StatusEquals: 'Stopped' })).toEqual(['fraud-ModelBias']);
    expect(names({ MonitoringTypeEquals: 'DataQuality' })).toEqual(['fraud-DataQuality']);
    call('StartMonitoringSchedule', { MonitoringScheduleName: 'fraud-ModelBias' });
    expect(names({ StatusEquals: 'Scheduled' })).toHaveLength(2);
    call('DeleteMonitoringSchedule', { MonitoringScheduleName: 'fraud-ModelBias' });
    expect(names({})).toEqual(['fraud-DataQuality']);
  });
  test('a schedule for an endpoint that is not there is refused', () => {
    call('CreateDataQualityJobDefinition', definition('DataQuality', 'none'));
    expect(() => call('CreateMonitoringSchedule', schedule('DataQuality'))).toThrow('Could not find endpoint');
    expect(loopback.store.list('monitoring-schedule')).toEqual([]);
  });
  test('an inline definition is described with its baseline', () => {
    createEndpoint();
    const inline = {
      BaselineConfig: { ConstraintsResource: { S3Uri: 's3://baselines/inline.json' } },
      MonitoringInputs: [{ EndpointInput: { EndpointName: 'fraud-prod', LocalPath: '/opt/ml' } }],
      MonitoringOutputConfig: {},
      MonitoringResources: {},
      MonitoringAppSpecification: { ImageUri: 'analyzer' },
      RoleArn: 'arn:aws:iam::111122223333:role/Monitor',
    };
    call('CreateMonitoringSchedule', {
      MonitoringScheduleName: 'inline',
      MonitoringScheduleConfig: { MonitoringJobDefinition: inline },
    });
    const described = call('DescribeMonitoringSchedule', { MonitoringScheduleName: 'inline' });
    expect(described).toMatchObject({
      EndpointName: 'fraud-prod',
      MonitoringScheduleStatus: 'Scheduled',
      MonitoringScheduleConfig: { MonitoringJobDefinition: { BaselineConfig: inline.BaselineConfig } },
    });
  });
});

describe('inference components', () => {
  function createHost(): void {
    createModel();
    createConfig(
      'host',
      [
        {
          VariantName: 'AllTraffic',
          InstanceType: 'ml.g5.2xlarge',
          InitialInstanceCount: 2,
          ManagedInstanceScaling: { Status: 'ENABLED', MinInstanceCount: 2, MaxInstanceCount: 4 },
        },
      ],
      {
        ExecutionRoleArn: 'arn:aws:iam::111122223333:role/Hosting',
      },
    );
    call('CreateEndpoint', { EndpointName: 'fraud-prod', EndpointConfigName: 'host' });
  }
  const component = { InferenceComponentName: 'chat', EndpointName: 'fraud-prod', VariantName: 'AllTraffic' };

  test('they are created, scaled, updated and deleted; the endpoint outlives them', () => {
    createHost();
    call('CreateInferenceComponent', {
      ...component,
      Specification: { Container: { Image: IMAGE, ArtifactUrl: 's3://models/chat' } },
      RuntimeConfig: { CopyCount: 2 },
    });
    call('UpdateInferenceComponentRuntimeConfig', {
      InferenceComponentName: 'chat',
      DesiredRuntimeConfig: { CopyCount: 3 },
    });
    expect(call('DescribeInferenceComponent', { InferenceComponentName: 'chat' })).toMatchObject({
      EndpointName: 'fraud-prod',
      RuntimeConfig: { DesiredCopyCount: 3 },
      Specification: { Container: { DeployedImage: { SpecifiedImage: IMAGE }, ArtifactUrl: 's3://models/chat' } },
    });
    call('UpdateInferenceComponent', { InferenceComponentName: 'chat', Specification: { ModelName: 'fraud' } });
    expect(call('DescribeInferenceComponent', { InferenceComponentName: 'chat' })).toMatchObject({
      Specification: { ModelName: 'fraud' },
    });
    expect(
      call('ListInferenceComponents', { EndpointNameEquals: 'fraud-prod', VariantNameEquals: 'AllTraffic' }),
    ).toMatchObject({
      InferenceComponents: [{ InferenceComponentName: 'chat' }],
    });
    expect(() => call('DeleteEndpoint', { EndpointName: 'fraud-prod' })).toThrow(
      'delete its inference components first',
    );
    call('DeleteInferenceComponent', { InferenceComponentName: 'chat' });
    call('DeleteEndpoint', { EndpointName: 'fraud-prod' });
  });
  test('a variant with a model of its own hosts none', () => {
    createEndpoint();
    expect(() => call('CreateInferenceComponent', { ...component, Specification: { ModelName: 'fraud' } })).toThrow(
      'cannot host',
    );
  });
});

describe('tags', () => {
  test('each resource has its own, and they are merged, listed and deleted by ARN', () => {
    createEndpoint({ Tags: [{ Key: 'environment', Value: 'dev' }] });
    const ResourceArn = `${ARN}:endpoint/fraud-prod`;
    call('AddTags', {
      ResourceArn,
      Tags: [
        { Key: 'environment', Value: 'prod' },
        { Key: 'team', Value: 'risk' },
      ],
    });
    expect(call('ListTags', { ResourceArn })).toEqual({
      Tags: [
        { Key: 'environment', Value: 'prod' },
        { Key: 'team', Value: 'risk' },
      ],
    });
    expect(call('ListTags', { ResourceArn: `${ARN}:endpoint-config/config-1` })).toEqual({ Tags: [] });
    call('DeleteTags', { ResourceArn, TagKeys: ['environment'] });
    expect(call('ListTags', { ResourceArn })).toEqual({ Tags: [{ Key: 'team', Value: 'risk' }] });
    expect(() => call('ListTags', { ResourceArn: `${ARN}:endpoint/none` })).toThrow('Could not find endpoint');
  });
});

describe('model packages', () => {
  test('a package of a group is its next version and says what it contains', () => {
    const InferenceSpecification = { Containers: [{ Image: IMAGE, ModelDataUrl: 's3://models/fraud.tar.gz' }] };
    call('CreateModelPackage', { ModelPackageGroupName: 'fraud', InferenceSpecification });
    const { ModelPackageArn } = call('CreateModelPackage', { ModelPackageGroupName: 'fraud', InferenceSpecification });
    expect(ModelPackageArn).toBe(`${ARN}:model-package/fraud/2`);
    expect(call('DescribeModelPackage', { ModelPackageName: ModelPackageArn })).toMatchObject({
      InferenceSpecification,
    });
  });
});

describe('search', () => {
  test('shows endpoints a page at a time with their tags, as described but for what is pending', () => {
    createEndpoint({ Tags: [{ Key: 'environment', Value: 'prod' }] });
    call('CreateEndpoint', { EndpointName: 'second', EndpointConfigName: 'config-1' });
    const search = (more = {}) =>
      call<{ Results: { Endpoint: object }[]; NextToken?: string }>('Search', {
        ...{ Resource: 'Endpoint', SortBy: 'Name', SortOrder: 'Ascending', MaxResults: 1 },
        ...more,
      });
    const first = search();
    const { LastDeploymentConfig: _last, ...described } = describeEndpoint();
    expect(first.Results).toEqual([{ Endpoint: { ...described, Tags: [{ Key: 'environment', Value: 'prod' }] } }]);
    const second = search({ NextToken: first.NextToken });
    expect(second).toMatchObject({ Results: [{ Endpoint: { EndpointName: 'second', Tags: [] } }] });
    expect(second.NextToken).toBeUndefined();
  });
  test('is for endpoints only', () => {
    expect(() => call('Search', { Resource: 'Model' })).toThrow('searches for Endpoint, not for Model');
  });
});

describe('application auto scaling', () => {
  const target = {
    ServiceNamespace: 'sagemaker',
    ResourceId: 'endpoint/fraud-prod/variant/AllTraffic',
    ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
  };
  test('bounds are registered, changed one by one, described and deregistered', () => {
    createEndpoint();
    const { ScalableTargetARN } = call('RegisterScalableTarget', { ...target, MinCapacity: 1, MaxCapacity: 4 });
    expect(call('RegisterScalableTarget', { ...target, MinCapacity: 2 })).toEqual({ ScalableTargetARN });
    const wanted = { ServiceNamespace: 'sagemaker', ResourceIds: [target.ResourceId] };
    expect(call('DescribeScalableTargets', wanted)).toMatchObject({
      ScalableTargets: [{ ...target, MinCapacity: 2, MaxCapacity: 4 }],
    });
    expect(call('DescribeScalableTargets', { ...wanted, ResourceIds: ['endpoint/other/variant/a'] })).toEqual({
      ScalableTargets: [],
    });
    call('DeregisterScalableTarget', target);
    expect(() => call('DeregisterScalableTarget', target)).toThrow(
      expect.objectContaining({ code: 'ObjectNotFoundException' }),
    );
  });
  test('bounds of nothing, without an end or upside down are refused', () => {
    expect(() => call('RegisterScalableTarget', { ...target, MinCapacity: 1, MaxCapacity: 2 })).toThrow(
      'has no variant AllTraffic',
    );
    createEndpoint();
    expect(() => call('RegisterScalableTarget', { ...target, MinCapacity: 1 })).toThrow('are required');
    expect(() => call('RegisterScalableTarget', { ...target, MinCapacity: 3, MaxCapacity: 2 })).toThrow(
      'cannot be less',
    );
  });
  test('the event arrives under the names of EC2 Auto Scaling, as on AWS', () => {
    createEndpoint();
    call('RegisterScalableTarget', { ...target, MinCapacity: 1, MaxCapacity: 40 });
    const [event] = loopback.events;
    const recorded = fixture('cloudtrail-appautoscaling-RegisterScalableTarget');
    expect(event?.source).toBe(recorded.source);
    const of = ({ detail }: { detail: Record<string, unknown> }) => ({
      parameters: detail.requestParameters,
      source: detail.eventSource,
      service: detail.additionalEventData,
    });
    expect(of(event as typeof recorded)).toEqual(of(recorded));
  });
});
