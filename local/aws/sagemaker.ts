import type { Loopback, ServiceTable } from './loopback.ts';
import { inferenceComponents } from './sagemaker-components.ts';
import { endpointConfigs } from './sagemaker-endpoint-configs.ts';
import { endpoints } from './sagemaker-endpoints.ts';
import { jobDefinitions } from './sagemaker-job-definitions.ts';
import { models } from './sagemaker-models.ts';
import { monitoringSchedules } from './sagemaker-monitoring.ts';
import { search } from './sagemaker-search.ts';
import { tags } from './sagemaker-tags.ts';

export { resumeTransitions } from './sagemaker-endpoint-life.ts';

/** SageMaker's control plane, as far as hosting goes. */
export function sagemaker(loopback: Loopback): ServiceTable {
  return {
    ...models(loopback),
    ...endpointConfigs(loopback),
    ...endpoints(loopback),
    ...monitoringSchedules(loopback),
    ...jobDefinitions(loopback),
    ...inferenceComponents(loopback),
    ...tags(loopback),
    ...search(loopback),
  };
}
