import type { EndpointHistory } from './endpoint-history.ts';

/** The request of an earlier change than this one that was superseded and has not ended yet: its execution still waits. */
export function replacedRequest({ changes }: EndpointHistory, generation: number): string | undefined {
  return changes.findLast(
    ({ generation: other, decided, outcome }) => other < generation && decided?.answer === 'superseded' && !outcome,
  )?.request?.request;
}
