/** Minimum and maximum of instances, as Application Auto Scaling keeps them; what is not set stays as it is. */
export type Bounds = { min?: number | undefined; max?: number | undefined };

/** A scheduled action that sets bounds at some time. */
export type ScheduledBounds = Bounds & { schedule: string; endsAt?: string | undefined };

/** `at(2026-11-20T22:00:00)` runs once, in a time zone of its own, so it is over for sure a day later only. */
const ONCE = /^at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)$/;
const DAY_MS = 86_400_000;

function isOver({ schedule, endsAt }: ScheduledBounds, now: string): boolean {
  if (endsAt !== undefined && endsAt <= now) return true;
  const once = ONCE.exec(schedule)?.[1];
  return once !== undefined && Date.parse(`${once}Z`) + DAY_MS < Date.parse(now);
}

/**
 * How low and how high a target's bounds will go, now and by every scheduled action that can still run: the floor is what
 * availability can count on, the ceiling is what may have to be paid.
 */
export function effectiveBounds(target: Bounds, actions: readonly ScheduledBounds[], now: string): Bounds {
  const coming = actions.filter((action) => !isOver(action, now));
  const lowest = [target, ...coming].flatMap(({ min }) => min ?? []);
  const highest = [target, ...coming].flatMap(({ max }) => max ?? []);
  return {
    ...(lowest.length > 0 && { min: Math.min(...lowest) }),
    ...(highest.length > 0 && { max: Math.max(...highest) }),
  };
}
