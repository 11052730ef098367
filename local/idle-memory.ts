import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const LOOK_EVERY_MS = 5_000;
/** Shares of the time in which the thread had something to do. */
const BUSY = 0.2;
const IDLE = 0.05;

/**
 * V8 keeps what a burst of work made it take, in case of another. When this thread has been busy and is idle again, its
 * garbage is collected once and the memory goes back to the machine. Collecting during the burst would cost latency.
 */
export function returnMemoryWhenIdle(): void {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  let before = performance.eventLoopUtilization();
  let worked = false;
  setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    if (utilization > BUSY) worked = true;
    else if (worked && utilization < IDLE) {
      worked = false;
      collect();
      before = performance.eventLoopUtilization();
    }
  }, LOOK_EVERY_MS).unref();
}
