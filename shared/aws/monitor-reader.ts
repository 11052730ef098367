import {
  DescribeDataQualityJobDefinitionCommand,
  DescribeModelBiasJobDefinitionCommand,
  DescribeModelExplainabilityJobDefinitionCommand,
  DescribeModelQualityJobDefinitionCommand,
  DescribeMonitoringScheduleCommand,
  type DescribeMonitoringScheduleCommandOutput,
  type MonitoringScheduleSummary,
  paginateListMonitoringSchedules,
} from '@aws-sdk/client-sagemaker';
import type { Monitor } from '../model/endpoint-facts.ts';
import { readUnseenBaselines } from './baseline-reader.ts';
import type { Reading } from './endpoint-reader.ts';

type Baseline =
  | {
      ConstraintsResource?: { S3Uri?: string | undefined } | undefined;
      StatisticsResource?: { S3Uri?: string | undefined } | undefined;
    }
  | undefined;
type Cluster = { InstanceType?: string | undefined; InstanceCount?: number | undefined } | undefined;

/** What the policies want to know of a job definition, wherever it stands. */
type Definition = Pick<Monitor, 'baselineUris' | 'runsOn'>;

const definitionFrom = (baseline: Baseline, cluster: Cluster): Definition => ({
  baselineUris: [baseline?.ConstraintsResource?.S3Uri, baseline?.StatisticsResource?.S3Uri].filter(
    (uri): uri is string => Boolean(uri),
  ),
  runsOn: cluster?.InstanceType ? { instanceType: cluster.InstanceType, instances: cluster.InstanceCount ?? 1 } : null,
});

/** Four APIs for one thing: the job definition of each type holds the baseline under its own name. */
function describeDefinition({ services }: Reading, type: Monitor['type'], name: string) {
  const { sagemaker } = services;
  const input = { JobDefinitionName: name };
  switch (type) {
    case 'DataQuality':
      return sagemaker
        .send(new DescribeDataQualityJobDefinitionCommand(input))
        .then((found) => definitionFrom(found.DataQualityBaselineConfig, found.JobResources?.ClusterConfig));
    case 'ModelQuality':
      return sagemaker
        .send(new DescribeModelQualityJobDefinitionCommand(input))
        .then((found) => definitionFrom(found.ModelQualityBaselineConfig, found.JobResources?.ClusterConfig));
    case 'ModelBias':
      return sagemaker
        .send(new DescribeModelBiasJobDefinitionCommand(input))
        .then((found) => definitionFrom(found.ModelBiasBaselineConfig, found.JobResources?.ClusterConfig));
    case 'ModelExplainability':
      return sagemaker
        .send(new DescribeModelExplainabilityJobDefinitionCommand(input))
        .then((found) => definitionFrom(found.ModelExplainabilityBaselineConfig, found.JobResources?.ClusterConfig));
    default:
      return Promise.resolve(definitionFrom(undefined, undefined));
  }
}

/** A definition that was deleted under its schedule has no baseline any more: the schedule's runs fail. */
async function readDefinition(reading: Reading, type: Monitor['type'], name: string): Promise<Definition> {
  const { ref, cache, call } = reading;
  try {
    return await cache.get(`job-definition:${ref.region}:${type}:${name}`, () =>
      call(() => describeDefinition(reading, type, name)),
    );
  } catch (error) {
    if ((error as Error).name === 'ResourceNotFound') return { baselineUris: [], runsOn: null };
    throw error;
  }
}

/** Where a status or time is none that we know, the facts as a whole are refused. */
export const lastRunOf = ({
  LastMonitoringExecutionSummary: last,
}: Pick<DescribeMonitoringScheduleCommandOutput, 'LastMonitoringExecutionSummary'>) =>
  last
    ? {
        status: last.MonitoringExecutionStatus as NonNullable<Monitor['lastRun']>['status'],
        scheduledAt: last.ScheduledTime?.toISOString() ?? '',
        failureReason: last.FailureReason?.slice(0, 500) ?? null,
      }
    : null;

/**
 * What only DescribeMonitoringSchedule says: how often it runs, how its last run went, a definition of its own. Its state
 * is in the list, which is always read anew.
 */
export async function readSchedule({ services, ref, cache, call, ahead }: Reading, name: string) {
  const describe = () =>
    cache.get(`schedule:${ref.account}:${ref.region}:${name}`, () =>
      call(() => services.sagemaker.send(new DescribeMonitoringScheduleCommand({ MonitoringScheduleName: name }))),
    );
  const shown = await (ahead ? ahead.once({ what: 'schedule', names: [name] }, describe) : describe());
  const config = shown.MonitoringScheduleConfig;
  const inline = config?.MonitoringJobDefinition;
  return {
    expression: config?.ScheduleConfig?.ScheduleExpression ?? null,
    modifiedAt: shown.LastModifiedTime?.toISOString() ?? null,
    lastRun: lastRunOf(shown),
    inline: definitionFrom(inline?.BaselineConfig, inline?.MonitoringResources?.ClusterConfig),
  };
}

async function monitorFrom(reading: Reading, summary: MonitoringScheduleSummary): Promise<Monitor> {
  const name = summary.MonitoringScheduleName ?? '';
  const type = summary.MonitoringType ?? 'unknown';
  const jobDefinition = summary.MonitoringJobDefinitionName ?? null;
  const [{ inline, ...schedule }, named] = await Promise.all([
    readSchedule(reading, name),
    jobDefinition === null ? undefined : readDefinition(reading, type, jobDefinition),
  ]);
  const definition = named ?? inline;
  return {
    name,
    type,
    status: summary.MonitoringScheduleStatus ?? 'Failed',
    ...definition,
    unseenBaselines: await readUnseenBaselines(reading, definition.baselineUris),
    jobDefinition,
    createdAt: summary.CreationTime?.toISOString() ?? null,
    ...schedule,
    modifiedAt: summary.LastModifiedTime?.toISOString() ?? schedule.modifiedAt,
  };
}

/** The monitoring schedules of this endpoint (not of the region), each with the baseline it compares with. */
export async function readMonitors(reading: Reading): Promise<Monitor[]> {
  const { services, ref, call } = reading;
  const summaries = await call(async () => {
    const found: MonitoringScheduleSummary[] = [];
    const pages = paginateListMonitoringSchedules(
      { client: services.sagemaker, pageSize: 100 },
      { EndpointName: ref.name },
    );
    for await (const page of pages) found.push(...(page.MonitoringScheduleSummaries ?? []));
    return found;
  });
  return Promise.all(summaries.map((summary) => monitorFrom(reading, summary)));
}
