import { readFileSync } from 'node:fs';
import type { BusEvent, Caller, Loopback, ServiceTable } from '../../local/aws/loopback.ts';
import { openStore } from '../../local/aws/store.ts';

export const START = Date.parse('2026-11-20T10:00:00.250Z');
export const caller: Caller = { accessKeyId: 'dana', account: '111122223333', region: 'us-east-1' };

export type TestLoopback = Loopback & {
  events: BusEvent[];
  /** Moves the clock and runs what became due. */
  pass: (ms: number) => void;
  /** As when the process stops: timers are lost, the store stays. */
  loseTimers: () => void;
};

/** A loopback AWS in memory with a clock that moves on request. */
export function inMemoryLoopback(transitionMs = 0): TestLoopback {
  let now = START;
  let ids = 0;
  let timers: { at: number; work: () => void }[] = [];
  const events: BusEvent[] = [];
  return {
    store: openStore(':memory:'),
    account: caller.account,
    region: caller.region,
    now: () => new Date(now),
    newId: () => `00000000-0000-4000-8000-${String(++ids).padStart(12, '0')}`,
    transitionMs,
    after: (ms, work) => timers.push({ at: now + ms, work }),
    emit: (event) => events.push(event),
    events,
    pass: (ms) => {
      now += ms;
      const due = timers.filter(({ at }) => at <= now);
      timers = timers.filter(({ at }) => at > now);
      for (const { work } of due) work();
    },
    loseTimers: () => {
      timers = [];
    },
  };
}

/** Calls an operation in dana's name; the answer as JSON would carry it. */
export const callerOf =
  (table: ServiceTable) =>
  <T = Record<string, unknown>>(operation: string, input: object = {}, who = caller): T => {
    const run = table[operation];
    if (!run) throw new Error(`There is no operation ${operation}.`);
    return JSON.parse(JSON.stringify(run(input as Record<string, unknown>, who))) as T;
  };

export const detailTypes = ({ events }: TestLoopback) => events.map((event) => event['detail-type']);

/** Every path to a value in it, array indexes left out: the shape, not the values. */
export function shapeOf(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [path];
  const inner = Array.isArray(value)
    ? value.flatMap((item) => shapeOf(item, `${path}[]`))
    : Object.entries(value).flatMap(([key, item]) => shapeOf(item, `${path}.${key}`));
  return [...new Set(inner)];
}

export const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`../fixtures/events/${name}.json`, import.meta.url), 'utf8')) as BusEvent;
