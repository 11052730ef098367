import { setTimeout as sleep } from 'node:timers/promises';

/** Long after the slowest of what is waited for here. */
export const PATIENCE_MS = 60_000;

/** Asks again until there is an answer; gives up long after there should be one. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  patienceMs: number = PATIENCE_MS,
): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`${what} after ${patienceMs / 1000} s.`);
    await sleep(50);
  }
}
