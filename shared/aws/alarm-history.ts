import { paginateDescribeAlarmHistory } from '@aws-sdk/client-cloudwatch';
import { type AlarmHistory, alarmHistoryFrom, type HistoryItem, type Stretch } from '../model/alarm-history.ts';
import type { With } from './services.ts';

const DAY_MS = 86_400_000;
/** CloudWatch keeps the history of alarms at least so long, of deleted ones too (CloudWatch documentation). */
const KEPT_DAYS = 14;

/**
 * Whether an alarm was in ALARM in a stretch of time that is over. Where that cannot be read, it is unknown, with why: this
 * only names a cause, and nobody shall be left without the rest for it.
 */
export async function readAlarmHistory(
  { cloudwatch, now }: With<'cloudwatch'>,
  name: string,
  stretch: Stretch,
): Promise<AlarmHistory> {
  const items: HistoryItem[] = [];
  try {
    const pages = paginateDescribeAlarmHistory(
      { client: cloudwatch, pageSize: 100 },
      {
        AlarmName: name,
        // Without it, AWS tells of metric alarms only.
        AlarmTypes: ['MetricAlarm', 'CompositeAlarm', 'LogAlarm'],
        HistoryItemType: 'StateUpdate',
        StartDate: new Date(stretch.from),
        ScanBy: 'TimestampAscending',
      },
    );
    for await (const { AlarmHistoryItems = [] } of pages) {
      items.push(...AlarmHistoryItems.map(({ Timestamp, HistoryData }) => itemFrom(Timestamp, HistoryData)));
    }
  } catch (error) {
    return { known: false, why: `its history could not be read (${(error as Error).name})` };
  }
  const history = alarmHistoryFrom(items, stretch);
  const days = (Date.parse(now()) - Date.parse(stretch.from)) / DAY_MS;
  if (history.known && !history.inAlarm && days > KEPT_DAYS) {
    return { known: false, why: `CloudWatch keeps histories for ${KEPT_DAYS} days, and it began before that` };
  }
  return history;
}

const itemFrom = (at: Date | undefined, data: string | undefined): HistoryItem => ({ at: at?.toISOString(), data });
