import {
  DescribeDataQualityJobDefinitionCommand,
  DescribeModelBiasJobDefinitionCommand,
  DescribeModelExplainabilityJobDefinitionCommand,
  DescribeModelQualityJobDefinitionCommand,
  DescribeMonitoringScheduleCommand,
  type MonitoringScheduleSummary,
  paginateListMonitoringSchedules,
} from '@aws-sdk/client-sagemaker';
import type { Monitor } from '../model/endpoint-facts.ts';
import type { Reading } from './endpoint-reader.ts';

type Baseline =
  | {
      ConstraintsResource?: { S3Uri?: string | undefined } | undefined;
      StatisticsResource?: { S3Uri?: string | undefined } | undefined;
    }
  | undefined;

const urisOf = (baseline: Baseline) =>
  [baseline?.ConstraintsResource?.S3Uri, baseline?.StatisticsResource?.S3Uri].filter((uri): uri is string =>
    Boolean(uri),
  );

/** Four APIs for one thing: the job definition of each type holds the baseline under its own name. */
async function baselineOfDefinition(
  { services, ref, cache, call }: Reading,
  type: string,
  name: string,
): Promise<string[]> {
  const input = { JobDefinitionName: name };
  const { sagemaker } = services;
  return cache.get(`job-definition:${ref.region}:${type}:${name}`, () =>
    call(async () => {
      switch (type) {
        case 'DataQuality':
          return urisOf(
            (await sagemaker.send(new DescribeDataQualityJobDefinitionCommand(input))).DataQualityBaselineConfig,
          );
        case 'ModelQuality':
          return urisOf(
            (await sagemaker.send(new DescribeModelQualityJobDefinitionCommand(input))).ModelQualityBaselineConfig,
          );
        case 'ModelBias':
          return urisOf(
            (await sagemaker.send(new DescribeModelBiasJobDefinitionCommand(input))).ModelBiasBaselineConfig,
          );
        case 'ModelExplainability':
          return urisOf(
            (await sagemaker.send(new DescribeModelExplainabilityJobDefinitionCommand(input)))
              .ModelExplainabilityBaselineConfig,
          );
        default:
          return [];
      }
    }),
  );
}

async function monitorFrom(reading: Reading, summary: MonitoringScheduleSummary): Promise<Monitor> {
  const { services, call } = reading;
  const name = summary.MonitoringScheduleName ?? '';
  const type = summary.MonitoringType ?? 'unknown';
  // The summary names the job definition; only schedules with an inline definition need to be described.
  const definition = summary.MonitoringJobDefinitionName;
  const inline = async () => {
    const schedule = await call(() =>
      services.sagemaker.send(new DescribeMonitoringScheduleCommand({ MonitoringScheduleName: name })),
    );
    return urisOf(schedule.MonitoringScheduleConfig?.MonitoringJobDefinition?.BaselineConfig);
  };
  return {
    name,
    type,
    status: summary.MonitoringScheduleStatus ?? 'Failed',
    baselineUris: definition ? await baselineOfDefinition(reading, type, definition) : await inline(),
    createdAt: summary.CreationTime?.toISOString() ?? null,
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
