import { paginateListEndpoints } from '@aws-sdk/client-sagemaker';
import type { With } from './services.ts';

/** What the list of endpoints says about one of them. */
export type ListedEndpoint = { name: string; status: string; lastModifiedAt: string | undefined };

/** All endpoints of the account and region, or those modified since then, page by page. */
export async function listEndpoints({ sagemaker }: With<'sagemaker'>, modifiedAfter?: Date): Promise<ListedEndpoint[]> {
  const found: ListedEndpoint[] = [];
  // Oldest first: what is created meanwhile comes last and moves nothing from one page to another. (The paginator keeps
  // its place in the object it is given, so that must be a new one each time.)
  const pages = paginateListEndpoints(
    { client: sagemaker, pageSize: 100 },
    { SortBy: 'CreationTime', SortOrder: 'Ascending', ...(modifiedAfter && { LastModifiedTimeAfter: modifiedAfter }) },
  );
  for await (const page of pages) {
    for (const { EndpointName, EndpointStatus = '', LastModifiedTime } of page.Endpoints ?? []) {
      if (!EndpointName) continue;
      found.push({ name: EndpointName, status: EndpointStatus, lastModifiedAt: LastModifiedTime?.toISOString() });
    }
  }
  return found;
}
