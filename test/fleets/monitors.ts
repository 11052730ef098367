import { type Account, type FleetInput, goodModel, type Row } from './account.ts';

const schedule = ({ name, call }: Account, config: Record<string, unknown>) =>
  call('UpdateMonitoringSchedule', {
    MonitoringScheduleName: `${name}-data-quality`,
    MonitoringScheduleConfig: config,
  });
const HOURLY = { ScheduleConfig: { ScheduleExpression: 'cron(0 * ? * * *)' } };
const inline = ({ name }: Account, baseline?: object) => ({
  ...(baseline ? { BaselineConfig: baseline } : {}),
  MonitoringInputs: [{ EndpointInput: { EndpointName: name, LocalPath: '/opt/ml/processing/input/endpoint' } }],
  MonitoringOutputConfig: { MonitoringOutputs: [] },
  MonitoringResources: { ClusterConfig: { InstanceCount: 1, InstanceType: 'ml.m5.large', VolumeSizeInGB: 20 } },
  MonitoringAppSpecification: { ImageUri: 'sagemaker-model-monitor-analyzer' },
  RoleArn: 'arn:aws:iam::111122223333:role/SageMakerMonitor',
});
const baselineOf = (name: string) => `s3://example-baselines/${name}/data-quality/constraints.json`;
const monitors = (...list: NonNullable<FleetInput['monitors']>) => ({ monitors: list });
const unmonitored = (what: RegExp) => ({ 'prod-model-monitor': ['violation', what] as ['violation', RegExp] });
const serverless = { serverless: { memoryMb: 2048, maxConcurrency: 5 }, model: goodModel };

