import type { PlanState } from '../shared/model/plan-state.ts';
import { backoffMs, type Clock, LostConnectionError, type PlanGate } from './plan-gate.ts';

const MAX_PAUSE_MS = 10_000;
const IN_PROGRESS: readonly PlanState['state'][] = ['reading', 'open', 'waiting'];

export const isUnderWay = ({ state }: PlanState): boolean => IN_PROGRESS.includes(state);

/** What a plan waits for, in words. */
export function inWords({ state, reason, request, validUntil }: PlanState): string {
  switch (state) {
    case 'reading':
      return 'The gate reads what the plan names.';
    case 'open':
      return 'The policies are checked.';
    case 'waiting': {
      const given =
        request?.approvals.filter(({ answer }) => answer === 'approved').map(({ approver }) => approver) ?? [];
      const so = given.length > 0 ? ` Approved so far by ${given.join(', ')}.` : '';
      return `It waits for people until ${request?.expiresAt ?? 'they answer'}.${so}`;
    }
    default:
      return `${state}: ${reason ?? ''}${['compliant', 'approved', 'unchanged'].includes(state) && validUntil ? ` (valid until ${validUntil})` : ''}`;
  }
}

export type Waited = { state: PlanState; timedOut: boolean };

/**
 * Waits until a plan has ended, or until `deadline` (milliseconds since 1970). A lost connection is no end: it is tried
 * again, ever less often. `progress` is told when something has changed.
 */
export async function waitForPlan(
  gate: Pick<PlanGate, 'state'>,
  id: string,
  deadline: number,
  clock: Clock,
  progress: (line: string) => void,
): Promise<Waited> {
  let last: PlanState | undefined;
  let told = '';
  let failures = 0;
  let pauseMs = 500;
  const tell = (line: string) => {
    if (line !== told) progress(line);
    told = line;
  };
  for (;;) {
    try {
      last = await gate.state(id);
      failures = 0;
      tell(inWords(last));
      if (!isUnderWay(last)) return { state: last, timedOut: false };
      pauseMs = Math.min(Math.round(pauseMs * 1.5), MAX_PAUSE_MS);
    } catch (error) {
      if (!(error instanceof LostConnectionError)) throw error;
      failures += 1;
      pauseMs = backoffMs(failures);
      tell(`The connection is lost (${error.message}); it is tried again.`);
    }
    const left = deadline - Date.parse(clock.now());
    if (left <= 0) {
      if (last) return { state: last, timedOut: true };
      throw new LostConnectionError('the gate was not reached at all');
    }
    await clock.pause(Math.min(pauseMs, left));
  }
}
