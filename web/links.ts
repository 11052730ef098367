import type { EndpointRef } from '../shared/model/endpoint-ref.ts';

/** Where a change has its page. */
export function changePath({ account, region, name }: EndpointRef, generation: number): string {
  return `/changes/${[account, region, name, String(generation)].map(encodeURIComponent).join('/')}`;
}

/** Where a request is shown and answered. */
export function approvalPath(request: string): string {
  return `/approvals/${encodeURIComponent(request)}`;
}
