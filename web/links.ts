import type { EndpointRef } from '../shared/model/endpoint-ref.ts';

/** An endpoint, planned or not; `undefined` for whoever takes the mark away. */
type Linked = Pick<EndpointRef, 'account' | 'region' | 'name'> & { planned?: true | undefined };

/** Where a change has its page; a plan has its own. */
export function changePath({ account, region, name, planned }: Linked, generation: number): string {
  const path = [account, region, name, String(generation)].map(encodeURIComponent).join('/');
  return `/${planned ? 'plans' : 'changes'}/${path}`;
}

/** Where the form is sent to that has a change put back. */
export const putBackPath = (endpoint: Linked, generation: number) => `${changePath(endpoint, generation)}/put-back`;

/** Where an endpoint has its history; that of its plans is beside it. */
export function endpointPath({ account, region, name, planned }: Linked): string {
  return `/endpoints/${[account, region, name].map(encodeURIComponent).join('/')}${planned ? '?plans=yes' : ''}`;
}

/** Where a request is shown and answered. */
export function approvalPath(request: string): string {
  return `/approvals/${encodeURIComponent(request)}`;
}

/** What can be done about a request with a form of its page. */
export const REQUEST_ACTIONS = ['answer', 'comment', 'withdraw', 'ask-again', 'break-glass', 'review'] as const;
export type RequestAction = (typeof REQUEST_ACTIONS)[number];

/** Where such a form is sent to. */
export const actionPath = (request: string, action: RequestAction) => `${approvalPath(request)}/${action}`;
