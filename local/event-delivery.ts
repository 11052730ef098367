import pLimit from 'p-limit';
import { run as receiveEvent } from '../functions/receive-event.ts';
import type { Services } from '../shared/aws/services.ts';
import { quarantine } from '../shared/aws/work.ts';
import type { QueuedEvent } from './aws/worker.ts';

export type DeliveryOptions = {
  services: Services;
  /** Tells the store that events need not be delivered again. */
  handled: (keys: string[]) => void;
  /** Each event is delivered so many times, as AWS may. */
  copies?: number;
  /** Each copy comes up to so many milliseconds late, so that they overtake each other. */
  maxDelayMs?: number;
  random?: () => number;
  concurrency?: number;
};

/** Those of one change are handled within a few milliseconds of each other; what is not told before a crash comes again. */
const TOLD_AFTER_MS = 50;

/** EventBridge gives up after 185 tries and puts the event into a dead-letter queue; ours is the quarantine. */
const RETRIES_MS = [100, 300, 1_000, 3_000, 10_000, 30_000, 60_000, 60_000];

/** The name under which an event names its endpoint, where it does; only for keeping order. */
function endpointOf({ detail }: Record<string, unknown>): string | undefined {
  const { EndpointName, requestParameters } = (detail ?? {}) as { EndpointName?: unknown; requestParameters?: unknown };
  const name = EndpointName ?? (requestParameters as { endpointName?: unknown } | null | undefined)?.endpointName;
  return typeof name === 'string' ? name.toLowerCase() : undefined;
}

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
  let telling: NodeJS.Timeout | undefined;
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

  /** The last delivery about each endpoint: one endpoint's events are handed over one after the other. */
  const tails = new Map<string, Promise<void>>();

  function inTurn(event: Record<string, unknown>): Promise<void> {
    const key = endpointOf(event);
    if (key === undefined) return once(event);
    const turn = (tails.get(key) ?? Promise.resolve()).then(() => once(event));
    tails.set(key, turn);
    return turn.finally(() => {
      if (tails.get(key) === turn) tails.delete(key);
    });
  }

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

  function tellHandled(): void {
    telling = undefined;
    handled(done.splice(0));
  }

  function acknowledge(key: string): void {
    done.push(key);
    telling ??= setTimeout(tellHandled, TOLD_AFTER_MS);
  }

  return {
    deliver: ({ key, event }: QueuedEvent): void => {
      underWay += 1;
      const deliveries = Array.from({ length: copies }, async () => {
        await wait(maxDelayMs > 0 ? random() * maxDelayMs : 0);
        await inTurn(event);
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
      clearTimeout(telling);
      if (telling) tellHandled();
    },
  };
}
