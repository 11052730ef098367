import * as z from 'zod';
import { canonicalJson, sha256 } from '../../shared/model/canonical-json.ts';
import { readInput } from './input.ts';
import { AwsError, type BusEvent, type Loopback, type ServiceTable } from './loopback.ts';

// CloudTrail's event history: every call that changed something, whether or not its event ever reached the bus. AWS keeps 90
// days of it (CloudTrail user guide, "Viewing event history").
const HISTORY_DAYS = 90;
const DAY_MS = 86_400_000;

/** Rows of this kind are kept by day, `call-history 2026-11-21`, so that a day is dropped whole and found without an index. */
export const CALL_HISTORY = 'call-history';
const dayOf = (ms: number) => `${CALL_HISTORY} ${new Date(ms).toISOString().slice(0, 10)}`;
const firstDay = (loopback: Loopback) => loopback.now().getTime() - HISTORY_DAYS * DAY_MS;

/** `at` is when it was kept, to the millisecond: event times are whole seconds, and pages need an order. */
type Kept = { at: string; call: CallRecord };
type CallRecord = {
  eventID: string;
  eventName: string;
  eventSource: string;
  eventTime: string;
  readOnly: boolean;
  awsRegion: string;
  userIdentity: { userName: string; accessKeyId: string };
};

/** Before which day each store holds nothing. */
const dropped = new WeakMap<Loopback['store'], string>();

/** Keeps the event of a call; the first of a day drops what has become older than the history goes back. */
export function keepCall(loopback: Loopback, { detail }: BusEvent): void {
  const { store } = loopback;
  const call = detail as CallRecord;
  const at = loopback.now();
  store.put(dayOf(at.getTime()), call.eventID, { at: at.toISOString(), call } satisfies Kept);
  const first = dayOf(firstDay(loopback));
  if (dropped.get(store) === first) return;
  store.drop(CALL_HISTORY, first);
  dropped.set(store, first);
}

const ATTRIBUTES: Record<string, (call: CallRecord) => string> = {
  EventId: ({ eventID }) => eventID,
  EventName: ({ eventName }) => eventName,
  EventSource: ({ eventSource }) => eventSource,
  ReadOnly: ({ readOnly }) => String(readOnly),
  Username: ({ userIdentity }) => userIdentity.userName,
  AccessKeyId: ({ userIdentity }) => userIdentity.accessKeyId,
};

const Moment = z.number().min(0).max(8.64e12);
const LookupEventsInput = z.strictObject({
  LookupAttributes: z.array(z.strictObject({ AttributeKey: z.string(), AttributeValue: z.string() })).default([]),
  StartTime: Moment.optional(),
  EndTime: Moment.optional(),
  MaxResults: z.int().default(50),
  NextToken: z.string().optional(),
});
type LookupEventsInput = z.infer<typeof LookupEventsInput>;

/** What is wrong with a lookup, as the API reference of LookupEvents names it. */
function refuseUnfit({ LookupAttributes, StartTime, EndTime, MaxResults }: LookupEventsInput): void {
  if (MaxResults < 1 || MaxResults > 50)
    throw new AwsError('InvalidMaxResultsException', `MaxResults is ${MaxResults}; it must be from 1 to 50.`);
  if (StartTime !== undefined && EndTime !== undefined && StartTime > EndTime)
    throw new AwsError('InvalidTimeRangeException', 'StartTime must not be after EndTime.');
  if (LookupAttributes.length > 1)
    throw new AwsError('InvalidLookupAttributesException', 'A lookup takes one attribute.');
  const [key] = LookupAttributes.map(({ AttributeKey }) => AttributeKey);
  if (key !== undefined && !(key in ATTRIBUTES))
    throw new AwsError(
      'InvalidLookupAttributesException',
      `The loopback AWS looks up by ${Object.keys(ATTRIBUTES).join(', ')}, not by ${key}.`,
    );
}

/** Kept calls from the newest to the oldest, of a time in which both ends are, in milliseconds. */
function* newestFirst({ store }: Loopback, from: number, to: number): Generator<Kept> {
  for (let day = to; dayOf(day) >= dayOf(from); day -= DAY_MS) {
    const kept = store.list<Kept>(dayOf(day));
    yield* kept.sort((a, b) => (orderOf(a) < orderOf(b) ? 1 : -1));
  }
}
const orderOf = ({ at, call }: Kept) => `${at} ${call.eventID}`;

/** CloudTrail as far as `audit reconcile` asks it. What AWS limits to two lookups in a second is not limited here. */
export function cloudtrail(loopback: Loopback): ServiceTable {
  return {
    LookupEvents: (input, { region }) => {
      const wanted = readInput(LookupEventsInput, input);
      refuseUnfit(wanted);
      const { LookupAttributes, StartTime, EndTime, MaxResults, NextToken } = wanted;
      // A token is good for the lookup that it came from, and for no other.
      const lookup = `${sha256(canonicalJson([LookupAttributes, StartTime ?? null, EndTime ?? null])).slice(0, 16)} `;
      const token = NextToken === undefined ? undefined : Buffer.from(NextToken, 'base64url').toString('utf8');
      if (token !== undefined && !token.startsWith(lookup))
        throw new AwsError(
          'InvalidNextTokenException',
          'The token is not valid, or is of a lookup with other parameters.',
        );
      const after = token?.slice(lookup.length);
      const now = loopback.now().getTime();
      const from = Math.max(firstDay(loopback), (StartTime ?? 0) * 1_000);
      const to = Math.min(now, (EndTime ?? Number.POSITIVE_INFINITY) * 1_000);
      const [attribute] = LookupAttributes;
      const page: Kept[] = [];
      for (const kept of newestFirst(loopback, from, to)) {
        const { call } = kept;
        const time = Date.parse(call.eventTime);
        if (call.awsRegion !== region || time < from || time > to) continue;
        if (attribute && ATTRIBUTES[attribute.AttributeKey]?.(call) !== attribute.AttributeValue) continue;
        if (after !== undefined && orderOf(kept) >= after) continue;
        page.push(kept);
        if (page.length > MaxResults) break;
      }
      const more = page.length > MaxResults;
      const shown = page.slice(0, MaxResults);
      const last = shown.at(-1);
      return {
        Events: shown.map(({ call }) => ({
          EventId: call.eventID,
          EventName: call.eventName,
          ReadOnly: String(call.readOnly),
          AccessKeyId: call.userIdentity.accessKeyId,
          EventTime: Date.parse(call.eventTime) / 1_000,
          EventSource: call.eventSource,
          Username: call.userIdentity.userName,
          Resources: [],
          CloudTrailEvent: JSON.stringify(call),
        })),
        ...(more && last && { NextToken: Buffer.from(lookup + orderOf(last), 'utf8').toString('base64url') }),
      };
    },
  };
}
