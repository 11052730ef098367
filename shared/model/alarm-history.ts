import * as z from 'zod';

// A StateUpdate of DescribeAlarmHistory carries its states as JSON in HistoryData (AWS CLI examples,
// cloudwatch/describe-alarm-history: `{"version":"1.0","oldState":{"stateValue":"ALARM",...},"newState":{...}}`).
const StateUpdate = z.object({
  oldState: z.object({ stateValue: z.string() }),
  newState: z.object({ stateValue: z.string() }),
});

/** One item of an alarm's history: when, ISO 8601, and its HistoryData. */
export type HistoryItem = { at: string | undefined; data: string | undefined };

/** A stretch of time, ISO 8601. */
export type Stretch = { from: string; until: string };

/**
 * Whether an alarm was in ALARM in a stretch of time, as its history tells. `at`: when it first went there; null where it
 * was there before.
 */
export type AlarmHistory = { known: true; inAlarm: boolean; at: string | null } | { known: false; why: string };

/** Holds what happened since the start of a stretch, oldest first, against the stretch. */
export function alarmHistoryFrom(items: readonly HistoryItem[], { until }: Stretch): AlarmHistory {
  const changes: { at: string; from: string; to: string }[] = [];
  for (const { at, data } of items) {
    const { data: parsed } = StateUpdate.safeParse(parseJson(data));
    if (at === undefined || !parsed) return { known: false, why: 'its history is not understood' };
    changes.push({ at, from: parsed.oldState.stateValue, to: parsed.newState.stateValue });
  }
  if (changes[0]?.from === 'ALARM') return { known: true, inAlarm: true, at: null };
  const tripped = changes.find(({ at, to }) => to === 'ALARM' && at <= until);
  return { known: true, inAlarm: tripped !== undefined, at: tripped?.at ?? null };
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
