const HOUR = 60;
const DAY = 24 * HOUR;

/** The longest pause, in minutes, between two of these hours of the day. */
function longestGap(hours: readonly number[]): number {
  const gaps = hours.map((hour, index) => ((hours[index + 1] ?? (hours[0] ?? 0) + 24) - hour) * HOUR);
  return Math.max(...gaps);
}

/**
 * How far apart the runs of a monitoring schedule are at most, in minutes. Its expressions are hourly, daily, or every
 * so many hours from one of the day on: `cron(0 * ? * * *)`, `cron(0 17 ? * * *)`, `cron(0 0/6 ? * * *)` (ScheduleConfig
 * of the SageMaker API). Undefined for `NOW`, which runs once, and for what is none of these.
 */
export function longestPeriodMinutes(expression: string): number | undefined {
  const [, hours = ''] = /^cron\(\d{1,2} (\S+) [?*] \* [?*] \*\)$/.exec(expression.trim()) ?? [];
  if (hours === '*') return HOUR;
  const [, from, step] = /^(\*|\d{1,2})(?:\/(\d{1,2}))?$/.exec(hours) ?? [];
  if (from === undefined) return undefined;
  if (step === undefined) return DAY;
  const first = from === '*' ? 0 : Number(from);
  const every = Number(step);
  if (every < 1 || first > 23) return undefined;
  return longestGap(Array.from({ length: Math.ceil((24 - first) / every) }, (_, index) => first + index * every));
}
