import { sha256 } from '../../shared/model/canonical-json.ts';
import { keepCall } from './call-history.ts';
import type { BusEvent, Caller, Loopback, ServiceTable } from './loopback.ts';

/** Whose call it is: `source` of the event, `eventSource` of the record. */
export type RecordedService = { source: string; eventSource: string; additionalEventData?: Record<string, unknown> };

export type RecordedCall = RecordedService & {
  eventName: string;
  requestParameters: unknown;
  responseElements?: unknown;
};

/** Event times are whole seconds (CloudTrail user guide, record contents). */
export const wholeSeconds = (date: Date) => `${date.toISOString().slice(0, 19)}Z`;

/** Members as CloudTrail writes them: the first letter in lower case. Keys that are data, as in Environment, stay. */
export function lowerCamel(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lowerCamel);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key.charAt(0).toLowerCase() + key.slice(1),
      key === 'Environment' ? item : lowerCamel(item),
    ]),
  );
}

/** The CloudTrail event of a call that succeeded. The caller's access key id is its user name. */
export function callEvent(loopback: Loopback, caller: Caller, call: RecordedCall): BusEvent {
  const { account, region } = loopback;
  const eventTime = wholeSeconds(loopback.now());
  return {
    source: call.source,
    'detail-type': 'AWS API Call via CloudTrail',
    time: eventTime,
    detail: {
      eventVersion: '1.11',
      userIdentity: {
        type: 'IAMUser',
        principalId: `AIDA${sha256(caller.accessKeyId).slice(0, 17).toUpperCase()}`,
        arn: `arn:aws:iam::${account}:user/${caller.accessKeyId}`,
        accountId: account,
        accessKeyId: caller.accessKeyId,
        userName: caller.accessKeyId,
      },
      eventTime,
      eventSource: call.eventSource,
      eventName: call.eventName,
      awsRegion: region,
      sourceIPAddress: '127.0.0.1',
      userAgent: 'loopback-aws',
      requestParameters: call.requestParameters ?? null,
      responseElements: call.responseElements ?? null,
      requestID: loopback.newId(),
      eventID: loopback.newId(),
      readOnly: false,
      eventType: 'AwsApiCall',
      managementEvent: true,
      recipientAccountId: account,
      eventCategory: 'Management',
      ...(call.additionalEventData ? { additionalEventData: call.additionalEventData } : {}),
    },
  };
}

/** An operation that changes something. It checks before it writes: what threw has stored nothing. */
export type Mutation = (loopback: Loopback, input: Record<string, unknown>, caller: Caller) => object;

/**
 * Runs a change and the CloudTrail event of its call together, which also goes into the history. The call's event comes before
 * those of its effects, although their bodies are known first, so that whoever reads them in order knows who did it.
 */
export function recorded<T>(
  loopback: Loopback,
  change: (loopback: Loopback) => { result: T; call: (loopback: Loopback) => BusEvent },
): T {
  return loopback.store.together(() => {
    let held: BusEvent[] | undefined = [];
    // Later transitions keep this emit, so it lets events through once the call is over.
    const emit = (event: BusEvent) => {
      if (held) held.push(event);
      else loopback.emit(event);
    };
    const { result, call } = change({ ...loopback, emit });
    const effects = held;
    held = undefined;
    const called = call(loopback);
    keepCall(loopback, called);
    loopback.emit(called);
    for (const event of effects) loopback.emit(event);
    return result;
  });
}

/** A service's changing operations, each with its CloudTrail event. */
export function recordedOperations(
  loopback: Loopback,
  service: RecordedService,
  mutations: Record<string, Mutation>,
): ServiceTable {
  return Object.fromEntries(
    Object.entries(mutations).map(([eventName, mutation]) => [
      eventName,
      (input, caller) =>
        recorded(loopback, (held) => {
          const output = mutation(held, input, caller);
          const responseElements = Object.keys(output).length > 0 ? lowerCamel(output) : null;
          const requestParameters = lowerCamel(input);
          return {
            result: output,
            call: (own) => callEvent(own, caller, { ...service, eventName, requestParameters, responseElements }),
          };
        }),
    ]),
  );
}
