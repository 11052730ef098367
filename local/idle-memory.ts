import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const LOOK_EVERY_MS = 5_000;
/** What the first collection lets go of is often all that holds the rest. */
const PASSES = 2;
/** Shares of the time in which the thread had something to do. */
const BUSY = 0.2;
const IDLE = 0.05;

/**
 * V8 keeps what a burst of work made it take, in case of another. When this thread has been busy and is idle again, its
 * garbage is collected, and V8 gives the memory back some eight seconds later. Collecting during the burst would cost latency.
 */
export function returnMemoryWhenIdle(): void {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  let before = performance.eventLoopUtilization();
  let passes = 0;
  setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    if (utilization > BUSY) passes = PASSES;
    else if (passes > 0 && utilization < IDLE) {
      passes -= 1;
      collect();
      before = performance.eventLoopUtilization();
    }
  }, LOOK_EVERY_MS).unref();
}
