import { AwsError } from './loopback.ts';

const MINUTE_MS = 60_000;
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

/** `P2DT12H` -> minutes; from one minute to fifteen days (PutAlarmMuteRule API). */
export function durationMinutes(text: string): number {
  const [, days = 0, hours = 0, minutes = 0] = /^P(?=.)(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?)?$/.exec(text) ?? [];
  const sum = Number(days) * 1440 + Number(hours) * 60 + Number(minutes);
  if (sum < 1 || sum > 15 * 1440) {
    throw new AwsError('ValidationError', 'Duration must be an ISO 8601 duration between PT1M and P15D.');
  }
  return sum;
}

/** `1,15`, `MON-FRI`, `*` or `0/15`: one field of a cron expression. */
function meets(field: string, value: number, last: number): boolean {
  return field.split(',').some((part) => {
    const [range = '', step = '1'] = part.split('/');
    const number = (name = '') => (DAYS.includes(name) ? DAYS.indexOf(name) : Number(name));
    const [from, to] = range === '*' ? [0, last] : range.split('-').map(number);
    const end = to ?? (part.includes('/') ? last : from);
    return (
      from !== undefined && end !== undefined && value >= from && value <= end && (value - from) % Number(step) === 0
    );
  });
}

function startsAt(fields: readonly string[], at: Date): boolean {
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = fields;
  return (
    meets(minute, at.getUTCMinutes(), 59) &&
    meets(hour, at.getUTCHours(), 23) &&
    meets(day, at.getUTCDate(), 31) &&
    meets(month, at.getUTCMonth() + 1, 12) &&
    meets(weekday, at.getUTCDay(), 6)
  );
}

export type Window = { expression: string; minutes: number };

/** `ONE_TIME` or `RECURRING`, or a refusal: `at(2026-11-20T18:00)` and `cron(0 18 * * FRI)` are understood, in UTC. */
export function kindOf(expression: string): 'ONE_TIME' | 'RECURRING' {
  if (/^at\(\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?\)$/.test(expression)) return 'ONE_TIME';
  if (/^cron\(\S+ \S+ \S+ \S+ \S+\)$/.test(expression)) return 'RECURRING';
  throw new AwsError('ValidationError', `Expression "${expression}" is none of at(...) and cron(...).`);
}

/** Is the window open at this moment, and is it over for good? */
export function stateOf({ expression, minutes }: Window, now: Date): 'open' | 'closed' | 'over' {
  const inner = expression.slice(expression.indexOf('(') + 1, -1);
  if (kindOf(expression) === 'ONE_TIME') {
    const from = Date.parse(`${inner}Z`);
    if (now.getTime() < from) return 'closed';
    return now.getTime() < from + minutes * MINUTE_MS ? 'open' : 'over';
  }
  const fields = inner.split(' ');
  for (let ago = 0; ago < minutes; ago += 1) {
    if (startsAt(fields, new Date(now.getTime() - ago * MINUTE_MS))) return 'open';
  }
  return 'closed';
}
