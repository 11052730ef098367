import pLimit from 'p-limit';
import { run as receiveEvent } from '../functions/receive-event.ts';
import type { Services } from '../shared/aws/services.ts';
import { quarantine } from '../shared/aws/work.ts';
import type { QueuedEvent } from './aws/worker.ts';

export type DeliveryOptions = {
  services: Services;
  /** Tells the store that events need not be delivered again. */
  handled: (keys: string[]) => Promise<void>;
  /** Each event is delivered so many times, as AWS may. */
  copies?: number;
  /** Each copy comes up to so many milliseconds late, so that they overtake each other. */
  maxDelayMs?: number;
  random?: () => number;
  concurrency?: number;
};

/** EventBridge gives up after 185 tries and puts the event into a dead-letter queue; ours is the quarantine. */
const RETRIES_MS = [100, 300, 1_000, 3_000, 10_000, 30_000, 60_000, 60_000];

/**
 * The bus: hands every event to the receiving function at least once, retries it when that fails, and quarantines what
 * still fails. An event leaves the store only after it was handled, so a crash delivers it again.
 */
export function createDelivery({
  services,
  handled,
  copies = 1,
  maxDelayMs = 0,
  random = Math.random,
  concurrency = 16,
}: DeliveryOptions) {
  const limit = pLimit(concurrency);
  const done: string[] = [];
  let flushing = false;
  let stopped = false;
  let underWay = 0;
  const timers = new Set<NodeJS.Timeout>();

  const wait = (ms: number) =>
    ms <= 0
      ? Promise.resolve()
      : new Promise<void>((resolve) => {
          const timer = setTimeout(() => {
            timers.delete(timer);
            resolve();
          }, ms);
          timers.add(timer);
        });

  async function once(event: unknown): Promise<void> {
    for (let attempt = 0; !stopped; attempt += 1) {
      try {
        await limit(() => receiveEvent(event, services));
        return;
      } catch (error) {
        const delay = RETRIES_MS[attempt];
        if (delay === undefined) {
          const { name, message } = error as Error;
          await quarantine(services, event, `could not be handled: ${name}: ${message}`);
          return;
        }
        await wait(delay);
      }
    }
  }

  function acknowledge(key: string): void {
    done.push(key);
    if (flushing) return;
    flushing = true;
    setImmediate(() => {
      flushing = false;
      void handled(done.splice(0));
    });
  }

  return {
    deliver: ({ key, event }: QueuedEvent): void => {
      underWay += 1;
      const deliveries = Array.from({ length: copies }, async () => {
        await wait(maxDelayMs > 0 ? random() * maxDelayMs : 0);
        await once(event);
      });
      Promise.all(deliveries).then(
        () => {
          underWay -= 1;
          if (!stopped) acknowledge(key);
        },
        // Not handled and not quarantined: it stays in the store and comes again at the next start.
        () => {
          underWay -= 1;
        },
      );
    },
    underWay: () => underWay,
    stop: () => {
      stopped = true;
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
