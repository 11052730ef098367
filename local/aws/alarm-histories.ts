import * as z from 'zod';
import type { AlarmRow } from './cloudwatch.ts';
import { type Json, pageOf, present, readInput } from './input.ts';
import { AwsError, type Loopback } from './loopback.ts';

/** One change of an alarm's state, `at` in epoch milliseconds. Keys are in the order of time. */
type HistoryRow = {
  key: string;
  name: string;
  type: AlarmRow['type'];
  at: number;
  from: string;
  to: string;
  reason: string;
};

const HISTORY_KIND = 'alarm-history';
/** CloudWatch keeps histories for a time; this keeps so many changes of an alarm. */
const KEPT = 100;

const Input = z.strictObject({
  AlarmName: z.string().min(1).max(255).optional(),
  AlarmTypes: z.array(z.enum(['MetricAlarm', 'CompositeAlarm', 'LogAlarm'])).default(['MetricAlarm']),
  HistoryItemType: z.literal('StateUpdate', 'The loopback AWS keeps histories of states only: StateUpdate'),
  StartDate: z.number().optional(),
  EndDate: z.number().optional(),
  ScanBy: z.enum(['TimestampDescending', 'TimestampAscending']).default('TimestampDescending'),
  MaxRecords: z.number().int().min(1).max(100).default(50),
  NextToken: z.string().optional(),
});

const historyOf = ({ store }: Loopback, name?: string) =>
  store.list<HistoryRow>(HISTORY_KIND).filter((row) => name === undefined || row.name === name);

/** Keeps that the state of an alarm has become another. What is kept outlives the alarm, as on AWS. */
export function keepInHistory(loopback: Loopback, row: AlarmRow, before: AlarmRow): void {
  const { name, type, state } = row;
  const mine = historyOf(loopback, name).sort((a, b) => (a.key < b.key ? -1 : 1));
  const atOnce = mine.filter(({ at }) => at === state.at).length;
  const key = `${String(state.at).padStart(15, '0')}#${name}#${String(atOnce).padStart(3, '0')}`;
  loopback.store.put(HISTORY_KIND, key, {
    ...{ key, name, type, at: state.at, reason: state.reason },
    ...{ from: before.state.value, to: state.value },
  } satisfies HistoryRow);
  for (const old of mine.slice(0, Math.max(0, mine.length + 1 - KEPT))) loopback.store.delete(HISTORY_KIND, old.key);
}

function itemOf({ name, type, at, from, to, reason }: HistoryRow): Json {
  const newState = { stateValue: to, stateReason: reason };
  return {
    AlarmName: name,
    AlarmType: type,
    Timestamp: at / 1000,
    HistoryItemType: 'StateUpdate',
    HistorySummary: `Alarm updated from ${from} to ${to}`,
    HistoryData: JSON.stringify({ version: '1.0', oldState: { stateValue: from }, newState }),
  };
}

/** CloudWatch's DescribeAlarmHistory, for changes of state. */
export function describeAlarmHistory(loopback: Loopback, input: Json): Json {
  const wanted = readInput(Input, input, 'ValidationError');
  if (wanted.StartDate !== undefined && wanted.EndDate !== undefined && wanted.StartDate > wanted.EndDate) {
    throw new AwsError('ValidationError', 'StartDate must not be after EndDate.');
  }
  const rows = historyOf(loopback, wanted.AlarmName).filter(
    ({ type, at }) =>
      wanted.AlarmTypes.includes(type) &&
      at >= (wanted.StartDate ?? 0) * 1000 &&
      at <= (wanted.EndDate ?? Number.POSITIVE_INFINITY) * 1000,
  );
  const { items, next } = pageOf(rows, ({ key }) => key, {
    ...{ token: wanted.NextToken, limit: wanted.MaxRecords },
    descending: wanted.ScanBy === 'TimestampDescending',
  });
  return present({ AlarmHistoryItems: items.map(itemOf), NextToken: next });
}
