import { type Endpoint, type MonitoringSchedule, paginateSearch } from '@aws-sdk/client-sagemaker';
import { digestOf } from '../model/canonical-json.ts';
import type { ShownEndpoint, ShownMonitor } from '../model/shown-endpoint.ts';
import { lastRunOf } from './monitor-reader.ts';
import type { With } from './services.ts';

export type SearchedEndpoint = Pick<ShownEndpoint, 'name' | 'status' | 'lastModifiedAt'> & {
  searched: NonNullable<ShownEndpoint['searched']>;
};

function monitorFrom(schedule: MonitoringSchedule): ShownMonitor {
  const { MonitoringScheduleConfig: config, MonitoringType: type } = schedule;
  return {
    name: schedule.MonitoringScheduleName ?? '',
    status: schedule.MonitoringScheduleStatus ?? '',
    config: digestOf(JSON.parse(JSON.stringify({ type, config }))),
    lastModifiedAt: schedule.LastModifiedTime?.toISOString(),
    // Where there is none, nobody knows whether Search shows them at all.
    lastRun: lastRunOf(schedule) ?? undefined,
  };
}

const variantFrom = ({
  VariantName,
  DesiredInstanceCount,
  DesiredWeight,
}: NonNullable<Endpoint['ProductionVariants']>[number]) => ({
  ...(VariantName !== undefined && { VariantName }),
  ...(DesiredInstanceCount !== undefined && { DesiredInstanceCount }),
  ...(DesiredWeight !== undefined && { DesiredWeight }),
});

/**
 * All endpoints of the account and region with their tags and monitoring schedules, a hundred for each call: SageMaker's
 * `Search` for `Endpoint` answers what otherwise takes DescribeEndpoint, ListTags and ListMonitoringSchedules of each
 * (SageMaker API model). It does not show pending deployments nor LastDeploymentConfig. AWS does not say how soon it
 * shows a change, so nobody may conclude from it that an endpoint is gone or has stayed as it was a moment ago.
 */
export async function searchEndpoints({ sagemaker }: With<'sagemaker'>): Promise<SearchedEndpoint[]> {
  const found: SearchedEndpoint[] = [];
  const pages = paginateSearch(
    { client: sagemaker, pageSize: 100 },
    { Resource: 'Endpoint', SortBy: 'CreationTime', SortOrder: 'Ascending' },
  );
  for await (const page of pages) {
    for (const { Endpoint: endpoint } of page.Results ?? []) {
      if (!endpoint?.EndpointName) continue;
      found.push({
        name: endpoint.EndpointName,
        status: endpoint.EndpointStatus ?? '',
        lastModifiedAt: endpoint.LastModifiedTime?.toISOString(),
        searched: {
          configName: endpoint.EndpointConfigName,
          variants: (endpoint.ProductionVariants ?? []).map(variantFrom),
          tags: Object.fromEntries((endpoint.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])),
          capture: endpoint.DataCaptureConfig?.CaptureStatus,
          monitors: (endpoint.MonitoringSchedules ?? []).map(monitorFrom),
        },
      });
    }
  }
  return found;
}
