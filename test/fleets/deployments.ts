import type { Account, Row } from './account.ts';

const alarmsOf = (name: string) => ({
  Alarms: ['ModelMonitorAlarm', 'DataDriftAlarm', '5xx'].map((role) => ({ AlarmName: `${name}-${role}` })),
});
const canary = (seconds: number) => ({
  TrafficRoutingConfiguration: {
    Type: 'CANARY',
    WaitIntervalInSeconds: seconds,
    CanarySize: { Type: 'CAPACITY_PERCENT', Value: 50 },
  },
});
const update = ({ name, call }: Account, more: Record<string, unknown> = {}) =>
  call('UpdateEndpoint', { EndpointName: name, EndpointConfigName: `${name}-config-1`, ...more });
const deployedBy = (policy: (name: string) => object) => (account: Account) =>
  update(account, { DeploymentConfig: { ...policy(account.name), AutoRollbackConfiguration: alarmsOf(account.name) } });
/** Another config of the same endpoint, with one thing changed. */
const config = ({ name, call }: Account, suffix: string, variant: object) =>
  call('CreateEndpointConfig', {
    EndpointConfigName: `${name}-${suffix}`,
    ProductionVariants: [
      {
        VariantName: 'AllTraffic',
        ModelName: `${name}-AllTraffic`,
        InstanceType: 'ml.m5.large',
        InitialInstanceCount: 2,
        ...variant,
      },
    ],
    DataCaptureConfig: {
      EnableCapture: true,
      InitialSamplingPercentage: 20,
      DestinationS3Uri: 's3://example-capture/x',
      CaptureOptions: [{ CaptureMode: 'InputAndOutput' }],
    },
  });
const status = (EndpointStatus: string) => (account: Account) =>
  account.edit('endpoint', account.name, (row) => ({ ...row, status: EndpointStatus }));

/** Deployments: what is coming, what was dropped, and what could have stopped it (aws-facts 2.2). */
export const deploymentRows: Row[] = [
  { name: 'nothing wrong at all: a person decides' },
  {
    name: 'an update without a DeploymentConfig, which drops the alarms of the one before',
    after: (account) => update(account),
    finds: { 'rollback-alarms': ['violation', /came without a DeploymentConfig/] },
  },
  {
    name: 'an update that retains the DeploymentConfig',
    after: (account) => update(account, { RetainDeploymentConfig: true }),
  },
  {
    name: 'an update with a DeploymentConfig without alarms',
    after: (account) => update(account, { DeploymentConfig: { BlueGreenUpdatePolicy: canary(600) } }),
    finds: { 'rollback-alarms': ['violation', /names no ModelMonitorAlarm/] },
  },
  {
    name: 'alarms, and no time in which they could trip',
    after: deployedBy(() => ({})),
    finds: { 'rollback-alarms': ['advice', /kept no old fleet to go back to/] },
  },
  {
    name: 'all traffic at once: the interval between steps does not count',
    after: deployedBy(() => ({
      BlueGreenUpdatePolicy: { TrafficRoutingConfiguration: { Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 600 } },
    })),
    finds: { 'rollback-alarms': ['advice', /kept no old fleet/] },
  },
  {
    name: 'all traffic at once, with the old fleet kept for a while',
    after: deployedBy(() => ({
      BlueGreenUpdatePolicy: {
        TrafficRoutingConfiguration: { Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 0 },
        TerminationWaitInSeconds: 600,
      },
    })),
  },
  {
    name: 'a canary that is over before the quickest alarm could trip',
    after: deployedBy(() => ({ BlueGreenUpdatePolicy: canary(120) })),
    finds: { 'rollback-alarms': ['advice', /could trip within the 120 s that it baked/] },
  },
  {
    name: 'a rolling update that waits between its batches',
    after: deployedBy(() => ({
      RollingUpdatePolicy: { MaximumBatchSize: { Type: 'CAPACITY_PERCENT', Value: 25 }, WaitIntervalInSeconds: 300 },
    })),
  },
  {
    name: 'alarms that monitoring jobs feed once an hour, and none on the traffic',
    endpoint: (name) => ({ rollbackAlarms: [`${name}-ModelMonitorAlarm`, `${name}-DataDriftAlarm`] }),
    finds: { 'rollback-alarms': ['advice', /None of its alarms could trip within the 600 s/] },
  },
  {
    name: 'a deployment under way: what is coming counts, and its alarms are not known yet',
    after: (account) => {
      config(account, 'config-2', { InitialInstanceCount: 1 });
      const { name, slowly } = account;
      slowly('UpdateEndpoint', { EndpointName: name, EndpointConfigName: `${name}-config-2` });
    },
    finds: {
      'prod-min-instances': ['violation', /AllTraffic can run on 1/],
      'rollback-alarms': ['advice', /A deployment is under way/],
    },
  },
  {
    name: "AWS's own maintenance: the alarms of the last deployment are not to be told meanwhile",
    after: status('SystemUpdating'),
    finds: { 'rollback-alarms': ['advice', /under way/] },
  },
  {
    name: 'a config that was deleted while in use is no guess',
    after: ({ call, name }) => call('DeleteEndpointConfig', { EndpointConfigName: `${name}-config-1` }),
    fails: /config-1 was deleted while in use/,
  },
  {
    name: 'counts that were lowered by a call of their own, past the config',
    after: ({ call, name }) =>
      call('UpdateEndpointWeightsAndCapacities', {
        EndpointName: name,
        DesiredWeightsAndCapacities: [{ VariantName: 'AllTraffic', DesiredInstanceCount: 1 }],
      }),
    finds: { 'prod-min-instances': ['violation', /AllTraffic can run on 1, needs 2/] },
  },
  {
    name: 'counts that an update takes over from what runs, not from its config',
    after: (account) => {
      const { call, name } = account;
      const wanted = [{ VariantName: 'AllTraffic', DesiredInstanceCount: 1 }];
      call('UpdateEndpointWeightsAndCapacities', { EndpointName: name, DesiredWeightsAndCapacities: wanted });
      config(account, 'config-2', { InitialInstanceCount: 4 });
      call('UpdateEndpoint', {
        EndpointName: name,
        EndpointConfigName: `${name}-config-2`,
        RetainAllVariantProperties: true,
        RetainDeploymentConfig: true,
      });
    },
    finds: { 'prod-min-instances': ['violation', /AllTraffic can run on 1/] },
  },
  {
    name: 'Inf1, for which AWS has no guardrails',
    endpoint: {
      variants: [
        { instanceType: 'ml.inf1.xlarge', count: 2, model: { image: 'x', artifact: 's3://example-models/x/m' } },
      ],
    },
    finds: { 'rollback-alarms': ['not-applicable', /no deployment guardrails for Inf1/] },
  },
];