/** Monitors that look as if they watched, and data capture that feeds them nothing (aws-facts 2.2, 2.3, 2.6). */
export const monitorRows: Row[] = [
  { name: 'no monitor at all', endpoint: monitors(), finds: unmonitored(/no monitoring schedule names this endpoint/) },
  {
    name: 'a schedule that somebody stopped',
    after: ({ call, name }) => call('StopMonitoringSchedule', { MonitoringScheduleName: `${name}-data-quality` }),
    finds: unmonitored(/is Stopped, not Scheduled/),
  },
  {
    name: 'a schedule that was stopped and started again',
    after: ({ call, name }) => {
      call('StopMonitoringSchedule', { MonitoringScheduleName: `${name}-data-quality` });
      call('StartMonitoringSchedule', { MonitoringScheduleName: `${name}-data-quality` });
    },
  },
  {
    name: 'a schedule that was deleted',
    after: ({ call, name }) => call('DeleteMonitoringSchedule', { MonitoringScheduleName: `${name}-data-quality` }),
    finds: unmonitored(/no monitoring schedule names this endpoint/),
  },
  {
    name: 'a schedule that runs once and never again',
    endpoint: monitors({ type: 'DataQuality', expression: 'NOW' }),
    finds: unmonitored(/runs once only \(ScheduleExpression NOW\)/),
  },
  {
    name: 'a schedule without a baseline',
    endpoint: monitors({ type: 'DataQuality', baseline: false }),
    finds: unmonitored(/has no baseline to compare with/),
  },
  {
    name: 'a baseline that was never written: the baselining job failed',
    endpoint: monitors({ type: 'ModelBias', baseline: 'missing' }),
    finds: unmonitored(/baseline s3:.*constraints\.json of schedule .* does not exist/),
  },
  {
    name: 'a baseline that was deleted since',
    after: ({ deleteObject, name }) => deleteObject(baselineOf(name)),
    finds: unmonitored(/does not exist/),
  },
  {
    name: 'a job definition that was deleted under its schedule',
    after: ({ call, name }) => call('DeleteDataQualityJobDefinition', { JobDefinitionName: `${name}-data-quality` }),
    finds: unmonitored(/has no baseline/),
  },
  {
    name: 'a schedule with its definition inside, which has a baseline',
    after: (account) =>
      schedule(account, {
        ...HOURLY,
        MonitoringJobDefinition: inline(account, { ConstraintsResource: { S3Uri: baselineOf(account.name) } }),
      }),
  },
  {
    name: 'a schedule with its definition inside, without a baseline',
    after: (account) => schedule(account, { ...HOURLY, MonitoringJobDefinition: inline(account) }),
    finds: unmonitored(/has no baseline/),
  },
  {
    name: 'statistics that are there, and constraints that are not',
    after: (account) => {
      account.putObject(`s3://example-baselines/${account.name}/statistics.json`);
      const baseline = {
        StatisticsResource: { S3Uri: `s3://example-baselines/${account.name}/statistics.json` },
        ConstraintsResource: { S3Uri: `s3://example-baselines/${account.name}/never-written.json` },
      };
      schedule(account, { ...HOURLY, MonitoringJobDefinition: inline(account, baseline) });
    },
    finds: unmonitored(/never-written\.json .* does not exist/),
  },
  {
    name: 'a schedule that fails every hour and is Scheduled',
    endpoint: monitors({ type: 'DataQuality', runs: 'Failed' }),
    finds: unmonitored(/the last run of schedule .* failed: Job inputs had no data/),
  },
  {
    name: 'a schedule that is Scheduled and has never run in a month',
    endpoint: monitors({ type: 'DataQuality', runs: 'never' }),
    finds: unmonitored(/has never run, and should have by 2026-10-21/),
  },
  {
    name: 'a schedule that has just been made with its endpoint',
    endpoint: { createdDaysAgo: 0.01, ...monitors({ type: 'DataQuality', runs: 'never' }) },
    finds: { 'prod-model-monitor': ['advice', /has not run yet; it counts as dead if it has not by/] },
  },
  {
    name: 'a run under way',
    endpoint: monitors({ type: 'DataQuality', runs: 'InProgress' }),
  },
  {
    name: 'runs that find violations: that is what they are for',
    endpoint: monitors({ type: 'DataQuality', runs: 'CompletedWithViolations' }),
    finds: { 'prod-model-monitor': ['advice', /found violations of its baseline/] },
  },
  {
    name: 'one good monitor beside a dead one',
    endpoint: monitors({ type: 'DataQuality' }, { type: 'ModelBias', runs: 'Failed' }),
  },
  {
    name: 'a monitor of a type that the settings do not want',
    settings: { requiredMonitorTypes: ['ModelQuality'] },
    finds: unmonitored(/no ModelQuality monitoring schedule/),
  },
  {
    name: 'one monitor of each type that the settings want',
    endpoint: monitors({ type: 'DataQuality' }, { type: 'ModelQuality' }),
    settings: { requiredMonitorTypes: ['ModelQuality', 'DataQuality'] },
  },
  {
    name: 'a young endpoint without monitors has time',
    endpoint: { createdDaysAgo: 0.02, ...monitors() },
    finds: { 'prod-model-monitor': ['advice', /Not yet monitored: no monitoring schedule .* more minutes/] },
  },
  {
    name: 'no data capture: monitors have nothing to read',
    endpoint: { dataCapture: undefined },
    finds: unmonitored(/data capture is off/),
  },
  {
    name: 'data capture that samples nothing',
    endpoint: { dataCapture: { samplingPercentage: 0 } },
    finds: unmonitored(/samples 0 % \(InitialSamplingPercentage\)/),
  },
  {
    name: 'data capture of the input alone',
    endpoint: { dataCapture: { samplingPercentage: 20, directions: ['Input'] } },
    finds: unmonitored(/takes no Output/),
  },
  {
    name: 'data capture of the output alone',
    endpoint: { dataCapture: { samplingPercentage: 20, directions: ['Output'] } },
    finds: unmonitored(/takes no Input/),
  },
  {
    name: 'data capture that stopped by itself at a full disk',
    endpoint: { dataCapture: { samplingPercentage: 20, status: 'Stopped' } },
    finds: unmonitored(/data capture is Stopped \(CaptureStatus\)/),
  },
  {
    name: 'a young endpoint without data capture has no time: only another deployment helps',
    endpoint: { createdDaysAgo: 0.02, dataCapture: undefined },
    finds: unmonitored(/data capture is off/),
  },
  {
    name: 'serverless, which SageMaker cannot monitor',
    endpoint: { variants: [serverless], dataCapture: undefined, monitors: [] },
    finds: {
      'prod-model-monitor': ['not-applicable', /no data capture and no Model Monitor for Serverless/],
      'prod-min-instances': 'not-applicable',
      'approved-instance-types': 'not-applicable',
    },
  },
];
