import * as z from 'zod';
import { type Json, present, readInput } from './input.ts';
import { AwsError, type Loopback, type ServiceTable } from './loopback.ts';
import type { EndpointRow } from './sagemaker-endpoint-life.ts';
import { describeRow } from './sagemaker-endpoints.ts';
import { describeSchedule, schedulesOf } from './sagemaker-monitoring.ts';
import { listResources } from './sagemaker-resources.ts';

const SearchInput = z.strictObject({
  Resource: z.string(),
  SortBy: z.enum(['Name', 'CreationTime', 'LastModifiedTime']).default('LastModifiedTime'),
  SortOrder: z.enum(['Ascending', 'Descending']).default('Descending'),
  NextToken: z.string().optional(),
  MaxResults: z.number().int().min(1).max(100).default(10),
});

/** What a search shows of an endpoint is what describing it does, without what is pending and how it was deployed. */
function searched(loopback: Loopback, row: EndpointRow): Json {
  const { PendingDeploymentSummary: _pending, LastDeploymentConfig: _last, ...shown } = describeRow(row);
  const schedules = schedulesOf(loopback, row.name);
  return present({
    ...shown,
    Tags: loopback.store.get<{ tags: Json[] }>('tags', row.arn)?.tags ?? [],
    MonitoringSchedules:
      schedules.length > 0 ? schedules.map((each) => describeSchedule(each, loopback.now())) : undefined,
  });
}

/** `Search` for endpoints, without conditions. It is never behind here, as it may be at AWS. */
export function search(loopback: Loopback): ServiceTable {
  return {
    Search: (input) => {
      const { Resource, ...paging } = readInput(SearchInput, input);
      if (Resource !== 'Endpoint') {
        throw new AwsError('ValidationException', `The loopback AWS searches for Endpoint, not for ${Resource}.`);
      }
      const { items, next } = listResources(loopback.store.list<EndpointRow>('endpoint'), paging);
      const results = items.map((row) => ({ Endpoint: searched(loopback, row) }));
      return present({ Results: results, NextToken: next });
    },
  };
}
